// What patients and staff see of booked time over REST. Names as in the OpenAPI document.

import type { PatientCard, Text } from './types'

export type AppointmentState = 'booked' | 'checked_in' | 'seen' | 'no_show' | 'cancelled'
export interface SlotView {
  id: string
  starts_at: number
  ends_at: number
  zone: string
  doctor: string
  doctor_name: Text
  free: number
}
export interface SlotDay {
  day: string
  free: number
}
export interface SlotsView {
  clinic: string
  clinic_name: Text
  zone: string
  days: SlotDay[]
  day: string | null
  slots: SlotView[]
  as_of: number
}
export interface AppointmentView {
  id: string
  state: AppointmentState
  version: number
  clinic: string
  clinic_name: Text
  link: string
  doctor: string
  doctor_name: Text
  doctor_title: Text
  patient: PatientCard
  slot: string
  starts_at: number
  ends_at: number
  zone: string
  check_in_from: number
  check_in_until: number
  /** The doctor is away then: it has to be moved. */
  is_off: boolean
  ticket?: string
}
/** By this a calendar follows an appointment. */
export interface CalendarLink {
  url: string
  webcal: string
}
export interface BookedRow {
  id: string
  state: AppointmentState
  starts_at: number
  doctor_name: Text
  patient_name: string
  no?: number
  missed: number
}
export interface DayView {
  day: string
  zone: string
  appointments: BookedRow[]
}
export interface Affected {
  appointment: BookedRow
  why: 'off' | 'zone'
  promised: { zone: string; day: string; time: string }
  is_now?: number
}
export interface WishView {
  id: string
  state: 'waiting' | 'offered' | 'met' | 'left'
  clinic: string
  clinic_name: Text
  link: string
  patient: string
  doctor: string | null
  first_day: string
  last_day: string
  offered?: SlotView
  offered_until: number | null
  /** Until one of the patient's appointments is over or given back, places pass by. */
  at_limit: boolean
}
export interface Receipt {
  ticket: string
  no: number
  day: string
  arrived_at: number
  called_at: number | null
  /** Everybody who came later and was called before. */
  passed: { no: number; at: number; rule: string | null }[]
  findings: number
  /** Whether every event is here. */
  complete: boolean
  /** Up to when it is; a server of the version before does not say. */
  until?: number
  /** By these the queue can be played again. */
  events: unknown[]
  as_of: number
}
export interface RosterException {
  day: string
  kind: 'off' | 'extra'
  from: string
  to: string
}
export interface RosterView {
  id: string
  clinic: string
  clinic_name: Text
  zone: string
  doctor: string
  doctor_name: Text
  /** Digits, 1 for Monday. */
  weekdays: string
  from: string
  to: string
  minutes: number
  capacity: number
  first_day: string
  last_day: string | null
  exceptions: RosterException[]
  /** Times that the clock skips. */
  missing: { day: string; time: string }[]
  version: number
}
/** A doctor who can have hours. */
export interface DoctorInfo {
  id: string
  name: Text
  title: Text
}
/** What hours would make within the next weeks, before anybody keeps them. */
export interface RosterPreview {
  zone: string
  slots: number
  places: number
  days: { day: string; slots: { time: string; is_busy: boolean }[] }[]
  missing: { day: string; time: string }[]
  /** Other hours of the doctor: with one of them these are refused. */
  conflicts: RosterView[]
}
