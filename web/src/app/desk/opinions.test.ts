import { effectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Http } from '@/protocol/http'
import type { Opinion } from '@/protocol/opinions'
import type { NoteContent } from '@/protocol/types'
import { LIMITS, summaryOf, useAnswering, type Answering } from './opinions'

const VITALS = { temperature: null, heart_rate: null, respiratory_rate: null, oxygen_saturation: null, systolic: null, diastolic: null }
const note = (part: Partial<NoteContent>): NoteContent => ({ complaint: '', history: '', background: '', vitals: VITALS as NoteContent['vitals'], examination: '', diagnosis: '', advice: '', ...part })
const words = (text: string) => ({ zh: text, en: text })

/** A server that keeps one opinion as ours does. */
class Server {
  opinion: Opinion = {
    line: { id: 'o', visit: 'v', no: 1, patient_masked: '演**', state: 'asked', asked_by: words('甲'), doctor: words('乙'), asked_at: 1, closed_at: null },
    version: 0, doctor_title: words('主任医师'), question: '求治法', summary: '发热两天', opinion: '', advice: '', saved_at: null, hash: null, signature: null,
  }
  readonly asked: string[] = []

  readonly http = new Http({ fetch: (url, init) => Promise.resolve(this.#answer(String(url), init)) })

  #answer(url: string, init: RequestInit | undefined): Response {
    const method = init?.method ?? 'GET'
    const body = typeof init?.body === 'string' ? (JSON.parse(init.body) as { version: number; opinion?: string; advice?: string }) : null
    this.asked.push(`${method} ${url.replace('/api/v1', '')}`)
    if (url.endsWith('/visits/v')) return Response.json({ id: 'v' })
    if (body && body.version !== this.opinion.version) return Response.json({ code: 'version.conflict', message: '', newer: this.opinion }, { status: 409 })
    if (method === 'PUT') this.save(body?.opinion ?? '', body?.advice ?? '')
    if (url.endsWith('/sign')) this.opinion = { ...this.opinion, version: this.opinion.version + 1, line: { ...this.opinion.line, state: 'answered' } }
    return Response.json(this.opinion)
  }
  save(opinion: string, advice: string): void {
    this.opinion = { ...this.opinion, version: this.opinion.version + 1, opinion, advice }
  }
}

describe('an answer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  async function answering(server: Server): Promise<Answering> {
    const answer = effectScope().run(() => useAnswering(server.http, 'o', true))
    if (!answer) throw new Error('no scope')
    await answer.load()
    return answer
  }

  it('is saved a moment after the last key and signed with every word', async () => {
    const server = new Server()
    const answer = await answering(server)
    expect(answer.record.value).toEqual({ id: 'v' })
    answer.write({ opinion: '证属' })
    answer.write({ opinion: '证属风热犯肺' })
    await vi.advanceTimersByTimeAsync(700)
    expect([server.opinion.opinion, answer.save.value, server.opinion.version]).toEqual(['证属风热犯肺', 'saved', 1])
    answer.write({ advice: '辛凉解表' })
    await answer.sign()
    expect([server.opinion.advice, server.opinion.line.state, answer.record.value]).toEqual(['辛凉解表', 'answered', null])
  })

  it('that was saved elsewhere is not written over before somebody chose', async () => {
    for (const keep of ['mine', 'theirs'] as const) {
      const server = new Server()
      const answer = await answering(server)
      server.save('另一处', '')
      answer.write({ opinion: '这一处' })
      await vi.advanceTimersByTimeAsync(700)
      expect([answer.save.value, server.opinion.opinion]).toEqual(['conflict', '另一处'])
      answer.write({ opinion: '这一处更多' })
      await vi.advanceTimersByTimeAsync(5000)
      expect(server.opinion.opinion).toBe('另一处')
      await expect(answer.sign()).rejects.toMatchObject({ code: 'version.conflict' })
      await answer.settle(keep)
      const whose = keep === 'mine' ? '这一处更多' : '另一处'
      expect([server.opinion.opinion, answer.words.value.opinion, answer.save.value]).toEqual([whose, whose, 'saved'])
    }
  })
})

describe('a summary', () => {
  it('begins with what the record says, without what is empty, and fits', () => {
    expect(summaryOf(note({ complaint: '发热两天 ', diagnosis: '时行感冒' }))).toBe('发热两天\n时行感冒')
    expect(Array.from(summaryOf(note({ history: '咳'.repeat(LIMITS.summary + 9) })))).toHaveLength(LIMITS.summary)
  })
})
