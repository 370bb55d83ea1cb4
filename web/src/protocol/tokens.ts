import type { Tokens } from './types'

/** Tokens, and what this browser knows of them. */
export interface KeptTokens extends Tokens {
  got_at?: number
  /** When the refresh token was first sent: it may be spent since, though no answer came. */
  sent_at?: number
}

/** Tokens as kept in the browser's storage; what cannot be read is as good as absent. */
export function readTokens(text: string | null): KeptTokens | null {
  if (text === null) return null
  try {
    return tokensIn(JSON.parse(text))
  } catch {
    return null
  }
}

/** The tokens that somebody sent or kept; `null`: these are none. */
export function tokensIn(value: unknown): Tokens | null {
  if (typeof value !== 'object' || value === null) return null
  const { access_token: access, refresh_token: refresh, subject } = value as Partial<Tokens>
  return typeof access === 'string' && typeof refresh === 'string' && typeof subject === 'object' && subject !== null ? (value as Tokens) : null
}

export function writeTokens(tokens: KeptTokens): string {
  return JSON.stringify(tokens)
}

/** Whose tokens they are. The subject of a guest says no more than that it is one; the token names it. */
export function ownerOf({ access_token: access, subject }: Pick<Tokens, 'access_token' | 'subject'>): string {
  try {
    const said: unknown = JSON.parse(atob((access.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')))
    if (typeof said === 'object' && said !== null && 'sub' in said && typeof said.sub === 'string') return said.sub
  } catch {
    // A token of another kind: then it is whom it says.
  }
  return JSON.stringify(subject)
}
