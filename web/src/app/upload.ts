// A picture in pieces over a network that breaks: what the server has, it keeps; we go on from there.

import { ApiError, type Http } from '@/protocol/http'

/** Bytes of one piece: some seconds of a weak network. */
export const PIECE = 128 * 1024

interface UploadState {
  received: number
  finished: boolean
}
export interface UploadOptions {
  /** How much is there, 0 to 1. */
  progress: (share: number) => void
  /** The network is gone, or back. */
  waiting: (on: boolean) => void
  pause: (ms: number) => Promise<void>
  /** No longer wanted. */
  stopped: () => boolean
}

/** Sends until it is a picture of the visit. Only a refusal ends it; a broken network is waited for. */
export async function sendPicture(http: Http, visit: string, id: string, picture: Blob, options: UploadOptions): Promise<void> {
  const bytes = await picture.arrayBuffer()
  const begin = { id, of: 'tongue', size: bytes.byteLength, sha256: await sha256(bytes) }
  let state = await patiently(options, () => http.post<UploadState>(`/visits/${visit}/uploads`, begin))
  while (!state.finished && state.received < bytes.byteLength && !options.stopped()) {
    options.progress(state.received / bytes.byteLength)
    const piece = new Blob([bytes.slice(state.received, state.received + PIECE)])
    const offset = state.received
    state = await patiently(options, async () => {
      try {
        return await http.request<UploadState>('PUT', `/uploads/${id}`, { body: piece, query: { offset } })
      } catch (cause) {
        // The piece arrived and its answer was lost, or another window sends too.
        if (ApiError.from(cause).code === 'upload.offset') return await http.get<UploadState>(`/uploads/${id}`)
        throw cause
      }
    })
  }
  if (options.stopped()) return
  await patiently(options, () => http.post(`/uploads/${id}/finish`))
  options.progress(1)
}

async function patiently<T>(options: UploadOptions, act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      const done = await act()
      options.waiting(false)
      return done
    } catch (cause) {
      const error = ApiError.from(cause)
      const passes = error.code === 'network' || error.status >= 500
      if (!passes || options.stopped()) throw error
      options.waiting(true)
      await options.pause(Math.min(4_000, 500 * 2 ** tries))
    }
  }
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
