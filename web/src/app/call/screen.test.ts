import { beforeEach, describe, expect, it, vi } from 'vitest'
import { useScreen } from './screen'

class FakeTrack extends EventTarget {
  contentHint = ''
  stop = vi.fn()
}

describe('a shared screen', () => {
  const pickers: ((track: FakeTrack | null) => void)[] = []
  const shown = vi.fn()

  beforeEach(() => {
    pickers.length = 0
    shown.mockReset()
    const getDisplayMedia = () =>
      new Promise((resolve, reject) => {
        pickers.push((track) => (track ? resolve({ getVideoTracks: () => [track] }) : reject(new Error('closed'))))
      })
    vi.stubGlobal('navigator', { mediaDevices: { getDisplayMedia } })
  })

  it('is shown when it was picked, and ends when the browser ends it', async () => {
    const screen = useScreen(shown)
    const showing = screen.show(true)
    const track = new FakeTrack()
    pickers[0]?.(track)
    expect(await showing).toBe(true)
    expect(shown).toHaveBeenLastCalledWith(track)
    track.dispatchEvent(new Event('ended'))
    await vi.waitFor(() => expect(shown).toHaveBeenLastCalledWith(null))
  })

  it('is none when the picker was closed', async () => {
    const screen = useScreen(shown)
    const showing = screen.show(true)
    pickers[0]?.(null)
    expect(await showing).toBe(false)
    expect(shown).toHaveBeenLastCalledWith(null)
  })

  it('that is picked after the call ended is let go at once', async () => {
    const screen = useScreen(shown)
    const showing = screen.show(true)
    screen.stop()
    const track = new FakeTrack()
    pickers[0]?.(track)
    expect(await showing).toBe(false)
    expect(track.stop).toHaveBeenCalled()
    expect(shown).not.toHaveBeenCalled()
  })

  it('is the one of the last press, however the pickers end', async () => {
    const screen = useScreen(shown)
    const [first, second] = [screen.show(true), screen.show(true)]
    const [early, late] = [new FakeTrack(), new FakeTrack()]
    pickers[1]?.(late)
    pickers[0]?.(early)
    expect([await first, await second]).toEqual([false, true])
    expect(early.stop).toHaveBeenCalled()
    expect(late.stop).not.toHaveBeenCalled()
    expect(shown.mock.calls).toEqual([[late]])
  })
})
