// How long the connection waits for what, and why so long: each number is a promise to somebody who waits, or a network that is spared.

/** Delays before the attempts after a loss. Jitter of up to a second is added from the second attempt on. */
export const DELAYS_MS = [0, 300, 1200, 2700, 4800, 7000] as const
export const JITTER_MS = 1000
/** In a call an attempt costs less than what is missed meanwhile: no attempt is later than this. */
export const CALL_DELAYS_MS = [0, 200, 500] as const
export const CALL_JITTER_MS = 300
export const PING_MS = 5_000
/** No message for so long: a dead mobile radio closes no socket. */
export const DEAD_MS = 10_000
/** After waking up a healthy server answers sooner than this. */
export const PROBE_MS = 4_000
export const OPEN_MS = 8_000
/** Both on a network that bears no moving picture: TCP tries again after ever longer pauses there, and a new socket would begin with
 *  a handshake that is as slow. */
export const SLOW_MS = 25_000
/** A network that is narrow and full no more: of whatever socket so long nothing was heard, it waits for a timer of TCP, which doubled with
 *  each loss. A ping goes out every five seconds. */
export const STALLED_MS = 7_000
/** It is said every second or two; not said for so long, something was lost again. */
export const CLEAR_MS = 5_000
/** So long nothing must be lost: one report of a full network says so now and then, too. */
export const CLEAR_FOR_MS = 3_000
/** An attempt that began so long before the network was back has asked nobody, and would ask again only after seconds. */
export const STUCK_MS = 400
/** Packets of media come again after they were missed: then the socket answers within twice its last round trip and no less than
 *  this, or it waits for a timer of TCP, which grew with the hole. A new one is quicker. */
export const BACK_MS = 150
/** An attempt that is younger began when the network was back, most likely: it is given until `STUCK_MS`. */
export const YOUNG_MS = 100
/** Media that was steady is missed: the socket answers within twice its last round trip and no less than this, or it went the same way. */
export const DOUBT_MS = 150
export const RENEW_MS = 4 * 60_000
/** One that could not be exchanged is tried again after this. */
export const RENEW_AGAIN_MS = 30_000
/** A socket that lived shorter than this does not start the delays anew. */
export const STEADY_MS = 5_000
/** Who exchanged so many tokens, and has each refused, is not let in. */
export const REFUSALS = 2
export const ANSWER_MS = 15_000
/** A server that said that it restarts is back within this time, and is asked for all the while: nobody in a call waits longer than it does. */
export const RESTART_MS = 60_000
/** Between two attempts meanwhile, and as much again by chance. */
export const KNOCK_MS = 500

/** What the waiting depends on besides: a call is worth more attempts, and a very weak network bears fewer. */
interface Circumstances {
  slow: boolean
  calling: boolean
}

/** How long is waited for what takes so long at most on other networks. */
export function patience({ slow }: Pick<Circumstances, 'slow'>, usual: number): number {
  return slow ? SLOW_MS : usual
}

/** What is waited before an attempt after so many in a row. A handshake a second would fill a very weak network. */
export function delay({ calling, slow }: Circumstances, attempt: number, chance: number): number {
  const [delays, jitter] = calling && !slow ? [CALL_DELAYS_MS, CALL_JITTER_MS] : [DELAYS_MS, JITTER_MS]
  return (delays[Math.min(attempt, delays.length - 1)] ?? 0) + (attempt > 0 ? chance * jitter : 0)
}
