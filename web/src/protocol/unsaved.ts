import type { NoteContent } from './types'

export interface Unsaved {
  version: number
  content: NoteContent
}

/** Unsaved words of a note as this window keeps them until the server has them; what cannot be read is as good as absent. */
export function readUnsaved(key: string): Unsaved | null {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(key) ?? 'null')
    if (typeof value !== 'object' || value === null) return null
    const { version, content } = value as Partial<Unsaved>
    return typeof version === 'number' && typeof content === 'object' && typeof content?.complaint === 'string' ? { version, content } : null
  } catch {
    return null
  }
}

export function writeUnsaved(key: string, unsaved: Unsaved | null): void {
  try {
    if (unsaved === null) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, JSON.stringify(unsaved))
  } catch {
    // Storage may be forbidden or full: the words then last as long as the page.
  }
}
