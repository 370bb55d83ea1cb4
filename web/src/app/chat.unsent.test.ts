import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, shallowRef, type EffectScope } from 'vue'
import { ApiError } from '@/protocol/http'
import { pageDrawer } from '@/protocol/sealed'
import { UnsentLines } from '@/protocol/unsent'
import { useChat, type Chat } from './chat'
import type { Live } from './live'
import type { Session } from './session'

/** The server: what it took, each line once, and what it answers. */
let taken: Map<string, string>
let refusal: ApiError | null
let loses: boolean
let tries: number
let pictures: Blob[]
let box: ReturnType<typeof pageDrawer>
const scopes: EffectScope[] = []

/** A page, loaded anew each time. */
function page(account = 'd1', side: 'staff' | 'guest' = 'staff'): { chat: Chat; linkBack: () => void; tell: (kind: string) => void; ends: (reason: string) => void } {
  const post = async (_: string, body: Blob | { id: string; text: string }): Promise<object> => {
    await Promise.resolve()
    tries += 1
    if (refusal) throw refusal
    if (body instanceof Blob) return (pictures.push(body), { id: 'attached' })
    taken.set(body.id, body.text)
    if (loses) throw new ApiError('network', 0, 'the answer was lost')
    return { id: body.id, side: 'staff', from: { zh: '', en: '' }, text: body.text, at: 0 }
  }
  let hears: (message: object) => void = () => undefined
  let [followed, heard]: [() => void, (event: { kind: string }) => void] = [() => undefined, () => undefined]
  const subscribe = (_: string, __: null, hear: typeof heard, begun: () => void) => ((heard = hear), (followed = begun), () => undefined)
  const listen = (hear: (message: object) => void) => ((hears = hear), () => undefined)
  const live = { subscribe, listen } as unknown as Live
  const session = { http: { get: async () => [], post }, subject: shallowRef({ kind: 'staff', id: account }), token: () => null } as unknown as Session
  const scope = effectScope()
  scopes.push(scope)
  const chat = scope.run(() => useChat(session, live, 'v', side, new UnsentLines(box, () => Date.now())))!
  return { chat, linkBack: () => followed(), tell: (kind) => heard({ kind }), ends: (reason) => hears({ type: 'room_ended', room: 'r', reason }) }
}
/** The ciphers of the browser take a turn of their own. */
const settled = async (what: () => boolean): Promise<void> => void (await vi.waitFor(() => expect(what()).toBe(true)))
const kept = (): number => [...box.kept.keys()].filter((name) => name !== 'key').length

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], shouldAdvanceTime: true })
  taken = new Map()
  refusal = null
  loses = false
  tries = 0
  pictures = []
  box = pageDrawer()
})
afterEach(() => {
  for (const scope of scopes.splice(0)) scope.stop()
  vi.useRealTimers()
})

it('a line that did not reach the server outlives the page, and the next page sends it by itself, once', async () => {
  refusal = new ApiError('network', 0, 'no network')
  const before = page()
  await before.chat.send('听得到吗', null)
  await settled(() => kept() === 1)
  scopes.splice(0).forEach((scope) => scope.stop())
  refusal = null
  const after = page()
  await settled(() => taken.size === 1 && kept() === 0)
  expect([...taken.values()]).toEqual(['听得到吗'])
  expect(after.chat.lines.value.map((one) => [one.text, one.state])).toEqual([['听得到吗', 'sent']])
  page()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(taken.size).toBe(1)
})

it('a line whose answer was lost keeps its name, also on the next page', async () => {
  loses = true
  const before = page()
  await before.chat.send('一次', null)
  await settled(() => kept() === 1)
  const id = before.chat.lines.value[0]?.id
  scopes.splice(0).forEach((scope) => scope.stop())
  loses = false
  page()
  await settled(() => kept() === 0)
  expect([...taken.keys()]).toEqual([id])
})

it('lines go by themselves when the link is back, in the order in which they were written', async () => {
  refusal = new ApiError('network', 0, 'no network')
  const { chat, linkBack } = page()
  await chat.send('一', null)
  await chat.send('二', null)
  expect(chat.lines.value.map((one) => one.state)).toEqual(['failed', 'failed'])
  refusal = null
  linkBack()
  await settled(() => taken.size === 2)
  expect([...taken.values()]).toEqual(['一', '二'])
})

it('a line goes by itself although the link was never lost, and is tried the more seldom the longer it fails', async () => {
  refusal = new ApiError('server.unavailable', 503, '')
  const { chat } = page()
  await chat.send('一', null)
  await vi.advanceTimersByTimeAsync(60_000)
  // After 2, 6, 14 and 30 seconds, and then every half minute.
  expect(tries).toBe(6)
  refusal = null
  await vi.advanceTimersByTimeAsync(30_000)
  await settled(() => taken.size === 1)
})

it('what is refused for good is shown, is not sent again by itself, and is not kept', async () => {
  refusal = new ApiError('visit.ended', 409, '')
  const { chat, linkBack } = page()
  await chat.send('太晚', null)
  await settled(() => kept() === 0)
  refusal = null
  linkBack()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(taken.size).toBe(0)
  expect(chat.lines.value[0]?.state).toBe('failed')
})

it('nothing is kept beyond the visit, and nobody else who uses the machine sends it', async () => {
  refusal = new ApiError('network', 0, 'no network')
  const { chat, tell } = page()
  await chat.send('一', null)
  await settled(() => kept() === 1)
  const other = page('d2')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(other.chat.lines.value).toEqual([])
  tell('visit.ended')
  await settled(() => kept() === 0)
})

it.each(['finished', 'removed'])('of a guest nothing is kept once the room was %s', async (reason) => {
  refusal = new ApiError('network', 0, 'no network')
  const { chat, ends } = page('g', 'guest')
  await chat.send('一', null)
  await settled(() => kept() === 1)
  // They may come back after this.
  ends('staff_lost')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(kept()).toBe(1)
  ends(reason)
  await settled(() => kept() === 0)
})

it('a picture that was not sent goes again to the letter', async () => {
  refusal = new ApiError('network', 0, 'no network')
  const before = page()
  await before.chat.send('看', new Blob(['舌'], { type: 'image/jpeg' }))
  await settled(() => kept() === 1)
  scopes.splice(0).forEach((scope) => scope.stop())
  refusal = null
  const { chat } = page()
  await settled(() => taken.size === 1)
  expect(chat.lines.value[0]?.state).toBe('sent')
  expect(await pictures.at(-1)?.text()).toBe('舌')
})
