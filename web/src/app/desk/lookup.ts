// What is looked up while somebody types. Enter pressed before the answer is there waits for it: the list of what was typed
// before would put another diagnosis, formula or herb into the record than the one that was meant.

import { shallowRef, type ShallowRef } from 'vue'

export interface Lookup<Found> {
  /** The answer to the last question that was answered; `none` where there is no question, or it failed. */
  readonly found: ShallowRef<Found>
  /** Asks anew; an answer to an earlier question is dropped, and so is an act that waited for it. */
  ask(question: () => Promise<Found> | Found): Promise<void>
  /** Runs an act now, or, while an answer is on its way, once with that answer. */
  whenAnswered(act: () => void): void
  /** Forgets the answer, the question and the act. */
  clear(): void
}

export function useLookup<Found>(none: Found): Lookup<Found> {
  const found = shallowRef(none)
  let asked = 0
  let answered = 0
  let waiting: (() => void) | null = null
  return {
    found,
    async ask(question) {
      const mine = (asked += 1)
      waiting = null
      let answer = none
      try {
        answer = await question()
      } catch {
        // What cannot be looked up is offered as nothing.
      }
      if (mine !== asked) return
      found.value = answer
      answered = mine
      const act = waiting as (() => void) | null
      waiting = null
      act?.()
    },
    whenAnswered(act) {
      if (answered === asked) act()
      else waiting = act
    },
    clear() {
      answered = asked += 1
      waiting = null
      found.value = none
    },
  }
}
