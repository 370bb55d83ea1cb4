import { checkLoopback } from '@/app/check'
import { liveOf } from '@/app/live'
import type { PatientStore } from '@/app/patient/store'
import type { NetworkVerdict } from '@/protocol/types'
import { audio } from '@/ui/kit/sound'

/** Sends a few seconds of picture and sound to our own relay and back, and says in one word how that went. */
export async function runLoopback(store: PatientStore, stream: MediaStream): Promise<NetworkVerdict> {
  const verdict = await checkLoopback({ live: liveOf(store.session, store.link), grant: store.checkGrant, stream, audio })
  return verdict.network
}
