// The only reader of socket messages. What a newer or broken server says is a failure with a name, never an exception.

import type { ClientMessage, EndedRoom, Knock, Missed, Participant, PictureAsk, Presence, Problem, RoomEnd, RoomState, SelfMedia, ServerMessage, Slot } from './live'
import { flag, list, Mismatch, number, object, oneOf, orElse, orNull, record, text, type Shape } from './shape'
import type { Text, TicketView } from './types'

export type Decoded =
  | { ok: true; message: ServerMessage }
  /** `unknown`: a type of a newer protocol; it may be ignored. `malformed`: a known type with something wrong in it. */
  | { ok: false; failure: 'not_json' | 'unknown' | 'malformed'; detail: string }

export function encode(message: ClientMessage): string {
  return JSON.stringify(message)
}

export function decode(data: unknown): Decoded {
  if (typeof data !== 'string') return { ok: false, failure: 'not_json', detail: 'the message is not text' }
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return { ok: false, failure: 'not_json', detail: 'the message is not JSON' }
  }
  return read(value)
}

function read(value: unknown): Decoded {
  try {
    const raw = record(value, 'message')
    const type = text(raw['type'], 'message.type')
    if (!Object.hasOwn(MESSAGES, type)) return { ok: false, failure: 'unknown', detail: type }
    const shape: Shape<object> = MESSAGES[type as ServerMessage['type']]
    return { ok: true, message: { type, ...shape(raw, type) } as ServerMessage }
  } catch (cause) {
    if (cause instanceof Mismatch) return { ok: false, failure: 'malformed', detail: cause.message }
    throw cause
  }
}

const bilingual = object<{ zh: string; en: string }>({ zh: text, en: text }) as Shape<Text>

const problem: Shape<Problem> = (value, path) => {
  const { code, message, field, retry_after, remaining } = object({
    code: text, message: orElse(text, ''), field: orNull(text), retry_after: orNull(number), remaining: orNull(number),
  })(value, path)
  return {
    code,
    message,
    ...(field === null ? {} : { field }),
    ...(retry_after === null ? {} : { retry_after }),
    ...(remaining === null ? {} : { remaining }),
  }
}

/** A field that is not named here is dropped without a word: each of a message's parts names all of its own. */
type All<T> = { [Name in keyof Required<T>]: Shape<unknown> }

const quality = oneOf('unknown', 'good', 'fair', 'poor', 'lost')
const selfMedia = object({
  microphone: flag,
  camera: flag,
  test_picture: orElse(flag, false),
  quality: orElse(quality, 'unknown' as const),
  hidden: orElse(flag, false),
  screen: orElse(flag, false),
  rung: orElse(oneOf('full', 'low', 'voice', 'still', 'phone'), 'full' as const),
} satisfies All<SelfMedia>) as Shape<SelfMedia>

const presence: Shape<Presence> = (value, path) => {
  const { state, since } = object({ state: oneOf('here', 'lost'), since: orNull(number) })(value, path)
  return state === 'here' ? { state } : { state, since: since ?? 0 }
}

const role = oneOf('patient', 'doctor', 'nurse', 'invited_doctor', 'interpreter', 'family', 'observer')
const missed = object({ source: text, name: oneOf('microphone', 'camera', 'screen') } satisfies All<Missed>) as unknown as Shape<Missed>
const participant = object({
  id: text, role, name: bilingual, presence, media: selfMedia, silent: orElse(list(oneOf('audio', 'video')), []),
  cut: orElse(flag, false), drowned: orElse(flag, false), misses: orElse(list(missed), []), held: orElse(flag, false), muted: orElse(flag, false),
} satisfies All<Participant>) as unknown as Shape<Participant>
const knock = object({ id: text, role, name: bilingual, presence } satisfies All<Knock>) as unknown as Shape<Knock>
const picture = object({ id: text, of: oneOf('tongue'), at: number } satisfies All<PictureAsk>) as unknown as Shape<PictureAsk>

const room = object({
  room: text,
  epoch: number,
  purpose: oneOf('visit', 'emergency', 'nurse', 'check'),
  you: text,
  participants: list(participant),
  opened_at: number,
  recording: flag,
  door: orElse(list(knock), []),
  picture: orNull(picture),
} satisfies All<RoomState>) as unknown as Shape<RoomState>

const slot: Shape<Slot> = (value, path) => {
  const { mid, kind, source, name, waits } = object({
    mid: text, kind: oneOf('audio', 'video'), source: text, name: orNull(oneOf('microphone', 'camera', 'screen')), waits: orElse(flag, false),
  })(value, path)
  return { mid, kind, source, name: name ?? (kind === 'audio' ? 'microphone' : 'camera'), waits }
}

const missing: Shape<[number, number]> = (value, path) => {
  const [audio = 0, video = 0] = list(number)(value, path)
  return [audio, video]
}

const ENDS: readonly RoomEnd[] = ['finished', 'wrong_person', 'transferred', 'staff_lost', 'patient_lost', 'emergency', 'removed', 'replaced', 'full', 'broken']
/** A newer server may know more reasons: over it is all the same. */
const roomEnd: Shape<RoomEnd> = (value, path) => ENDS.find((one) => one === text(value, path)) ?? 'finished'

const endedRoom: Shape<EndedRoom> = object({ room: text, reason: roomEnd })

/** The ticket is our own server's view and has thirty fields: what decides about screens is checked, the rest is taken. */
const ticket: Shape<TicketView> = (value, path) => {
  object({ id: text, clinic: text, no: number, phase: text, version: number, level: text, patient: record, estimate: record })(value, path)
  return value as TicketView
}

const MESSAGES: { [T in ServerMessage['type']]: Shape<Omit<Extract<ServerMessage, { type: T }>, 'type'>> } = {
  welcome: object({ resume: text, resumed: flag, now: number, rooms: list(text), ended: orElse(list(endedRoom), []) }),
  pong: object({ id: number, now: number }),
  done: object({ id: number }),
  refused: object({ id: orNull(number), problem }),
  event: object({ topic: text, seq: number, at: number, kind: text, data: orElse(record, {}) }),
  ticket: object({ ticket }),
  room: object({ room }),
  door: object({ room: text }),
  answer: object({ room: text, offer_id: number, sdp: text }),
  offer_refused: object({ room: text, offer_id: number, reason: oneOf('not_admitted', 'malformed', 'no_common_codec', 'internal') }),
  slots: object({ room: text, slots: list(slot), missing: orElse(missing, [0, 0] as [number, number]) }),
  layers: object({ room: text, mid: text, layers: list(number) }),
  offer_again: object({ room: text }),
  speaker: object({ room: text, participant: orNull(text) }),
  still: object({ room: text, participant: text, jpeg: text }),
  said: object({ room: text }),
  media_state: object({ room: text, state: oneOf('connecting', 'connected', 'interrupted', 'closed') }),
  room_ended: object({ room: text, reason: roomEnd }),
  bye: object({ problem }),
}
