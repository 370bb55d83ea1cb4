import { describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/protocol/http'
import type { Prescription, RxContent, RxState } from '@/protocol/prescriptions'
import { Sheet, SHEET_SAVE_AFTER_MS, whole, type SheetPorts } from './sheet'

const herbs = (...names: string[]): RxContent => ({ herbal: { lines: names.map((written) => ({ written, mg: 9000 })), doses: 3, doses_per_day: 1, times_per_day: 2, ml: 200, timing: 'any' } })
const view = (version: number, content = herbs(), state: RxState = 'draft', id = 'a'): Prescription => ({ id, version, content, state }) as Prescription
const overtaken = (newer: Prescription) => new ApiError('version.conflict', 409, '', { newer })
const settled = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await Promise.resolve()
}

function bench(read = view(1)) {
  const timers: { act: () => void; ms: number; off: boolean }[] = []
  const ports = {
    save: vi.fn<SheetPorts['save']>((id, version, content) => Promise.resolve(view(version + 1, content, 'draft', id))),
    later: (act: () => void, ms: number) => {
      const timer = { act, ms, off: false }
      timers.push(timer)
      return () => void (timer.off = true)
    },
    changed: vi.fn(),
  }
  /** Everything that is due happens; answers after how many ms. */
  const run = async (): Promise<number[]> => {
    const due = timers.filter((one) => !one.off)
    timers.length = 0
    for (const one of due) one.act()
    await settled()
    return due.map((one) => one.ms)
  }
  /** The next save is answered by hand. */
  const held = () => {
    let answer: (saved: Prescription) => void = () => undefined
    let refuse: (cause: unknown) => void = () => undefined
    ports.save.mockImplementationOnce(() => new Promise((resolve, reject) => ([answer, refuse] = [resolve, reject])))
    return { answer: async (saved: Prescription) => (answer(saved), await settled()), refuse: async (cause: unknown) => (refuse(cause), await settled()) }
  }
  return { sheet: new Sheet(read, ports), ports, run, held }
}

describe('a sheet', () => {
  it('saves itself a moment after the last change, over the version that it was written upon', async () => {
    const { sheet, ports, run } = bench(view(4))
    sheet.change(herbs('a'))
    sheet.change(herbs('a', 'b'))
    expect(sheet.state.name).toBe('dirty')
    expect(await run()).toEqual([SHEET_SAVE_AFTER_MS])
    expect(ports.save).toHaveBeenCalledExactlyOnceWith('a', 4, herbs('a', 'b'))
    expect([sheet.state.name, sheet.version]).toEqual(['saved', 5])
  })
  it('saves what was typed during a save after it', async () => {
    const { sheet, ports, run, held } = bench()
    const save = held()
    sheet.change(herbs('a'))
    await run()
    sheet.change(herbs('a', 'b'))
    expect(sheet.state.name).toBe('saving')
    await save.answer(view(2, herbs('a')))
    expect([sheet.state.name, sheet.content]).toEqual(['dirty', herbs('a', 'b')])
    await run()
    expect(ports.save).toHaveBeenLastCalledWith('a', 2, herbs('a', 'b'))
    expect(sheet.state.name).toBe('saved')
  })
  it('keeps its words while the network is away, and tries again by itself, later each time', async () => {
    const { sheet, ports, run } = bench()
    ports.save.mockRejectedValueOnce(new ApiError('network', 0, '')).mockRejectedValueOnce(new ApiError('server.unavailable', 503, ''))
    sheet.change(herbs('a'))
    await run()
    expect([sheet.state.name, sheet.content]).toEqual(['failed', herbs('a')])
    expect(await run()).toEqual([2000])
    expect(await run()).toEqual([4000])
    expect(sheet.state.name).toBe('saved')
    ports.save.mockRejectedValueOnce(new ApiError('network', 0, ''))
    sheet.change(herbs('b'))
    await run()
    sheet.wake()
    expect(await run()).toEqual([0])
    expect(sheet.state.name).toBe('saved')
  })
  it('does not send again what was refused as it is, until it is another', async () => {
    const { sheet, ports, run, held } = bench()
    ports.save.mockRejectedValueOnce(new ApiError('request.invalid', 422, ''))
    sheet.change(herbs('?'))
    await run()
    expect([sheet.state, await run()]).toMatchObject([{ name: 'failed', error: { code: 'request.invalid' } }, []])
    await expect(bench().sheet.flush()).resolves.toBeUndefined()
    const save = held()
    sheet.change(herbs('??'))
    await run()
    sheet.change(herbs('a'))
    await save.refuse(new ApiError('request.invalid', 422, ''))
    await run()
    expect([sheet.state.name, ports.save.mock.lastCall?.[2]]).toEqual(['saved', herbs('a')])
  })
  it('is flushed when nothing of it is unsaved, or says what is in the way', async () => {
    const { sheet, ports, held } = bench()
    const save = held()
    sheet.change(herbs('a'))
    const done = sheet.flush()
    sheet.change(herbs('a', 'b'))
    await save.answer(view(2, herbs('a')))
    await done
    expect([sheet.isSaved, ports.save.mock.lastCall]).toEqual([true, ['a', 2, herbs('a', 'b')]])
    ports.save.mockRejectedValueOnce(new ApiError('network', 0, ''))
    sheet.change(herbs('c'))
    await expect(sheet.flush()).rejects.toMatchObject({ code: 'network' })
    ports.save.mockRejectedValueOnce(overtaken(view(9, herbs('theirs'))))
    await expect(sheet.flush()).rejects.toMatchObject({ code: 'version.conflict' })
    await expect(sheet.flush()).rejects.toMatchObject({ code: 'version.conflict' })
    expect(ports.save).toHaveBeenCalledTimes(4)
  })
  it('that is judged again keeps what is typed meanwhile', async () => {
    const { sheet, ports, run, held } = bench(view(1, herbs('a')))
    const save = held()
    const done = sheet.judgeAgain()
    expect(ports.save).toHaveBeenLastCalledWith('a', 1, herbs('a'))
    sheet.change(herbs('a', 'b'))
    await save.answer(view(2, herbs('a')))
    await done
    await run()
    expect(ports.save).toHaveBeenLastCalledWith('a', 2, herbs('a', 'b'))
  })
  it('saves no more once it was stopped, but what is unsaved goes out', async () => {
    const { sheet, ports, run } = bench()
    sheet.change(herbs('a'))
    const done = sheet.flush()
    sheet.stop()
    await done
    ports.save.mockRejectedValueOnce(new ApiError('network', 0, ''))
    sheet.change(herbs('b'))
    expect(await run()).toEqual([])
  })
})

