// One call: the socket, the relay and the devices joined. The state is a value (`room/`); this carries it out.

import { computed, onScopeDispose, provide, shallowRef, watch, type ComputedRef, type InjectionKey, type ShallowRef } from 'vue'
import { Refusal } from '@/connection/driver'
import { browserDevices } from '@/media/devices'
import { BUDGET, budgetOf } from '@/media/ladder'
import { LocalMedia, type LocalState } from '@/media/local'
import { Peer, type Offer } from '@/media/peer'
import { Tiles } from '@/media/tiles'
import { stillOf, type Still } from '@/media/snapshot'
import { testPicture, testTone, type TestSource } from '@/media/testPicture'
import { ApiError } from '@/protocol/http'
import type { HostAct, MediaKind, RoomState, ServerMessage } from '@/protocol/live'
import type { RoomGrant } from '@/protocol/types'
import { reduce, type CallEvent } from '@/room/reducer'
import { isOnCamera, isOnMicrophone, maySend, me, others, selfMedia, slotsOf } from '@/room/selectors'
import { newCall, type CallState } from '@/room/state'
import { watchQuality } from './callQuality'
import type { Live } from './live'
import { watchNetwork } from './network'
import { useScreen } from './screen'

/** Refusals of a grant or a join after which asking again is useless. */
const OVER = new Set(['room.closed', 'visit.ended', 'auth.forbidden', 'request.not_found', 'ticket.state', 'room.full', 'auth.required', 'auth.session_ended', 'invitation.revoked'])
const RETRY_MS = 2_000
/** Sizes are told after the page came to rest. */
const VIEW_MS = 60
/** A device whose media does not arrive is asked for anew this often. */
const ROUSE_MS = 10_000

export interface CallOptions {
  live: Live
  /** Asks for the right to enter. */
  grant: () => Promise<RoomGrant>
  /** Sections to receive in. */
  receive?: { audio: number; video: number }
  /** A telephone: a smaller picture. */
  small: boolean
  /** Only sees and hears: neither camera nor microphone is opened. */
  listens?: boolean
  /** As the person chose before: voice only, or (in a demonstration) a test picture whatever the devices say. */
  prefer?: 'camera' | 'voice' | 'test_picture'
  /** The page's one AudioContext, made in a tap; for the test tone. */
  audio?: () => AudioContext | null
  /** What the test picture says. */
  testLabel: string
}

/** Where the elements that show a received picture say how large they are. */
export const TILES: InjectionKey<Tiles> = Symbol('tiles')

export interface Streams {
  audio: MediaStream | null
  video: MediaStream | null
  screen: MediaStream | null
}
export interface Call {
  state: Readonly<ShallowRef<CallState>>
  /** What arrives of each other participant. */
  streams: Readonly<ShallowRef<ReadonlyMap<string, Streams>>>
  /** The own picture. */
  self: Readonly<ShallowRef<MediaStream | null>>
  microphone: ComputedRef<boolean>
  camera: ComputedRef<boolean>
  join: () => void
  setMicrophone: (on: boolean) => void
  setCamera: (on: boolean) => void
  setVoiceOnly: (on: boolean) => void
  flip: () => void
  /** Telephones cannot share a screen. */
  canShare: boolean
  /** Shares the screen, or stops; answers whether it is shared. */
  setScreen: (on: boolean) => Promise<boolean>
  /** As a host: lets in, holds apart, mutes, removes. */
  host: (participant: string, act: HostAct) => Promise<void>
  /** As a host: asks the patient for a picture. */
  askPicture: () => Promise<void>
  callOffPicture: () => Promise<void>
  /** The camera's own track, for a still picture. */
  cameraTrack: () => MediaStreamTrack | null
  /** After a phone call, or when the person allowed the devices at last. */
  reviveDevices: () => void
  soundBlocked: (blocked: boolean) => void
  /** Hangs up, for good. */
  leave: () => void
}

