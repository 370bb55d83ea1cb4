import { unreachable, type DeviceTrouble, type MediaState, type Participant, type Quality, type RoomState, type Rung, type Slot } from '@/protocol/live'
import { rights } from './roles'
import type { CallState, EndReason, OwnMedia, Phase } from './state'

export type CallEvent =
  | { type: 'join_asked'; at: number }
  | { type: 'room'; room: RoomState; at: number }
  | { type: 'door' }
  | { type: 'screen'; on: boolean }
  | { type: 'slots'; room: string; slots: Slot[]; missing?: readonly [number, number] }
  /** The server did not take all that was asked for. */
  | { type: 'forgone'; what: 'screen' | 'others' }
  | { type: 'speaker'; participant: string | null }
  | { type: 'still'; participant: string; jpeg: string }
  | { type: 'link_lost'; at: number }
  | { type: 'link_back' }
  /** The server said that it ends, to begin again. */
  | { type: 'restarting' }
  | { type: 'media'; state: MediaState; at: number }
  | { type: 'quality'; quality: Quality }
  | { type: 'microphone'; on: boolean }
  | { type: 'camera'; on: boolean }
  | { type: 'voice_only'; on: boolean }
  | { type: 'captured'; camera: DeviceTrouble | null; microphone: DeviceTrouble | null; facing: 'user' | 'environment'; canFlip: boolean; testPicture: boolean }
  | { type: 'interrupted'; on: boolean }
  | { type: 'rung'; rung: Rung }
  | { type: 'sound'; blocked: boolean }
  | { type: 'ended'; reason: EndReason; problem: string | null }

/** The one place where a call changes. */
export function reduce(state: CallState, event: CallEvent): CallState {
  const next = change(state, event)
  return next === state ? state : { ...next, phase: phaseOf(next, event) }
}

function change(state: CallState, event: CallEvent): CallState {
  const over = state.phase.name === 'ended'
  switch (event.type) {
    case 'join_asked':
      return { ...state, room: null, otherLeft: false, door: [], picture: null, slots: [], forgone: null, stills: {}, speaker: null, media: 'connecting', mediaDownSince: null, wasLive: false, phase: { name: 'joining', since: event.at } }
    case 'room': {
      if (over || (state.room !== null && state.room !== event.room.room)) return state
      const { room, purpose, you, participants, recording, door, picture, opened_at: openedAt } = event.room
      const stills = stillsOf(state.stills, participants)
      return { ...state, stills, otherLeft: hasOtherLeft(state, event.room), own: afterRoom(state, event.room), door, picture, room, purpose, you, participants, recording, openedAt, mediaDownSince: state.mediaDownSince ?? (state.media === 'connected' ? null : event.at) }
    }
    case 'door':
      return over || state.room !== null ? state : { ...state, phase: { name: 'door' } }
    case 'screen':
      return { ...own(state, { screen: event.on }), forgone: event.on && state.forgone === 'screen' ? null : state.forgone }
    case 'slots':
      return over || event.room !== state.room ? state : { ...state, slots: event.slots, forgone: afterSlots(state.forgone, event.missing) }
    case 'forgone':
      return over ? state : { ...state, forgone: event.what }
    case 'speaker':
      return over || state.speaker === event.participant ? state : { ...state, speaker: event.participant }
    case 'still': {
      const stills = stillsOf({ ...state.stills, [event.participant]: event.jpeg }, state.participants)
      return over || stills[event.participant] === undefined ? state : { ...state, stills }
    }
    case 'link_lost':
      // Stills come by the socket: what is shown would be old.
      return over ? state : { ...state, stills: {}, linkLostSince: state.linkLostSince ?? event.at }
    case 'link_back':
      return { ...state, linkLostSince: null, restarting: false }
    case 'restarting':
      return over ? state : { ...state, restarting: true }
    case 'media':
      if (over) return state
      return {
        ...state,
        media: event.state,
        mediaDownSince: event.state === 'connected' ? null : (state.mediaDownSince ?? event.at),
        wasLive: state.wasLive || event.state === 'connected',
        // After a loss nothing is known until it is measured again.
        quality: event.state === 'connected' ? (state.quality === 'lost' ? 'unknown' : state.quality) : state.wasLive ? 'lost' : state.quality,
      }
    case 'quality':
      return { ...state, quality: event.quality }
    case 'microphone':
      return own(state, { microphone: { ...state.own.microphone, wanted: event.on } })
    case 'camera':
      // Who asks for the camera no longer wants voice only.
      return own(state, { camera: { ...state.own.camera, wanted: event.on }, voiceOnly: event.on ? false : state.own.voiceOnly, rung: 'full' })
    case 'voice_only':
      return own(state, { voiceOnly: event.on, rung: 'full' })
    case 'captured':
      return own(state, {
        microphone: { ...state.own.microphone, trouble: event.microphone },
        camera: { ...state.own.camera, trouble: event.camera, facing: event.facing, canFlip: event.canFlip },
        testPicture: event.testPicture,
      })
    case 'interrupted':
      return own(state, { interrupted: event.on })
    case 'rung':
      return own(state, { rung: event.rung })
    case 'sound':
      return { ...state, soundBlocked: event.blocked }
    case 'ended':
      return over ? state : { ...state, phase: { name: 'ended', reason: event.reason, problem: event.problem }, slots: [], stills: {}, soundBlocked: false, linkLostSince: null }
    default:
      return unreachable(event)
  }
}

