import { computed, type ComputedRef } from 'vue'
import type { AccessReview, Verdict } from '@/protocol/record'
import type { Live } from '../live'
import type { Session } from '../session'
import { useFeed, type Feed } from './feed'

export interface Reviews {
  feed: Feed<AccessReview[]>
  /** Nobody has judged them yet; the oldest first. */
  waiting: ComputedRef<readonly AccessReview[]>
  judged: ComputedRef<readonly AccessReview[]>
  judge: (id: string, verdict: Verdict, words: string) => Promise<void>
}

/** Records that were read in an emergency by somebody who does not treat the patient. Each rings, and is judged by somebody else. */
export function useReviews(session: Session, live: Live, institution: string): Reviews {
  const feed = useFeed<AccessReview[]>(live, () => session.http.get('/access-reviews'), () => [{ topic: `alarms:${institution}`, since: null }])
  const all = computed(() => feed.value.value ?? [])
  return {
    feed,
    waiting: computed(() => all.value.filter((one) => one.judged === null)),
    judged: computed(() => all.value.filter((one) => one.judged !== null)),
    async judge(id, verdict, words) {
      feed.value.value = await session.http.post<AccessReview[]>(`/access-reviews/${id}`, { verdict, words })
    },
  }
}
