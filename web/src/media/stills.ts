// On a very weak network: a small JPEG of the own camera every two seconds, for the socket. No track: below some 64 kbit/s a
// browser sends no video at all.

import { STILL } from './ladder'

/** Heights that are tried, and how good the picture is at each, until it is small enough. */
const HEIGHTS = [240, 180, 120, 90]
const QUALITIES = [0.6, 0.45, 0.3, 0.2]
/** A still that is not answered so long is lost. */
const PATIENCE_MS = 12_000

/** Letters of a still at least: a person is still to be seen. */
const LEAST_LETTERS = 2_000
/** Nobody knows yet how many pass. */
const FIRST_LETTERS = STILL.letters / 2

/** How many letters the next still may have, where one of so many took so long: what fills the pipe comes too late, and the voice with it. */
export function lettersAfter(letters: number, tookMs: number): number {
  if (tookMs > STILL.ms) return Math.max(LEAST_LETTERS, Math.round(letters * Math.max(0.5, STILL.ms / tookMs)))
  return tookMs < STILL.ms / 2 ? Math.min(STILL.letters, Math.round(letters * 1.25)) : letters
}

/** The best picture that is small enough, in base64; `null` when none is. */
export function fitting(encode: (height: number, quality: number) => string, letters: number): string | null {
  for (const height of HEIGHTS) {
    for (const quality of QUALITIES) {
      const jpeg = encode(height, quality)
      if (jpeg !== '' && jpeg.length <= letters) return jpeg
    }
  }
  return null
}

export interface Stills {
  camera: MediaStreamTrack
  stop: () => void
}
export interface StillsOptions {
  camera: MediaStreamTrack
  /** A picture of this height and quality, in base64; empty while the camera gives none. */
  draw: (height: number, quality: number) => string
  /** Says one; settles with its answer. */
  show: (jpeg: string) => Promise<void>
  now: () => number
  setTimer: (act: () => void, ms: number) => unknown
  clearTimer: (timer: unknown) => void
}

/** Shows one still after another until stopped. The next waits for the answer to the one before: a full pipe is not filled. */
export function takeStills({ camera, draw, show, now, setTimer, clearTimer }: StillsOptions): Stills {
  let letters = FIRST_LETTERS
  let timer: unknown = null
  let isStopped = false
  async function take(): Promise<void> {
    const jpeg = fitting(draw, letters)
    const began = now()
    let patience: unknown = null
    if (jpeg !== null) {
      const lost = new Promise<void>((resolve) => (patience = setTimer(resolve, PATIENCE_MS)))
      // Refused, or never answered: the next one shows more anyway.
      await Promise.race([show(jpeg).catch(() => undefined), lost])
      clearTimer(patience)
      letters = lettersAfter(letters, now() - began)
    }
  }
  function next(): void {
    if (isStopped) return
    // Counted from the beginning of the one before, so that an answer costs no time.
    const rested = new Promise<void>((resolve) => (timer = setTimer(resolve, STILL.ms)))
    void Promise.all([take(), rested]).then(next)
  }
  next()
  return {
    camera,
    stop() {
      isStopped = true
      if (timer !== null) clearTimer(timer)
    },
  }
}

/** Draws a camera; `null` where the browser has no canvas. */
export function drawerOf(camera: MediaStreamTrack): { draw: StillsOptions['draw']; stop: () => void } | null {
  const canvas = document.createElement('canvas')
  const drawing = canvas.getContext('2d')
  if (!drawing) return null
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.srcObject = new MediaStream([camera])
  void video.play().catch(() => undefined)
  return {
    draw(most, quality) {
      if (video.videoHeight === 0) return ''
      const height = Math.min(most, video.videoHeight)
      const width = Math.min(640, Math.round((video.videoWidth * height) / video.videoHeight))
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height]
      drawing.drawImage(video, 0, 0, width, height)
      // A browser that knows no JPEG gives a PNG.
      const [head, jpeg] = canvas.toDataURL('image/jpeg', quality).split(',')
      return head === 'data:image/jpeg;base64' ? (jpeg ?? '') : ''
    },
    stop: () => (video.srcObject = null),
  }
}
