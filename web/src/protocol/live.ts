// The live protocol, by the names of `src/protocol/live.rs`. Every message is one arm of a tagged union.

import type { Text, TicketView } from './types'

export const LIVE_VERSION = 1

export interface Problem {
  code: string
  message: string
  field?: string
  /** Seconds. */
  retry_after?: number
  remaining?: number
}

export type Quality = 'unknown' | 'good' | 'fair' | 'poor' | 'lost'
export type MediaKind = 'audio' | 'video'

/** What a participant says of its own media. */
export interface SelfMedia {
  microphone: boolean
  camera: boolean
  /** A moving test picture stands in for the camera (demonstration only). */
  test_picture: boolean
  quality: Quality
  /** The page is in the background. */
  hidden: boolean
  /** The screen is shared, in a picture of its own. */
  screen: boolean
  /** What of it its network bears at present. */
  rung: Rung
}
/** Best first: all, a smaller picture, the voice alone, a still picture every two seconds beside the voice, not even that. */
export type Rung = 'full' | 'low' | 'voice' | 'still' | 'phone'

export type InvitedRole = 'invited_doctor' | 'interpreter' | 'family' | 'observer'
export type ParticipantRole = 'patient' | 'doctor' | 'nurse' | InvitedRole
/** What a host does with somebody. */
export type HostAct = 'admit' | 'hold' | 'release' | 'mute' | 'remove'
export type Presence = { state: 'here' } | { state: 'lost'; since: number }
export interface Participant {
  id: string
  role: ParticipantRole
  name: Text
  presence: Presence
  media: SelfMedia
  /** What of it has not arrived at the server for three seconds. */
  silent?: MediaKind[]
  /** The media was connected and is not any more, though the page may be open. */
  cut?: boolean
  /** So little passes to the person that a voice alone is too much: who speaks sends it in as few bytes as can be. */
  drowned?: boolean
  /** What others send and what does not arrive at the person, whose own media comes. */
  misses?: Missed[]
  /** Held apart: neither hears nor sees, and is neither heard nor seen. */
  held: boolean
  /** Muted by a host, until the person speaks again. */
  muted: boolean
}
/** Something that is sent to somebody and does not arrive: whose, and what of theirs. */
export interface Missed {
  source: string
  name: SourceName
}
/** Somebody in front of the door. */
export interface Knock {
  id: string
  role: ParticipantRole
  name: Text
  presence: Presence
}
/** A picture that the doctor asks the patient for. */
export interface PictureAsk {
  id: string
  of: 'tongue'
  at: number
}

export type RoomPurpose = 'visit' | 'emergency' | 'nurse' | 'check'
/** A room as one of its participants sees it: complete, replaces the last one. */
export interface RoomState {
  room: string
  epoch: number
  purpose: RoomPurpose
  /** The own seat. */
  you: string
  participants: Participant[]
  opened_at: number
  recording: boolean
  /** Told to hosts alone. */
  door: Knock[]
  picture: PictureAsk | null
}
export type RoomEnd =
  | 'finished' | 'wrong_person' | 'transferred' | 'staff_lost' | 'patient_lost' | 'emergency' | 'removed' | 'replaced'

/** Whose media one receiving section of the own connection carries. */
export interface Slot {
  mid: string
  kind: MediaKind
  source: string
  name: SourceName
  /** The picture waits for a better network of our own. */
  waits?: boolean
}
export type SourceName = 'microphone' | 'camera' | 'screen'
export type OfferRefusal = 'not_admitted' | 'malformed' | 'no_common_codec' | 'internal'
/** The state of the own media connection as the relay sees it. */
export type MediaState = 'connecting' | 'connected' | 'interrupted' | 'closed'

/** What a browser asks for; the connection adds the `id`. */
export type Command =
  | { type: 'renew'; token: string }
  | { type: 'subscribe'; topic: string; since?: number }
  | { type: 'unsubscribe'; topic: string }
  | { type: 'watch'; ticket: string }
  | { type: 'join'; grant: string }
  | { type: 'offer'; room: string; offer_id: number; fresh: boolean; sdp: string }
  | { type: 'media'; room: string; state: SelfMedia }
  /** A JPEG in base64, shown in place of the camera on the rung `still`. */
  | { type: 'still'; room: string; jpeg: string }
  | { type: 'view'; room: string; tiles: { mid: string; height: number }[] }
  | { type: 'host'; room: string; participant: string; act: HostAct }
  | { type: 'unmute'; room: string }
  | { type: 'stop_recording'; room: string }
  | { type: 'ask_picture'; room: string; of: 'tongue' }
  | { type: 'call_off_picture'; room: string }
  | { type: 'leave'; room: string }

export type ClientMessage =
  | { type: 'hello'; version: number; token: string; resume?: string }
  | { type: 'ping'; id: number }
  | (Command & { id: number })

export interface LiveEvent {
  type: 'event'
  topic: string
  /** Gap-free per topic. */
  seq: number
  at: number
  kind: string
  data: Record<string, unknown>
}

export type ServerMessage =
  /** `rooms`: where this connection still has a seat; a `room` message for each follows. */
  | { type: 'welcome'; resume: string; resumed: boolean; now: number; rooms: string[] }
  | { type: 'pong'; id: number; now: number }
  | { type: 'done'; id: number }
  | { type: 'refused'; id: number | null; problem: Problem }
  | LiveEvent
  | { type: 'ticket'; ticket: TicketView }
  | { type: 'room'; room: RoomState }
  /** The door is still closed. */
  | { type: 'door'; room: string }
  | { type: 'answer'; room: string; offer_id: number; sdp: string }
  | { type: 'offer_refused'; room: string; offer_id: number; reason: OfferRefusal }
  | { type: 'slots'; room: string; slots: Slot[]; missing: [number, number] }
  /** Send these layers of an own section, by their place from 0, and no others. */
  | { type: 'layers'; room: string; mid: string; layers: number[] }
  /** The answer would be another one now. */
  | { type: 'offer_again'; room: string }
  | { type: 'speaker'; room: string; participant?: string | null }
  /** A still of somebody on the rung `still`: a JPEG in base64. */
  | { type: 'still'; room: string; participant: string; jpeg: string }
  /** Something was said in the conversation beside the call; told to those who were invited. */
  | { type: 'said'; room: string }
  | { type: 'media_state'; room: string; state: MediaState }
  | { type: 'room_ended'; room: string; reason: RoomEnd }
  | { type: 'bye'; problem: Problem }

/** Reached only when a union has an arm that the code forgot; the compiler says so first. */
export function unreachable(value: never): never {
  throw new Error(`forgotten case: ${String(value)}`)
}

/** Why a camera or a microphone is not there. Never sent; a word that `media/`, `room/` and the screens share. */
export type DeviceTrouble = 'denied' | 'denied_by_system' | 'not_found' | 'busy' | 'insecure' | 'unsupported' | 'constrained' | 'failed'
