import { expect, it } from 'vitest'
import { nameOf } from './words'

it('a person is named once, with the role, also where the name says the role and nothing more', () => {
  expect(nameOf({ role: 'patient', name: { zh: '演**', en: '演**' } })).toBe('患者 演**')
  expect(nameOf({ role: 'patient', name: { zh: '患者', en: 'patient' } })).toBe('患者')
})
