// The own camera and microphone in a call: opened, woken, and what of them goes out.

import { shallowRef, type ShallowRef } from 'vue'
import { browserDevices } from '@/media/devices'
import { isPictured } from '@/media/ladder'
import { LocalMedia, type LocalState } from '@/media/local'
import { drawerOf, takeStills, type Stills } from '@/media/stills'
import { testPicture, testTone, type TestSource } from '@/media/testPicture'
import type { MediaKind } from '@/protocol/live'
import type { CallEvent } from '@/room/reducer'
import { maySend, me } from '@/room/selectors'
import type { CallState } from '@/room/state'
import type { CallOptions } from './types'

/** A device whose media does not arrive is asked for anew this often. */
const ROUSE_MS = 10_000

export interface OwnMediaLinks {
  state: Readonly<ShallowRef<CallState>>
  dispatch: (event: CallEvent) => void
  /** A track goes out from now on, or none. */
  setTrack: (kind: MediaKind, track: MediaStreamTrack | null) => void
  /** Shows a still in place of the camera. */
  show: (jpeg: string) => Promise<void>
}
export interface OwnMedia {
  /** The own picture. */
  self: Readonly<ShallowRef<MediaStream | null>>
  /** Opens what is wanted. `demo`: what is missing may be stood in for. */
  capture: (demo: boolean) => Promise<void>
  /** What is captured goes out. */
  send: () => void
  /** The server misses what we believe to send: the device is asked for anew, again and again while it stays so. */
  rouse: () => void
  setMicrophone: (on: boolean) => void
  /** Opens or closes the camera, as the person and the network want it. */
  adjustCamera: () => void
  flip: () => void
  revive: () => void
  cameraTrack: () => MediaStreamTrack | null
  stop: () => void
}

export function useOwnMedia(options: Pick<CallOptions, 'small' | 'listens' | 'prefer' | 'audio' | 'testLabel'>, { state, dispatch, setTrack, show }: OwnMediaLinks): OwnMedia {
  const self = shallowRef<MediaStream | null>(null)
  let local: LocalMedia | null = null
  let stills: Stills | null = null
  const roused: Record<MediaKind, number> = { audio: 0, video: 0 }
  let rousing: number | null = null

  async function capture(demo: boolean): Promise<void> {
    if (options.listens) return
    local ??= new LocalMedia({
      api: browserDevices(),
      small: options.small,
      stand: demo ? { picture: () => testPicture(options.testLabel, options.small ? 200 : 160), tone, always: options.prefer === 'test_picture' } : null,
      changed: captured,
      interrupted: (on) => dispatch({ type: 'interrupted', on }),
      hidden: () => document.visibilityState === 'hidden',
      setTimer: (act, ms) => window.setTimeout(act, ms),
      clearTimer: (timer) => window.clearTimeout(timer as number),
    })
    await local.start({ microphone: state.value.own.microphone.wanted, camera: wantsCamera() })
  }

  function tone(): TestSource | null {
    try {
      return testTone(options.audio?.() ?? new AudioContext())
    } catch {
      return null
    }
  }

  function wantsCamera(): boolean {
    const { camera, voiceOnly, rung } = state.value.own
    return camera.wanted && !voiceOnly && isPictured(rung)
  }

  function captured(got: LocalState): void {
    dispatch({ type: 'captured', camera: got.cameraTrouble, microphone: got.microphoneTrouble, facing: got.facing, canFlip: got.canFlip, testPicture: got.testPicture })
    const shown = self.value?.getVideoTracks()[0] ?? null
    if (shown !== got.video) self.value = got.video ? new MediaStream([got.video]) : null
    send()
  }

  function send(): void {
    const isSeen = maySend(state.value)
    const camera = isSeen && wantsCamera() ? (local?.state.video ?? null) : null
    const isStill = state.value.own.rung === 'still'
    setTrack('audio', isSeen ? (local?.state.audio ?? null) : null)
    setTrack('video', isStill ? null : camera)
    give(isStill ? camera : null)
  }

  /** Stills of this camera, or none. */
  function give(camera: MediaStreamTrack | null): void {
    if (camera === (stills?.camera ?? null)) return
    stills?.stop()
    stills = null
    const drawer = camera && drawerOf(camera)
    if (!camera || !drawer) return
    const taken = takeStills({ camera, draw: drawer.draw, show, now: () => Date.now(), setTimer: (act, ms) => window.setTimeout(act, ms), clearTimer: (timer) => window.clearTimeout(timer as number) })
    stills = {
      camera,
      stop() {
        taken.stop()
        drawer.stop()
      },
    }
  }

  function rouse(): void {
    const now = Date.now()
    // While the connection is being mended, no device is at fault.
    const silent = state.value.phase.name === 'live' ? (me(state.value)?.silent ?? []) : []
    for (const kind of silent.filter((one) => now - roused[one] >= ROUSE_MS)) {
      roused[kind] = now
      void local?.recapture(kind)
    }
    if (rousing !== null) window.clearTimeout(rousing)
    rousing = silent.length > 0 && state.value.phase.name !== 'ended' ? window.setTimeout(rouse, ROUSE_MS) : null
  }

  function stop(): void {
    if (rousing !== null) window.clearTimeout(rousing)
    rousing = null
    stills?.stop()
    stills = null
    local?.stop()
    local = null
    self.value = null
  }

  return {
    self,
    capture,
    send,
    rouse,
    setMicrophone: (on) => void local?.setMicrophone(on),
    adjustCamera: () => void local?.setCamera(wantsCamera()),
    flip: () => void local?.flip(),
    revive: () => void local?.revive(),
    cameraTrack: () => local?.state.video ?? null,
    stop,
  }
}
