// Amendments of archived records that wait for one's word, for doctors and administrators.

import { computed, type ComputedRef } from 'vue'
import type { Amendment, AmendmentLine } from '@/protocol/record'
import type { Live } from '../live'
import type { Session } from '../session'
import { useFeed, type Feed } from './feed'

export interface Amendments {
  feed: Feed<AmendmentLine[]>
  waiting: ComputedRef<readonly AmendmentLine[]>
  read: (id: string) => Promise<Amendment>
  approve: (id: string) => Promise<void>
  decline: (id: string, reason: string) => Promise<void>
}

/** Nothing announces them; they are read again like everything else that a lost word must not hide. */
export function useAmendments(session: Session, live: Live): Amendments {
  const { http } = session
  const feed = useFeed<AmendmentLine[]>(live, () => http.get('/amendments'), () => [])
  return {
    feed,
    waiting: computed(() => feed.value.value ?? []),
    read: (id) => http.get<Amendment>(`/amendments/${id}`),
    async approve(id) {
      await http.send(`/amendments/${id}/approve`)
      feed.refresh()
    },
    async decline(id, reason) {
      await http.send(`/amendments/${id}/decline`, { reason })
      feed.refresh()
    },
  }
}
