// What the doctors of the waiting prescriptions were warned of.

import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'
import { ApiError, type Http } from '@/protocol/http'
import type { PharmacyItem, WarnedPrescription } from '@/protocol/prescriptions'
import { coalesce } from './coalesce'

export interface Warned {
  list: ShallowRef<readonly WarnedPrescription[]>
  error: ShallowRef<ApiError | null>
}

const COALESCE_MS = 300

/** Which of them somebody was warned of, in words that differ when one of them does. */
export function warnedOf(waiting: readonly PharmacyItem[]): string {
  return waiting.filter((item) => item.attention !== null).map((item) => `${item.id}.${item.version}`).join(' ')
}

/**
 * Each look is in the audit log: it is asked for when something else waits, and not at every word of the queue. What comes
 * while an answer is on its way is asked for after it.
 */
export function useWarned(http: Pick<Http, 'get'>, wanted: () => string): Warned {
  const list = shallowRef<readonly WarnedPrescription[]>([])
  const error = shallowRef<ApiError | null>(null)
  const reading = coalesce(async () => {
    try {
      const read = await http.get<WarnedPrescription[]>('/pharmacy/warned')
      // Nothing waits any more: an answer that was on its way brings nothing back.
      list.value = wanted() === '' ? [] : read
      error.value = null
    } catch (cause) {
      error.value = ApiError.from(cause)
    }
  }, COALESCE_MS)
  watch(wanted, (now) => (now === '' ? (list.value = []) : reading.run()), { immediate: true })
  onScopeDispose(reading.stop)
  return { list, error }
}
