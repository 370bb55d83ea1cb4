// The films of one's own visits. A player cannot show a token, so a film is fetched in stretches and given to it whole.
import type { Http } from '@/protocol/http'
import type { Recording } from '@/protocol/staff'

/** The most that the server answers at once. */
const STRETCH = 4 * 1024 * 1024

export function recordings(http: Http): Promise<Recording[]> {
  return http.get<Recording[]>('/recordings')
}

/** The film; `progress` is told the share that has arrived. Ends early, with nothing, when `signal` is aborted. */
export async function film(http: Http, one: Recording, progress: (share: number) => void, signal: AbortSignal): Promise<Blob | null> {
  const parts: Blob[] = []
  let have = 0
  while (have < one.size) {
    const headers = { Range: `bytes=${have}-${Math.min(have + STRETCH, one.size) - 1}` }
    const part = await http.blob(`/recordings/${one.id}/media`, { headers, signal }).catch(endedBy(signal))
    if (part === null) return null
    parts.push(part)
    have += part.size
    progress(have / one.size)
  }
  return new Blob(parts, { type: 'video/webm' })
}

function endedBy(signal: AbortSignal): (cause: unknown) => null {
  return (cause) => {
    if (signal.aborted) return null
    throw cause
  }
}

/** What is to be known of a film before it is played. */
export type Remark = 'empty' | 'unpictured' | 'cut' | 'withdrawn' | 'gaps'

export function remarks(one: Recording): Remark[] {
  const remarks: Remark[] = []
  if (one.size === 0) remarks.push('empty')
  if (one.is_unpictured) remarks.push('unpictured')
  if (one.is_cut) remarks.push('cut')
  else if (one.is_withdrawn) remarks.push('withdrawn')
  // What was said above is one of the gaps.
  else if (one.gaps > remarks.length) remarks.push('gaps')
  return remarks
}

/** 1:05, or 1:01:05. */
export function duration(millis: number): string {
  const seconds = Math.round(millis / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}
