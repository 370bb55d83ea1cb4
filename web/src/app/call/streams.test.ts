import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Participant, Slot } from '@/protocol/live'
import { newCall, type CallState } from '@/room/state'
import { streamsOf, type Streams } from './streams'

class FakeStream {
  constructor(readonly tracks: unknown[]) {}
  getTracks() {
    return this.tracks
  }
}
beforeEach(() => vi.stubGlobal('MediaStream', FakeStream))
afterEach(() => vi.unstubAllGlobals())

const track = (id: string) => ({ id }) as unknown as MediaStreamTrack
const TRACKS: Record<string, MediaStreamTrack> = { 0: track('a'), 1: track('b'), 2: track('c') }
const trackOf = (mid: string): MediaStreamTrack | null => TRACKS[mid] ?? null
const person = (id: string): Participant => ({
  id, role: 'family', name: { zh: id, en: id }, presence: { state: 'here' }, held: false, muted: false,
  media: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden: false, screen: false, rung: 'full' },
})
const call = (...slots: Slot[]): CallState => ({ ...newCall(), you: 'me', participants: [person('me'), person('x'), person('y')], slots })
const microphone = (source: string, mid: string): Slot => ({ source, mid, kind: 'audio', name: 'microphone' })
const camera = (source: string, mid: string): Slot => ({ source, mid, kind: 'video', name: 'camera' })
const screen = (source: string, mid: string): Slot => ({ source, mid, kind: 'video', name: 'screen' })
const said = (streams: ReadonlyMap<string, Streams>): string =>
  [...streams].map(([id, { audio, video, screen }]) => `${id}: ${[audio, video, screen].map((one) => one?.getTracks()[0]?.id ?? '-').join('')}`).join(', ')

describe('the streams of the others', () => {
  it.each([
    ['nobody sends', call(), 'x: ---, y: ---'],
    ['one is heard', call(microphone('x', '0')), 'x: a--, y: ---'],
    ['one is heard and seen', call(microphone('x', '0'), camera('x', '1')), 'x: ab-, y: ---'],
    ['a screen is beside the camera', call(camera('x', '1'), screen('x', '2')), 'x: -bc, y: ---'],
    ['each has its own', call(microphone('x', '0'), microphone('y', '1')), 'x: a--, y: b--'],
    ['the own slot is nobody else’s', call(microphone('me', '0')), 'x: ---, y: ---'],
    ['a section is not there yet', call(camera('x', '9')), 'x: ---, y: ---'],
  ])('when %s', (_, state, expected) => {
    expect(said(streamsOf(state, new Map(), trackOf))).toBe(expected)
  })

  it('stay the same objects while their tracks stay', () => {
    const before = streamsOf(call(microphone('x', '0'), camera('x', '1')), new Map(), trackOf)
    const after = streamsOf(call(microphone('x', '0'), camera('x', '2')), before, trackOf)
    expect(after.get('x')?.audio).toBe(before.get('x')?.audio)
    expect(after.get('x')?.video).not.toBe(before.get('x')?.video)
  })
})
