import { computed, effectScope, shallowRef, watch, type ComputedRef } from 'vue'
import type { Status } from '@/connection/driver'
import { ApiError, type Http } from '@/protocol/http'
import type { TicketView } from '@/protocol/types'
import type { Live } from '../live'
import { newest } from '../newest'

/** Whether what is on the screen is still true. */
export type Link = { state: 'online' } | { state: 'reconnecting'; since: number } | { state: 'replaced' }

/** Keeps one ticket fresh until stopped. */
export interface TicketFeed {
  link: ComputedRef<Link>
  stop(): void
  /** Asks at once: the page was shown again, the network came back, a command was refused. */
  refresh(): void
}

/** With the socket open an announcement could still be lost: the database is asked this often. */
const CALM_MS = 30_000
/** Without the socket this is all there is. */
const ANXIOUS_MS = 4_000

/** The socket pushes; plain requests repair what it lost, and stand in for it where a proxy lets none through. */
export function followTicket(live: Live, http: Http, id: string, told: (ticket: TicketView) => void): TicketFeed {
  const scope = effectScope(true)
  const unreached = shallowRef<number | null>(null)
  let stopped = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const ask = newest(async () => {
    clearTimeout(timer)
    if (stopped) return
    try {
      const ticket = await http.get<TicketView>(`/tickets/${id}`)
      unreached.value = null
      if (!stopped) told(ticket)
    } catch (cause) {
      if (ApiError.from(cause).passes) unreached.value ??= Date.now()
    } finally {
      if (!stopped) timer = setTimeout(() => void ask(), live.status.value.name === 'open' ? CALM_MS : ANXIOUS_MS)
    }
  })

  const unwatch = live.watch(id, (ticket) => {
    unreached.value = null
    told(ticket)
  })
  const link = scope.run(() => {
    watch(() => live.status.value.name, () => void ask())
    return computed(() => linkOf(live.status.value, unreached.value))
  })!
  void ask()
  return {
    link,
    refresh: () => void ask(),
    stop() {
      stopped = true
      clearTimeout(timer)
      unwatch()
      scope.stop()
    },
  }
}

/** What the reader is told: a lost socket counts, even while plain requests still get through. */
export function linkOf(socket: Status, unreached: number | null): Link {
  if (socket.name === 'closed' && socket.problem?.code === 'live.replaced') return { state: 'replaced' }
  if (socket.name === 'reconnecting' || socket.name === 'catching_up') return { state: 'reconnecting', since: socket.since }
  return unreached === null ? { state: 'online' } : { state: 'reconnecting', since: unreached }
}
