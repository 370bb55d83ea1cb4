import { describe, expect, it } from 'vitest'
import { ApiError } from '@/protocol/http'
import { errorAt, errorBeside, errorText } from './errors'

const refusal = (field?: string): ApiError => new ApiError('request.invalid', 422, 'no', field === undefined ? {} : { field })

describe('a refusal', () => {
  it('is said at the field that it names, and there alone', () => {
    expect(errorAt(refusal('name'), 'name')).toBe(errorText(refusal()))
    expect(errorAt(refusal('name'), 'reason', 'name')).toBeDefined()
    expect(errorAt(refusal('name'), 'reason')).toBeUndefined()
    expect(errorBeside(refusal('name'), 'reason', 'name')).toBeUndefined()
  })
  it('that names no field of the form is said beside the form', () => {
    for (const cause of [refusal(), refusal('other'), new ApiError('network', 0, 'gone')]) {
      expect(errorBeside(cause, 'name')).toBe(errorText(cause))
      expect(errorAt(cause, 'name')).toBeUndefined()
    }
  })
  it('that did not happen is said nowhere', () => {
    expect([errorAt(null, 'name'), errorBeside(null, 'name')]).toEqual([undefined, undefined])
  })
})
