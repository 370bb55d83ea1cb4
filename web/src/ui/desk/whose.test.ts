import { describe, expect, it } from 'vitest'
import { ref } from 'vue'
import { useWhoseRecord } from './whose'

const before = { visit: 'before', no: 1, name_masked: '甲**', again: true }

function desk(holds: boolean) {
  const present = ref<string | null>(null)
  return { present, whose: useWhoseRecord(() => present.value, () => holds) }
}

describe('the record on the right of the desk', () => {
  it('that is only read gives way to the next patient', () => {
    const { present, whose } = desk(false)
    whose.show(before)
    expect(whose.visit.value).toBe('before')
    present.value = 'next'
    expect([whose.visit.value, whose.asks.value]).toEqual(['next', false])
  })
  it('that holds words stays until the doctor is asked', () => {
    const { present, whose } = desk(true)
    whose.show(before)
    present.value = 'next'
    expect([whose.visit.value, whose.asks.value]).toEqual(['before', true])
    whose.close()
    expect([whose.visit.value, whose.asks.value]).toEqual(['next', false])
  })
  it('stays when the present patient goes, and may be opened over one on purpose', () => {
    const { present, whose } = desk(true)
    present.value = 'next'
    whose.show(before)
    expect(whose.visit.value).toBe('before')
    present.value = null
    expect([whose.visit.value, whose.asks.value]).toEqual(['before', false])
    whose.close()
    expect(whose.visit.value).toBeNull()
  })
  it('is that of the present patient, also when it was chosen from a list', () => {
    const { present, whose } = desk(false)
    present.value = 'next'
    whose.show({ ...before, visit: 'next' })
    expect(whose.old.value).toBeNull()
  })
})
