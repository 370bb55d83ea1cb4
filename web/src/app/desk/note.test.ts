import { describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/protocol/http'
import type { NoteDraft } from '@/protocol/staff'
import { differing, EMPTY_NOTE, Note, SAVE_AFTER_MS, unsignable, type NotePorts } from './note'

const draft = (version: number, complaint = ''): NoteDraft => ({ version, saved_at: version === 0 ? null : version * 1000, content: { ...EMPTY_NOTE, complaint } })

function bench(from: NoteDraft = draft(0), unsaved: { version: number; content: NoteDraft['content'] } | null = null) {
  const timers: { act: () => void; ms: number; off: boolean }[] = []
  const ports = {
    save: vi.fn<NotePorts['save']>((version, content) => Promise.resolve({ version: version + 1, saved_at: (version + 1) * 1000, content })),
    fetch: vi.fn<NotePorts['fetch']>(() => Promise.resolve(from)),
    later: (act: () => void, ms: number) => {
      const timer = { act, ms, off: false }
      timers.push(timer)
      return () => void (timer.off = true)
    },
    keep: vi.fn<NotePorts['keep']>(),
    changed: vi.fn(),
  }
  const note = new Note(from, ports, unsaved)
  const run = async (): Promise<number> => {
    const due = timers.filter((one) => !one.off)
    timers.length = 0
    for (const one of due) one.act()
    for (let n = 0; n < 10; n += 1) await Promise.resolve()
    return due[0]?.ms ?? -1
  }
  return { note, ports, run }
}

describe('autosave', () => {
  it('saves two seconds after the first unsaved change, with the version', async () => {
    const { note, ports, run } = bench(draft(3))
    note.change({ complaint: 'a' })
    note.change({ complaint: 'ab' })
    expect(note.state.name).toBe('dirty')
    expect(await run()).toBe(SAVE_AFTER_MS)
    expect(ports.save).toHaveBeenCalledExactlyOnceWith(3, expect.objectContaining({ complaint: 'ab' }))
    expect(note.state).toEqual({ name: 'saved', at: 4000 })
    expect(ports.keep).toHaveBeenLastCalledWith(null)
  })

  it('is not put off by typing on', async () => {
    vi.useFakeTimers()
    const save = vi.fn<NotePorts['save']>((version, content) => Promise.resolve({ version: version + 1, saved_at: 1, content }))
    const later = (act: () => void, ms: number) => {
      const timer = setTimeout(act, ms)
      return () => clearTimeout(timer)
    }
    const note = new Note(draft(0), { save, later, fetch: () => Promise.resolve(draft(0)), keep: () => undefined, changed: () => undefined })
    for (let key = 1; key <= 20; key += 1) {
      note.change({ complaint: 'a'.repeat(key) })
      await vi.advanceTimersByTimeAsync(300)
    }
    vi.useRealTimers()
    // Six seconds of typing without a pause.
    expect(save.mock.calls.length).toBeGreaterThanOrEqual(2)
    expect(save.mock.calls[0]?.[1].complaint).toBe('a'.repeat(7))
  })

  it('saves again what was typed while it was saving', async () => {
    const { note, ports, run } = bench()
    let answer: (saved: NoteDraft) => void = () => undefined
    ports.save.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)))
    note.change({ complaint: 'a' })
    await run()
    note.change({ complaint: 'ab' })
    answer(draft(1, 'a'))
    for (let n = 0; n < 10; n += 1) await Promise.resolve()
    await run()
    expect(ports.save).toHaveBeenLastCalledWith(1, expect.objectContaining({ complaint: 'ab' }))
    expect(note.version).toBe(2)
  })

  it('keeps the words while the network is away, and tries again by itself', async () => {
    const { note, ports, run } = bench()
    ports.save.mockRejectedValueOnce(new ApiError('network', 0, ''))
    note.change({ complaint: 'a' })
    await run()
    expect(note.state.name).toBe('offline')
    expect(ports.keep).toHaveBeenLastCalledWith({ version: 0, content: expect.objectContaining({ complaint: 'a' }) })
    await run()
    expect(note.state.name).toBe('saved')
  })

  it('says which field the server refused, and does not try the same again', async () => {
    const { note, ports, run } = bench()
    ports.save.mockRejectedValueOnce(new ApiError('request.invalid', 422, '', { field: 'vitals.temperature' }))
    note.change({ complaint: 'a' })
    await run()
    expect(note.state).toMatchObject({ name: 'refused', error: { field: 'vitals.temperature' } })
    expect(await run()).toBe(-1)
  })
})

