// What must be reported: suspicions within two hours, and adverse events to the administrators.

import { computed, type ComputedRef } from 'vue'
import { t } from '@/i18n'
import type { AdverseEvent, AdverseEventRequest, AdverseEventView, CaseReport, CaseReportForm } from '@/protocol/reports'
import type { Live } from '../live'
import type { Session } from '../session'
import { useFeed, type Feed } from './feed'

export interface Left {
  late: boolean
  hours: number
  minutes: number
}

/** Whole minutes that are left, or have gone by since: never more time than there is, never less delay than there was. */
export function leftOf(due: number, now: number): Left {
  const minutes = Math.floor(Math.abs(due - now) / 60_000)
  return { late: now >= due, hours: Math.floor(minutes / 60), minutes: minutes % 60 }
}

/** The time that is left, in words. */
export function leftWords(due: number, now: number): string {
  const { late, hours, minutes } = leftOf(due, now)
  return t(late ? 'report.late' : 'report.left', { h: hours, m: minutes })
}

export interface Reports {
  feed: Feed<CaseReport[]>
  due: ComputedRef<readonly CaseReport[]>
  closed: ComputedRef<readonly CaseReport[]>
  overdue: (now: number) => readonly CaseReport[]
  /** The card; it is written down that it was read. */
  form: (id: string) => Promise<CaseReportForm>
  open: (visit: string, reason: string) => Promise<void>
  report: (id: string, receipt: string) => Promise<void>
  dismiss: (id: string, reason: string) => Promise<void>
}

export function useReports(session: Session, live: Live, institution: string): Reports {
  const { http } = session
  const feed = useFeed<CaseReport[]>(live, () => http.get('/case-reports'), () => [{ topic: `alarms:${institution}`, since: null }])
  const all = computed(() => feed.value.value ?? [])
  const due = computed(() => all.value.filter((one) => one.state === 'due'))
  return {
    feed,
    due,
    closed: computed(() => all.value.filter((one) => one.state !== 'due')),
    overdue: (now) => due.value.filter((one) => now >= one.due_at),
    form: (id) => http.get<CaseReportForm>(`/case-reports/${id}`),
    async open(visit, reason) {
      await http.send(`/visits/${visit}/case-report`, { reason })
      feed.refresh()
    },
    async report(id, receipt) {
      await http.send(`/case-reports/${id}/report`, { receipt })
      feed.refresh()
    },
    async dismiss(id, reason) {
      await http.send(`/case-reports/${id}/dismiss`, { reason })
      feed.refresh()
    },
  }
}

export async function tellAdverse(session: Session, visit: string, told: AdverseEventRequest): Promise<void> {
  await session.http.send(`/visits/${visit}/adverse-events`, told)
}

export interface AdverseEvents {
  feed: Feed<AdverseEvent[]>
  /** Serious ones that no administrator has read. */
  unread: ComputedRef<readonly AdverseEvent[]>
  read: (id: string) => Promise<AdverseEventView>
}

export function useAdverseEvents(session: Session, live: Live, institution: string): AdverseEvents {
  const feed = useFeed<AdverseEvent[]>(live, () => session.http.get('/adverse-events'), () => [{ topic: `alarms:${institution}`, since: null }])
  return {
    feed,
    unread: computed(() => (feed.value.value ?? []).filter((one) => one.is_serious && one.seen_at === null)),
    read: (id) => session.http.get<AdverseEventView>(`/adverse-events/${id}`),
  }
}
