import { shallowReactive } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'info' | 'good' | 'warn'
}

/** The short messages on screen; `ToastHost` shows them. Nothing that must be read belongs here. */
export const toasts = shallowReactive<Toast[]>([])
let last = 0

export function toast(text: string, tone: Toast['tone'] = 'info', forMs = 6000): void {
  last += 1
  const id = last
  toasts.push({ id, text, tone })
  setTimeout(() => dismiss(id), forMs)
}

export function dismiss(id: number): void {
  const index = toasts.findIndex((one) => one.id === id)
  if (index >= 0) toasts.splice(index, 1)
}
