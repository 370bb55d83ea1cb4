// Invitations over REST. Names as in the OpenAPI document.

import type { InvitedRole } from './live'
import type { Text } from './types'

export interface InvitationMade {
  id: string
  token: string
  expires_at: number
}
export interface Invitation {
  id: string
  role: InvitedRole
  name: string
  state: 'open' | 'used' | 'expired' | 'revoked'
  expires_at: number
}
export interface InvitationLanding {
  institution_name: Text
  help_phone: string
  host_name: Text
  role: InvitedRole
  /** Absent once somebody came with the link. */
  name?: string
  expires_at: number
}
