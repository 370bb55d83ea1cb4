import { ref } from 'vue'
import { readFlags, writeFlags, type UnsentFlags } from '@/protocol/draft'
import { newKey, type Http } from '@/protocol/http'
import type { RedFlagsAnswer } from '@/protocol/types'
import type { Session } from '../session'
import type { Known } from './flow'
import type { Memory } from './memory'

/** Stands for an alarm that the server has not confirmed yet. */
export const PENDING_ALARM = 'pending'
/** So long a no of the first page stands. */
const RED_FLAGS_HOLD_MS = 30 * 60_000

interface Surroundings {
  link: string
  known: Known
  open: Http
  /** The unnamed caller of the emergency line. */
  caller: Session
  memory: Memory
  /** As long as this window is open. */
  here: Memory
}

/** The first page's questions and the page “call 120”: neither may wait for the network. */
export function createEmergency({ link, known, open, caller, memory, here }: Surroundings) {
  const alarmSent = ref<'no' | 'sending' | 'sent' | 'failed'>('no')
  const flagKeys = new Map<string, string>()

  /** Who is in danger sees the number to dial before anything was asked of the network. */
  function recall(): void {
    known.alarm ??= here.get('alarm')
    if (known.alarm && known.alarm !== PENDING_ALARM) alarmSent.value = 'sent'
    const unsent = readFlags(here.get('flags'))
    if (unsent && known.alarm === PENDING_ALARM && alarmSent.value === 'no') void keepSending(unsent)
  }
  function areStillClear(): boolean {
    return Date.now() - Number(memory.get('red_flags') ?? 0) < RED_FLAGS_HOLD_MS
  }
  /** The questions of the declaration that the first page's no answers too: nobody is asked twice within the half hour. */
  function alreadyDenied(): string[] {
    if (memory.get('denied') === null || !areStillClear()) return []
    return (known.landing?.red_flags ?? []).flatMap((flag) => flag.answers ?? [])
  }
  /** What was said of one is not said of another. */
  function forgetDenied(): void {
    memory.set('denied', null)
  }

  /** The page “call 120” may not wait for the network; the alarm is sent again until somebody has it. */
  function raiseRedFlags(yes: string[]): Promise<void> {
    const unsent = { yes, key: newKey() }
    known.alarm = PENDING_ALARM
    here.set('alarm', PENDING_ALARM)
    here.set('flags', writeFlags(unsent))
    return keepSending(unsent)
  }
  /** Goes on over a reload; the key makes it one alarm however often it is sent. */
  async function keepSending({ yes, key }: UnsentFlags): Promise<void> {
    alarmSent.value = 'sending'
    while (known.alarm === PENDING_ALARM) {
      try {
        await answerRedFlags(yes, key)
        alarmSent.value = 'sent'
        return
      } catch {
        alarmSent.value = 'failed'
        await new Promise((resolve) => setTimeout(resolve, 3000))
      }
    }
  }
  async function answerRedFlags(yes: string[], key = redFlagsKey(yes)): Promise<void> {
    const answer = await open.post<RedFlagsAnswer>('/red-flags', { link, yes }, { key })
    if (answer.emergency && answer.line) {
      caller.signIn(answer.line.tokens)
      known.alarm = answer.line.alarm
      here.set('alarm', answer.line.alarm)
      here.set('flags', null)
    } else if (!answer.emergency) {
      known.redFlagsClear = true
      memory.set('red_flags', String(Date.now()))
      memory.set('denied', 'all')
    }
  }
  function redFlagsKey(yes: string[]): string {
    const name = yes.join()
    const key = flagKeys.get(name) ?? newKey()
    flagKeys.set(name, key)
    return key
  }
  function backFromEmergency(): void {
    known.alarm = null
    flagKeys.clear()
    alarmSent.value = 'no'
    here.set('alarm', null)
    here.set('flags', null)
    caller.forget()
  }

  return { alarmSent, recall, areStillClear, alreadyDenied, forgetDenied, raiseRedFlags, answerRedFlags, backFromEmergency }
}
