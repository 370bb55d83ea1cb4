import { effectScope, shallowRef, type EffectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Status } from '@/connection/driver'
import { ApiError } from '@/protocol/http'
import type { Prescription, RxContent, Ticked } from '@/protocol/prescriptions'
import type { Live } from '../live'
import type { Session } from '../session'
import { ITS_DAY, putSheetsAway, useRx, type Rx } from './rx'
import { sidesOf } from './rxWords'

const herbs = (...names: string[]): RxContent => ({ herbal: { lines: names.map((written) => ({ written, mg: 9000 })), doses: 3, doses_per_day: 1, times_per_day: 2, ml: 200, timing: 'any' } })
const names = (content: RxContent | null): string[] => content?.herbal?.lines.map((line) => line.written) ?? []
const basis: Ticked & { pregnancy: 'no' } = { kind: 'return', proof_seen: true, guardian_present: false, paediatric: false, pregnancy: 'no' }

/** A server with two prescriptions of one visit. A request that matches `hold` waits until it is let go. */
function serve() {
  const kept = new Map<string, Prescription>()
  const said: string[] = []
  const waiting: (() => void)[] = []
  const world = { away: false, warned: false, hold: null as string | null }
  for (const id of ['a', 'b']) kept.set(id, { id, number: id, version: 1, state: 'draft', content: herbs(`${id}0`), report: { findings: [] } } as unknown as Prescription)
  const answer = async <T>(name: string, act: () => unknown): Promise<T> => {
    if (world.hold === name) await new Promise<void>((resolve) => waiting.push(resolve))
    if (world.away) throw new ApiError('network', 0, '')
    return structuredClone(act()) as T
  }
  const all = () => ({ pane: { closed: null }, prescriptions: [...kept.values()] })
  const one = (path: string) => kept.get(path.split('/')[2] ?? '')!
  const save = (path: string, version: number, content: RxContent) => {
    const now = one(path)
    if (now.version !== version) throw new ApiError('version.conflict', 409, '', { newer: structuredClone(now) })
    kept.set(now.id, { ...now, version: version + 1, state: 'draft', content })
    return one(path)
  }
  const http = {
    get: <T>(path: string) => answer<T>(`GET ${path}`, all),
    put: <T>(path: string, body: { version: number; content: RxContent }) => {
      said.push(`PUT ${path} ${body.version ?? ''} ${names(body.content ?? null).join()}`.trim())
      return answer<T>(`PUT ${path}`, () => (path.endsWith('basis') ? all() : save(path, body.version, body.content)))
    },
    post: <T>(path: string, body: { version: number; confirm?: boolean }) => {
      said.push(`POST ${path} ${body.version}${body.confirm ? ' again' : ''}`)
      return answer<T>(`POST ${path}`, () => {
        if (world.warned && !body.confirm) throw new ApiError('rx.unconfirmed', 422, '')
        if (one(path).version !== body.version) throw new ApiError('version.conflict', 409, '')
        kept.set(one(path).id, { ...one(path), state: 'signed' })
        return one(path)
      })
    },
  }
  const letGo = async (next: string | null = null) => {
    world.hold = next
    for (const go of waiting.splice(0)) go()
    await vi.advanceTimersByTimeAsync(1)
  }
  return { http, kept, said, world, letGo, elsewhere: (id: string, content: RxContent) => void save(`/prescriptions/${id}`, kept.get(id)!.version, content) }
}

