// Opinions: what is asked about a visit, what is asked of oneself, and the answer that is written and signed.

import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { pick } from '@/i18n'
import { ApiError, type Http } from '@/protocol/http'
import type { MyOpinions, Opinion, OpinionLine, VisitOpinions } from '@/protocol/opinions'
import type { VisitView } from '@/protocol/staff'
import type { NoteContent } from '@/protocol/types'
import type { Live } from '../live'
import type { Session } from '../session'
import { useFeed, type Feed } from '../staff/feed'

/** As the server counts them. */
export const LIMITS = { question: 500, summary: 4000, opinion: 4000, advice: 2000 } as const
const SAVE_AFTER_MS = 700

export interface AboutVisit {
  feed: Feed<VisitOpinions>
  ask: (doctor: string, question: string, summary: string) => Promise<void>
  withdraw: (one: OpinionLine) => Promise<void>
}

/** The questions about a visit, for its doctor. */
export function useAboutVisit(session: Session, live: Live, visit: string): AboutVisit {
  const { http } = session
  const feed = useFeed<VisitOpinions>(live, () => http.get(`/visits/${visit}/opinions`), () => [{ topic: `visit:${visit}`, since: null }])
  return {
    feed,
    async ask(doctor, question, summary) {
      await http.send(`/visits/${visit}/opinions`, { doctor, question, summary })
      feed.refresh()
    },
    async withdraw(one) {
      await http.send(`/opinions/${one.id}/withdraw`)
      feed.refresh()
    },
  }
}

export interface Mine {
  feed: Feed<MyOpinions>
  /** How many wait for an answer of one's own. */
  open: ComputedRef<number>
}

/** What was asked of a doctor, and by a doctor. */
export function useMyOpinions(session: Session, live: Live, account: string): Mine {
  const feed = useFeed<MyOpinions>(live, () => session.http.get('/opinions'), () => (account ? [{ topic: `account:${account}`, since: null }] : []))
  return { feed, open: computed(() => (feed.value.value?.of_me ?? []).filter((one) => one.state === 'asked').length) }
}

export type AnswerSave = 'saved' | 'dirty' | 'saving' | 'failed' | 'conflict'
export interface Words {
  opinion: string
  advice: string
}

export interface Answering {
  one: ShallowRef<Opinion | null>
  /** The record, which is open to the asked doctor as long as the question is. */
  record: ShallowRef<VisitView | null>
  words: ShallowRef<Words>
  save: Ref<AnswerSave>
  error: ShallowRef<ApiError | null>
  load: () => Promise<void>
  write: (part: Partial<Words>) => void
  /** After a conflict: what was saved elsewhere takes the place of what stands here, or the other way round. */
  settle: (keep: 'mine' | 'theirs') => Promise<void>
  sign: () => Promise<void>
}

/** One question that was asked of oneself, or one's own to be read. What is written is saved a moment after the last key, over the version that was read. */
export function useAnswering(http: Http, id: string, answers: boolean): Answering {
  const one = shallowRef<Opinion | null>(null)
  const record = shallowRef<VisitView | null>(null)
  const words = shallowRef<Words>({ opinion: '', advice: '' })
  const save = ref<AnswerSave>('saved')
  const error = shallowRef<ApiError | null>(null)
  let newer: Opinion | null = null
  let unsaved = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let sending: Promise<void> | null = null
  onScopeDispose(() => {
    clearTimeout(timer)
    if (unsaved && save.value !== 'conflict') void send()
  })

  function take(view: Opinion): void {
    one.value = view
    words.value = { opinion: view.opinion, advice: view.advice }
    unsaved = false
    save.value = 'saved'
  }
  function send(): Promise<void> {
    clearTimeout(timer)
    sending ??= once().finally(() => (sending = null))
    return sending
  }
  async function once(): Promise<void> {
    while (unsaved && one.value) {
      const sent = words.value
      save.value = 'saving'
      try {
        one.value = await http.put<Opinion>(`/opinions/${id}`, { version: one.value.version, ...sent })
        error.value = null
        // Typed on meanwhile: once more, over the version that is new now.
        if (words.value === sent) unsaved = false
      } catch (cause) {
        error.value = ApiError.from(cause)
        const theirs = error.value.details['newer']
        newer = error.value.code === 'version.conflict' && theirs ? (theirs as Opinion) : null
        save.value = newer ? 'conflict' : 'failed'
        return
      }
    }
    save.value = 'saved'
  }

  return {
    one,
    record,
    words,
    save,
    error,
    async load() {
      const view = await http.get<Opinion>(`/opinions/${id}`)
      take(view)
      if (answers && view.line.state === 'asked') record.value = await http.get<VisitView>(`/visits/${view.line.visit}`)
    },
    write(part) {
      words.value = { ...words.value, ...part }
      unsaved = true
      // Two texts stand against each other: somebody chooses first.
      if (save.value === 'conflict') return
      save.value = 'dirty'
      clearTimeout(timer)
      timer = setTimeout(() => void send(), SAVE_AFTER_MS)
    },
    async settle(keep) {
      if (!newer) return
      const mine = words.value
      take(newer)
      newer = null
      error.value = null
      if (keep === 'theirs') return
      words.value = mine
      unsaved = true
      await send()
    },
    async sign() {
      if (sending) await sending
      if (unsaved) await send()
      if (error.value) throw error.value
      if (!one.value) return
      take(await http.post<Opinion>(`/opinions/${id}/sign`, { version: one.value.version }))
      record.value = null
    },
  }
}

/** The case in short, as the record begins it; the doctor goes on from there. */
export function summaryOf(content: NoteContent): string {
  const named = (content.diagnoses ?? []).map((one) => pick(one)).join(' ')
  const parts = [content.complaint, content.history, content.background, content.examination, named, content.diagnosis]
  const told = parts.map((part) => part.trim()).filter((part) => part !== '').join('\n')
  return Array.from(told).slice(0, LIMITS.summary).join('')
}
