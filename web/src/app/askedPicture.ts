// The picture that the doctor asks for, on the patient's side: aim, take, look, send.

import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { glance, pixelsOf, takePicture } from '@/media/picture'
import { judge, type Verdict } from '@/media/pictureQuality'
import type { PictureAsk } from '@/protocol/live'
import { useAction, type Action } from './action'
import type { Session } from './session'
import { sendPicture, type WaitingFor } from './upload'

export type { Verdict } from '@/media/pictureQuality'

export interface AskedPicture {
  /** Of what the camera sees now, or of the photo that was taken. */
  verdict: Ref<Verdict | null>
  /** The address of the photo, once one is taken. */
  shot: Readonly<ShallowRef<string | null>>
  /** How much is sent, 0 to 1; `null` while nothing is. */
  sent: Ref<number | null>
  /** Why nothing is sent just now; sending goes on by itself. */
  waiting: Ref<WaitingFor | null>
  /** It has just arrived; true for some seconds. */
  delivered: Ref<boolean>
  look: (video: HTMLVideoElement) => void
  take: Action<[track: MediaStreamTrack, video: HTMLVideoElement]>
  again: () => void
  send: Action<[ask: PictureAsk]>
}

/** So long it is said that a picture arrived. */
const TOLD_MS = 8_000

export function useAskedPicture(session: Session, visit: string): AskedPicture {
  const verdict = ref<Verdict | null>(null)
  const shot = shallowRef<string | null>(null)
  const sent = ref<number | null>(null)
  const waiting = ref<WaitingFor | null>(null)
  const delivered = ref(false)
  let telling: ReturnType<typeof setTimeout> | undefined
  let picture: Blob | null = null
  let gone = false

  function again(): void {
    if (shot.value) URL.revokeObjectURL(shot.value)
    shot.value = verdict.value = picture = null
  }
  onScopeDispose(() => {
    gone = true
    clearTimeout(telling)
    again()
  })
  return {
    verdict,
    shot,
    sent,
    waiting,
    delivered,
    look(video) {
      if (picture) return
      const pixels = glance(video)
      if (pixels) verdict.value = judge(pixels)
    },
    take: useAction(async (track, video) => {
      const taken = await takePicture(track, video)
      again()
      picture = taken
      shot.value = URL.createObjectURL(taken)
      const pixels = await pixelsOf(taken)
      verdict.value = pixels && judge(pixels)
    }, 0),
    again,
    send: useAction(async (ask) => {
      if (!picture) return
      sent.value = 0
      try {
        await sendPicture(session.http, visit, ask.id, picture, {
          progress: (share) => (sent.value = share),
          waiting: (why) => (waiting.value = why),
          pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
          stopped: () => gone,
        })
        again()
        if (gone) return
        delivered.value = true
        clearTimeout(telling)
        telling = setTimeout(() => (delivered.value = false), TOLD_MS)
      } finally {
        sent.value = null
        waiting.value = null
      }
    }, 0),
  }
}

/** What a picture is like that came from the patient; `null` when it cannot be judged. */
export async function judgePicture(picture: Blob): Promise<Verdict | null> {
  const pixels = await pixelsOf(picture)
  return pixels && judge(pixels)
}
