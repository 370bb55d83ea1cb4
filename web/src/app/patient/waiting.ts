import { t } from '@/i18n'
import type { TicketView } from '@/protocol/types'

/** The three sentences of the waiting room, honest where nothing is known. */
export function waitingWords(ticket: TicketView, now: number): { ahead: string; estimate: string; lastCall: string } {
  return { ahead: ahead(ticket), estimate: estimate(ticket), lastCall: lastCall(ticket.last_call_at, now) }
}

function ahead(ticket: TicketView): string {
  if (ticket.ahead === null) return ''
  return ticket.ahead === 0 ? t('wait.ahead.none') : t('wait.ahead', { n: ticket.ahead })
}

function estimate(ticket: TicketView): string {
  if (ticket.estimate.kind === 'range') {
    const { low_min: low, high_min: high } = ticket.estimate
    return low === high ? t('wait.estimate.about', { n: low }) : t('wait.estimate', { low, high })
  }
  return ticket.desks_open === 0 ? t('wait.estimate.unknown.no_desk') : t('wait.estimate.unknown')
}

function lastCall(at: number | null, now: number): string {
  if (at === null) return t('wait.last_call.none')
  const minutes = Math.floor((now - at) / 60_000)
  return minutes < 1 ? t('wait.last_call.now') : t('wait.last_call.minutes', { n: minutes })
}
