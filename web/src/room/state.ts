// A call as a value. The whole of it, written out as an example, is in STATE.md.

import type { DeviceTrouble, Knock, MediaState, Participant, PictureAsk, Quality, RoomEnd, RoomPurpose, Rung, Slot } from '@/protocol/live'

/** What the own side sends. `wanted` is the person's will, the rest is what became of it. */
export interface OwnMedia {
  microphone: { wanted: boolean; trouble: DeviceTrouble | null }
  camera: { wanted: boolean; trouble: DeviceTrouble | null; facing: 'user' | 'environment'; canFlip: boolean }
  /** The person chose voice only. */
  voiceOnly: boolean
  /** What the network bears: `media/ladder.ts` decides, down and up by itself. */
  rung: Rung
  /** A phone call or another app took the devices. */
  interrupted: boolean
  testPicture: boolean
  /** The screen is shared. */
  screen: boolean
}

export type EndReason = Exclude<RoomEnd, 'full' | 'broken'> | 'left' | 'closed' | 'refused'

export type Phase =
  | { name: 'idle' }
  | { name: 'joining'; since: number }
  /** In front of the door, until the host opens. */
  | { name: 'door' }
  | { name: 'connecting'; since: number }
  | { name: 'live' }
  /** `network`: the socket is down, perhaps the media too. `media`: only the media. */
  | { name: 'reconnecting'; since: number; what: 'network' | 'media' }
  | { name: 'ended'; reason: EndReason; problem: string | null }

export interface CallState {
  phase: Phase
  room: string | null
  purpose: RoomPurpose | null
  /** The own seat. */
  you: string | null
  participants: readonly Participant[]
  /** The other side was here and has gone by its own will; nobody of it is here now. For whoever leads the call that is the patient. */
  otherLeft: boolean
  /** Who waits in front of the door; a host is told. */
  door: readonly Knock[]
  /** A picture that the patient is asked for. */
  picture: PictureAsk | null
  recording: boolean
  openedAt: number | null
  /** Which of our receiving sections carries whose media. */
  slots: readonly Slot[]
  /** What the server did not take: the own screen, or sections for somebody who came. The rest of the call goes on. */
  forgone: 'screen' | 'others' | null
  /** The newest still of each whose network bears no moving picture: a JPEG in base64. */
  stills: Readonly<Record<string, string>>
  /** Who has the floor. */
  speaker: string | null
  own: OwnMedia
  quality: Quality
  /** The server said that it restarts. */
  restarting: boolean
  /** The socket: since when it is down. */
  linkLostSince: number | null
  media: MediaState
  /** Since when the media is not connected. */
  mediaDownSince: number | null
  /** The browser wants a tap before it plays sound. */
  soundBlocked: boolean
  /** Media was connected at least once, so a loss is a *re*connection. */
  wasLive: boolean
}

export function newCall(): CallState {
  return {
    phase: { name: 'idle' },
    room: null,
    purpose: null,
    you: null,
    participants: [],
    otherLeft: false,
    door: [],
    picture: null,
    recording: false,
    openedAt: null,
    slots: [],
    forgone: null,
    stills: {},
    speaker: null,
    own: {
      microphone: { wanted: true, trouble: null },
      camera: { wanted: true, trouble: null, facing: 'user', canFlip: false },
      voiceOnly: false,
      rung: 'full',
      interrupted: false,
      testPicture: false,
      screen: false,
    },
    quality: 'unknown',
    restarting: false,
    linkLostSince: null,
    media: 'connecting',
    mediaDownSince: null,
    soundBlocked: false,
    wasLive: false,
  }
}
