import { afterEach, expect, it, vi } from 'vitest'
import { watchNetwork } from './network'

class FakeNetwork extends EventTarget {
  type: string | undefined = 'wifi'
  becomes(type: string | undefined): void {
    this.type = type
    this.dispatchEvent(new Event('change'))
  }
}

afterEach(() => vi.unstubAllGlobals())

it('tells another network once, and no new estimate of the same one', () => {
  const connection = new FakeNetwork()
  vi.stubGlobal('navigator', { connection })
  const moved = vi.fn()
  const stop = watchNetwork(moved)
  connection.becomes('wifi')
  expect(moved).not.toHaveBeenCalled()
  connection.becomes('cellular')
  connection.becomes('cellular')
  expect(moved).toHaveBeenCalledTimes(1)
  connection.becomes('none')
  expect(moved).toHaveBeenCalledTimes(1)
  connection.becomes('wifi')
  window.dispatchEvent(new Event('online'))
  expect(moved).toHaveBeenCalledTimes(3)
  stop()
  connection.becomes('cellular')
  window.dispatchEvent(new Event('online'))
  expect(moved).toHaveBeenCalledTimes(3)
})
