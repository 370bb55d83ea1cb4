import type { Answers, DeviceCheck } from './types'

/** Answers that the server does not have yet, kept on the device. A draft of another declaration is none. */
export function readDraft(text: string | null, declaration: string): Answers {
  if (text === null) return {}
  try {
    const value: unknown = JSON.parse(text)
    const draft = value as { id?: unknown; answers?: unknown } | null
    return draft?.id === declaration && typeof draft.answers === 'object' && draft.answers !== null ? (draft.answers as Answers) : {}
  } catch {
    return {}
  }
}

export function writeDraft(declaration: string, answers: Answers): string | null {
  return Object.keys(answers).length === 0 ? null : JSON.stringify({ id: declaration, answers })
}

/** What the check before the call found, kept so that the lamps survive a reload. */
export function readCheck(text: string | null): DeviceCheck | null {
  try {
    const value: unknown = text === null ? null : JSON.parse(text)
    return typeof value === 'object' && value !== null && 'network' in value ? (value as DeviceCheck) : null
  } catch {
    return null
  }
}

export function writeCheck(check: DeviceCheck): string {
  return JSON.stringify(check)
}
