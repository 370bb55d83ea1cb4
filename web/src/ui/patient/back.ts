// The phone's Back must not throw anybody out of the clinic: it goes one page back where there is one, and stays otherwise.
import { onScopeDispose, watch, type Ref } from 'vue'

const handlers: (() => boolean)[] = []

/** What Back does on this screen; says whether it did something. The last that came is asked first. */
export function onBack(act: () => boolean): void {
  handlers.push(act)
  onScopeDispose(() => handlers.splice(handlers.indexOf(act), 1))
}

/** While `held`, an entry of our own lies on top of the history, and Back takes that. */
export function useBack(held: Readonly<Ref<boolean>>): void {
  const isOurs = (): boolean => (history.state as { held?: boolean } | null)?.held === true
  function hold(): void {
    if (held.value && !isOurs()) history.pushState({ ...(history.state as object), held: true }, '')
  }
  function heard(): void {
    if (!held.value || isOurs()) return
    for (const act of [...handlers].reverse()) if (act()) break
    hold()
  }
  watch(held, hold, { immediate: true })
  window.addEventListener('popstate', heard)
  onScopeDispose(() => window.removeEventListener('popstate', heard))
}
