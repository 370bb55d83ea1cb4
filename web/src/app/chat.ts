// The conversation beside the call. A message is on the screen at once, and says whether it was sent.

import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref } from 'vue'
import { ApiError, newKey } from '@/protocol/http'
import type { AttachmentInfo, ChatMessage } from '@/protocol/staff'
import { ownerOf } from '@/protocol/tokens'
import { typedWords, type TypedWords } from '@/protocol/typed'
import { unsentLines, type UnsentLine, type UnsentLines } from '@/protocol/unsent'
import { readMessages, usePictures, type Pictures } from './conversation'
import type { Live } from './live'
import { newest } from './newest'
import { MAX_BYTES, shrink } from './pictures'
import type { Session } from './session'

export interface Line {
  id: string
  mine: boolean
  message: ChatMessage | null
  text: string
  /** A picture that is being sent, before the server has it. */
  preview: string | null
  state: 'sending' | 'sent' | 'failed'
  error: ApiError | null
}

/** What is being written, and waits for its press, also while the panel is closed. */
export interface Draft {
  text: string
  picture: { file: Blob; url: string } | null
}

export interface Chat extends Pictures {
  lines: ComputedRef<readonly Line[]>
  unread: Ref<number>
  /** The newest line of the other side that came while the panel was closed. */
  latest: ComputedRef<ChatMessage | null>
  draft: Readonly<Ref<Draft>>
  write: (text: string) => void
  /** Takes a picture to be sent with the next press, or none. */
  choose: (picture: Blob | null) => void
  error: Ref<ApiError | null>
  send: (text: string, picture: Blob | null) => Promise<void>
  again: (id: string) => void
  /** Takes a message away that was not sent: it may be one that never will be. */
  drop: (id: string) => void
  /** The visit is over: what was typed and what was not sent is forgotten. */
  end: () => void
  /** The panel is open: everything counts as read. */
  setOpen: (open: boolean) => void
  /** Whether the server has a line of this name. */
  holds: (id: string) => Promise<boolean>
  /** A picture that was asked for has just come, and nobody looked yet. */
  arrived: Ref<boolean>
}

/** A conversation has its messages in order of arrival; what is still being sent comes last. */
export function linesOf(stored: readonly ChatMessage[], pending: readonly Line[], side: ChatMessage['side']): Line[] {
  const known = new Set(stored.map((one) => one.id))
  const sent = stored.map((message): Line => ({ id: message.id, mine: isMine(message, side), message, text: message.text, preview: null, state: 'sent', error: null }))
  return [...sent, ...pending.filter((one) => !known.has(one.id))]
}

/** Of several guests each has lines of their own; an older server knew of one person on each side. */
function isMine(message: ChatMessage, side: ChatMessage['side']): boolean {
  return message.mine ?? message.side === side
}

/** Who sits there. */
function whose({ token, subject }: Partial<Session>): string {
  const who = subject?.value ?? null
  return who === null ? '' : ownerOf({ access_token: token?.() ?? '', subject: who })
}

/** What is still being sent. */
interface Pending extends Line {
  at: number
  picture: Blob | null
  /** The picture is as small as it is sent. */
  shrunk: boolean
  attachment: string | null
}

/** A line that did not go for a reason that passes goes by itself: when the link is back, and after this time, twice as long each. */
const AGAIN_MS = 2_000
const LONGEST_MS = 30_000

/** Why a line does not go now, and may in a moment. Who was invited may be apart, and come back. */
function passes(error: ApiError | null, side: ChatMessage['side']): boolean {
  return error === null || error.passes || (side === 'guest' && error.status === 404)
}

