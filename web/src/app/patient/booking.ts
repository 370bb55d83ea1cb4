import type { ApiError } from '@/protocol/http'
import { newKey } from '@/protocol/http'
import type { AppointmentView, CalendarLink, SlotsView, SlotView, WishView } from '@/protocol/booking'
import { locale } from '@/i18n'
import type { PatientStore } from './store'

/** What a patient does with booked time. One press is one key, however often it is sent. */
export function createBooking(store: PatientStore) {
  const { http } = store.session
  let key = newKey()
  async function once<T>(path: string, body: unknown): Promise<T> {
    const done = await http.post<T>(path, body, { key })
    key = newKey()
    return done
  }
  return {
    slots: (day?: string) => http.get<SlotsView>('/slots', { query: { link: store.link, day } }),
    mine: () => http.get<AppointmentView[]>('/appointments'),
    /** Another slot is another press. */
    chosen: () => (key = newKey()),
    book: (slot: string, patient: string) => once<AppointmentView>('/appointments', { slot, patient, zone: ownZone() }),
    move: (one: AppointmentView, slot: string) => once<AppointmentView>(`/appointments/${one.id}/move`, { slot, version: one.version }),
    cancel: (one: AppointmentView) => once<AppointmentView>(`/appointments/${one.id}/cancel`, { version: one.version }),
    calendar: (one: AppointmentView) => http.blob(`/appointments/${one.id}/calendar.ics`),
    calendarLink: (one: AppointmentView) => http.get<CalendarLink>(`/appointments/${one.id}/calendar-link`),
    wishes: () => http.get<WishView[]>('/wishes'),
    wish: (patient: string, first: string, last: string) => once<WishView>('/wishes', { link: store.link, patient, first_day: first, last_day: last }),
    leaveWish: (id: string) => http.post<WishView>(`/wishes/${id}/leave`),
  }
}
export type Booking = ReturnType<typeof createBooking>

/** The zone of this device, as the IANA names it. */
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** The wish of this clinic that is not over: at most one for a patient. The one with an offer comes first. */
export function wishHere(all: readonly WishView[], link: string): WishView | null {
  const here = all.filter((one) => one.link === link && (one.state === 'waiting' || one.state === 'offered'))
  return here.find((one) => one.state === 'offered') ?? here[0] ?? null
}

/** Whether the place itself is gone, and pressing again is of no use. */
export function isLost(error: ApiError | null): boolean {
  return error?.code.startsWith('slot.') ?? false
}

/** What a loser may have instead. */
export function offered(error: ApiError | null): SlotView[] {
  const next = error?.details['next']
  return Array.isArray(next) ? (next as SlotView[]) : []
}

export interface Wall {
  zone: string
  day: string
  /** The day without year and weekday, where there is little room. */
  date: string
  time: string
}

/** A moment on the wall of the place, and on the reader's own wall where that one shows another time. The place comes first. */
export function walls(at: number, place: string, own = ownZone(), language: string = locale.value): Wall[] {
  const here = wall(at, place, language)
  const there = wall(at, own, language)
  return here.day === there.day && here.time === there.time ? [here] : [here, there]
}

/** The same in one line; of times alone where it is the same day on both walls. */
export function wallWords(at: number, place: string, what: 'moment' | 'time' = 'moment', own = ownZone(), language: string = locale.value): string {
  const [here, there] = walls(at, place, own, language)
  const whole = (one: Wall): string => `${one.day} ${one.time}`
  if (!here) return ''
  const first = what === 'time' ? here.time : whole(here)
  return there ? `${first} = ${city(there.zone)} ${there.day === here.day ? there.time : whole(there)}` : first
}

function wall(at: number, zone: string, language: string): Wall {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { ...options, timeZone: zone }).format(at)
  return {
    zone,
    day: format({ year: 'numeric', month: 'long', day: 'numeric', weekday: 'short' }),
    date: format({ month: 'short', day: 'numeric' }),
    time: format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
  }
}

/** `Asia/Shanghai` as people say it: the city. */
export function city(zone: string): string {
  return (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ')
}

/** A day such as `2026-03-02` in the reader's language, whatever zone the reader is in. */
export function dayWords(day: string, language: string = locale.value): { date: string; weekday: string } {
  const noon = new Date(`${day}T12:00:00Z`)
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }).format(noon)
  return { date: format({ month: 'short', day: 'numeric' }), weekday: format({ weekday: 'short' }) }
}

/** What becomes of an appointment that is given back now: its place goes to another, it counts as missed, or its doctor is away and it does not. */
export function giving(one: AppointmentView, now: number): 'text' | 'late' | 'off' {
  if (one.is_off) return 'off'
  return now < one.starts_at ? 'text' : 'late'
}

/** Whether the door is open. */
export function checkInState(one: AppointmentView, now: number): 'early' | 'open' | 'over' {
  if (now < one.check_in_from) return 'early'
  return now <= one.check_in_until ? 'open' : 'over'
}
