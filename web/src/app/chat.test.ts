import { describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { ApiError } from '@/protocol/http'
import type { ChatMessage } from '@/protocol/staff'
import { linesOf, useChat, type Line } from './chat'
import type { Live } from './live'
import type { Session } from './session'
import { fit } from './pictures'

const stored = (id: string, side: ChatMessage['side']): ChatMessage => ({ id, side, from: { zh: '', en: '' }, text: id, at: 0 })
const pending = (id: string, state: Line['state']): Line => ({ id, mine: true, message: null, text: id, preview: null, state, error: null })

describe('linesOf', () => {
  it('shows what was stored, then what is being sent', () => {
    const lines = linesOf([stored('a', 'patient'), stored('b', 'staff')], [pending('c', 'sending')], 'patient')
    expect(lines.map((one) => [one.id, one.mine, one.state])).toEqual([['a', true, 'sent'], ['b', false, 'sent'], ['c', true, 'sending']])
  })
  it('shows a message once whose answer was lost, but that arrived', () => {
    expect(linesOf([stored('a', 'patient')], [pending('a', 'failed')], 'patient')).toHaveLength(1)
  })
})

describe('fit', () => {
  it('makes a photo smaller and never larger', () => {
    expect(fit(4000, 3000)).toEqual({ width: 1600, height: 1200 })
    expect(fit(800, 600)).toEqual({ width: 800, height: 600 })
    expect(fit(3000, 1)).toEqual({ width: 1600, height: 1 })
  })
})

describe('a message that was refused', () => {
  it('can be sent again or taken away', async () => {
    const http = { get: async () => [], post: async () => Promise.reject(new ApiError('request.unsupported_type', 415, '')) }
    const live = { subscribe: () => () => undefined, listen: () => () => undefined } as unknown as Live
    const scope = effectScope()
    const chat = scope.run(() => useChat({ http } as unknown as Session, live, 'v', 'patient'))!
    await chat.send('look', null)
    const [line] = chat.lines.value
    expect(line?.state).toBe('failed')
    chat.drop('another')
    expect(chat.lines.value).toHaveLength(1)
    chat.drop(line?.id ?? '')
    expect(chat.lines.value).toEqual([])
    scope.stop()
  })
})

describe('the conversation of a guest', () => {
  it('is read inside the call, and never at the door or apart', async () => {
    let reads = 0
    let hear: (message: object) => void = () => undefined
    const http = { get: () => Promise.resolve((reads++, [{ ...stored('a', 'guest'), mine: false }, { ...stored('b', 'guest'), mine: true }])) }
    const live = { subscribe: () => { throw new Error('a guest follows no topic') }, listen: (heard: typeof hear) => ((hear = heard), () => undefined) } as unknown as Live
    const scope = effectScope()
    const chat = scope.run(() => useChat({ http } as unknown as Session, live, 'v', 'guest'))!
    const room = (held: boolean): object => ({ type: 'room', room: { you: 'g', participants: [{ id: 'g', held }] } })
    const after = async (message: object): Promise<number> => {
      hear(message)
      await new Promise((done) => setTimeout(done))
      return reads
    }
    expect(await after({ type: 'welcome' })).toBe(0)
    expect(await after({ type: 'door' })).toBe(0)
    expect(await after(room(false))).toBe(1)
    expect(await after(room(false))).toBe(1)
    expect(chat.lines.value.map((one) => one.mine)).toEqual([false, true])
    expect(await after({ type: 'said', room: 'r' })).toBe(2)
    expect(await after(room(true))).toBe(2)
    expect(await after(room(false))).toBe(3)
    // The socket was lost, and whatever was said meanwhile was told to nobody: read it on coming back.
    expect(await after({ type: 'welcome' })).toBe(3)
    expect(await after(room(false))).toBe(4)
    expect(await after(room(false))).toBe(4)
    scope.stop()
  })
})

describe('what is being written', () => {
  it('waits for its press also while the panel is closed, and a new line of the other side is known until it is opened', async () => {
    const lines: ChatMessage[] = []
    let hear: (event: { kind: string }) => void = () => undefined
    const http = { get: () => Promise.resolve([...lines]) }
    const live = { subscribe: (_: string, __: null, heard: typeof hear) => ((hear = heard), () => undefined), listen: () => () => undefined } as unknown as Live
    const scope = effectScope()
    const chat = scope.run(() => useChat({ http } as unknown as Session, live, 'v', 'patient'))!
    await vi.waitFor(async () => expect(await chat.holds('x')).toBe(false))
    chat.setOpen(true)
    chat.write('half a')
    chat.choose(new Blob(['x'], { type: 'image/png' }))
    chat.setOpen(false)
    expect([chat.draft.value.text, chat.draft.value.picture?.file.size]).toEqual(['half a', 1])
    lines.push(stored('x', 'staff'))
    hear({ kind: 'message.sent' })
    expect(await chat.holds('x')).toBe(true)
    expect([chat.latest.value?.id, chat.unread.value]).toEqual(['x', 1])
    chat.setOpen(true)
    expect(chat.latest.value).toBeNull()
    scope.stop()
  })
})

describe('a line of the other side', () => {
  it('is shown that came while the lines before it were still being fetched, or before the server told events of the visit', async () => {
    const [all, asked]: [ChatMessage[], (() => void)[]] = [[], []]
    let [hear, followed]: [(event: { kind: string }) => void, () => void] = [() => undefined, () => undefined]
    // The server reads at once, and its answer takes its time.
    const http = { get: () => { const read = [...all]; return new Promise((resolve) => asked.push(() => resolve(read))) } }
    const live = { subscribe: (_: string, __: null, heard: typeof hear, begun: typeof followed) => ((hear = heard), (followed = begun), () => undefined) } as unknown as Live
    const scope = effectScope()
    const chat = scope.run(() => useChat({ http } as unknown as Session, live, 'v', 'patient'))!
    const answer = async (): Promise<void> => {
      await vi.waitFor(() => expect(asked.length).toBeGreaterThan(0))
      asked.shift()?.()
    }
    const shown = (): string[] => chat.lines.value.map((one) => one.id)
    all.push(stored('first', 'staff'))
    hear({ kind: 'message.sent' })
    await answer()
    await answer()
    await vi.waitFor(() => expect(shown()).toEqual(['first']))
    hear({ kind: 'message.sent' })
    all.push(stored('second', 'staff'))
    hear({ kind: 'message.sent' })
    await answer()
    await answer()
    await vi.waitFor(() => expect(shown()).toEqual(['first', 'second']))
    all.push(stored('third', 'staff'))
    followed()
    await answer()
    await vi.waitFor(() => expect(shown()).toEqual(['first', 'second', 'third']))
    expect(asked).toHaveLength(0)
    scope.stop()
  })
})
