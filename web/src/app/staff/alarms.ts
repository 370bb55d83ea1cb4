import { computed, type ComputedRef } from 'vue'
import type { Session } from '../session'
import type { Live } from '../live'
import type { AlarmOutcome, AlarmView } from '@/protocol/staff'
import type { RoomGrant } from '@/protocol/types'
import { mine, ringing } from './board'
import { useFeed } from './feed'

export interface Alarms {
  all: ComputedRef<readonly AlarmView[]>
  ringing: ComputedRef<readonly AlarmView[]>
  mine: ComputedRef<readonly AlarmView[]>
  take: (alarm: string) => Promise<void>
  close: (alarm: string, outcome: AlarmOutcome, note: string) => Promise<void>
  grant: (alarm: string) => Promise<RoomGrant>
  refresh: () => void
}

/** The alarms of an institution, and the video line behind each. */
export function useAlarms(session: Session, live: Live, institution: string): Alarms {
  const feed = useFeed<AlarmView[]>(live, () => session.http.get('/alarms'), () => [{ topic: `alarms:${institution}`, since: null }])
  const all = computed(() => feed.value.value ?? [])
  return {
    all,
    ringing: computed(() => ringing(all.value)),
    mine: computed(() => mine(all.value)),
    async take(alarm) {
      try {
        await session.http.post(`/alarms/${alarm}/take`)
      } finally {
        feed.refresh()
      }
    },
    async close(alarm, outcome, note) {
      await session.http.post(`/alarms/${alarm}/close`, { outcome, note })
      feed.refresh()
    },
    grant: (alarm) => session.http.post<RoomGrant>(`/alarms/${alarm}/grant`),
    refresh: feed.refresh,
  }
}
