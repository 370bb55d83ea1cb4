import type { Tokens } from './types'

/** Tokens as kept in the browser's storage; what cannot be read is as good as absent. */
export function readTokens(text: string | null): Tokens | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { access_token: access, refresh_token: refresh, subject } = value as Partial<Tokens>
    return typeof access === 'string' && typeof refresh === 'string' && typeof subject === 'object' ? (value as Tokens) : null
  } catch {
    return null
  }
}

export function writeTokens(tokens: Tokens): string {
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