export function useChat(session: Session, live: Live, visit: string, side: ChatMessage['side'], unsent: UnsentLines = unsentLines(), typed: TypedWords = typedWords()): Chat {
  const path = `/visits/${visit}`
  // On one machine several may take part: each sends the own lines alone.
  const own = `${visit}|${side}|${whose(session)}`
  const stored = shallowRef<readonly ChatMessage[]>([])
  const pending = shallowRef<readonly Pending[]>([])
  const unread = ref(0)
  const error = ref<ApiError | null>(null)
  const draft = shallowRef<Draft>({ text: typed.open(own), picture: null })
  const pictures = usePictures(session)
  const arrived = ref(false)
  let open = false
  let seen = -1
  let isOver = false
  let isEnded = false
  let isResending = false
  /** How often the link came back. */
  let backs = 0

  const load = newest(async () => {
    try {
      stored.value = await readMessages(session, visit)
      error.value = null
      count()
    } catch (cause) {
      error.value = ApiError.from(cause)
    }
  })
  function count(): void {
    const theirs = stored.value.filter((one) => !isMine(one, side)).length
    // What was there before the page was opened was read before.
    if (seen < 0 || open) seen = theirs
    unread.value = theirs - seen
  }

  function change(id: string, part: Partial<Pending>): void {
    pending.value = pending.value.map((one) => (one.id === id ? { ...one, ...part } : one))
  }
  function add(line: UnsentLine, shrunk: boolean): void {
    const preview = line.picture ? URL.createObjectURL(line.picture) : null
    pending.value = [...pending.value, { ...line, mine: true, message: null, preview, state: 'sending', error: null, shrunk, attachment: null }]
  }
  async function deliver(id: string): Promise<void> {
    const line = pending.value.find((one) => one.id === id)
    if (!line) return
    change(id, { state: 'sending', error: null })
    try {
      let attachment = line.attachment
      if (line.picture && attachment === null) {
        // Made smaller once: what is sent again is the same to the letter.
        const small = line.shrunk ? line.picture : await shrink(line.picture).catch(() => line.picture!)
        change(id, { picture: small, shrunk: true })
        if (small.size > MAX_BYTES) throw new ApiError('request.too_large', 413, 'the picture is too large')
        if (!line.shrunk) void unsent.keep(own, { ...line, picture: small })
        attachment = (await session.http.post<AttachmentInfo>(`${path}/attachments`, small, { key: id })).id
        change(id, { attachment })
      }
      const body = { id, text: line.text, ...(attachment === null ? {} : { attachment }) }
      const message = await session.http.post<ChatMessage>(`${path}/messages`, body, { key: `m-${id}` })
      if (!stored.value.some((one) => one.id === id)) stored.value = [...stored.value, message]
      pending.value = pending.value.filter((one) => one.id !== id)
      void unsent.drop(own, id)
    } catch (cause) {
      const error = ApiError.from(cause)
      change(id, { state: 'failed', error })
      // It is shown with its reason, and never goes by itself.
      if (passes(error, side)) later()
      else void unsent.drop(own, id)
    }
  }

  let timer: ReturnType<typeof setTimeout> | undefined
  let wait = AGAIN_MS
  function later(): void {
    clearTimeout(timer)
    if (isOver) return
    timer = setTimeout(() => void resend(), wait)
    wait = Math.min(2 * wait, LONGEST_MS)
  }
  /** What did not go for a reason that passes, one after the other as it was written. */
  async function resend(): Promise<void> {
    if (isResending) return
    isResending = true
    const before = backs
    for (const { id } of pending.value.filter((one) => one.state === 'failed' && passes(one.error, side))) {
      await deliver(id)
      // The next would go the same way, and before its turn.
      const left = pending.value.find((one) => one.id === id)
      if (left && passes(left.error, side)) break
      wait = AGAIN_MS
    }
    isResending = false
    // The link came back while a line was failing: that is no reason to wait.
    if (backs !== before) await resend()
  }
  /** What a page before this one did not send. */
  async function takeUp(): Promise<void> {
    for (const line of await unsent.read(own)) {
      if (isOver || pending.value.some((one) => one.id === line.id)) continue
      add(line, line.picture !== null)
      change(line.id, { state: 'failed' })
    }
    await resend()
  }
  function back(): void {
    backs += 1
    void load()
    void resend()
  }

  function write(text: string): void {
    draft.value = { ...draft.value, text }
    // A page that still stands open after the end keeps nothing any more.
    if (!isEnded) typed.keep(own, text)
  }
  /** The visit is over, or over for this person: nothing of it stays on this machine. */
  function end(): void {
    isEnded = true
    typed.keep(own, '')
    void unsent.end(own)
  }
  function choose(picture: Blob | null): void {
    if (draft.value.picture) URL.revokeObjectURL(draft.value.picture.url)
    draft.value = { ...draft.value, picture: picture && { file: picture, url: URL.createObjectURL(picture) } }
  }

  const hears = { said: () => void load(), kept: () => (arrived.value = !open), ended: end, back }
  const stop = side === 'guest' ? beside(live, hears) : along(live, visit, hears)
  if (side !== 'guest') void load()
  void takeUp()
  onScopeDispose(() => {
    stop()
    isOver = true
    clearTimeout(timer)
    for (const line of pending.value) if (line.preview) URL.revokeObjectURL(line.preview)
    choose(null)
  })

  return {
    ...pictures,
    draft,
    write,
    end,
    choose,
    latest: computed(() => (unread.value > 0 ? (stored.value.filter((one) => !isMine(one, side)).at(-1) ?? null) : null)),
    lines: computed(() => linesOf(stored.value, pending.value, side)),
    unread,
    error,
    async send(text, picture) {
      const line = { id: newUuid(), text, at: Date.now(), picture }
      add(line, false)
      // A picture is kept as it is sent: see `deliver`.
      if (picture === null) void unsent.keep(own, line)
      await deliver(line.id)
    },
    again: (id) => void deliver(id),
    drop(id) {
      const line = pending.value.find((one) => one.id === id && one.state === 'failed')
      if (!line) return
      if (line.preview) URL.revokeObjectURL(line.preview)
      pending.value = pending.value.filter((one) => one !== line)
      void unsent.drop(own, id)
    },
    setOpen(now) {
      open = now
      if (now) arrived.value = false
      count()
    },
    async holds(id) {
      await load()
      return stored.value.some((one) => one.id === id)
    },
    arrived,
  }
}

/** The two of a visit follow it: what is said is read, and read anew when the socket is back. */
function along(live: Live, visit: string, hears: { said: () => void; kept: () => void; ended: () => void; back: () => void }): () => void {
  return live.subscribe(`visit:${visit}`, null, (event) => {
    if (event.kind === 'message.sent') hears.said()
    if (event.kind === 'picture.kept') hears.kept()
    if (event.kind === 'visit.ended') hears.ended()
    // What was read before the server told events of this visit may lack the line before the first of them.
  }, hears.back)
}

/** Who was invited is told in the room, while inside; what was said before, or while one was apart, is read on coming in. */
function beside(live: Live, hears: { said: () => void; ended: () => void; back: () => void }): () => void {
  let isInside = false
  return live.listen((message) => {
    if (message.type === 'welcome' || message.type === 'door' || message.type === 'room_ended') isInside = false
    if (message.type === 'room_ended' && (message.reason === 'finished' || message.reason === 'removed')) hears.ended()
    if (message.type === 'said') hears.said()
    if (message.type !== 'room') return
    const was = isInside
    isInside = message.room.participants.some((one) => one.id === message.room.you && !one.held)
    if (isInside && !was) hears.back()
  })
}

/** A UUID v4, also where the page is not a secure context. */
function newUuid(): string {
  const key = newKey()
  if (key.includes('-')) return key
  const hex = [...key]
  hex[12] = '4'
  hex[16] = '8'
  const text = hex.join('')
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`
}
