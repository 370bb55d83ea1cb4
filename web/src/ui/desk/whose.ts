// Whose record stands on the right: that of the present patient, or of an ended visit that was chosen.

import { computed, ref, watch, type ComputedRef, type Ref } from 'vue'
import type { UnfinishedNote } from '@/protocol/staff'

/** An ended visit. `again`: it was chosen from those that are done with. */
export type OldRecord = Pick<UnfinishedNote, 'visit' | 'no' | 'name_masked'> & { again?: boolean }

export interface WhoseRecord {
  old: Ref<OldRecord | null>
  visit: ComputedRef<string | null>
  /** The next patient is here while words of an old record stand open: the doctor is asked. */
  asks: Ref<boolean>
  show: (record: OldRecord) => void
  /** Back to the present patient. */
  close: () => void
}

/** An old record never stays over a new patient unseen: it gives way by itself, or, where `holds` words, it is asked. */
export function useWhoseRecord(present: () => string | null, holds: () => boolean): WhoseRecord {
  const old = ref<OldRecord | null>(null)
  const asks = ref(false)
  function close(): void {
    asks.value = false
    old.value = null
  }
  watch(present, (now, before) => {
    asks.value = false
    if (now === null || now === before || old.value === null) return
    if (holds()) asks.value = true
    else close()
  }, { flush: 'sync' })
  return {
    old,
    visit: computed(() => old.value?.visit ?? present()),
    asks,
    show(record) {
      asks.value = false
      old.value = record.visit === present() ? null : record
    },
    close,
  }
}
