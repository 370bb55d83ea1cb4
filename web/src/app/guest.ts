// Somebody who was invited into the call of a visit: what the link is for, coming in, coming back.

import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { ApiError } from '@/protocol/http'
import type { InvitationLanding } from '@/protocol/invitation'
import type { InvitedRole } from '@/protocol/live'
import type { RoomGrant } from '@/protocol/types'
import { isInvited } from '@/room/roles'
import { useAction, type Action } from './action'
import { comeIn, guestGrant, newNonce, openInvitation } from './inviting'
import { createSession, type Session } from './session'

/** `refused`: the link opens no door. `again`: this browser came with it before. */
export type GuestStep = 'loading' | 'no_link' | 'refused' | 'landing' | 'again' | 'call' | 'over'

export interface Guest {
  session: Session
  step: Ref<GuestStep>
  landing: Readonly<ShallowRef<InvitationLanding | null>>
  problem: Readonly<ShallowRef<ApiError | null>>
  /** Why it is over, or that the person hung up. */
  end: Ref<'left' | 'removed' | 'shut' | 'over' | null>
  role: Ref<InvitedRole | null>
  /** The visit whose conversation is beside the call, once it is known, for those who take part in it. */
  visit: Readonly<Ref<string | null>>
  load: () => Promise<void>
  come: Action<[name: string]>
  grant: () => Promise<RoomGrant>
  /** The room did not let this person in again. */
  turnedAway: (problem: string) => Promise<void>
}

/** Why nobody comes in with this invitation any more; after every other refusal it can be tried again. */
const SHUT = new Set(['invitation.revoked', 'auth.session_ended', 'auth.required', 'auth.forbidden', 'request.not_found'])
const OVER = new Set(['room.closed', 'visit.ended'])

const STORE = 'yunzhen.guest'
/** Enough of a token to know it again; nobody can come in with it. */
const HEAD = 10

export function useGuest(token: string): Guest {
  const session = createSession(localStorage, STORE)
  const nonce = newNonce()
  const step = ref<GuestStep>('loading')
  const landing = shallowRef<InvitationLanding | null>(null)
  const problem = shallowRef<ApiError | null>(null)
  const role = ref<InvitedRole | null>(null)
  const visit = ref<string | null>(null)
  const end = ref<'left' | 'removed' | 'shut' | 'over' | null>(null)

  async function load(): Promise<void> {
    const known = recall()
    problem.value = null
    if (session.subject.value?.kind === 'guest' && known && (token === '' || known.head === token.slice(0, HEAD))) {
      role.value = known.role
      step.value = 'again'
      await look()
      return
    }
    if (token === '') {
      step.value = 'no_link'
      return
    }
    step.value = 'loading'
    try {
      landing.value = await openInvitation(token)
      role.value = landing.value.role
      // Its name is told until somebody has come with it, and never again: this browser is not the one that did.
      if (landing.value.name === undefined) throw new ApiError('invitation.used', 409, 'somebody came with it')
      step.value = 'landing'
    } catch (cause) {
      problem.value = ApiError.from(cause)
      step.value = 'refused'
    }
  }
  /** Whose house it is, and whether the invitation was taken back meanwhile. Without the link nobody can tell. */
  async function look(): Promise<void> {
    if (token === '') return
    try {
      landing.value = await openInvitation(token)
    } catch (cause) {
      if (ApiError.from(cause).code !== 'invitation.revoked') return
      end.value = 'removed'
      step.value = 'over'
    }
  }
  async function turnedAway(said: string): Promise<void> {
    // The socket closes with the session, and says nothing of its own.
    const code = said === '' && session.subject.value === null ? 'auth.session_ended' : said
    if (!SHUT.has(code) && !OVER.has(code)) return
    end.value = OVER.has(code) ? 'over' : code === 'invitation.revoked' ? 'removed' : 'shut'
    step.value = 'over'
    if (end.value === 'shut') await look()
  }
  return {
    session,
    step,
    landing,
    problem,
    end,
    role,
    visit,
    load,
    come: useAction(async (name) => {
      await comeIn(session, token, name, nonce)
      remember(token.slice(0, HEAD), role.value ?? 'observer')
      step.value = 'call'
    }, 0),
    grant: async () => {
      const grant = await guestGrant(session)
      visit.value = grant.visit ?? null
      return grant
    },
    turnedAway,
  }
}

function recall(): { head: string; role: InvitedRole } | null {
  try {
    const [head = '', said = ''] = (localStorage.getItem(`${STORE}.of`) ?? '').split('|')
    return isInvited(said) ? { head, role: said } : null
  } catch {
    return null
  }
}
function remember(head: string, role: InvitedRole): void {
  try {
    localStorage.setItem(`${STORE}.of`, `${head}|${role}`)
  } catch {
    // Storage may be forbidden: then a reload asks for another link.
  }
}
