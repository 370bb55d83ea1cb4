import { describe, expect, it } from 'vitest'
import { columnsFor } from './grid'

describe('pictures side by side', () => {
  it('stand below each other in a narrow box and beside each other in a wide one', () => {
    expect(columnsFor(3, 336, 488)).toBe(1)
    expect(columnsFor(3, 620, 488)).toBe(2)
    expect(columnsFor(3, 1200, 300)).toBe(3)
  })
  it('are all seen when twelve share the middle of a desk', () => {
    expect(columnsFor(12, 620, 480)).toBe(3)
    expect(columnsFor(12, 900, 480)).toBe(4)
  })
  it('are one where nothing is known of the box', () => {
    expect(columnsFor(5, 0, 0)).toBe(1)
    expect(columnsFor(0, 100, 100)).toBe(1)
  })
})
