import type { PatientStore } from '@/app/patient/store'
import type { NetworkVerdict } from '@/protocol/types'

/** Sends a few seconds of picture and sound to our own relay and back, and says in one word how that went. */
export async function runLoopback(store: PatientStore, stream: MediaStream): Promise<NetworkVerdict> {
  void store
  void stream
  return 'untested'
}
