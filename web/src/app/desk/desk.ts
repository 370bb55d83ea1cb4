import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { ApiError } from '@/protocol/http'
import type { Board, ClinicInfo, CurrentPatient, DeskView, VisitView } from '@/protocol/staff'
import type { RoomGrant } from '@/protocol/types'
import type { Live } from '../live'
import type { Session } from '../session'
import { useFeed, type Feed } from '../staff/feed'

/** The doctor's own desk: what it is doing, its patient, the queue of its clinic, and everything that can be done about it. */
export interface Desk {
  feed: Feed<DeskView | null>
  view: ComputedRef<DeskView | null>
  current: ComputedRef<CurrentPatient | null>
  board: Feed<Board | null>
  clinics: ShallowRef<readonly ClinicInfo[]>
  loadClinics: () => Promise<void>
  act: (what: DeskAct, body?: unknown) => Promise<void>
  /** Opens a free desk for this doctor. */
  openDesk: (desk: string) => Promise<void>
  end: (visit: string) => Promise<void>
  visit: (visit: string) => Promise<VisitView>
  grant: (visit: string) => Promise<RoomGrant>
  /** The telephone number of the patient on the desk; the reading is audited. */
  phone: () => Promise<string>
}
export type DeskAct = 'open' | 'pause' | 'resume' | 'close' | 'call-next' | 'recall' | 'skip' | 'cancel-call' | 'confirm' | 'wrong-person' | 'transfer' | 'ring' | 'end-ring' | 'put-back'
/** Acts on the present ticket name the version that was seen. */
const VERSIONED: readonly DeskAct[] = ['recall', 'skip', 'cancel-call', 'confirm', 'wrong-person', 'transfer', 'ring', 'end-ring', 'put-back']
/** After these somebody else was faster: what is shown is old. */
const OUTDATED = new Set(['version.conflict', 'ticket.state', 'queue.empty', 'desk.doctor_busy', 'desk.not_open'])

export function useDesk(session: Session, live: Live): Desk {
  const http = session.http
  const feed = useFeed<DeskView | null>(
    live,
    async () => (await http.get<{ desk: DeskView | null }>('/desks/mine')).desk,
    // The subscription renews the desk's lease: as long as this window lives, the desk does.
    (desk) => (desk ? [{ topic: `desk:${desk.id}`, since: null }] : []),
  )
  const view = computed(() => feed.value.value)
  const board = useFeed<Board | null>(
    live,
    async () => {
      const clinic = view.value?.clinic ?? (await http.get<{ desk: DeskView | null }>('/desks/mine')).desk?.clinic
      return clinic ? await http.get<Board>(`/clinics/${clinic}/board`) : null
    },
    (queue) => (queue ? [{ topic: `clinic:${queue.clinic}`, since: queue.seq }] : []),
  )
  const clinics = shallowRef<readonly ClinicInfo[]>([])

  function take(next: DeskView): void {
    const known = feed.value.value
    if (!known || known.id !== next.id || next.version >= known.version) feed.value.value = next
    feed.refresh()
    board.refresh()
  }
  async function post(path: string, body?: unknown): Promise<void> {
    try {
      take(await http.post<DeskView>(path, body))
    } catch (cause) {
      if (OUTDATED.has(ApiError.from(cause).code)) {
        feed.refresh()
        board.refresh()
      }
      throw cause
    }
  }
  return {
    feed,
    view,
    current: computed(() => view.value?.current ?? null),
    board,
    clinics,
    async loadClinics() {
      clinics.value = await http.get<ClinicInfo[]>('/clinics')
    },
    async act(what, body) {
      const desk = view.value
      if (!desk) return
      const version = VERSIONED.includes(what) ? { version: desk.current?.version ?? 0 } : {}
      const whole = { ...version, ...(body as object | undefined) }
      await post(`/desks/${desk.id}/${what}`, Object.keys(whole).length > 0 || what === 'pause' ? whole : undefined)
    },
    openDesk: (desk) => post(`/desks/${desk}/open`),
    end: (visit) => post(`/visits/${visit}/end`),
    visit: (visit) => http.get<VisitView>(`/visits/${visit}`),
    grant: (visit) => http.post<RoomGrant>(`/visits/${visit}/grant`),
    phone: async () => (await http.get<{ phone: string }>(`/desks/${view.value?.id ?? ''}/phone`)).phone,
  }
}