export function useCall(options: CallOptions): Call {
  const { live } = options
  const state = shallowRef<CallState>(newCall())
  const streams = shallowRef<ReadonlyMap<string, Streams>>(new Map())
  const self = shallowRef<MediaStream | null>(null)
  let peer: Peer | null = null
  let local: LocalMedia | null = null
  /** Grows with every attempt to enter: what an older one learns is no longer wanted. */
  let attempt = 0
  /** The room of the last grant: what is said of other rooms on the same socket is for others. */
  let wanted: string | null = null
  let isReentering = false
  let iceServers: RTCIceServer[] = []
  let told = ''
  /** Until something else is said, all may be spent. */
  let spent = JSON.stringify(BUDGET.full)
  let viewed = ''
  let viewing: number | null = null
  const tiles = new Tiles(look)
  provide(TILES, tiles)
  const screen = useScreen((track) => {
    peer?.setScreen(track)
    dispatch({ type: 'screen', on: track !== null })
  })
  let still: Still | null = null
  const roused: Record<MediaKind, number> = { audio: 0, video: 0 }
  let rousing: number | null = null

  function dispatch(event: CallEvent): void {
    const before = state.value
    const next = reduce(before, event)
    if (next === before) return
    state.value = next
    if (next.phase.name === 'ended') return before.phase.name === 'ended' ? undefined : cleanUp()
    if (next.slots !== before.slots || next.participants !== before.participants) gather()
    if (next.participants !== before.participants) spend()
    if (next.slots !== before.slots) look()
    if (next.own !== before.own) send()
    tell()
  }

  function join(): void {
    if (!['idle', 'ended'].includes(state.value.phase.name)) return
    // Another window may have taken the socket; the person wants it here.
    live.start()
    dispatch({ type: 'join_asked', at: Date.now() })
    if (options.prefer === 'voice') dispatch({ type: 'voice_only', on: true })
    void enter()
  }

  /** Gets a grant and takes the seat; asks again while there is hope. Whether this attempt took it. */
  async function enter(): Promise<boolean> {
    attempt += 1
    const mine = attempt
    peer ??= makePeer()
    peer.prepare()
    for (;;) {
      try {
        const grant = await options.grant()
        if (mine !== attempt) return false
        wanted = grant.room
        iceServers = grant.ice_servers ?? []
        peer?.relay()
        void capture(grant.demo === true)
        await live.command({ type: 'join', grant: grant.grant }, { patience: 'queue', key: 'join' })
        return mine === attempt
      } catch (cause) {
        if (mine !== attempt || state.value.phase.name === 'ended') return false
        const code = cause instanceof Refusal ? cause.problem.code : ApiError.from(cause).code
        if (OVER.has(code)) {
          dispatch({ type: 'ended', reason: code === 'room.closed' || code === 'visit.ended' ? 'closed' : 'refused', problem: code })
          return false
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
        if (mine !== attempt || live.status.value.name === 'closed') return false
      }
    }
  }

  /** Takes the seat again, with new media: a server that restarted knows nothing of the old connection. */
  async function reenter(): Promise<void> {
    if (isReentering) return
    isReentering = true
    const isIn = await enter().finally(() => (isReentering = false))
    if (!isIn) return
    peer?.setLinked(true)
    peer?.begin()
    tell()
  }

  function entered(room: RoomState): void {
    if (room.room !== wanted) return
    const isNew = state.value.room === null
    if (isNew) told = viewed = ''
    dispatch({ type: 'room', room, at: Date.now() })
    rouse()
    if (!isNew || state.value.room === null) return
    peer ??= makePeer()
    send()
    peer.begin()
    expose(peer)
  }

  /** The server misses what we believe to send: the device is asked for anew, again and again while it stays so. */
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

  function makePeer(): Peer {
    return new Peer({
      make: () => new RTCPeerConnection({ bundlePolicy: 'max-bundle' }),
      iceServers: () => iceServers,
      receive: options.receive ?? { audio: 3, video: 3 },
      offer: (offer) => say(state.value.room ?? '', offer),
      state: (media) => dispatch({ type: 'media', state: media, at: Date.now() }),
      returned: live.nudge,
      changed: gather,
      now: () => Date.now(),
      setTimer: (act, ms) => window.setTimeout(act, ms),
      clearTimer: (timer) => window.clearTimeout(timer as number),
    })
  }

  async function say(room: string, offer: Offer): Promise<void> {
    try {
      await live.command({ type: 'offer', room, ...offer })
    } catch (cause) {
      // The server does not know this seat any more.
      if (cause instanceof Refusal && cause.problem.code === 'request.not_found') void reenter()
      throw cause
    }
  }

  function hear(message: ServerMessage): void {
    if (state.value.phase.name === 'idle' || state.value.phase.name === 'ended') return
    switch (message.type) {
      case 'welcome':
        return welcomed(message.resumed ? message.rooms : [])
      case 'room':
        return entered(message.room)
      case 'door':
        return message.room === wanted ? dispatch({ type: 'door' }) : undefined
      case 'slots':
        if (message.room !== state.value.room) return
        dispatch({ type: 'slots', room: message.room, slots: message.slots })
        return peer?.addSections(...message.missing)
      case 'answer':
        return void (message.room === state.value.room && peer?.answer(message.offer_id, message.sdp))
      case 'offer_refused':
        if (message.room !== state.value.room || !peer?.refused(message.offer_id)) return
        if (message.reason === 'not_admitted') return void reenter()
        if (message.reason === 'internal') return void setTimeout(() => peer?.begin(), 1000)
        return dispatch({ type: 'ended', reason: 'refused', problem: 'room.offer_refused' })
      case 'layers':
        return void (message.room === state.value.room && peer?.setLayers(message.mid, message.layers))
      case 'speaker':
        return message.room === state.value.room ? dispatch({ type: 'speaker', participant: message.participant ?? null }) : undefined
      case 'media_state':
        if (message.room === state.value.room && message.state === 'closed') peer?.distrust()
        return
      case 'room_ended':
        // Who is refused at the door never saw the room.
        return message.room === (state.value.room ?? wanted) ? dispatch({ type: 'ended', reason: message.reason, problem: null }) : undefined
      case 'bye':
        if (message.problem.code === 'server.shutting_down') return dispatch({ type: 'restarting' })
        return message.problem.code === 'live.replaced' ? dispatch({ type: 'ended', reason: 'replaced', problem: message.problem.code }) : undefined
    }
  }

  /** The socket is back. Either the seat was kept, or it is asked for again; the media follows by itself. */
  function welcomed(rooms: readonly string[]): void {
    dispatch({ type: 'link_back' })
    told = viewed = ''
    const { room, phase } = state.value
    if (room === null) {
      // The server forgot who stood at its door: knock again.
      if (phase.name === 'door' && !rooms.includes(wanted ?? '')) void enter()
      return
    }
    if (rooms.includes(room)) {
      peer?.setLinked(true)
      look()
      return tell()
    }
    void reenter()
  }

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
    return camera.wanted && !voiceOnly && BUDGET[rung].video !== null
  }

  function captured(got: LocalState): void {
    dispatch({ type: 'captured', camera: got.cameraTrouble, microphone: got.microphoneTrouble, facing: got.facing, canFlip: got.canFlip, testPicture: got.testPicture })
    const shown = self.value?.getVideoTracks()[0] ?? null
    if (shown !== got.video) self.value = got.video ? new MediaStream([got.video]) : null
    send()
  }

  /** The encoders may spend what the own network bears, and of the voice what those of the others do. */
  function spend(): void {
    const budget = budgetOf(state.value.own.rung, others(state.value).map((one) => one.media.rung))
    const text = JSON.stringify(budget)
    if (text === spent) return
    spent = text
    peer?.spend(budget)
  }

  /** What is captured goes out. */
  function send(): void {
    const isSeen = maySend(state.value)
    peer?.setTrack('audio', isSeen ? (local?.state.audio ?? null) : null)
    peer?.setTrack('video', isSeen && wantsCamera() ? picture(local?.state.video ?? null) : null)
  }

  /** The camera, or stills of it. */
  function picture(camera: MediaStreamTrack | null): MediaStreamTrack | null {
    const wantsStill = state.value.own.rung === 'still'
    if (still && (still.camera !== camera || !wantsStill)) {
      still.stop()
      still = null
    }
    if (!wantsStill || !camera) return camera
    still ??= stillOf(camera)
    return still?.track ?? camera
  }

  /** Says what we send, when that changed. */
  function tell(): void {
    const { room, phase } = state.value
    if (room === null || phase.name === 'ended') return
    const media = selfMedia(state.value, document.visibilityState === 'hidden')
    const text = JSON.stringify(media)
    if (text === told) return
    told = text
    void live.command({ type: 'media', room, state: media }, { patience: 'queue', key: 'media' }).catch(() => undefined)
  }

  /** Says how large the pictures are shown, once the page has come to rest. */
  function look(): void {
    if (viewing !== null) return
    viewing = window.setTimeout(() => {
      viewing = null
      const { room, phase, slots } = state.value
      if (room === null || phase.name === 'ended' || peer === null) return
      const heights = tiles.heights(window.devicePixelRatio)
      const shown = slots.flatMap((slot) => {
        const height = heights.get(peer?.trackOf(slot.mid)?.id ?? '')
        return slot.kind === 'video' && height !== undefined ? [{ mid: slot.mid, height }] : []
      })
      const text = JSON.stringify(shown)
      // Before the first picture is on the page the relay sends all: nobody waits for a layout.
      if (text === viewed || (viewed === '' && shown.length === 0)) return
      viewed = text
      void live.command({ type: 'view', room, tiles: shown }, { patience: 'queue', key: 'view' }).catch(() => undefined)
    }, VIEW_MS)
  }

  /** Puts the tracks of the slots together, one pair of streams per participant; keeps what did not change. */
  function gather(): void {
    const next = new Map<string, Streams>()
    for (const other of others(state.value)) {
      const old = streams.value.get(other.id)
      const found: Streams = { audio: null, video: null, screen: null }
      for (const slot of slotsOf(state.value, other.id)) {
        const track = peer?.trackOf(slot.mid) ?? null
        const place = slot.name === 'screen' ? 'screen' : slot.kind
        if (track) found[place] = old?.[place]?.getTracks()[0] === track ? old[place] : new MediaStream([track])
      }
      next.set(other.id, found)
    }
    streams.value = next
  }

  function cleanUp(): void {
    attempt += 1
    if (rousing !== null) window.clearTimeout(rousing)
    rousing = null
    peer?.close()
    peer = null
    spent = JSON.stringify(BUDGET.full)
    still?.stop()
    still = null
    local?.stop()
    local = null
    screen.stop()
    self.value = null
    streams.value = new Map()
  }

  async function inRoom(command: { type: 'host'; participant: string; act: HostAct } | { type: 'call_off_picture' } | { type: 'ask_picture'; of: 'tongue' }): Promise<void> {
    const room = state.value.room
    if (room !== null) await live.command({ ...command, room })
  }

  /** Said when the socket is back, too: a button that shows an open microphone before a closed gate would lie. */
  function speakAgain(): void {
    const room = state.value.room
    if (room !== null) void live.command({ type: 'unmute', room }, { patience: 'queue', key: 'unmute' }).catch(() => undefined)
  }

  function leave(): void {
    const room = state.value.room
    if (room !== null) void live.command({ type: 'leave', room }, { patience: 'queue' }).catch(() => undefined)
    dispatch({ type: 'ended', reason: 'left', problem: null })
  }

  const quality = watchQuality({
    connection: () => (state.value.media === 'connected' ? (peer?.connection ?? null) : null),
    expecting: () => others(state.value).some((one) => one.presence.state === 'here' && (one.media.camera || one.media.microphone)),
    quality: (word) => dispatch({ type: 'quality', quality: word }),
    rung(rung) {
      dispatch({ type: 'rung', rung })
      spend()
      void local?.setCamera(wantsCamera())
    },
  })

  function shown(): void {
    tell()
    if (document.visibilityState === 'visible' && state.value.room !== null) void local?.revive()
  }
  document.addEventListener('visibilitychange', shown)
  window.addEventListener('pageshow', shown)
  const stopMoving = watchNetwork(() => peer?.moved())
  const stopListening = live.listen(hear)
  const stopWatching = watch(live.status, (status) => {
    if (status.name === 'idle') return
    if (status.name === 'open') return dispatch({ type: 'link_back' })
    if (status.name === 'closed') {
      if (['idle', 'ended'].includes(state.value.phase.name)) return
      return dispatch({ type: 'ended', reason: status.problem?.code === 'live.replaced' ? 'replaced' : 'refused', problem: status.problem?.code ?? null })
    }
    dispatch({ type: 'link_lost', at: Date.now() })
    peer?.setLinked(false)
  }, { flush: 'sync' })
  onScopeDispose(() => {
    stopMoving()
    stopListening()
    stopWatching()
    quality.stop()
    tiles.stop()
    if (viewing !== null) window.clearTimeout(viewing)
    document.removeEventListener('visibilitychange', shown)
    window.removeEventListener('pageshow', shown)
    // The seat stays: the page may be going to another screen of the same visit, or be reloaded.
    cleanUp()
  })

  return {
    state,
    streams,
    self,
    microphone: computed(() => isOnMicrophone(state.value)),
    camera: computed(() => isOnCamera(state.value)),
    join,
    setMicrophone(on) {
      if (on && me(state.value)?.muted) speakAgain()
      dispatch({ type: 'microphone', on })
      void local?.setMicrophone(on)
    },
    setCamera(on) {
      quality.forgive()
      dispatch({ type: 'camera', on })
      spend()
      void local?.setCamera(wantsCamera())
    },
    setVoiceOnly(on) {
      quality.forgive()
      dispatch({ type: 'voice_only', on })
      spend()
      void local?.setCamera(wantsCamera())
    },
    canShare: typeof navigator.mediaDevices?.getDisplayMedia === 'function',
    setScreen: screen.show,
    host: (participant, act) => inRoom({ type: 'host', participant, act }),
    askPicture: () => inRoom({ type: 'ask_picture', of: 'tongue' }),
    callOffPicture: () => inRoom({ type: 'call_off_picture' }),
    cameraTrack: () => local?.state.video ?? null,
    flip: () => void local?.flip(),
    reviveDevices: () => void local?.revive(),
    soundBlocked: (blocked) => dispatch({ type: 'sound', blocked }),
    leave,
  }
}

/** Tests under a driven browser read the statistics of the connection. Nobody else's page has this. */
function expose(peer: Peer): void {
  if (!navigator.webdriver) return
  Object.assign(window, {
    __yunzhen: {
      get pc() {
        return peer.connection
      },
    },
  })
}
