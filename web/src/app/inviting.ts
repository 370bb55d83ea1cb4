// The invitations of a visit, for its host; and the way in, for who holds a link.

import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import { Http, newKey } from '@/protocol/http'
import type { Invitation, InvitationLanding, InvitationMade } from '@/protocol/invitation'
import type { InvitedRole } from '@/protocol/live'
import type { RoomGrant, Tokens } from '@/protocol/types'
import type { Live } from './live'
import { newest } from './newest'
import type { Session } from './session'

export interface Inviting {
  list: Readonly<ShallowRef<readonly Invitation[]>>
  /** Makes an invitation; the whole link, which is shown this once. */
  invite: (role: InvitedRole, name: string) => Promise<{ link: string; expires_at: number }>
  revoke: (id: string) => Promise<void>
}

export function useInviting(session: Session, live: Live, visit: string): Inviting {
  const list = shallowRef<readonly Invitation[]>([])
  const load = newest(async () => {
    list.value = await session.http.get<Invitation[]>(`/visits/${visit}/invitations`).catch(() => list.value)
  })
  const stop = live.subscribe(`visit:${visit}`, null, (event) => {
    if (event.kind.startsWith('invitation.')) void load()
  }, () => void load())
  onScopeDispose(stop)
  void load()
  return {
    list,
    async invite(role, name) {
      const { token, expires_at } = await session.http.post<InvitationMade>(`/visits/${visit}/invitations`, { role, name })
      // Behind the `#`: no server and no log ever sees it.
      return { link: `${location.origin}/i#${token}`, expires_at }
    },
    revoke: (id) => session.http.send(`/invitations/${id}/revoke`),
  }
}

/** What a link is for. */
export function openInvitation(token: string): Promise<InvitationLanding> {
  return new Http().post<InvitationLanding>('/invitations/open', { token })
}

/** Spends the token of a link. A repeated press of this page is the same coming. */
export async function comeIn(session: Session, token: string, name: string, nonce: string): Promise<void> {
  session.signIn(await new Http().post<Tokens>('/invitations/use', { token, nonce, name }))
}

export function guestGrant(session: Session): Promise<RoomGrant> {
  return session.http.post<RoomGrant>('/invitations/mine/grant')
}

/** Names this page's one attempt to come in. */
export function newNonce(): string {
  const key = newKey().replace(/-/g, '')
  return `${key.slice(0, 8)}-${key.slice(8, 12)}-4${key.slice(13, 16)}-8${key.slice(17, 20)}-${key.slice(20, 32)}`
}