describe('a conflict', () => {
  const conflict = async () => {
    const made = bench(draft(3))
    made.ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    made.ports.fetch.mockResolvedValueOnce(draft(5, 'theirs'))
    made.note.change({ complaint: 'mine' })
    await made.run()
    return made
  }
  it('shows both and saves nothing by itself', async () => {
    const { note, ports, run } = await conflict()
    expect(note.state).toMatchObject({ name: 'conflict', theirs: { version: 5 } })
    note.change({ complaint: 'mine too' })
    expect(await run()).toBe(-1)
    expect(ports.save).toHaveBeenCalledOnce()
    await expect(note.flush()).rejects.toMatchObject({ code: 'version.conflict' })
  })
  it('is ended by taking mine, on top of theirs', async () => {
    const { note, ports, run } = await conflict()
    note.resolve('mine')
    await run()
    expect(ports.save).toHaveBeenLastCalledWith(5, expect.objectContaining({ complaint: 'mine' }))
  })
  it('is ended by taking theirs', async () => {
    const { note } = await conflict()
    note.resolve('theirs')
    expect(note.content.complaint).toBe('theirs')
    expect(note.state).toEqual({ name: 'saved', at: 5000 })
  })
  it('is none when the newer version is our own, whose answer was lost', async () => {
    const { note, ports, run } = bench(draft(3))
    ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    ports.fetch.mockResolvedValueOnce(draft(4, 'mine'))
    note.change({ complaint: 'mine' })
    await run()
    expect(note.state.name).toBe('saved')
    expect(note.version).toBe(4)
  })
})

describe('a reload', () => {
  it('takes up unsaved words of the same version', async () => {
    const { note, ports, run } = bench(draft(3), { version: 3, content: { ...EMPTY_NOTE, complaint: 'unsaved' } })
    await run()
    expect(ports.save).toHaveBeenCalledWith(3, expect.objectContaining({ complaint: 'unsaved' }))
    expect(note.content.complaint).toBe('unsaved')
  })
  it('asks when somebody saved in between', () => {
    const { note } = bench(draft(5, 'theirs'), { version: 3, content: { ...EMPTY_NOTE, complaint: 'unsaved' } })
    expect(note.state.name).toBe('conflict')
  })
})

describe('signing', () => {
  it('saves first, and waits for it', async () => {
    const { note, ports } = bench()
    note.change({ diagnosis: 'd' })
    await note.flush()
    expect(ports.save).toHaveBeenCalledOnce()
    expect(note.isSaved).toBe(true)
  })
  it('locks the note', () => {
    const { note } = bench()
    note.lock()
    note.change({ complaint: 'late' })
    expect(note.content.complaint).toBe('')
  })
  it('needs a diagnosis and advice', () => {
    expect(unsignable(EMPTY_NOTE)).toBe('diagnosis')
    expect(unsignable({ ...EMPTY_NOTE, diagnosis: 'd' })).toBe('advice')
    expect(unsignable({ ...EMPTY_NOTE, diagnosis: 'd', advice: 'a' })).toBeNull()
  })
})

describe('differing', () => {
  it('names the fields', () => {
    expect(differing(EMPTY_NOTE, { ...EMPTY_NOTE, advice: 'x', vitals: { ...EMPTY_NOTE.vitals, heart_rate: 70 } })).toEqual(['vitals', 'advice'])
  })
})
