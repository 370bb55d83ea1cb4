// What arrives of each other participant, put together from the slots.

import { others, slotsOf } from '@/room/selectors'
import type { CallState } from '@/room/state'

export interface Streams {
  audio: MediaStream | null
  video: MediaStream | null
  screen: MediaStream | null
}

/** The streams of each participant. A stream whose track stayed is the same object as before: no picture starts anew. */
export function streamsOf(state: CallState, before: ReadonlyMap<string, Streams>, trackOf: (mid: string) => MediaStreamTrack | null): ReadonlyMap<string, Streams> {
  const next = new Map<string, Streams>()
  for (const other of others(state)) {
    const old = before.get(other.id)
    const found: Streams = { audio: null, video: null, screen: null }
    for (const slot of slotsOf(state, other.id)) {
      const track = trackOf(slot.mid)
      const place = slot.name === 'screen' ? 'screen' : slot.kind
      if (track) found[place] = old?.[place]?.getTracks()[0] === track ? old[place] : new MediaStream([track])
    }
    next.set(other.id, found)
  }
  return next
}
