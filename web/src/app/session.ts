import { shallowRef, type ShallowRef } from 'vue'
import { Http } from '@/protocol/http'
import { ownerOf, readTokens, writeTokens, type KeptTokens } from '@/protocol/tokens'
import type { Subject, Tokens } from '@/protocol/types'
import { alone } from './alone'
import { canWait, exchangeToken } from './exchange'
import { createProving, type Proving } from './proving'

/** Where tokens are kept: `sessionStorage` for staff (one person per window), `localStorage` for patients (a killed tab). */
export interface Cupboard {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

export interface Session {
  /** Who is signed in, if anybody. */
  subject: Readonly<ShallowRef<Subject | null>>
  /** Sends every request with the access token, and renews it once when the server says that it is old. */
  http: Http
  /** The access token of the moment, for the socket. */
  token(): string | null
  signIn(tokens: Tokens): void
  /** Forgets the tokens here; `POST /auth/logout` is the caller's. */
  forget(): void
  /** `isNeeded`: the access token is no good any more. Otherwise it is renewed in time, and not at any price. */
  renew(isNeeded?: boolean): Promise<boolean>
  /** Whoever rested is asked who they are; what they wanted to do waits for it. */
  proving: Proving
}

/** One signed-in subject. `ended` is called once when the server no longer knows the session. */
export function createSession(cupboard: Cupboard, name: string, ended: () => void = () => undefined): Session {
  let tokens = stored()
  const subject = shallowRef<Subject | null>(tokens?.subject ?? null)
  let renewing: Promise<boolean> | null = null
  /** What could not be written down is known to this page alone. */
  let isKept = true

  function stored(): KeptTokens | null {
    return readTokens(safely(() => cupboard.getItem(name)) ?? null)
  }
  /** Whether storage holds what another person signed in with since. */
  function isTaken(): boolean {
    const there = stored()
    return there !== null && tokens !== null && ownerOf(there) !== ownerOf(tokens)
  }
  /** The newest tokens of this person: another tab of the same link may have exchanged them since. */
  function newest(): KeptTokens | null {
    return !isKept || isTaken() ? tokens : tokens && (stored() ?? tokens)
  }
  function keep(next: KeptTokens): void {
    isKept = safely(() => (cupboard.setItem(name, writeTokens(next)), true)) ?? false
    if (!isKept) safely(() => cupboard.removeItem(name))
  }
  function hold(next: KeptTokens): KeptTokens {
    const held = { got_at: Date.now(), ...next }
    tokens = held
    subject.value = held.subject
    return held
  }
  function signIn(next: Tokens): void {
    keep(hold(next))
  }
  function forget(): void {
    if (!isTaken()) safely(() => cupboard.removeItem(name))
    tokens = null
    subject.value = null
    // What waits for a proof is this person's: nobody else's password sends it.
    proving.giveUp()
  }
  async function exchange(): Promise<boolean> {
    const known = newest()
    if (known === null) return false
    // Written down before it goes: whoever sends it again, after a reload too, knows since when it may be spent.
    const spent = { ...known, sent_at: known.sent_at ?? Date.now() }
    tokens = spent
    if (isKept && !isTaken()) keep(spent)
    try {
      const next = await exchangeToken(spent.refresh_token, spent.sent_at, () => tokens === spent)
      // Whoever signed out meanwhile is not signed in again, and who signed in is not put out.
      if (tokens !== spent) return tokens !== null
      const held = hold(next)
      if (!isTaken()) keep(held)
      return true
    } catch (cause) {
      if (tokens !== spent) return tokens !== null
      // Without locks another tab may have been quicker.
      const now = newest()
      if (now !== null && now.refresh_token !== spent.refresh_token) {
        hold(now)
        return true
      }
      if (cause instanceof Error && 'status' in cause && cause.status === 401) {
        forget()
        ended()
      }
      return false
    }
  }
  function renew(isNeeded = true): Promise<boolean> {
    const now = newest()
    if (!isNeeded && now && canWait(now)) return Promise.resolve(false)
    // A spent token that comes again ends the session: one tab at a time reads, exchanges and writes.
    renewing ??= alone(`${name}.renew`, exchange).finally(() => (renewing = null))
    return renewing
  }
  const proving = createProving((body) => http.send('/auth/prove', body))
  const http: Http = new Http({ token: () => tokens?.access_token ?? null, renew: () => renew(), prove: () => proving.ask() })
  return {
    subject,
    http,
    proving,
    token: () => tokens?.access_token ?? null,
    signIn,
    forget,
    renew,
  }
}

// Storage may be forbidden or full: the session then lasts as long as the page.
function safely<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