describe('another window', () => {
  it('is heard where nothing is unsaved', () => {
    const { sheet } = bench()
    sheet.heard(view(2, herbs('theirs')))
    expect([sheet.content, sheet.version, sheet.state.name]).toEqual([herbs('theirs'), 2, 'saved'])
    sheet.heard(view(1, herbs('old')))
    expect(sheet.content).toEqual(herbs('theirs'))
  })
  it('is not written over: its save is a conflict, whether it was heard of or refused', async () => {
    const heard = bench()
    heard.sheet.change(herbs('mine'))
    heard.sheet.heard(view(2, herbs('theirs')))
    expect(heard.sheet.state).toMatchObject({ name: 'conflict', newer: { version: 2 } })
    expect([await heard.run(), heard.ports.save.mock.calls.length]).toEqual([[], 0])
    const refused = bench()
    refused.ports.save.mockRejectedValueOnce(overtaken(view(2, herbs('theirs'))))
    refused.sheet.change(herbs('mine'))
    await refused.run()
    refused.sheet.change(herbs('mine', 'too'))
    expect(refused.sheet.state).toMatchObject({ name: 'conflict', newer: { version: 2 } })
    expect([await refused.run(), refused.ports.save.mock.calls.length, refused.sheet.content]).toEqual([[], 1, herbs('mine', 'too')])
  })
  it('is not written over by a sheet that waits for the network', async () => {
    const { sheet, ports, run } = bench()
    ports.save.mockRejectedValueOnce(new ApiError('network', 0, ''))
    sheet.change(herbs('mine'))
    await run()
    sheet.heard(view(2, herbs('theirs')))
    expect([sheet.state.name, await run(), ports.save.mock.calls.length]).toEqual(['conflict', [], 1])
  })
  it('that signed meanwhile does not lose its signature unseen', async () => {
    const { sheet, run } = bench(view(1, herbs('a')))
    sheet.change(herbs('b'))
    sheet.heard(view(1, herbs('a'), 'signed'))
    expect([sheet.state.name, await run()]).toEqual(['conflict', []])
  })
  it('that only saved the same again, or a pharmacist who returned it, is none to ask about', async () => {
    const { sheet, ports, run } = bench(view(1, herbs('a', 'b'), 'signed'))
    ports.save.mockRejectedValueOnce(overtaken(view(2, herbs('b', 'a'))))
    sheet.change(herbs('mine'))
    sheet.heard(view(1, herbs('a', 'b'), 'returned'))
    await run()
    expect(ports.save.mock.calls.map(([, version]) => version)).toEqual([1, 2])
    expect([sheet.state.name, sheet.content, sheet.version]).toEqual(['saved', herbs('mine'), 3])
  })
  it('is this one when its own answer was lost', async () => {
    const { sheet, ports, run } = bench()
    ports.save.mockRejectedValueOnce(new ApiError('network', 0, '')).mockRejectedValueOnce(overtaken(view(2, herbs('mine'))))
    sheet.change(herbs('mine'))
    await run()
    await run()
    expect([sheet.state.name, sheet.version]).toEqual(['saved', 2])
    const typed = bench()
    typed.ports.save.mockRejectedValueOnce(new ApiError('network', 0, '')).mockRejectedValueOnce(overtaken(view(2, herbs('mine'))))
    typed.sheet.change(herbs('mine'))
    await typed.run()
    typed.sheet.change(herbs('mine', 'too'))
    await typed.run()
    expect([typed.sheet.state.name, typed.ports.save.mock.lastCall]).toEqual(['saved', ['a', 2, herbs('mine', 'too')]])
  })
  it('is this one when the event of a save overtakes its answer', async () => {
    const { sheet, run, held } = bench()
    const save = held()
    sheet.change(herbs('mine'))
    await run()
    sheet.heard(view(2, herbs('mine')))
    expect(sheet.state.name).toBe('saving')
    await save.answer(view(2, herbs('mine')))
    expect([sheet.state.name, sheet.version]).toEqual(['saved', 2])
  })
  it('that saved right after this one is heard after the answer', async () => {
    const { sheet, run, held } = bench()
    const save = held()
    sheet.change(herbs('mine'))
    await run()
    sheet.heard(view(3, herbs('theirs')))
    await save.answer(view(2, herbs('mine')))
    expect([sheet.content, sheet.version]).toEqual([herbs('theirs'), 3])
  })
})

