// The films of one's own visits. A player cannot show a token, so a film is fetched in stretches and given to it whole.
import type { Http } from '@/protocol/http'
import type { MissingStretch, Recording } from '@/protocol/staff'

/** The most that the server answers at once. */
const STRETCH = 4 * 1024 * 1024

export function recordings(http: Http): Promise<Recording[]> {
  return http.get<Recording[]>('/recordings')
}

/** The films of one visit, which say what is missing in them. */
export function recordingsOf(http: Http, visit: string): Promise<Recording[]> {
  return http.get<Recording[]>(`/visits/${visit}/recordings`)
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

/** A film with the times of day between which it was made. */
export interface Filmed extends Recording {
  from: number
  to: number
}
export interface VisitFilms {
  visit: string
  no: number
  name_masked: string
  from: number
  to: number
  gaps: number
  films: readonly Filmed[]
}

/** The films by visit, the newest visit first: the patient's first film, the doctor's first, then what came later and what was shown, as it came. */
export function byVisit(all: readonly Recording[]): VisitFilms[] {
  const visits = new Map<string, Recording[]>()
  for (const one of all) visits.set(one.visit, [...(visits.get(one.visit) ?? []), one])
  const groups = [...visits.values()].map((films): VisitFilms => {
    const timed = films.map((one): Filmed => ({ ...one, from: beginOf(one, films), to: one.started_at + one.millis })).sort((a, b) => a.from - b.from)
    const first = ['patient', 'doctor'].flatMap((role) => timed.find((one) => one.role === role && !one.is_screen) ?? [])
    const { visit, no, name_masked } = films[0]!
    const gaps = films.reduce((sum, one) => sum + one.gaps, 0)
    return { visit, no, name_masked, from: Math.min(...timed.map((one) => one.from)), to: Math.max(...timed.map((one) => one.to)), gaps, films: [...first, ...timed.filter((one) => !first.includes(one))] }
  })
  return groups.sort((a, b) => b.from - a.from)
}

/** Times of a later part count from the beginning of the recording: it begins where the part before it ended. */
function beginOf(one: Recording, films: readonly Recording[]): number {
  const before = films.filter((other) => other.role === one.role && other.is_screen === one.is_screen && other.started_at === one.started_at && other.part < one.part)
  return one.started_at + Math.max(0, ...before.map((other) => other.millis))
}

/** A stretch that is missing, at times of day. `isMoment`: from there on, or no longer than an instant. */
export interface Missing extends Pick<MissingStretch, 'kind' | 'cause'> {
  from: number
  to: number
  isMoment: boolean
}
/** Shorter than this nobody misses anything: such stretches are counted. */
export const SHORT_MS = 1000
/** More than these are counted as well. */
const SHOWN = 12

/** What is missing of a film, in order, and how many more stretches are too short to tell. */
export function missingOf(one: Recording): { shown: readonly Missing[]; short: number; more: number } {
  const all = one.missing ?? []
  // What ends a film, or takes a camera's pictures away, is told however short it is.
  const isTold = ({ from, to, cause }: MissingStretch): boolean => to - from >= SHORT_MS || (cause !== 'lost' && cause !== 'no_keyframe')
  const told = all.filter(isTold)
  const shown = told.slice(0, SHOWN).map(({ kind, from, to, cause }): Missing => ({ kind, cause, from: one.started_at + from, to: one.started_at + to, isMoment: to - from < SHORT_MS }))
  return { shown, short: all.length - told.length, more: told.length - shown.length }
}

/** What is to be known of a film before it is played, where it does not say itself what is missing in it. */
export type Remark = 'empty' | 'unpictured' | 'cut' | 'withdrawn' | 'gaps'

export function remarks(one: Recording): Remark[] {
  const remarks: Remark[] = []
  if (one.size === 0) remarks.push('empty')
  if (one.missing !== null) return remarks
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
