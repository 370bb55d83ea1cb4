import { describe, expect, it } from 'vitest'
import { isGood, judge, type Pixels } from './pictureQuality'

type Colour = [number, number, number]
/** A picture of 64 by 48 whose pixels are told by their place. */
function paint(colour: (x: number, y: number) => Colour): Pixels {
  const [width, height] = [64, 48]
  const data = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) data.set([...colour(x, y), 255], (y * width + x) * 4)
  return { width, height, data }
}
/** Squares of skin and teeth, as sharp as can be. */
const squares = (light: number, tone: Colour = [1, 0.92, 0.88]) => paint((x, y) => {
  const one = (Math.floor(x / 4) + Math.floor(y / 4)) % 2 === 0 ? light : light * 0.6
  return [one * tone[0], one * tone[1], one * tone[2]]
})

describe('a picture that was asked for', () => {
  it('is good in white light, sharp, and neither dark nor bright', () => {
    expect(judge(squares(180))).toEqual({ light: 'good', sharp: true, neutral: true })
    expect(isGood(judge(squares(180)))).toBe(true)
  })
  it('is too dark in a dark room', () => {
    expect(judge(squares(50)).light).toBe('dark')
  })
  it('is too bright when it is burnt out', () => {
    expect(judge(squares(255, [1, 1, 1])).light).toBe('bright')
    expect(judge(paint((x) => (x < 24 ? [255, 255, 255] : [90, 80, 80]))).light).toBe('bright')
  })
  it('is blurred when no edge is left', () => {
    expect(judge(paint((x) => [100 + x, 95 + x, 92 + x])).sharp).toBe(false)
  })
  it('is tinted under an orange lamp and under a blue screen', () => {
    expect(judge(squares(190, [1, 0.75, 0.45])).neutral).toBe(false)
    expect(judge(squares(190, [0.5, 0.7, 1])).neutral).toBe(false)
  })
})