const scopes: EffectScope[] = []
let heard: () => void = () => undefined
async function opened(server: ReturnType<typeof serve>): Promise<{ rx: Rx; close: () => void }> {
  const live = { status: shallowRef<Status>({ name: 'open' }), subscribe: (_: string, __: null, hear: () => void) => ((heard = hear), () => undefined) } as unknown as Live
  const scope = effectScope()
  scopes.push(scope)
  const rx = scope.run(() => useRx({ http: server.http } as unknown as Session, live, 'v')) as Rx
  await vi.advanceTimersByTimeAsync(1000)
  rx.choose('a')
  return { rx, close: () => scope.stop() }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(async () => {
  for (const scope of scopes.splice(0)) scope.stop()
  await putSheetsAway()
  vi.useRealTimers()
})

describe('the prescriptions of a visit', () => {
  it('save what is written on each under its own id, whatever is chosen while a save is under way', async () => {
    const server = serve()
    const { rx } = await opened(server)
    server.world.hold = 'PUT /prescriptions/a'
    rx.change(herbs('a1'))
    await vi.advanceTimersByTimeAsync(700)
    rx.change(herbs('a2'))
    rx.choose('b')
    expect(names(rx.content.value)).toEqual(['b0'])
    await server.letGo()
    await vi.advanceTimersByTimeAsync(2000)
    expect(server.said).toEqual(['PUT /prescriptions/a 1 a1', 'PUT /prescriptions/a 2 a2'])
    expect(names(server.kept.get('b')!.content)).toEqual(['b0'])
    rx.choose('a')
    expect([names(rx.content.value), rx.save.value]).toEqual([['a2'], 'saved'])
  })
  it('keep the words of a sheet whose save failed on that sheet, and show that it failed', async () => {
    const server = serve()
    const { rx } = await opened(server)
    server.world.away = true
    rx.change(herbs('a1'))
    await vi.advanceTimersByTimeAsync(700)
    expect([rx.save.value, rx.saveError.value?.code]).toEqual(['failed', 'network'])
    rx.choose('b')
    expect([names(rx.content.value), rx.save.value, rx.saveError.value, rx.saveOf('a')]).toEqual([['b0'], 'saved', null, 'failed'])
    server.world.away = false
    rx.change(herbs('b1'))
    await rx.sign({}, ITS_DAY, false)
    await vi.advanceTimersByTimeAsync(5000)
    expect(server.said).toContain('POST /prescriptions/b/sign 2')
    expect([names(server.kept.get('a')!.content), names(server.kept.get('b')!.content)]).toEqual([['a1'], ['b1']])
    rx.choose('a')
    expect([names(rx.content.value), rx.save.value]).toEqual([['a1'], 'saved'])
  })
  it('write over no other window: a person decides, also about one that is not shown', async () => {
    const server = serve()
    const { rx } = await opened(server)
    rx.change(herbs('mine'))
    server.elsewhere('a', herbs('theirs'))
    heard()
    await vi.advanceTimersByTimeAsync(5000)
    expect([rx.save.value, names(rx.content.value), names(server.kept.get('a')!.content)]).toEqual(['conflict', ['mine'], ['theirs']])
    rx.change(herbs('mine', 'too'))
    await vi.advanceTimersByTimeAsync(5000)
    await expect(rx.sign({}, ITS_DAY, false)).rejects.toMatchObject({ code: 'version.conflict' })
    expect(server.said).toEqual([])
    rx.choose('b')
    expect([names(rx.conflict.value?.mine ?? null), rx.conflict.value?.newer.version]).toEqual([['mine', 'too'], 2])
    await rx.resolve('mine')
    expect([server.said, rx.conflict.value]).toEqual([['PUT /prescriptions/a 2 mine,too'], null])
  })
  it('write over no other window after a refused save either, and one key changes nothing of that', async () => {
    const server = serve()
    const { rx } = await opened(server)
    server.elsewhere('a', herbs('theirs'))
    rx.change(herbs('mine'))
    await vi.advanceTimersByTimeAsync(700)
    rx.change(herbs('mine', 'key'))
    await vi.advanceTimersByTimeAsync(5000)
    expect([server.said, rx.save.value]).toEqual([['PUT /prescriptions/a 1 mine'], 'conflict'])
    await rx.resolve('theirs')
    expect([names(rx.content.value), rx.save.value, names(server.kept.get('a')!.content)]).toEqual([['theirs'], 'saved', ['theirs']])
  })
  it('keep what is typed while a tick is sent and while the draft is judged again', async () => {
    const server = serve()
    const { rx } = await opened(server)
    server.world.hold = 'PUT /visits/v/basis'
    const ticked = rx.tick(basis)
    rx.change(herbs('a1'))
    await server.letGo('PUT /prescriptions/a')
    rx.change(herbs('a1', 'a2'))
    await server.letGo()
    await ticked
    expect(names(rx.content.value)).toEqual(['a1', 'a2'])
    await vi.advanceTimersByTimeAsync(2000)
    expect([names(server.kept.get('a')!.content), rx.save.value]).toEqual([['a1', 'a2'], 'saved'])
  })
  it('are signed as they were when the button was pressed, whatever is chosen until it is saved', async () => {
    const server = serve()
    const { rx } = await opened(server)
    rx.change(herbs('a1'))
    server.world.hold = 'PUT /prescriptions/a'
    const signed = rx.sign({}, ITS_DAY, false)
    rx.choose('b')
    await server.letGo()
    await signed
    expect(server.said).toEqual(['PUT /prescriptions/a 1 a1', 'POST /prescriptions/a/sign 2'])
    expect([rx.all.value.map((one) => one.state), rx.open.value?.id]).toEqual([['signed', 'draft'], 'b'])
  })
  it('are signed a second time by an act of its own, and judged again where a warning came in between', async () => {
    const server = serve()
    const { rx } = await opened(server)
    server.world.warned = true
    await expect(rx.sign({}, ITS_DAY, false)).rejects.toMatchObject({ code: 'rx.unconfirmed' })
    expect(server.said).toEqual(['POST /prescriptions/a/sign 1', 'PUT /prescriptions/a 1 a0'])
    await rx.sign({}, ITS_DAY, true)
    expect(server.said.at(-1)).toBe('POST /prescriptions/a/sign 2 again')
    expect(rx.open.value?.state).toBe('signed')
  })
  it('ask about what was typed while the signature was on its way', async () => {
    const server = serve()
    const { rx } = await opened(server)
    server.world.hold = 'POST /prescriptions/a/sign'
    const signed = rx.sign({}, ITS_DAY, false)
    rx.change(herbs('late'))
    await server.letGo()
    await signed
    await vi.advanceTimersByTimeAsync(2000)
    expect([rx.save.value, rx.conflict.value?.newer.state, server.kept.get('a')!.state]).toEqual(['conflict', 'signed', 'signed'])
  })
  it('are not signed over what was typed and cannot be, on no way through another sheet or tab either', async () => {
    const server = serve()
    const first = await opened(server)
    first.rx.mistype('doses', '999')
    expect(first.rx.save.value).toBe('mistyped')
    await expect(first.rx.sign({}, ITS_DAY, false)).rejects.toMatchObject({ code: 'request.invalid' })
    first.rx.choose('b')
    expect([first.rx.wrong.value, first.rx.saveOf('a')]).toEqual([{}, 'mistyped'])
    first.close()
    await vi.advanceTimersByTimeAsync(10)
    const { rx } = await opened(server)
    expect([rx.wrong.value, server.said]).toEqual([{ doses: '999' }, []])
    rx.mistype('doses', null)
    await rx.sign({}, ITS_DAY, false)
    expect(server.said).toEqual(['POST /prescriptions/a/sign 1'])
  })
  it('that could not be saved are there when the tab is shown again, and are saved meanwhile if they can be', async () => {
    const server = serve()
    const first = await opened(server)
    server.world.away = true
    first.rx.change(herbs('a1'))
    first.close()
    await vi.advanceTimersByTimeAsync(10)
    server.world.away = false
    const second = await opened(server)
    expect(names(second.rx.content.value)).toEqual(['a1'])
    await vi.advanceTimersByTimeAsync(5000)
    expect([names(server.kept.get('a')!.content), second.rx.save.value]).toEqual([['a1'], 'saved'])
  })
  it('leave nothing here after somebody signed out, and go out before', async () => {
    const server = serve()
    const { rx, close } = await opened(server)
    rx.change(herbs('a1'))
    await putSheetsAway()
    expect(names(server.kept.get('a')!.content)).toEqual(['a1'])
    close()
    server.elsewhere('a', herbs('theirs'))
    expect(names((await opened(server)).rx.content.value)).toEqual(['theirs'])
  })
})

describe('two sheets beside each other', () => {
  it('show where they differ, and how much else is the same', () => {
    const { mine, theirs } = sidesOf(herbs('桂枝', '芍药', '芍药'), herbs('桂枝', '芍药'))
    expect([mine.split('\n')[0], mine.split('\n').length, theirs.split('\n').length]).toEqual(['芍药 9 g', 2, 1])
    const empty = { herbal: { ...herbs().herbal!, doses: 7 } }
    expect(sidesOf(empty, herbs('桂枝')).mine.split('\n')).toHaveLength(1)
    const item = { name: '甲', kind: 'patent' as const, strength: '5g', dose: '1袋', times_per_day: 3, days: 3 }
    expect(sidesOf({ medicines: { items: [] } }, { medicines: { items: [item] } }).theirs).toContain('甲 5g')
  })
})
