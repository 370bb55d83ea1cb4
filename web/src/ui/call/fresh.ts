import { onScopeDispose, ref, watch, type Ref } from 'vue'
import { isAsked } from '@/app/conversation'
import type { ChatMessage } from '@/protocol/staff'

/** So long the beginning of a new line stands over the pictures; afterwards its number on the button remains. */
export const FRESH_MS = 10_000

/** The newest line of the other side, for some seconds, unless the conversation is open. A photo that was asked for is told elsewhere. */
export function useFresh(latest: () => ChatMessage | null, isOpen: () => boolean): Ref<ChatMessage | null> {
  const fresh = ref<ChatMessage | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(() => latest()?.id, () => {
    clearTimeout(timer)
    const line = latest()
    fresh.value = line && !isOpen() && !isAsked(line) ? line : null
    if (fresh.value) timer = setTimeout(() => (fresh.value = null), FRESH_MS)
  })
  watch(isOpen, (open) => open && (fresh.value = null))
  onScopeDispose(() => clearTimeout(timer))
  return fresh
}
