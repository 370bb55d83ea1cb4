import { onScopeDispose, ref, type Ref } from 'vue'
import { ApiError } from '@/protocol/http'

export type ActionState = 'idle' | 'busy' | 'done' | 'failed'

export interface Action<A extends unknown[]> {
  state: Ref<ActionState>
  error: Ref<ApiError | null>
  /** Runs once at a time: a second press while busy does nothing. Answers whether it succeeded. */
  run: (...args: A) => Promise<boolean>
  reset: () => void
}

/** Makes a promise into something a button can show: idle, busy, done, failed. */
export function useAction<A extends unknown[]>(work: (...args: A) => Promise<unknown>, doneFor = 1600): Action<A> {
  const state = ref<ActionState>('idle')
  const error = ref<ApiError | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  onScopeDispose(() => clearTimeout(timer))
  return {
    state,
    error,
    reset() {
      state.value = 'idle'
      error.value = null
    },
    async run(...args) {
      if (state.value === 'busy') return false
      clearTimeout(timer)
      state.value = 'busy'
      error.value = null
      try {
        await work(...args)
        state.value = 'done'
        timer = setTimeout(() => (state.value = 'idle'), doneFor)
        return true
      } catch (cause) {
        error.value = ApiError.from(cause)
        state.value = 'failed'
        return false
      }
    },
  }
}
