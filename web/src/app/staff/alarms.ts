import { computed, type ComputedRef } from 'vue'
import type { Session } from '../session'
import type { Live } from '../live'
import type { AlarmOutcome, AlarmView } from '@/protocol/staff'
import type { RoomGrant } from '@/protocol/types'
import { inOtherHands, mine, ringing, unlisted } from './board'
import { useFeed } from './feed'

export interface Alarms {
  all: ComputedRef<readonly AlarmView[]>
  ringing: ComputedRef<readonly AlarmView[]>
  /** How many more ring than are listed. */
  unlisted: ComputedRef<number>
  mine: ComputedRef<readonly AlarmView[]>
  /** Emergencies that a colleague has. */
  others: ComputedRef<readonly AlarmView[]>
  take: (alarm: string) => Promise<void>
  /** A doctor takes it out of a colleague's hands. */
  takeOver: (alarm: string) => Promise<void>
  /** It rings again. */
  handBack: (alarm: string) => Promise<void>
  close: (alarm: string, outcome: AlarmOutcome, note: string) => Promise<void>
  grant: (alarm: string) => Promise<RoomGrant>
  refresh: () => void
}

/** The alarms of an institution, and the video line behind each. */
export function useAlarms(session: Session, live: Live, institution: string): Alarms {
  const feed = useFeed<AlarmView[]>(live, () => session.http.get('/alarms'), () => [{ topic: `alarms:${institution}`, since: null }])
  const all = computed(() => feed.value.value ?? [])
  /** Whatever came of it: somebody may have been faster. */
  async function pass(alarm: string, how: 'take' | 'take-over' | 'hand-back'): Promise<void> {
    try {
      const view = await session.http.post<AlarmView>(`/alarms/${alarm}/${how}`)
      feed.value.value = all.value.map((one) => (one.id === view.id ? view : one))
    } finally {
      feed.refresh()
    }
  }
  return {
    all,
    ringing: computed(() => ringing(all.value)),
    unlisted: computed(() => unlisted(all.value)),
    mine: computed(() => mine(all.value)),
    others: computed(() => inOtherHands(all.value)),
    take: (alarm) => pass(alarm, 'take'),
    takeOver: (alarm) => pass(alarm, 'take-over'),
    handBack: (alarm) => pass(alarm, 'hand-back'),
    async close(alarm, outcome, note) {
      await session.http.send(`/alarms/${alarm}/close`, { outcome, note })
      feed.refresh()
    },
    grant: (alarm) => session.http.post<RoomGrant>(`/alarms/${alarm}/grant`),
    refresh: feed.refresh,
  }
}
