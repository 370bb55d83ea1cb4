// The keyboard of the desk. Alt and a letter or, for what happens next, a digit, so that no key is taken away from somebody who types.

export const COMMANDS = [
  'call_next', 'recall', 'confirm', 'outcome', 'sign', 'end', 'microphone', 'camera', 'chat', 'transfer', 'pause', 'queue', 'record', 'alarm', 'help',
  'outcome_1', 'outcome_2', 'outcome_3', 'outcome_4', 'outcome_5',
] as const
export type DeskCommand = (typeof COMMANDS)[number]

/** By the physical key, so that an input method or a layout changes nothing. */
const KEYS: Readonly<Record<string, DeskCommand>> = {
  KeyN: 'call_next',
  KeyR: 'recall',
  KeyY: 'confirm',
  KeyO: 'outcome',
  KeyS: 'sign',
  KeyE: 'end',
  KeyM: 'microphone',
  KeyV: 'camera',
  KeyC: 'chat',
  KeyT: 'transfer',
  KeyP: 'pause',
  KeyQ: 'queue',
  KeyD: 'record',
  KeyA: 'alarm',
  KeyH: 'help',
  Digit1: 'outcome_1',
  Digit2: 'outcome_2',
  Digit3: 'outcome_3',
  Digit4: 'outcome_4',
  Digit5: 'outcome_5',
}

export function commandOf(event: Pick<KeyboardEvent, 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'code' | 'isComposing' | 'repeat'>): DeskCommand | null {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.isComposing || event.repeat) return null
  return KEYS[event.code] ?? null
}

/** How the key is written on a button and in the list. */
export function keyOf(command: DeskCommand): string {
  const code = Object.entries(KEYS).find(([, one]) => one === command)?.[0] ?? ''
  return `Alt+${code.replace(/^(?:Key|Digit)/, '')}`
}
