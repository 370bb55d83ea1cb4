// The pharmacist's queue, read again on every word of the pharmacy's topic.

import { computed, type ComputedRef } from 'vue'
import type { ApiError } from '@/protocol/http'
import type { PharmacyQueue, Prescription, ReviewSheet } from '@/protocol/prescriptions'
import type { Live } from './live'
import type { Session } from './session'
import { useFeed } from './staff/feed'

export interface Pharmacy {
  queue: ComputedRef<PharmacyQueue | null>
  error: ComputedRef<ApiError | null>
  claim: (id: string) => Promise<ReviewSheet>
  release: (id: string) => Promise<void>
  judge: (one: Prescription, act: 'approve' | 'return' | 'refuse', items: readonly string[], reason: string) => Promise<Prescription>
  dispense: (one: Prescription) => Promise<void>
  refresh: () => void
}

export function usePharmacy(session: Session, live: Live, institution: string): Pharmacy {
  const { http } = session
  const feed = useFeed<PharmacyQueue>(live, () => http.get('/pharmacy/queue'), () => (institution ? [{ topic: `pharmacy:${institution}`, since: null }] : []))
  return {
    queue: computed(() => feed.value.value),
    error: computed(() => feed.error.value),
    claim: (id) => http.post<ReviewSheet>(`/pharmacy/${id}/claim`),
    async release(id) {
      feed.value.value = await http.post<PharmacyQueue>(`/pharmacy/${id}/release`)
    },
    judge(one, act, items, reason) {
      const body = { version: one.version, items, reason }
      if (act === 'approve') return http.post<Prescription>(`/pharmacy/${one.id}/approve`, body)
      if (act === 'return') return http.post<Prescription>(`/pharmacy/${one.id}/return`, body)
      return http.post<Prescription>(`/pharmacy/${one.id}/refuse`, body)
    },
    async dispense(one) {
      await http.send(`/pharmacy/${one.id}/dispense`, { version: one.version })
      feed.refresh()
    },
    refresh: feed.refresh,
  }
}
