import { shallowRef, type ShallowRef } from 'vue'

export interface Proof {
  password: string
  code?: string
}

/** The question who sits there: one, for however many commands wait for its answer. */
export interface Proving {
  /** Whether it stands. */
  asked: Readonly<ShallowRef<boolean>>
  /** Asks; true once it was proved, false where somebody gave up. */
  ask(): Promise<boolean>
  /** Sends a proof; a wrong one is thrown, and the question stands. */
  prove(proof: Proof): Promise<void>
  /** What waited is told of the refusal. */
  giveUp(): void
}

export function createProving(send: (proof: Proof) => Promise<unknown>): Proving {
  const asked = shallowRef(false)
  let waiting: ((proved: boolean) => void)[] = []

  function answer(proved: boolean): void {
    asked.value = false
    const those = waiting
    waiting = []
    for (const tell of those) tell(proved)
  }
  return {
    asked,
    ask() {
      asked.value = true
      return new Promise((resolve) => waiting.push(resolve))
    },
    async prove(proof) {
      await send(proof)
      answer(true)
    },
    giveUp: () => answer(false),
  }
}
