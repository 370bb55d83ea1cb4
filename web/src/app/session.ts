import { shallowRef, type ShallowRef } from 'vue'
import { Http } from '@/protocol/http'
import { readTokens, writeTokens } from '@/protocol/tokens'
import type { Subject, Tokens } from '@/protocol/types'

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
  renew(): Promise<boolean>
}

/** One signed-in subject. `ended` is called once when the server no longer knows the session. */
export function createSession(cupboard: Cupboard, name: string, ended: () => void = () => undefined): Session {
  let tokens = readTokens(safely(() => cupboard.getItem(name)) ?? null)
  const subject = shallowRef<Subject | null>(tokens?.subject ?? null)
  let renewing: Promise<boolean> | null = null

  function signIn(next: Tokens): void {
    tokens = next
    subject.value = next.subject
    safely(() => cupboard.setItem(name, writeTokens(next)))
  }
  function forget(): void {
    tokens = null
    subject.value = null
    safely(() => cupboard.removeItem(name))
  }
  async function exchange(): Promise<boolean> {
    const spent = tokens?.refresh_token
    if (!spent) return false
    try {
      signIn(await new Http().post<Tokens>('/auth/refresh', { refresh_token: spent }))
      return true
    } catch (cause) {
      // Another tab of the same link may have rotated the token a moment ago.
      const stored = readTokens(safely(() => cupboard.getItem(name)) ?? null)
      if (stored && stored.refresh_token !== spent) {
        signIn(stored)
        return true
      }
      if (cause instanceof Error && 'status' in cause && cause.status === 401) {
        forget()
        ended()
      }
      return false
    }
  }
  function renew(): Promise<boolean> {
    renewing ??= exchange().finally(() => (renewing = null))
    return renewing
  }
  return {
    subject,
    http: new Http({ token: () => tokens?.access_token ?? null, renew }),
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
