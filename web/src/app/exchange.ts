// A refresh token is exchanged for new ones. It is used once: a spent one that comes again ends the session, except within
// the server's grace of ten seconds, in which the same answer is given again. An answer that was lost is therefore asked
// for again at once, and not when somebody needs it next.

import { ApiError, Http } from '@/protocol/http'
import { tokensIn, type KeptTokens } from '@/protocol/tokens'
import type { Tokens } from '@/protocol/types'

/** Of the ten seconds; the rest is for the way there. */
const WITHIN_MS = 8_000
/** Longer than this no answer is waited for that can be asked for again. */
const EACH_MS = 3_000
/** So long before the end it is tried after all. */
const LAST_MS = 60_000
const PAUSES_MS = [500, 1_000, 2_000] as const

/** `sentAt`: when it was first sent, here or in another tab. `isWanted`: nobody signed out meanwhile. Rejects with why
 *  there are no tokens. */
export async function exchangeToken(refresh: string, sentAt: number, isWanted: () => boolean): Promise<Tokens> {
  const left = (): number => sentAt + WITHIN_MS - Date.now()
  for (let tries = 0; ; tries += 1) {
    const pause = PAUSES_MS[tries] ?? 2_000
    // Nothing comes after the last try: it has all the time.
    const isLast = left() < EACH_MS + pause
    try {
      const http = new Http(isLast ? {} : { timeoutMs: EACH_MS, stallMs: EACH_MS })
      const tokens = tokensIn(await http.post<unknown>('/auth/refresh', { refresh_token: refresh }))
      if (tokens) return tokens
      throw new ApiError('network', 0, 'what answered was not the server')
    } catch (cause) {
      if (!isLost(ApiError.from(cause)) || left() < pause || !isWanted()) throw cause
      await new Promise((done) => setTimeout(done, pause))
      // The timers of a page that is not looked at come late.
      if (left() < 0) throw cause
    }
  }
}

/** Whether a token whose answer was lost is better not sent again yet: its grace is over, and if the server did exchange it, the
 *  session ends with it. What it would renew is good for longer. */
export function canWait({ got_at: got, sent_at: sent, expires_in: lasts }: KeptTokens): boolean {
  if (got === undefined || sent === undefined) return false
  const now = Date.now()
  return now > sent + WITHIN_MS && now < got + lasts * 1_000 - LAST_MS
}

/** Whether it may have been done all the same: a proxy that had no answer, or a server that is broken, does not know. */
function isLost({ code, status }: ApiError): boolean {
  return code === 'network' || status >= 500
}
