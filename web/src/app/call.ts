// One call: the socket, the relay and the devices joined. The state is a value (`room/`); this carries it out.

import { computed, onScopeDispose, provide, shallowRef, watch } from 'vue'
import { BUDGET, budgetOf } from '@/media/ladder'
import type { Peer } from '@/media/peer'
import type { Forgone } from '@/media/sections'
import type { RoomEnd, RoomState, ServerMessage } from '@/protocol/live'
import { reduce, type CallEvent } from '@/room/reducer'
import { hearings, isOnCamera, isOnMicrophone, me, others } from '@/room/selectors'
import { newCall, type CallState } from '@/room/state'
import { asksOf } from './call/asks'
import { useOwnMedia } from './call/devices'
import { endingOf, endWhileAway } from './call/ends'
import { expose, peerOf } from './call/peer'
import { useScreen } from './call/screen'
import { useSeat } from './call/seat'
import { streamsOf, type Streams } from './call/streams'
import { useTelling } from './call/telling'
import { TILES, type Call, type CallOptions } from './call/types'
import { watchQuality } from './callQuality'
import { watchNetwork } from './network'

export { TILES, type Call, type CallOptions } from './call/types'
export type { Streams } from './call/streams'

export function useCall(options: CallOptions): Call {
  const { live } = options
  const state = shallowRef<CallState>(newCall())
  const streams = shallowRef<ReadonlyMap<string, Streams>>(new Map())
  let peer: Peer | null = null
  let iceServers: RTCIceServer[] = []
  /** Until something else is said, all may be spent. */
  let spent = JSON.stringify(BUDGET.full)
  const trackOf = (mid: string): MediaStreamTrack | null => peer?.trackOf(mid) ?? null
  const asks = asksOf(live.command, () => state.value.room)
  const telling = useTelling({ state, command: live.command, trackOf })
  provide(TILES, telling.tiles)
  const own = useOwnMedia(options, { state, dispatch, setTrack: (kind, track) => peer?.setTrack(kind, track), show: asks.showStill })
  const seat = useSeat({
    grant: options.grant,
    command: live.command,
    isClosed: () => live.status.value.name === 'closed',
    asking() {
      peer ??= makePeer()
      peer.prepare()
    },
    entering(grant) {
      iceServers = grant.ice_servers ?? []
      peer?.relay()
      void own.capture(grant.demo === true)
    },
    reentered() {
      peer?.setLinked(true)
      peer?.begin()
      telling.forget()
      telling.tell()
    },
    failed: (code) => dispatch({ type: 'ended', reason: code === 'room.closed' || code === 'visit.ended' ? 'closed' : 'refused', problem: code }),
  })
  const screen = useScreen((track) => {
    if (peer?.setScreen(track) === false) return forgo({ screen: true, others: false })
    dispatch({ type: 'screen', on: track !== null })
  })

  function dispatch(event: CallEvent): void {
    const before = state.value
    const next = reduce(before, event)
    if (next === before) return
    state.value = next
    if (next.phase.name === 'ended') return before.phase.name === 'ended' ? undefined : cleanUp()
    if (next.slots !== before.slots || next.participants !== before.participants) gather()
    if (next.participants !== before.participants) spend()
    if (next.slots !== before.slots) telling.look()
    if (next.own !== before.own) own.send()
    telling.tell()
  }

  function join(): void {
    if (!['idle', 'ended'].includes(state.value.phase.name)) return
    // Another window may have taken the socket; the person wants it here.
    live.start()
    live.calling(true)
    dispatch({ type: 'join_asked', at: Date.now() })
    // No camera: the others are seen all the same.
    if (options.prefer === 'voice') dispatch({ type: 'camera', on: false })
    void seat.enter()
  }

  function entered(room: RoomState): void {
    if (room.room !== seat.wanted) return
    const isNew = state.value.room === null
    if (isNew) telling.forget()
    dispatch({ type: 'room', room, at: Date.now() })
    own.rouse()
    if (!isNew || state.value.room === null) return
    peer ??= makePeer()
    own.send()
    peer.begin()
    expose(peer)
  }

  function makePeer(): Peer {
    return peerOf({
      command: live.command,
      room: () => state.value.room ?? '',
      iceServers: () => iceServers,
      receive: options.receive,
      media: (media) => dispatch({ type: 'media', state: media, at: Date.now() }),
      changed: gather,
      missed: live.doubt,
      returned: live.back,
      seatUnknown: () => void seat.reenter(),
      failed: () => dispatch({ type: 'ended', reason: 'refused', problem: 'room.offer_refused' }),
    })
  }

  function hear(message: ServerMessage): void {
    if (state.value.phase.name === 'idle' || state.value.phase.name === 'ended') return
    switch (message.type) {
      case 'welcome':
        return welcomed(message)
      case 'room':
        return entered(message.room)
      case 'door':
        return message.room === seat.wanted ? dispatch({ type: 'door' }) : undefined
      case 'slots':
        if (message.room !== state.value.room) return
        dispatch({ type: 'slots', room: message.room, slots: message.slots, missing: message.missing })
        return peer?.addSections(...message.missing)
      case 'answer':
        return void (message.room === state.value.room && peer?.answer(message.offer_id, message.sdp))
      case 'offer_refused':
        if (message.room !== state.value.room || !peer?.refused(message.offer_id)) return
        if (message.reason === 'not_admitted') return void seat.reenter()
        if (message.reason === 'internal') return void setTimeout(() => peer?.begin(), 1000)
        return forgo(peer.forgo())
      case 'layers':
        return void (message.room === state.value.room && peer?.setLayers(message.mid, message.layers))
      case 'offer_again':
        return message.room === state.value.room ? peer?.offerAgain() : undefined
      case 'speaker':
        return message.room === state.value.room ? dispatch({ type: 'speaker', participant: message.participant ?? null }) : undefined
      case 'still':
        return message.room === state.value.room ? dispatch({ type: 'still', participant: message.participant, jpeg: message.jpeg }) : undefined
      case 'media_state':
        if (message.room === state.value.room && message.state === 'closed') peer?.distrust()
        return
      case 'room_ended':
        // Who is refused at the door never saw the room.
        return message.room === (state.value.room ?? seat.wanted) ? over(message.reason) : undefined
      case 'bye':
        if (message.problem.code === 'server.shutting_down') return dispatch({ type: 'restarting' })
        return message.problem.code === 'live.replaced' ? dispatch({ type: 'ended', reason: 'replaced', problem: message.problem.code }) : undefined
    }
  }

  /** The server took less than was asked for: what was agreed before goes on; without that there is no call. */
  function forgo(forgone: Forgone | null): void {
    if (!forgone) return dispatch({ type: 'ended', reason: 'refused', problem: 'room.offer_refused' })
    if (forgone.screen) void screen.show(false)
    if (forgone.screen || forgone.others) dispatch({ type: 'forgone', what: forgone.screen ? 'screen' : 'others' })
  }

  /** The room is over for this person; or it broke at the server, and is entered anew. */
  function over(reason: RoomEnd): void {
    const ending = endingOf(reason)
    if (ending) dispatch({ type: 'ended', ...ending })
    else seat.begunAnew(state.value.room)
  }

  /** The socket is back. Either the seat was kept, or it was lost for a reason, or it is asked for again; the media follows by itself. */
  function welcomed({ resumed, rooms, ended }: Extract<ServerMessage, { type: 'welcome' }>): void {
    dispatch({ type: 'link_back' })
    telling.forget()
    const { room, phase } = state.value
    const isAtDoor = phase.name === 'door'
    const kept = resumed ? rooms : []
    const end = endWhileAway(room ?? (isAtDoor ? seat.wanted : null), kept, ended ?? [])
    if (end !== null) return over(end)
    if (!seat.welcomed(kept, room, isAtDoor)) return
    peer?.setLinked(true)
    telling.look()
    telling.tell()
  }

  function gather(): void {
    streams.value = streamsOf(state.value, streams.value, trackOf)
  }

  /** The encoders may spend what the own network bears, and of the voice what those of the others do. */
  function spend(): void {
    const budget = budgetOf(state.value.own.rung, hearings(others(state.value)))
    const text = JSON.stringify(budget)
    if (text === spent) return
    spent = text
    peer?.spend(budget)
  }

  function cleanUp(): void {
    seat.stop()
    live.slow(false)
    live.calling(false)
    peer?.close()
    peer = null
    spent = JSON.stringify(BUDGET.full)
    own.stop()
    screen.stop()
    streams.value = new Map()
  }

  function leave(): void {
    asks.leave()
    dispatch({ type: 'ended', reason: 'left', problem: null })
  }

  const quality = watchQuality({
    connection: () => (state.value.media === 'connected' ? (peer?.connection ?? null) : null),
    rests: () => peer?.rests ?? false,
    isLinked: () => live.status.value.name === 'open' || live.status.value.name === 'catching_up',
    expecting: () => others(state.value).some((one) => one.presence.state === 'here' && (one.media.camera || one.media.microphone)),
    quality: (word) => dispatch({ type: 'quality', quality: word }),
    rung(rung) {
      dispatch({ type: 'rung', rung })
      live.slow(BUDGET[rung].video === null)
      spend()
      own.adjustCamera()
    },
    clear: live.clear,
  })

  function shown(): void {
    telling.tell()
    if (document.visibilityState === 'visible' && state.value.room !== null) own.revive()
  }
  document.addEventListener('visibilitychange', shown)
  window.addEventListener('pageshow', shown)
  const stopMoving = watchNetwork(() => peer?.moved())
  const stopListening = live.listen(hear)
  const stopWatching = watch(live.status, (status) => {
    if (status.name === 'idle') return
    // A call needs the socket alone, whatever else the server cannot follow yet.
    if (status.name === 'open' || status.name === 'catching_up') return dispatch({ type: 'link_back' })
    if (status.name === 'closed') {
      if (['idle', 'ended'].includes(state.value.phase.name)) return
      return dispatch({ type: 'ended', reason: status.problem?.code === 'live.replaced' ? 'replaced' : 'refused', problem: status.problem?.code ?? null })
    }
    dispatch({ type: 'link_lost', at: Date.now() })
    peer?.setLinked(false)
  }, { flush: 'sync' })
  // Whoever takes the socket back from another window, by whichever button, takes the call back with it.
  const stopReturning = watch(live.status, (status, before) => {
    const { phase } = state.value
    if (before.name === 'closed' && !['closed', 'idle'].includes(status.name) && phase.name === 'ended' && phase.reason === 'replaced') join()
  })
  onScopeDispose(() => {
    stopMoving()
    stopListening()
    stopWatching()
    stopReturning()
    quality.stop()
    document.removeEventListener('visibilitychange', shown)
    window.removeEventListener('pageshow', shown)
    // The seat stays: the page may be going to another screen of the same visit, or be reloaded.
    cleanUp()
  })

  return {
    state,
    streams,
    self: own.self,
    microphone: computed(() => isOnMicrophone(state.value)),
    camera: computed(() => isOnCamera(state.value)),
    join,
    setMicrophone(on) {
      if (on && me(state.value)?.muted) asks.speakAgain()
      dispatch({ type: 'microphone', on })
      own.setMicrophone(on)
    },
    setCamera(on) {
      quality.forgive()
      dispatch({ type: 'camera', on })
      spend()
      own.adjustCamera()
    },
    setVoiceOnly(on) {
      quality.forgive()
      dispatch({ type: 'voice_only', on })
      spend()
      own.adjustCamera()
    },
    canShare: typeof navigator.mediaDevices?.getDisplayMedia === 'function',
    setScreen: screen.show,
    host: asks.host,
    askPicture: asks.askPicture,
    callOffPicture: asks.callOffPicture,
    stopRecording: asks.stopRecording,
    cameraTrack: own.cameraTrack,
    flip: own.flip,
    reviveDevices: own.revive,
    soundBlocked: (blocked) => dispatch({ type: 'sound', blocked }),
    leave,
  }
}
