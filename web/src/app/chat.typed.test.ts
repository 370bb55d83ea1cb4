import { afterEach, beforeEach, expect, it } from 'vitest'
import { effectScope, shallowRef, type EffectScope } from 'vue'
import { pageDrawer } from '@/protocol/sealed'
import { TypedWords } from '@/protocol/typed'
import { UnsentLines } from '@/protocol/unsent'
import { useChat, type Chat } from './chat'
import type { Live } from './live'
import type { Session } from './session'

const scopes: EffectScope[] = []
let hear: (event: { kind: string }) => void = () => undefined

/** A page, loaded anew each time. */
function page(visit = 'v', account = 'd1'): Chat {
  for (const scope of scopes.splice(0)) scope.stop()
  const live = { subscribe: (_: string, __: null, heard: typeof hear) => ((hear = heard), () => undefined), listen: () => () => undefined } as unknown as Live
  const post = async (_: string, body: { id: string; text: string }) => ({ id: body.id, side: 'staff', from: { zh: '', en: '' }, text: body.text, at: 0 })
  const session = { http: { get: async () => [], post }, subject: shallowRef({ kind: 'staff', id: account }), token: () => null } as unknown as Session
  const scope = effectScope()
  scopes.push(scope)
  return scope.run(() => useChat(session, live, visit, 'staff', new UnsentLines(pageDrawer(), () => 0), new TypedWords(sessionStorage)))!
}
const kept = (): string[] => Object.values({ ...sessionStorage }) as string[]

beforeEach(() => sessionStorage.clear())
afterEach(() => {
  for (const scope of scopes.splice(0)) scope.stop()
})

it('what was typed and not sent is there after a reload, in this tab alone', () => {
  page().write('您好，请把')
  expect(page().draft.value.text).toBe('您好，请把')
  expect(Object.keys(localStorage)).toEqual([])
})

it('it is gone once it was sent, or taken back', async () => {
  const chat = page()
  chat.write('请吐舌')
  await chat.send('请吐舌', null)
  chat.write('')
  expect(kept()).toEqual([])
  expect(page().draft.value.text).toBe('')
})

it('it is gone with the visit, also what is typed into a page that still stands open', () => {
  const chat = page()
  chat.write('一句')
  hear({ kind: 'visit.ended' })
  expect(kept()).toEqual([])
  chat.write('一句话')
  expect(kept()).toEqual([])
})

it('nobody else in this tab reads it, nor is it there at the next visit', () => {
  page().write('一句')
  expect(page('v', 'd2').draft.value.text).toBe('')
  expect(kept()).toEqual([])
  page().write('一句')
  expect(page('w').draft.value.text).toBe('')
  expect(kept()).toEqual([])
})

it('who signs out leaves nothing of it', () => {
  sessionStorage.setItem('yunzhen.window', 'w')
  page().write('一句')
  new TypedWords(sessionStorage).forget()
  expect(Object.keys({ ...sessionStorage })).toEqual(['yunzhen.window'])
})

it('where storage is forbidden the page goes on', () => {
  const no = (): never => {
    throw new Error('forbidden')
  }
  const typed = new TypedWords({ getItem: no, setItem: no, removeItem: no, key: no, length: 1 })
  expect(typed.open('v')).toBe('')
  typed.keep('v', 'a')
  typed.forget()
})