/** Those that are still true: of somebody who is here and is shown in stills, of whom the server misses none. */
function stillsOf(stills: CallState['stills'], people: readonly Participant[]): CallState['stills'] {
  const gives = (one: Participant): boolean =>
    one.presence.state === 'here' && !one.held && one.media.camera && !one.media.hidden && one.media.rung === 'still' && !(one.silent ?? []).includes('video')
  const kept = people.filter((one) => gives(one) && stills[one.id] !== undefined)
  return kept.length === Object.keys(stills).length ? stills : Object.fromEntries(kept.map((one) => [one.id, stills[one.id] ?? '']))
}

/** Once everybody has a section again, nobody is missed. */
function afterSlots(forgone: CallState['forgone'], [audio, video]: readonly [number, number] = [0, 0]): CallState['forgone'] {
  return forgone === 'others' && audio + video === 0 ? null : forgone
}

/** A lost one keeps the place: whoever has none any more hung up. Whoever leads the call waits for the patient, and nobody who was
 *  invited stands in for them. */
function hasOtherLeft(state: CallState, room: RoomState): boolean {
  const leads = room.participants.some((one) => one.id === room.you && rights(one.role).hosts)
  const holds = (people: readonly Participant[], you: string | null): boolean => people.some((one) => one.id !== you && (!leads || one.role === 'patient'))
  return !holds(room.participants, room.you) && (holds(state.participants, state.you) || state.otherLeft)
}

/** Whoever a host has just muted wants, from then on, to be silent; to speak again is their own press. */
function afterRoom(state: CallState, room: RoomState): OwnMedia {
  const mine = (people: CallState['participants'], you: string | null): boolean => people.find((one) => one.id === you)?.muted ?? false
  const isNew = mine(room.participants, room.you) && !mine(state.participants, state.you)
  return isNew ? { ...state.own, microphone: { ...state.own.microphone, wanted: false } } : state.own
}

function own(state: CallState, part: Partial<OwnMedia>): CallState {
  return { ...state, own: { ...state.own, ...part } }
}

/** The phase follows from the facts; only beginning and end are told. */
function phaseOf(state: CallState, event: CallEvent): Phase {
  const phase = state.phase
  if (phase.name === 'ended' || phase.name === 'idle') return phase
  if (state.room === null) return phase.name === 'joining' || phase.name === 'door' ? phase : { name: 'joining', since: at(event) }
  if (!state.wasLive) return { name: 'connecting', since: phase.name === 'joining' || phase.name === 'connecting' ? phase.since : at(event) }
  if (state.linkLostSince !== null) {
    return { name: 'reconnecting', since: Math.min(state.linkLostSince, state.mediaDownSince ?? Infinity), what: 'network' }
  }
  if (state.mediaDownSince !== null) return { name: 'reconnecting', since: state.mediaDownSince, what: 'media' }
  return { name: 'live' }
}

function at(event: CallEvent): number {
  return 'at' in event ? event.at : 0
}
