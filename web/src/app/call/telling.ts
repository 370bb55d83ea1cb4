// What the server is told of the own side: what we send, and how large the pictures are shown.

import { onScopeDispose, type ShallowRef } from 'vue'
import { Tiles } from '@/media/tiles'
import { selfMedia } from '@/room/selectors'
import type { CallState } from '@/room/state'
import type { Live } from '../live'

/** Sizes that change one after the other are told after the page came to rest; the first of them at once. */
const VIEW_MS = 60

export interface TellingOptions {
  state: Readonly<ShallowRef<CallState>>
  command: Live['command']
  /** The track that a receiving section carries. */
  trackOf: (mid: string) => MediaStreamTrack | null
}
export interface Telling {
  /** Where the elements that show a received picture say how large they are. */
  tiles: Tiles
  /** Says what we send, when that changed. */
  tell: () => void
  /** Says how large the pictures are shown, once the page has come to rest. */
  look: () => void
  /** The server knows nothing any more: all is said again. */
  forget: () => void
}

export function useTelling({ state, command, trackOf }: TellingOptions): Telling {
  let told = ''
  let viewed = ''
  let viewing: number | null = null
  let viewedAt = -Infinity
  const tiles = new Tiles(look)
  onScopeDispose(() => {
    tiles.stop()
    if (viewing !== null) window.clearTimeout(viewing)
  })

  function tell(): void {
    const { room, phase } = state.value
    if (room === null || phase.name === 'ended') return
    const media = selfMedia(state.value, document.visibilityState === 'hidden')
    const text = JSON.stringify(media)
    if (text === told) return
    told = text
    void command({ type: 'media', room, state: media }, { patience: 'queue', key: 'media' }).catch(() => undefined)
  }

  function look(): void {
    if (viewing !== null) return
    viewing = window.setTimeout(() => {
      viewing = null
      const { room, phase, slots, own } = state.value
      if (room === null || phase.name === 'ended') return
      const heights = tiles.heights(window.devicePixelRatio)
      const shown = slots.flatMap((slot) => {
        const height = heights.get(trackOf(slot.mid)?.id ?? '')
        return slot.kind === 'video' && height !== undefined ? [{ mid: slot.mid, height }] : []
      })
      const text = JSON.stringify(shown)
      // Before the first picture is on the page the relay sends all: nobody waits for a layout. Who wants the voice alone waits for none.
      if (text === viewed || (viewed === '' && shown.length === 0 && !own.voiceOnly)) return
      viewed = text
      viewedAt = performance.now()
      void command({ type: 'view', room, tiles: shown }, { patience: 'queue', key: 'view' }).catch(() => undefined)
    }, performance.now() - viewedAt > VIEW_MS ? 0 : VIEW_MS)
  }

  return { tiles, tell, look, forget: () => (told = viewed = '') }
}
