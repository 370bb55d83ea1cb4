import { ref, watch, type Ref } from 'vue'
import { isHost, others } from '@/room/selectors'
import type { CallState } from '@/room/state'

/** Tells a host that the patient does not want to take the picture now: it was asked for, it came to nothing, and not by the host. */
export function useDeclined(state: Readonly<Ref<CallState>>, holds: (id: string) => Promise<boolean>, asks: () => boolean): { told: Ref<boolean>; mine: () => void } {
  const told = ref(false)
  let byMe = false
  // The room is told anew again and again: only another name is another wish.
  watch(() => state.value.picture?.id ?? null, async (now, before) => {
    const isMine = byMe
    byMe = told.value = false
    if (now !== null || before === null || isMine || !asks() || !isHost(state.value)) return
    if (!others(state.value).some((one) => one.role === 'patient')) return
    // The line of a photo that was taken is there before the room hears of it.
    const hasCome = await holds(before).catch(() => true)
    if (!hasCome && state.value.picture === null) told.value = true
  }, { flush: 'sync' })
  return { told, mine: () => (byMe = true) }
}
