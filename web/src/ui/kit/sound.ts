// One AudioContext for the page, made in the first tap: browsers let no page make a sound before one.
import { ref } from 'vue'

let context: AudioContext | null = null
/** Whether the page may ring. */
export const soundReady = ref(false)

/** Whether somebody tapped on this page: then the browser lets a call be heard, even where no AudioContext will run. */
export const tapped = ref(false)

/** Call this inside a tap. */
export async function unlockSound(): Promise<boolean> {
  tapped.value = true
  try {
    context ??= new AudioContext()
    if (context.state !== 'running') await context.resume()
    soundReady.value = context.state === 'running'
  } catch {
    soundReady.value = false
  }
  return soundReady.value
}

export function audio(): AudioContext | null {
  return context
}

function note(at: number, hertz: number, seconds: number, loud: number): void {
  if (!context) return
  const tone = context.createOscillator()
  const gain = context.createGain()
  tone.type = 'sine'
  tone.frequency.value = hertz
  gain.gain.setValueAtTime(0, at)
  gain.gain.linearRampToValueAtTime(loud, at + 0.02)
  gain.gain.exponentialRampToValueAtTime(0.001, at + seconds)
  tone.connect(gain).connect(context.destination)
  tone.start(at)
  tone.stop(at + seconds)
}

/** Ding, dong: for the speaker test, and when something changed. */
export function chime(): void {
  if (context?.state !== 'running') return
  note(context.currentTime, 784, 0.9, 0.35)
  note(context.currentTime + 0.45, 587, 1.2, 0.35)
}

/** Rings and shakes until stopped. */
export function ring(): () => void {
  const once = () => {
    if (context?.state === 'running') {
      for (const [after, hertz] of [[0, 660], [0.22, 880], [0.44, 660], [0.66, 880]] as const) note(context.currentTime + after, hertz, 0.4, 0.5)
    }
    navigator.vibrate?.([400, 150, 400])
  }
  once()
  const timer = setInterval(once, 2200)
  return () => {
    clearInterval(timer)
    navigator.vibrate?.(0)
  }
}
