// Whether a picture is good enough to judge a tongue by: light, sharpness, colour. Pure: pixels in, a verdict out.
// Limits were set on synthetic pixels and are mild: a verdict advises, it never forbids.

export interface Pixels {
  width: number
  height: number
  /** Red, green, blue, alpha; one byte each. */
  data: Uint8ClampedArray
}
export interface Verdict {
  light: 'good' | 'dark' | 'bright'
  sharp: boolean
  /** The light is white enough: no channel leads the bright parts by much. */
  neutral: boolean
}

/** Mean brightness below which a tongue's coating is not seen. */
const DARK = 60
/** Mean brightness, or share of burnt-out pixels, above which it is washed out. */
const BRIGHT = 215
const BURNT = 0.25
/** Variance of the Laplacian below which edges are smeared. */
const SHARP = 18
/** How far red and blue of the brightest tenth may stand apart, relative to their mean. */
const TINT = 0.38

export function judge(pixels: Pixels): Verdict {
  const grey = luminance(pixels)
  return { light: lightOf(grey), sharp: sharpness(grey, pixels.width, pixels.height) >= SHARP, neutral: tint(pixels, grey) <= TINT }
}

export function isGood(verdict: Verdict): boolean {
  return verdict.light === 'good' && verdict.sharp && verdict.neutral
}

/** Brightness as the eye weighs it (ITU-R BT.709). */
export function luminance({ data }: Pixels): Float32Array {
  const grey = new Float32Array(data.length / 4)
  for (let n = 0; n < grey.length; n += 1) {
    grey[n] = 0.2126 * (data[n * 4] ?? 0) + 0.7152 * (data[n * 4 + 1] ?? 0) + 0.0722 * (data[n * 4 + 2] ?? 0)
  }
  return grey
}

function lightOf(grey: Float32Array): Verdict['light'] {
  let sum = 0
  let burnt = 0
  for (const one of grey) {
    sum += one
    if (one >= 250) burnt += 1
  }
  const mean = sum / Math.max(1, grey.length)
  if (mean < DARK) return 'dark'
  return mean > BRIGHT || burnt / Math.max(1, grey.length) > BURNT ? 'bright' : 'good'
}

/** Variance of the Laplacian: many strong edges make it large, smear makes it small. */
export function sharpness(grey: Float32Array, width: number, height: number): number {
  let sum = 0
  let squares = 0
  let count = 0
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x
      const edge = 4 * (grey[at] ?? 0) - (grey[at - 1] ?? 0) - (grey[at + 1] ?? 0) - (grey[at - width] ?? 0) - (grey[at + width] ?? 0)
      sum += edge
      squares += edge * edge
      count += 1
    }
  }
  if (count === 0) return 0
  const mean = sum / count
  return squares / count - mean * mean
}

/** How far from white the light is: what is brightest (teeth, skin, wall) should not be blue or orange. */
export function tint({ data }: Pixels, grey: Float32Array): number {
  const brightest = [...grey].sort((a, b) => b - a)[Math.floor(grey.length / 10)] ?? 0
  let red = 0
  let blue = 0
  for (let n = 0; n < grey.length; n += 1) {
    if ((grey[n] ?? 0) < brightest) continue
    red += data[n * 4] ?? 0
    blue += data[n * 4 + 2] ?? 0
  }
  return Math.abs(red - blue) / Math.max(1, (red + blue) / 2)
}
