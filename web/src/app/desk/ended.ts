import type { EndedVisit, UnfinishedNote } from '@/protocol/staff'

/** What is done with: a visit whose note is not signed, or whose sheet was sent back, stands among the unfinished alone. */
export function finished(ended: readonly EndedVisit[], unfinished: readonly UnfinishedNote[]): readonly EndedVisit[] {
  return ended.filter((one) => unfinished.every((open) => open.visit !== one.visit))
}
