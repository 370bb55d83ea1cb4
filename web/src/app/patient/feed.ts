import { shallowRef, type ShallowRef } from 'vue'
import { ApiError, type Http } from '@/protocol/http'
import type { TicketView } from '@/protocol/types'

/** Whether what is on the screen is still true. */
export type Link = { state: 'online' } | { state: 'reconnecting'; since: number } | { state: 'replaced' }

/** Keeps one ticket fresh until stopped. The socket pushes; where there is none, or it fails, this asks again and again. */
export interface TicketFeed {
  link: Readonly<ShallowRef<Link>>
  stop(): void
  /** Asks at once: the page was shown again, the network came back. */
  refresh(): void
}

export function pollTicket(http: Http, id: string, told: (ticket: TicketView) => void, everyMs = 4000): TicketFeed {
  const link = shallowRef<Link>({ state: 'online' })
  let stopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let asking = false

  async function ask(): Promise<void> {
    clearTimeout(timer)
    if (stopped || asking) return
    asking = true
    try {
      const ticket = await http.get<TicketView>(`/tickets/${id}`)
      if (stopped) return
      link.value = { state: 'online' }
      told(ticket)
    } catch (cause) {
      const error = ApiError.from(cause)
      const away = error.status === 0 || error.status >= 500
      if (away && link.value.state === 'online') link.value = { state: 'reconnecting', since: Date.now() }
    } finally {
      asking = false
      if (!stopped) timer = setTimeout(() => void ask(), everyMs)
    }
  }
  timer = setTimeout(() => void ask(), everyMs)
  return {
    link,
    refresh: () => void ask(),
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
