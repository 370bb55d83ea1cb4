// The check before a call: a loopback room of our own relay, for a few seconds.

import { LOOPBACK_MS, watchLoopback, type LoopbackVerdict } from '@/media/loopback'
import { meter, VOICE } from '@/media/meter'
import { Peer } from '@/media/peer'
import type { Report } from '@/media/stats'
import type { RoomGrant } from '@/protocol/types'
import type { Live } from './live'

export interface LoopbackOptions {
  live: Live
  grant: () => Promise<RoomGrant>
  /** What is sent; it stays the caller's. */
  stream: MediaStream
  audio: () => AudioContext | null
}

const CONNECT_MS = 10_000
const NOTHING: LoopbackVerdict = { network: 'none', rttMs: null, loss: 0, kbps: 0, camera: false, voice: false }
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Sends picture and sound to the relay and back. Never rejects: a check that fails says that the network did. */
export async function checkLoopback(options: LoopbackOptions): Promise<LoopbackVerdict> {
  const end: (() => void)[] = []
  try {
    return await run(options, end)
  } catch {
    return NOTHING
  } finally {
    for (const act of end.reverse()) act()
  }
}

async function run({ live, grant, stream, audio }: LoopbackOptions, end: (() => void)[]): Promise<LoopbackVerdict> {
  const { room, grant: right, ice_servers: iceServers } = await grant()
  let connected = false
  const peer = new Peer({
    make: () => new RTCPeerConnection({ bundlePolicy: 'max-bundle' }),
    iceServers: () => iceServers ?? [],
    receive: { audio: 1, video: 1 },
    offer: (offer) => live.command({ type: 'offer', room, ...offer }),
    state: (state) => (connected = state === 'connected'),
    changed: () => undefined,
    now: () => Date.now(),
    setTimer: (act, ms) => window.setTimeout(act, ms),
    clearTimer: (timer) => window.clearTimeout(timer as number),
  })
  end.push(() => peer.close())
  peer.setTrack('audio', stream.getAudioTracks()[0] ?? null)
  peer.setTrack('video', stream.getVideoTracks()[0] ?? null)
  const mids: { audio: string | null; video: string | null } = { audio: null, video: null }
  end.push(
    live.listen((message) => {
      if (message.type === 'answer' && message.room === room) void peer.answer(message.offer_id, message.sdp)
      if (message.type === 'offer_refused' && message.room === room) peer.refused(message.offer_id)
      if (message.type === 'slots' && message.room === room) for (const slot of message.slots) mids[slot.kind] = slot.mid
    }),
  )
  await live.command({ type: 'join', grant: right }, { patience: 'queue' })
  end.push(() => void live.command({ type: 'leave', room }, { patience: 'queue' }).catch(() => undefined))
  peer.begin()
  for (let waited = 0; !connected && waited < CONNECT_MS; waited += 50) await wait(50)
  if (!connected) return NOTHING
  // The slots follow the first packets.
  for (let waited = 0; mids.audio === null && mids.video === null && waited < 2000; waited += 50) await wait(50)
  const returned = { audio: mids.audio === null ? null : peer.trackOf(mids.audio), video: mids.video === null ? null : peer.trackOf(mids.video) }
  return await watchLoopback(
    { stats: async () => (await peer.connection!.getStats()) as unknown as Report, pixels: pixelsOf(returned.video, end), level: levelOf(returned.audio, audio(), end), now: () => Date.now(), wait },
    VOICE,
    LOOPBACK_MS,
  )
}

function pixelsOf(track: MediaStreamTrack | null, end: (() => void)[]): () => ArrayLike<number> | null {
  if (!track) return () => null
  const video = document.createElement('video')
  video.muted = video.playsInline = true
  video.srcObject = new MediaStream([track])
  void video.play().catch(() => undefined)
  end.push(() => (video.srcObject = null))
  const canvas = document.createElement('canvas')
  canvas.width = 32
  canvas.height = 24
  const pen = canvas.getContext('2d', { willReadFrequently: true })
  return () => {
    if (!pen || video.videoWidth === 0) return null
    pen.drawImage(video, 0, 0, 32, 24)
    return pen.getImageData(0, 0, 32, 24).data
  }
}

function levelOf(track: MediaStreamTrack | null, context: AudioContext | null, end: (() => void)[]): () => number {
  if (!track || !context) return () => 0
  let level = 0
  // Chrome gives a remote track to WebAudio only while an element plays it.
  const element = new Audio()
  element.muted = true
  element.srcObject = new MediaStream([track])
  void element.play().catch(() => undefined)
  const stop = meter(context, track, (now) => (level = now))
  end.push(stop, () => (element.srcObject = null))
  return () => level
}
