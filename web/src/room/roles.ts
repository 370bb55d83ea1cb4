// Who may do what in a call. The server decides (`src/domain/room/roles.rs`); here it is said again for what is offered.

import type { HostAct, InvitedRole, ParticipantRole } from '@/protocol/live'

/** Who comes by an invitation, in the order in which they are offered. */
export const INVITED_ROLES = ['family', 'interpreter', 'invited_doctor', 'observer'] as const satisfies readonly InvitedRole[]

/** What a role may do in a call. */
export interface Rights {
  microphone: boolean
  camera: boolean
  /** Show the own screen. */
  screen: boolean
  /** Let in, hold apart, mute, remove, ask for a picture. */
  hosts: boolean
  /** Read and write the conversation beside the call. */
  talks: boolean
}

const RIGHTS: Readonly<Record<ParticipantRole, Rights>> = {
  patient: { microphone: true, camera: true, screen: false, hosts: false, talks: true },
  doctor: { microphone: true, camera: true, screen: true, hosts: true, talks: true },
  nurse: { microphone: true, camera: true, screen: true, hosts: true, talks: true },
  invited_doctor: { microphone: true, camera: true, screen: true, hosts: false, talks: true },
  interpreter: { microphone: true, camera: true, screen: false, hosts: false, talks: true },
  family: { microphone: true, camera: true, screen: false, hosts: false, talks: true },
  observer: { microphone: false, camera: false, screen: false, hosts: false, talks: false },
}

export function rights(role: ParticipantRole): Rights {
  return RIGHTS[role]
}

/** Whether a person of this role comes by an invitation, and waits in front of the door. */
export function isInvited(role: string): role is InvitedRole {
  return INVITED_ROLES.some((one) => one === role)
}

/** Whether a host may do this with somebody of a role: nothing with a host, and a patient is never removed. */
export function mayBeDoneWith(act: HostAct, role: ParticipantRole): boolean {
  if (rights(role).hosts) return false
  return act === 'admit' || act === 'remove' ? isInvited(role) : true
}
