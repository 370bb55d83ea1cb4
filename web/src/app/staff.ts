import { createSession } from './session'

/** The member of staff of this window. Kept per window, so that one person can be two sides in two windows. */
export const staff = createSession(sessionStorage, 'yunzhen.staff')
