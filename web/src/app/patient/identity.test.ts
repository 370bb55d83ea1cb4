import { describe, expect, it } from 'vitest'
import { cardFault, cardSex, EMPTY_IDENTITY, identityFaults, identityRequest, inventedPerson, inventedPhone, isDate, phoneLooksRight, tidyNumber } from './identity'

const today = new Date('2026-11-24T00:00:00Z')
// The example number of GB 11643-1999 itself.
const GOOD = '11010519491231002X'

describe('a resident card', () => {
  it('is accepted with spaces, a small x and full-width digits', () => {
    expect(cardFault('110105 19491231 002x', today)).toBeNull()
    expect(cardFault('11010519491231002X', today)).toBeNull()
    expect(tidyNumber('110105 19491231-002x')).toBe(GOOD)
  })

  it('is refused for one wrong digit, an impossible date, or a missing character', () => {
    expect(cardFault('110105194912310021', today)).toBe('checksum')
    expect(cardFault('110105194902310027', today)).toBe('date')
    expect(cardFault('11010519491231002', today)).toBe('length')
  })

  it('says the sex by its seventeenth digit', () => {
    expect(cardSex(GOOD)).toBe('female')
  })
})

describe('an invented person', () => {
  it('passes every check of the form, and lives where no county is', () => {
    for (const chance of [0, 0.37, 0.5, 0.9999]) {
      const person = inventedPerson(() => chance)
      expect(identityFaults({ ...EMPTY_IDENTITY, ...person }, today)).toEqual([])
      expect(person.number).toMatch(/^110000/)
      expect(person.name).toMatch(/^演示患者.$/)
      expect(phoneLooksRight(inventedPhone(() => chance))).toBe(true)
    }
  })
})

describe('the identity form', () => {
  it('asks for birth date and sex only where the document does not state them', () => {
    const card = { ...EMPTY_IDENTITY, name: '演示患者', number: GOOD }
    expect(identityFaults(card, today)).toEqual([])
    const passport = { ...card, document: 'passport' as const, number: 'E12345678' }
    expect(identityFaults(passport, today)).toEqual(['birth', 'sex'])
    expect(identityRequest(card)).toMatchObject({ relation: 'myself', birth_date: null })
  })

  it('takes names of many peoples, and none that is made of signs', () => {
    for (const name of ['演示患者', '测试·买买提', "Sean O'Neill", 'Anne-Marie Testperson Jr.', '王五 (Wang Wu)']) {
      expect(identityFaults({ ...EMPTY_IDENTITY, name, number: GOOD }, today), name).toEqual([])
    }
    for (const name of ['=HYPERLINK(x)', '<b>x</b>', '\u0301a', '·买买提', '王=1', '王＜b＞', '王"x"']) {
      expect(identityFaults({ ...EMPTY_IDENTITY, name, number: GOOD }, today), name).toEqual(['name.signs'])
    }
  })

  it('asks for the relation when a family member answers', () => {
    expect(identityFaults({ ...EMPTY_IDENTITY, forWhom: 'family', name: '甲', number: GOOD }, today)).toEqual(['relation'])
  })
})

describe('dates and telephone numbers', () => {
  it('knows that the thirtieth of February never was', () => {
    expect(isDate('2024-02-29')).toBe(true)
    expect(isDate('2024-02-30')).toBe(false)
    expect(isDate('2024-2-9')).toBe(false)
  })

  it('takes mobile numbers of China and numbers with a country code', () => {
    expect(phoneLooksRight('138 0013 8000')).toBe(true)
    expect(phoneLooksRight('+44 7700 900123')).toBe(true)
    expect(phoneLooksRight('12345')).toBe(false)
  })
})
