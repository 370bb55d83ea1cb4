// The bars that stay in view while a page scrolls between them, and when they do not.

import { inject, onMounted, onUnmounted, provide, reactive, watch, type InjectionKey, type Ref } from 'vue'

/** So much of the screen the bars may take together. With very large type the rest would be a slit. */
const SHARE = 1 / 3

export interface Bars {
  head: number
  foot: number
  screen: number
}
const BARS: InjectionKey<Bars> = Symbol('bars')

/** Which of them stay. The head goes first: the next action is worth more than the name of the house. */
export function staying({ head, foot, screen }: Bars): { head: boolean; foot: boolean } {
  const room = screen * SHARE
  const isFoot = foot <= room
  return { head: head + (isFoot ? foot : 0) <= room, foot: isFoot }
}

/** The bars of one page; of its frame, which tells the browser as well where a focused field is not covered. */
export function useBars(): Bars {
  const bars = reactive<Bars>({ head: 0, foot: 0, screen: window.innerHeight })
  provide(BARS, bars)
  const measure = (): void => void (bars.screen = window.innerHeight)
  const root = document.documentElement
  onMounted(() => window.addEventListener('resize', measure))
  watch(bars, () => {
    const stay = staying(bars)
    root.style.setProperty('--head-height', `${stay.head ? bars.head : 0}px`)
    root.style.setProperty('--foot-height', `${stay.foot ? bars.foot : 0}px`)
  })
  onUnmounted(() => {
    window.removeEventListener('resize', measure)
    root.style.removeProperty('--head-height')
    root.style.removeProperty('--foot-height')
  })
  return bars
}

/** The bars of the frame around; a bar without a frame has them to itself. */
export function barsAround(): Bars {
  return inject(BARS, () => reactive<Bars>({ head: 0, foot: 0, screen: window.innerHeight }), true)
}

/** Keeps the height of an element in `bars`. */
export function useHeight(bars: Bars, which: 'head' | 'foot', element: Readonly<Ref<HTMLElement | null>>): void {
  let observer: ResizeObserver | null = null
  onMounted(() => {
    if (!element.value || typeof ResizeObserver === 'undefined') return
    observer = new ResizeObserver(() => (bars[which] = element.value?.offsetHeight ?? 0))
    observer.observe(element.value)
  })
  onUnmounted(() => {
    observer?.disconnect()
    bars[which] = 0
  })
}
