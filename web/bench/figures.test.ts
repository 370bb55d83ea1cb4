import { describe, expect, it } from 'vitest'
import { figure, percentile } from './figures'

describe('percentile', () => {
  it('is a value that was measured', () => {
    const ten = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    expect([0.1, 0.5, 0.9, 1].map((share) => percentile(ten, share))).toEqual([1, 5, 9, 10])
    expect(percentile([7], 0.9)).toBe(7)
  })
  it('does not sort what it was given', () => {
    const values = [2, 1]
    percentile(values, 0.5)
    expect(values).toEqual([2, 1])
  })
})

describe('figure', () => {
  it('names p50, p90 and the ends', () => {
    expect(figure([1, 2, 3, 400]).replace(/ +/g, ' ')).toBe('p50 2 p90 400 (1–400)')
  })
})
