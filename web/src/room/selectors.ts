import type { MediaKind, Participant, ParticipantRole, Rung, SelfMedia, Slot, SourceName } from '@/protocol/live'
import { isInvited, rights, type Rights } from './roles'
import type { CallState } from './state'

/** The own seat. */
export function me(state: CallState): Participant | null {
  return state.participants.find((one) => one.id === state.you) ?? null
}

/** What the own role may do; `null` before the seat is known. */
function mine(state: CallState): Rights | null {
  const seat = me(state)
  return seat && rights(seat.role)
}

/** The own side leads the call. */
export function isHost(state: CallState): boolean {
  return mine(state)?.hosts ?? false
}

/** Whether the own role is seen and heard at all. */
export function maySend(state: CallState): boolean {
  return mine(state)?.microphone ?? true
}

/** Whether the own role may show its screen. */
export function mayShare(state: CallState): boolean {
  return mine(state)?.screen ?? false
}

/** A host holds the own side apart. */
export function isHeld(state: CallState): boolean {
  return me(state)?.held ?? false
}

/** The own side was invited: nothing of it is ever recorded. */
export function isGuest(state: CallState): boolean {
  return isInvited(me(state)?.role ?? '')
}

/** Whether the own side is where the word of the recording is true: not a guest apart, nor whoever is at the door. */
export function saysRecording(state: CallState): boolean {
  return state.phase.name !== 'door' && !(isGuest(state) && isHeld(state))
}

/** More pictures than the two of a conversation. */
export function isMany(state: CallState): boolean {
  return pictured(state).length > 1 || sharer(state) !== null
}

/** The others who may be seen. An observer is named in the line on top, and takes nobody's place in the pictures. */
export function pictured(state: CallState): readonly Participant[] {
  return others(state).filter((one) => rights(one.role).camera)
}

/** The others who may be seen; whom the visit is about, or who leads it, comes first. */
export function otherSideFirst(state: CallState): readonly Participant[] {
  const rank = (one: Participant): number => (isOtherSide(state, one.role) ? 0 : 1)
  return [...pictured(state)].sort((a, b) => rank(a) - rank(b))
}

/** Whoever shares a screen, and is not oneself. */
export function sharer(state: CallState): Participant | null {
  const shares = (one: Participant): boolean => one.media.screen && state.slots.some((slot) => slot.source === one.id && slot.name === 'screen')
  return others(state).find(shares) ?? null
}

/** Everybody in the room but oneself. */
export function others(state: CallState): readonly Participant[] {
  return state.participants.filter((one) => one.id !== state.you)
}

/** Whom the stage shows large: the chosen one, else who speaks, else the other side, else whoever is there. */
export function mainOther(state: CallState, chosen: string | null): Participant | null {
  const there = pictured(state)
  return there.find((one) => one.id === chosen) ?? there.find((one) => one.id === state.speaker) ?? there.find((one) => isOtherSide(state, one.role)) ?? there[0] ?? null
}

function isOtherSide(state: CallState, role: ParticipantRole): boolean {
  return me(state)?.role === 'patient' ? role !== 'patient' : role === 'patient'
}

/** For whoever leads the call and is in the room: the patient has left it, or others are in it without the patient, and nobody
 *  knows here whether the patient ever was. */
export function patientGone(state: CallState): 'left' | 'absent' | null {
  if (state.room === null || state.phase.name === 'ended' || !isHost(state)) return null
  if (others(state).some((one) => one.role === 'patient')) return null
  return state.otherLeft ? 'left' : pictured(state).length > 0 ? 'absent' : null
}

/** What an `img` shows in place of somebody's camera. */
export function stillOf(state: CallState, participant: string): string | null {
  const jpeg = state.stills[participant]
  return jpeg === undefined ? null : `data:image/jpeg;base64,${jpeg}`
}

/** The sections that carry a participant's media. */
export function slotsOf(state: CallState, participant: string): readonly Slot[] {
  return state.slots.filter((slot) => slot.source === participant)
}

export function isOnCamera(state: CallState): boolean {
  const { camera, voiceOnly, rung } = state.own
  return camera.wanted && camera.trouble === null && !voiceOnly && rung !== 'voice' && rung !== 'phone'
}

export function isOnMicrophone(state: CallState): boolean {
  return state.own.microphone.wanted && state.own.microphone.trouble === null
}

/** What the others are told of the own side. */
export function selfMedia(state: CallState, hidden: boolean): SelfMedia {
  return {
    microphone: maySend(state) && isOnMicrophone(state) && !state.own.interrupted,
    camera: maySend(state) && isOnCamera(state) && !state.own.interrupted,
    test_picture: state.own.testPicture,
    quality: state.quality,
    hidden,
    screen: state.own.screen,
    rung: bornRung(state),
  }
}

/** What the network bears. Where the person chose the voice alone, no network keeps the picture. */
function bornRung({ own: { rung, voiceOnly, camera } }: CallState): Rung {
  const isPictured = camera.wanted && !voiceOnly
  return isPictured || rung === 'phone' ? rung : 'full'
}

