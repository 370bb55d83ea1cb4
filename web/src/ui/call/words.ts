import { t, pick, type Bilingual, type Key } from '@/i18n'
import type { DeviceTrouble, MediaKind, Participant, ParticipantRole, Quality, Rung, SourceName } from '@/protocol/live'
import type { MissedLeg, OtherWord, SilentLeg } from '@/room/selectors'
import type { CallState, EndReason } from '@/room/state'

const ROLE: Record<ParticipantRole, Key> = { patient: 'stage.role.patient', doctor: 'stage.role.doctor', nurse: 'stage.role.nurse',
  invited_doctor: 'room.role.invited_doctor', interpreter: 'room.role.interpreter', family: 'room.role.family', observer: 'room.role.observer',
}

export function roleWord(role: ParticipantRole): string {
  return t(ROLE[role])
}

/** 医师 王 or Doctor Wang: a role never stands without the name, nor the name without the role. */
export function nameOf(one: { role: ParticipantRole; name: Bilingual }): string {
  const [role, name] = [roleWord(one.role), pick(one.name)]
  // A name that says the role alone says nothing twice.
  return name.toLowerCase() === role.toLowerCase() ? role : `${role} ${name}`
}

const QUALITY: Record<Quality, Key> = {
  unknown: 'stage.net.unknown', good: 'stage.net.good', fair: 'stage.net.fair', poor: 'stage.net.poor', lost: 'stage.net.lost',
}
export function qualityWord(quality: Quality): string {
  return t(QUALITY[quality])
}

const SILENT: Record<SilentLeg['whose'], Record<MediaKind, Key>> = {
  own: { audio: 'stage.silent.own.audio', video: 'stage.silent.own.video' },
  other: { audio: 'stage.silent.other.audio', video: 'stage.silent.other.video' },
}
/** Which leg of the call is broken, and whose. */
export function silentWord({ whose, kind, one }: SilentLeg): string {
  return t(SILENT[whose][kind], { name: nameOf(one) })
}

const MISSED: Record<MissedLeg['whose'], Record<SourceName, Key>> = {
  own: { microphone: 'stage.missed.own.microphone', camera: 'stage.missed.own.camera', screen: 'stage.missed.own.screen' },
  other: { microphone: 'stage.missed.other.microphone', camera: 'stage.missed.other.camera', screen: 'stage.missed.other.screen' },
}
/** What is sent and does not arrive, and at which end of the way one is. */
export function missedWord({ whose, name, one }: MissedLeg): string {
  return t(MISSED[whose][name], { name: nameOf(one) })
}

const OTHER_RUNG: Record<Exclude<Rung, 'full'>, Key> = {
  low: 'stage.other.low', voice: 'stage.other.voice', still: 'stage.other.still', phone: 'stage.other.phone',
}
/** What another's network bears, where that is less than all; `null` for every other word. */
export function rungWord(word: OtherWord, one: Participant | null): string | null {
  if (one === null || word === null || !(word in OTHER_RUNG)) return null
  return t(OTHER_RUNG[word as Exclude<Rung, 'full'>], { name: nameOf(one) })
}

const ENDED: Record<EndReason, Key> = {
  finished: 'stage.ended.finished',
  wrong_person: 'stage.ended.wrong_person',
  transferred: 'stage.ended.transferred',
  staff_lost: 'stage.ended.staff_lost',
  patient_lost: 'stage.ended.patient_lost',
  emergency: 'stage.ended.emergency',
  removed: 'stage.ended.removed',
  replaced: 'stage.ended.replaced',
  left: 'stage.ended.left',
  closed: 'stage.ended.closed',
  refused: 'stage.ended.refused',
}
export function endedWord(reason: EndReason): string {
  return t(ENDED[reason])
}
/** After these the same person may come back by a tap; after the others there is nothing to come back to. */
export function mayReturn(reason: EndReason): boolean {
  return reason === 'left' || reason === 'refused' || reason === 'replaced'
}

const TROUBLE: Record<DeviceTrouble, Key> = {
  denied: 'stage.device.denied',
  denied_by_system: 'stage.device.denied_by_system',
  not_found: 'stage.device.not_found',
  busy: 'stage.device.busy',
  insecure: 'stage.device.insecure',
  unsupported: 'stage.device.unsupported',
  constrained: 'stage.device.failed',
  failed: 'stage.device.failed',
}
/** What is wrong with the own devices, in one sentence; `null` when nothing is. */
export function troubleWord(state: CallState): string | null {
  const { microphone, camera } = state.own
  if (microphone.trouble !== null && camera.trouble !== null) return t('stage.device.both', { why: t(TROUBLE[microphone.trouble]) })
  if (microphone.trouble !== null) return t('stage.device.microphone', { why: t(TROUBLE[microphone.trouble]) })
  if (camera.trouble !== null && !state.own.voiceOnly) return t('stage.device.camera', { why: t(TROUBLE[camera.trouble]) })
  return null
}
