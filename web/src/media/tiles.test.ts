import { expect, it } from 'vitest'
import { Tiles } from './tiles'

const stream = (id: string): MediaStream => ({ getVideoTracks: () => [{ id }] }) as unknown as MediaStream
const element = (clientHeight: number): HTMLElement => ({ clientHeight }) as HTMLElement

it('tells the largest tile of each picture in steps of pixels, and nothing of what is hidden', () => {
  let changes = 0
  const watched: Element[] = []
  const observer = { observe: (one: Element) => watched.push(one), unobserve: () => undefined, disconnect: () => undefined }
  const tiles = new Tiles(
    () => (changes += 1),
    () => observer as unknown as ResizeObserver,
  )
  const [large, small, hidden] = [element(301), element(90), element(0)]
  tiles.show(large, stream('a'))
  tiles.show(small, stream('a'))
  tiles.show(hidden, stream('b'))
  expect([...tiles.heights(2)]).toEqual([['a', 660]])
  tiles.show(large, null)
  expect([...tiles.heights(1)]).toEqual([['a', 120]])
  expect(changes).toBe(4)
  expect(watched).toEqual([large, small, hidden])
})
