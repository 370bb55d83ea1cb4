// A picture in pieces over a network that breaks: what the server has, it keeps; we go on from there.

import { ApiError, type Http } from '@/protocol/http'

/** Bytes of one piece: some seconds of a weak network. */
export const PIECE = 128 * 1024

interface UploadState {
  received: number
  finished: boolean
}
/** What is waited for: the network, or a server that is down or busy. */
export type WaitingFor = 'network' | 'server'

export interface UploadOptions {
  /** How much is there, 0 to 1. */
  progress: (share: number) => void
  /** Why nothing is sent just now; `null` when it goes on. */
  waiting: (why: WaitingFor | null) => void
  pause: (ms: number) => Promise<void>
  /** No longer wanted. */
  stopped: () => boolean
}

/** Sends until it is a picture of the visit. Only a refusal ends it; a broken network and a busy server are waited for. */
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
  await patiently(options, () => http.post<UploadState>(`/uploads/${id}/finish`))
  options.progress(1)
}

async function patiently<T>(options: UploadOptions, act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      const done = await act()
      options.waiting(null)
      return done
    } catch (cause) {
      const error = ApiError.from(cause)
      const why = waitsFor(error)
      if (why === null || options.stopped()) throw error
      options.waiting(why)
      // A server that is asked too often says when it may be asked again.
      await options.pause(Math.max(error.number('retry_after') * 1_000, Math.min(4_000, 500 * 2 ** tries)))
      if (options.stopped()) throw error
    }
  }
}

/** What has to come back before it is worth trying again; `null`: it was refused. */
function waitsFor(error: ApiError): WaitingFor | null {
  if (!error.passes) return null
  return error.code === 'network' ? 'network' : 'server'
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
