import { computed, watch } from 'vue'
import { useRouter } from 'vue-router'
import { putAway } from '@/app/desk/record'
import { liveOf } from '@/app/live'
import { staff } from '@/app/staff'
import { locale } from '@/i18n'
import type { Role, Subject } from '@/protocol/types'

export type Staff = Extract<Subject, { kind: 'staff' }>

/** Where a role works. */
export const HOME: Readonly<Record<Role, string>> = { doctor: '/desk', nurse: '/nurse', pharmacist: '/pharmacy', administrator: '/admin' }

/** Ends the session on the server as well; without a network it ends here alone. */
export async function signOutStaff(): Promise<void> {
  await putAway()
  await staff.http.send('/auth/logout').catch(() => undefined)
  staff.forget()
}

/** The signed-in member of staff of a page; whoever is not one is led to the sign-in and back. */
export function useStaff(role: Role) {
  const router = useRouter()
  const who = computed<Staff | null>(() => (staff.subject.value?.kind === 'staff' ? staff.subject.value : null))
  watch(
    who,
    (now) => {
      if (now === null) void router.replace({ path: '/login', query: { to: router.currentRoute.value.fullPath } })
      else if (now.role !== role) void router.replace(HOME[now.role])
    },
    { immediate: true },
  )
  const name = computed(() => {
    if (!who.value) return ''
    return locale.value === 'en' ? `${who.value.name_en} · ${who.value.title_en}` : `${who.value.name_zh} · ${who.value.title_zh}`
  })
  return { session: staff, live: liveOf(staff, 'staff'), who, name, signOut: signOutStaff }
}
