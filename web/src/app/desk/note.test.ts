import { describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/protocol/http'
import type { FieldConflict, MergedNote } from '@/protocol/record'
import type { NoteDraft } from '@/protocol/staff'
import { differing, EMPTY_NOTE, Note, put, SAVE_AFTER_MS, unsignable, type NotePorts } from './note'

const draft = (version: number, complaint = ''): NoteDraft => ({ version, saved_at: version === 0 ? null : version * 1000, content: { ...EMPTY_NOTE, complaint } })

/** What the server says to an edit of an older version: `theirs` is saved, `content` is both. */
const merged = (theirs: NoteDraft, content: NoteDraft['content'], conflicts: FieldConflict[] = []): MergedNote => ({
  version: theirs.version, content, conflicts, theirs: theirs.content, saved_by: { zh: '甲', en: 'A' }, saved_at: theirs.saved_at,
})
const asked = (mine: string): FieldConflict => ({ path: ['complaint'], base: '', mine, theirs: 'theirs' })

function bench(from: NoteDraft = draft(0), unsaved: { version: number; content: NoteDraft['content'] } | null = null) {
  const timers: { act: () => void; ms: number; off: boolean }[] = []
  const ports = {
    save: vi.fn<NotePorts['save']>((version, content) => Promise.resolve({ version: version + 1, saved_at: (version + 1) * 1000, content })),
    merge: vi.fn<NotePorts['merge']>((_, content) => Promise.resolve(merged(from, content))),
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
    const note = new Note(draft(0), { save, later, merge: (_, content) => Promise.resolve(merged(draft(0), content)), keep: () => undefined, changed: () => undefined })
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
  const theirs = draft(5, 'theirs')
  const conflict = async () => {
    const made = bench(draft(3))
    made.ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    made.ports.merge.mockImplementation((_, content) => Promise.resolve(merged(theirs, theirs.content, [asked(content.complaint)])))
    made.note.change({ complaint: 'mine' })
    await made.run()
    return made
  }
  it('shows both and saves nothing by itself', async () => {
    const { note, ports, run } = await conflict()
    expect(note.state).toMatchObject({ name: 'conflict', merged: { version: 5, conflicts: [{ path: ['complaint'], mine: 'mine' }] } })
    note.change({ advice: 'mine too' })
    expect(await run()).toBe(-1)
    expect(ports.save).toHaveBeenCalledOnce()
    await expect(note.flush()).rejects.toMatchObject({ code: 'version.conflict' })
  })
  it('is ended by taking mine, on top of theirs', async () => {
    const { note, ports, run } = await conflict()
    await note.resolve(() => 'mine')
    await run()
    expect(ports.save).toHaveBeenLastCalledWith(5, expect.objectContaining({ complaint: 'mine' }))
  })
  it('is ended by taking theirs', async () => {
    const { note } = await conflict()
    await note.resolve(() => 'theirs')
    expect(note.content.complaint).toBe('theirs')
    expect(note.state).toEqual({ name: 'saved', at: 5000 })
  })
  it('is asked again where something was typed into the same place meanwhile', async () => {
    const { note } = await conflict()
    note.change({ complaint: 'mine, later' })
    await note.resolve(() => 'theirs')
    expect(note.state).toMatchObject({ name: 'conflict', merged: { conflicts: [{ mine: 'mine, later' }] } })
  })
  it('is none when the newer version is our own, whose answer was lost', async () => {
    const { note, ports, run } = bench(draft(3))
    ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    ports.merge.mockImplementationOnce((_, content) => Promise.resolve(merged(draft(4, 'mine'), content)))
    note.change({ complaint: 'mine' })
    await run()
    expect(note.state.name).toBe('saved')
    expect(note.version).toBe(4)
  })
  it('is none when both wrote into different fields', async () => {
    const { note, ports, run } = bench(draft(3))
    ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    ports.merge.mockImplementationOnce((_, content) => Promise.resolve(merged({ ...draft(5), content: { ...EMPTY_NOTE, advice: 'theirs' } }, { ...content, advice: 'theirs' })))
    note.change({ complaint: 'mine' })
    await run()
    await run()
    expect(ports.save).toHaveBeenLastCalledWith(5, expect.objectContaining({ complaint: 'mine', advice: 'theirs' }))
  })
})

describe('another window', () => {
  it('is heard, and what it saved stands here too', async () => {
    const { note, ports } = bench(draft(3))
    const theirs = draft(4, 'theirs')
    ports.merge.mockImplementationOnce(() => Promise.resolve(merged(theirs, theirs.content)))
    note.heard(4)
    for (let n = 0; n < 10; n += 1) await Promise.resolve()
    expect(note.content.complaint).toBe('theirs')
    expect(note.state.name).toBe('saved')
  })
  it('is not heard when it is this one', () => {
    const { note, ports } = bench(draft(3))
    note.heard(3)
    expect(ports.merge).not.toHaveBeenCalled()
  })
})

describe('what is typed while both are made one', () => {
  const theirs = { ...draft(5), content: { ...EMPTY_NOTE, advice: 'theirs' } }
  const settled = async (): Promise<void> => {
    for (let n = 0; n < 10; n += 1) await Promise.resolve()
  }
  /** The first answer is held back; the others come at once, with their advice. */
  const held = () => {
    const made = bench(draft(3))
    let answer: () => void = () => undefined
    const both: NotePorts['merge'] = (_, content) => Promise.resolve(merged(theirs, { ...content, advice: 'theirs' }))
    made.ports.merge.mockImplementation(both)
    made.ports.merge.mockImplementationOnce((version, content) => new Promise((resolve) => (answer = () => resolve(both(version, content)))))
    return { ...made, answer: async () => (answer(), await settled()) }
  }

  it('stays after a save that was refused', async () => {
    const { note, ports, run, answer } = held()
    ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    note.change({ complaint: 'mine' })
    await run()
    note.change({ complaint: 'mine, and more' })
    await answer()
    expect(note.content).toMatchObject({ complaint: 'mine, and more', advice: 'theirs' })
    await run()
    expect(ports.save).toHaveBeenLastCalledWith(5, expect.objectContaining({ complaint: 'mine, and more', advice: 'theirs' }))
  })
  it('stays, is kept and is saved where this window had nothing new before', async () => {
    const { note, ports, run, answer } = held()
    note.heard(5)
    note.change({ complaint: 'typed' })
    await answer()
    expect(note.content).toMatchObject({ complaint: 'typed', advice: 'theirs' })
    expect(ports.keep).toHaveBeenLastCalledWith({ version: 5, content: expect.objectContaining({ complaint: 'typed' }) })
    await run()
    expect(ports.save).toHaveBeenLastCalledWith(5, expect.objectContaining({ complaint: 'typed' }))
    expect(note.state.name).toBe('saved')
  })
  it('stays after a person decided', async () => {
    const { note, ports, run, answer } = held()
    ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    note.change({ complaint: 'mine' })
    await run()
    ports.merge.mockResolvedValueOnce(merged(theirs, theirs.content, [asked('mine')]))
    note.change({ history: 'typed' })
    await answer()
    expect(note.state.name).toBe('conflict')
    let resolved: () => void = () => undefined
    ports.merge.mockImplementationOnce((_, content) => new Promise((resolve) => (resolved = () => resolve(merged(theirs, { ...content, advice: 'theirs' }, [asked('mine')])))))
    const done = note.resolve(() => 'mine')
    note.change({ history: 'typed, and more' })
    resolved()
    await done
    expect(note.content).toMatchObject({ complaint: 'mine', history: 'typed, and more' })
  })
  it('changes nothing of a note that was signed meanwhile', async () => {
    const { note, answer } = held()
    note.heard(5)
    note.lock()
    await answer()
    expect(note.state.name).toBe('locked')
    expect(note.version).toBe(3)
  })
})

describe('a note that another window signed', () => {
  const settled = async (): Promise<void> => {
    for (let n = 0; n < 10; n += 1) await Promise.resolve()
  }
  /** A save is under way, and `typed` after it; then the note is locked. */
  const signed = async (typed?: string) => {
    const made = bench(draft(3, 'signed'))
    let settle: { resolve: (saved: NoteDraft) => void; reject: (cause: unknown) => void } = { resolve: () => undefined, reject: () => undefined }
    made.ports.save.mockImplementationOnce(() => new Promise((resolve, reject) => (settle = { resolve, reject })))
    made.note.change({ complaint: 'sent' })
    await made.run()
    if (typed !== undefined) made.note.change({ complaint: typed })
    made.note.lock()
    return { ...made, answer: async () => (settle.resolve(draft(4, 'sent')), await settled()), refuse: async (cause: unknown) => (settle.reject(cause), await settled()) }
  }

  it('stays locked when a save of before is answered', async () => {
    const { note, ports, run, answer } = await signed()
    await answer()
    expect(note.state.name).toBe('locked')
    note.change({ complaint: 'late' })
    expect([note.content.complaint, await run()]).toEqual(['signed', -1])
    expect(ports.keep, 'the server has every word').toHaveBeenLastCalledWith(null)
  })
  it.each([new ApiError('network', 0, ''), new ApiError('version.conflict', 409, ''), new ApiError('request.invalid', 422, '')])('stays locked when a save of before fails: %s', async (cause) => {
    const { note, ports, run, refuse } = await signed()
    await refuse(cause)
    expect([note.state.name, await run(), ports.merge.mock.calls.length]).toEqual(['locked', -1, 0])
    expect(ports.keep).toHaveBeenLastCalledWith({ version: 3, content: expect.objectContaining({ complaint: 'sent' }) })
  })
  it('keeps what was typed meanwhile, shows what was signed, and goes on with both in an amendment', async () => {
    const { note, ports, run, answer } = await signed('sent, and more')
    expect(ports.keep).toHaveBeenLastCalledWith({ version: 3, content: expect.objectContaining({ complaint: 'sent, and more' }) })
    await answer()
    expect(ports.keep).toHaveBeenLastCalledWith({ version: 4, content: expect.objectContaining({ complaint: 'sent, and more' }) })
    expect([note.state.name, note.content.complaint]).toEqual(['locked', 'signed'])
    note.unlock()
    expect(note.content.complaint).toBe('sent, and more')
    await run()
    expect(ports.save).toHaveBeenLastCalledWith(4, expect.objectContaining({ complaint: 'sent, and more' }))
    expect(ports.keep).toHaveBeenLastCalledWith(null)
  })
  it('keeps words that no save was under way for', async () => {
    const { note, ports, run } = bench(draft(3))
    note.change({ complaint: 'typed' })
    note.lock()
    expect(await run()).toBe(-1)
    expect(ports.keep).toHaveBeenLastCalledWith({ version: 3, content: expect.objectContaining({ complaint: 'typed' }) })
    note.unlock()
    await run()
    expect(ports.save).toHaveBeenCalledExactlyOnceWith(3, expect.objectContaining({ complaint: 'typed' }))
  })
  it('keeps what this machine kept over a reload', async () => {
    const { note, ports, run } = bench(draft(3, 'signed'), { version: 3, content: { ...EMPTY_NOTE, complaint: 'typed' } })
    note.lock()
    note.lock()
    expect([note.content.complaint, await run()]).toEqual(['signed', -1])
    expect(ports.keep).not.toHaveBeenCalledWith(null)
  })
  it('is amended from what it is where nothing stood aside', async () => {
    const { note, run } = bench(draft(3))
    note.lock()
    note.unlock()
    expect([note.state.name, await run()]).toEqual(['saved', -1])
  })
  it('takes no template in any more, and has it in the amendment', () => {
    const { note } = bench(draft(3, 'signed'))
    note.lock()
    note.adopt(draft(4, 'with a template'))
    expect([note.state.name, note.content.complaint]).toEqual(['locked', 'signed'])
    note.unlock()
    expect([note.version, note.content.complaint, note.isSaved]).toEqual([4, 'with a template', true])
  })
})

describe('a place in a note', () => {
  it('is written, made and emptied', () => {
    const note = { ...EMPTY_NOTE, diagnoses: [{ kind: 'western' as const, code: 'J00', zh: '', en: '' }] }
    expect(put(note, ['vitals', 'temperature'], 38).vitals.temperature).toBe(38)
    expect(put(note, ['exams', 'findings', 'ask.sweat', 'words'], 'x').exams).toEqual({ findings: { 'ask.sweat': { words: 'x' } } })
    expect(put(note, ['diagnoses', 'J00', 'provisional'], true).diagnoses?.[0]).toMatchObject({ code: 'J00', provisional: true })
  })
})

describe('a reload', () => {
  it('takes up unsaved words of the same version', async () => {
    const { note, ports, run } = bench(draft(3), { version: 3, content: { ...EMPTY_NOTE, complaint: 'unsaved' } })
    await run()
    expect(ports.save).toHaveBeenCalledWith(3, expect.objectContaining({ complaint: 'unsaved' }))
    expect(note.content.complaint).toBe('unsaved')
  })
  it('merges when somebody saved in between', async () => {
    const { note, ports, run } = bench(draft(5, 'theirs'), { version: 3, content: { ...EMPTY_NOTE, complaint: 'unsaved' } })
    ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    ports.merge.mockImplementationOnce(() => Promise.resolve(merged(draft(5, 'theirs'), draft(5, 'theirs').content, [asked('unsaved')])))
    await run()
    expect(ports.merge).toHaveBeenCalledWith(3, expect.objectContaining({ complaint: 'unsaved' }))
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
  it('waits for what both wrote to be saved as one', async () => {
    const { note, ports } = bench(draft(3))
    const both = { ...EMPTY_NOTE, diagnosis: 'd', advice: 'theirs' }
    ports.save.mockRejectedValueOnce(new ApiError('version.conflict', 409, ''))
    ports.merge.mockResolvedValueOnce(merged(draft(5), both))
    note.change({ diagnosis: 'd' })
    await note.flush()
    expect(ports.save).toHaveBeenLastCalledWith(5, both)
    expect([note.isSaved, note.version]).toEqual([true, 6])
  })
  it('waits for what was typed during the save', async () => {
    const { note, ports } = bench()
    let answer: (saved: NoteDraft) => void = () => undefined
    ports.save.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)))
    note.change({ diagnosis: 'd' })
    const done = note.flush()
    note.change({ diagnosis: 'de' })
    answer(draft(1))
    await done
    expect(ports.save).toHaveBeenLastCalledWith(1, expect.objectContaining({ diagnosis: 'de' }))
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
  it('needs a word on the pulse once anything was examined', () => {
    const signable = { ...EMPTY_NOTE, diagnosis: 'd', advice: 'a' }
    const findings = { 'ask.sweat': { terms: ['ask.sweat.none'] } }
    expect(unsignable({ ...signable, exams: { findings } })).toBe('pulse')
    expect(unsignable({ ...signable, exams: { findings, pulse: { state: 'taken', by: 'device', rate: 70 } } })).toBe('pulse')
    expect(unsignable({ ...signable, exams: { findings, pulse: { state: 'not_taken', why: 'remote' } } })).toBeNull()
    expect(unsignable({ ...signable, exams: { tongue: { coating: ['coating.stained'] }, pulse: { state: 'not_taken', why: 'remote' } } })).toBe('stain')
  })
})

describe('differing', () => {
  it('names the fields', () => {
    expect(differing(EMPTY_NOTE, { ...EMPTY_NOTE, advice: 'x', vitals: { ...EMPTY_NOTE.vitals, heart_rate: 70 } })).toEqual(['vitals', 'advice'])
  })
})
