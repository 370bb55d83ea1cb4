import { describe, expect, it } from 'vitest'
import { newest } from './newest'

describe('what is read one at a time', () => {
  it('is read once more when somebody asked meanwhile, however many did, and never twice at once', async () => {
    const answers: (() => void)[] = []
    const read = newest(() => new Promise((resolve) => answers.push(resolve)))
    const asked = [read(), read(), read()]
    expect(answers).toHaveLength(1)
    answers[0]?.()
    await Promise.resolve()
    await Promise.resolve()
    expect(answers).toHaveLength(2)
    answers[1]?.()
    await Promise.all(asked)
    expect(answers).toHaveLength(2)
    void read()
    expect(answers).toHaveLength(3)
  })

  it('can be asked for again after it failed', async () => {
    let times = 0
    const read = newest(() => (times++ === 0 ? Promise.reject(new Error('away')) : Promise.resolve()))
    await expect(read()).rejects.toThrow('away')
    await read()
    expect(times).toBe(2)
  })
})
