import { computed, type ComputedRef, type Ref } from 'vue'
import { t } from '@/i18n'
import { useRinging } from './ringing'

/** Whether the desk rings at a patient who is not in the call now; it is heard, felt and seen as long as that is so. */
export function useRecalled(until: () => number | null, isAway: () => boolean, now: Ref<number>): ComputedRef<boolean> {
  const rings = computed(() => isAway() && (until() ?? 0) > now.value)
  useRinging(() => rings.value, () => t('called.tab_title'))
  return rings
}