/** Whole seconds of the present reconnection, or `null` when there is none. */
export function reconnectingSeconds(state: CallState, now: number): number | null {
  return state.phase.name === 'reconnecting' ? Math.max(0, Math.floor((now - state.phase.since) / 1000)) : null
}

/** The picture on the stage stands still. A lost socket alone does not stop it. */
export function isFrozen(state: CallState): boolean {
  return state.phase.name === 'reconnecting' && state.mediaDownSince !== null
}

/** What the voice may cost for each of those who hear it. Who is held apart, or only looks on, is not waited for; nor is who is
 *  cut off, unless nobody else hears: what drowned a network drowns it again as it comes back. A lost socket is no lost call: on
 *  the narrowest network it is the socket that goes first. */
export function hearings(others: readonly Participant[]): Rung[] {
  const all = others.filter((one) => !one.held && one.role !== 'observer')
  const near = all.filter((one) => one.cut !== true)
  return (near.length > 0 ? near : all).map(hearingOf)
}

/** What a voice may cost that somebody hears: by the server's word, which is heard where their own drowns, or by theirs. */
export function hearingOf({ drowned, media }: Pick<Participant, 'drowned' | 'media'>): Rung {
  return drowned === true && media.rung !== 'phone' ? 'still' : media.rung
}

/** Neither heard nor seen until the network, or the reloaded page, is back. */
export function isLost(one: Pick<Participant, 'presence' | 'cut'>): boolean {
  return one.presence.state === 'lost' || one.cut === true
}

/** What is in a small picture: what moves, what is still to come, whoever is apart, or no camera. */
export type TileShows = 'picture' | 'coming' | 'held' | 'no_camera'
export function tileShows(one: Participant, has: { stream: boolean; mine: boolean; stopped: boolean }): TileShows {
  if (one.held) return 'held'
  if (has.mine) return has.stream ? 'picture' : 'no_camera'
  if (!one.media.camera || one.presence.state !== 'here' || has.stopped) return 'no_camera'
  return has.stream && one.media.rung !== 'still' ? 'picture' : 'coming'
}

/** What the stage says in place of, or beside, the other's picture. */
export type OtherWord = 'waiting' | 'lost' | 'hidden' | 'camera_off' | 'dark' | 'weak' | Exclude<Rung, 'full'> | null

export function otherWord(other: Participant | null, slots: readonly Slot[] = []): OtherWord {
  if (other === null) return 'waiting'
  if (isLost(other)) return 'lost'
  if (other.media.hidden) return 'hidden'
  const { rung } = other.media
  // No camera of theirs is off: their network does not bear it.
  if (rung === 'voice' || rung === 'phone') return rung
  if (!other.media.camera) return 'camera_off'
  // Stills come by the socket, whatever the sections do.
  if (rung === 'still') return rung
  // There is a picture, and our own network has no room for it.
  if (slots.some((slot) => slot.kind === 'video' && slot.waits === true)) return 'dark'
  if (rung === 'low') return rung
  return other.media.quality === 'poor' || other.media.quality === 'lost' ? 'weak' : null
}

/** Which leg is broken, in the server's words: whose microphone or camera is on and does not arrive. Sound before pictures. */
export interface SilentLeg {
  whose: 'own' | 'other'
  kind: MediaKind
  one: Participant
}
export function silentLeg(state: CallState): SilentLeg | null {
  if (state.phase.name !== 'live') return null
  for (const kind of ['audio', 'video'] as const) {
    // A lost person is told as lost, and so is one who has gone to another page.
    const one = state.participants.find((each) => each.silent?.includes(kind) === true && !isLost(each) && !each.media.hidden)
    if (one) return { whose: one.id === state.you ? 'own' : 'other', kind, one }
  }
  return null
}

/** Which way is broken, in the server's words, where oneself is at one end of it: what `one` sends does not arrive here, or what
 *  one sends does not arrive at `one`. Sound before pictures. */
export interface MissedLeg {
  whose: 'own' | 'other'
  name: SourceName
  one: Participant
}
export function missedLeg(state: CallState): MissedLeg | null {
  if (state.phase.name !== 'live') return null
  const here = others(state).filter((one) => !isLost(one))
  for (const name of ['microphone', 'camera', 'screen'] as const) {
    const theirs = here.find((one) => misses(me(state), one.id, name))
    if (theirs) return { whose: 'other', name, one: theirs }
    const one = here.find((each) => misses(each, state.you ?? '', name))
    if (one) return { whose: 'own', name, one }
  }
  return null
}
function misses(one: Participant | null, source: string, name: SourceName): boolean {
  return one?.misses?.some((missed) => missed.source === source && missed.name === name) === true
}

/** Reconnecting for so long that a telephone is the better way. */
export const GIVE_UP_SECONDS = 60

export function shouldPhone(state: CallState, now: number): boolean {
  if (state.own.rung === 'phone') return true
  if (state.phase.name === 'connecting' || state.phase.name === 'joining') return now - state.phase.since >= GIVE_UP_SECONDS * 1000
  return (reconnectingSeconds(state, now) ?? 0) >= GIVE_UP_SECONDS
}
