// What a call is to whoever shows it.

import type { ComputedRef, InjectionKey, ShallowRef } from 'vue'
import type { Tiles } from '@/media/tiles'
import type { HostAct } from '@/protocol/live'
import type { RoomGrant } from '@/protocol/types'
import type { CallState } from '@/room/state'
import type { Live } from '../live'
import type { Streams } from './streams'

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
  /** As the patient: is filmed no more, from this moment on. */
  stopRecording: () => Promise<void>
  /** The camera's own track, for a picture that is asked for. */
  cameraTrack: () => MediaStreamTrack | null
  /** After a phone call, or when the person allowed the devices at last. */
  reviveDevices: () => void
  soundBlocked: (blocked: boolean) => void
  /** Hangs up, for good. */
  leave: () => void
}