describe('a decision', () => {
  const asked = async (state: RxState = 'draft') => {
    const made = bench()
    made.sheet.change(herbs('mine'))
    made.sheet.heard(view(5, herbs('theirs'), state))
    return made
  }
  it('for mine is saved upon theirs', async () => {
    const { sheet, ports } = await asked()
    sheet.change(herbs('mine', 'too'))
    await sheet.resolve('mine')
    expect(ports.save).toHaveBeenCalledExactlyOnceWith('a', 5, herbs('mine', 'too'))
    expect(sheet.state.name).toBe('saved')
  })
  it('for theirs saves nothing', async () => {
    const { sheet, ports, run } = await asked()
    await sheet.resolve('theirs')
    await run()
    expect([sheet.state.name, sheet.content, ports.save.mock.calls.length]).toEqual(['saved', herbs('theirs'), 0])
  })
  it('for mine is none where the pharmacist has approved theirs', async () => {
    const { sheet, ports } = await asked('approved')
    await sheet.resolve('mine')
    expect([sheet.content, ports.save.mock.calls.length]).toEqual([herbs('theirs'), 0])
  })
  it('is asked for again when they saved once more', async () => {
    const { sheet, ports } = await asked()
    ports.save.mockRejectedValueOnce(overtaken(view(6, herbs('theirs', 'too'))))
    await sheet.resolve('mine')
    expect(sheet.state).toMatchObject({ name: 'conflict', newer: { version: 6 } })
    sheet.heard(view(5, herbs('theirs')))
    expect(sheet.state).toMatchObject({ newer: { version: 6 } })
  })
})

describe('what cannot be', () => {
  it('is a number outside of its range, a part of one, or none at all', () => {
    expect(['1', ' 7 ', '60', '07'].map((typed) => whole(typed, 1, 60))).toEqual([1, 7, 60, 7])
    expect(['', '0', '61', '999', '2.5', '-3', '1e1', '三'].map((typed) => whole(typed, 1, 60))).toEqual(Array(8).fill(null))
  })
  it('stands at its field, is saved nowhere, and keeps the sheet from being whole until it is corrected', async () => {
    const { sheet, ports, run } = bench(view(1, herbs('a')))
    sheet.mistype('doses', '999')
    expect([sheet.wrong, sheet.isWhole, await run(), ports.save.mock.calls.length]).toEqual([{ doses: '999' }, false, [], 0])
    sheet.change(herbs('a', 'b'))
    await run()
    expect([sheet.wrong, sheet.state.name]).toEqual([{ doses: '999' }, 'saved'])
    sheet.mistype('doses', null)
    expect([sheet.wrong, sheet.isWhole]).toEqual([{}, true])
  })
  it('stays with its line when one before it goes, or the server puts them in another order', async () => {
    const { sheet, ports, run } = bench(view(1, herbs('a', 'b', 'c')))
    sheet.mistype('grams-2', '9000')
    sheet.mistype('grams-0', 'x')
    sheet.mistype('doses', '')
    sheet.removed(0)
    expect(sheet.wrong).toEqual({ doses: '', 'grams-1': '9000' })
    ports.save.mockResolvedValueOnce(view(2, herbs('c', 'b')))
    sheet.change(herbs('b', 'c'))
    await run()
    expect(sheet.wrong).toEqual({ doses: '', 'grams-0': '9000' })
  })
  it('is also a line that was begun and is not whole; one with nothing on it is none', () => {
    const { sheet } = bench()
    sheet.begin({ written: ' ', mg: 0 })
    expect(sheet.isWhole).toBe(true)
    sheet.begin({ written: '附子', mg: 0 })
    expect(sheet.isWhole).toBe(false)
    sheet.begin({ name: '', kind: 'patent', strength: '', dose: '1袋', times_per_day: 3, days: 3 })
    expect(sheet.isWhole).toBe(false)
    sheet.begin(null)
    expect(sheet.isWhole).toBe(true)
  })
})
