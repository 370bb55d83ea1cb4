import type { DocumentKind, IdentityRequest, Relation, Sex } from '@/protocol/types'

/** The checksum weights of GB 11643-1999, ISO 7064 MOD 11-2. */
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECK = '10X98765432'

export type CardFault = 'length' | 'date' | 'checksum'

/** Looks at a resident card's number as GB 11643 wants it: 17 digits with a real date of birth, and a check character. */
export function cardFault(number: string, today: Date): CardFault | null {
  const text = tidyNumber(number)
  if (!/^\d{17}[\dX]$/.test(text)) return 'length'
  const birth = cardBirthDate(text)
  if (birth === null || new Date(`${birth}T00:00:00Z`) > today || birth < '1900') return 'date'
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(text[index]), 0)
  return CHECK[sum % 11] === text[17] ? null : 'checksum'
}

export function cardBirthDate(number: string): string | null {
  const date = `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`
  return isDate(date) ? date : null
}

export function cardSex(number: string): Sex {
  return Number(number[16]) % 2 === 1 ? 'male' : 'female'
}

/** Upper case, without the spaces that people write between groups. Full-width digits of Chinese keyboards become plain. */
export function tidyNumber(number: string): string {
  return number.normalize('NFKC').replace(/[\s-]/g, '').toUpperCase()
}

/** Whether `YYYY-MM-DD` is a day that was. */
export function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (!match) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

export interface IdentityForm {
  forWhom: 'self' | 'family' | null
  relation: Exclude<Relation, 'myself'> | null
  name: string
  document: DocumentKind
  number: string
  birthDate: string
  sex: Sex | null
}

export const EMPTY_IDENTITY: IdentityForm = {
  forWhom: 'self', relation: null, name: '', document: 'resident_card', number: '', birthDate: '', sex: null,
}

export type IdentityFault =
  | 'relation' | 'name' | 'name.signs' | 'number.empty' | 'number.length' | 'number.date' | 'number.checksum' | 'birth' | 'sex'

/** Whether a name does not begin with a letter, or holds a sign that is part of no name; as the server reads it. */
export function hasSigns(name: string): boolean {
  return !/^\p{Alphabetic}/u.test(name) || /[!"#$%&*+:;<=>?@[\\\]^_`{|}~“”„«»]/.test(name.normalize('NFKC'))
}

/** Everything that is wrong with the form, in the order of its fields. */
export function identityFaults(form: IdentityForm, today: Date): IdentityFault[] {
  const faults: IdentityFault[] = []
  if (form.forWhom === 'family' && form.relation === null) faults.push('relation')
  const name = form.name.trim()
  if (name.length === 0 || name.length > 64) faults.push('name')
  else if (hasSigns(name)) faults.push('name.signs')
  if (tidyNumber(form.number) === '') faults.push('number.empty')
  else if (form.document === 'resident_card') {
    const fault = cardFault(form.number, today)
    if (fault) faults.push(`number.${fault}`)
  } else if (!/^[A-Z0-9]{5,20}$/.test(tidyNumber(form.number))) faults.push('number.length')
  if (form.document !== 'resident_card') {
    if (!isDate(form.birthDate) || form.birthDate < '1900' || new Date(form.birthDate) > today) faults.push('birth')
    if (form.sex === null) faults.push('sex')
  }
  return faults
}

export function identityRequest(form: IdentityForm): IdentityRequest {
  const resident = form.document === 'resident_card'
  return {
    name: form.name.trim(),
    document: form.document,
    number: tidyNumber(form.number),
    relation: form.forWhom === 'family' && form.relation !== null ? form.relation : 'myself',
    birth_date: resident ? null : form.birthDate,
    sex: resident ? null : form.sex,
  }
}

/** Where no county is: a number of nobody, though its checksum is right. */
const NOWHERE = '110000'

/** Somebody for a demonstration who does not exist; `chance` from 0 up to 1. */
export function inventedPerson(chance: () => number): Pick<IdentityForm, 'name' | 'document' | 'number'> {
  const pick = (from: number, to: number) => from + Math.floor(chance() * (to - from + 1))
  const two = (n: number) => String(n).padStart(2, '0')
  const first = `${NOWHERE}${pick(1950, 1999)}${two(pick(1, 12))}${two(pick(1, 28))}${String(pick(1, 999)).padStart(3, '0')}`
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(first[index]), 0)
  return { name: `演示患者${'甲乙丙丁戊己庚辛'[pick(0, 7)] ?? ''}`, document: 'resident_card', number: first + (CHECK[sum % 11] ?? '') }
}

/** A telephone number for a demonstration, which sends no message to it. */
export function inventedPhone(chance: () => number): string {
  return `1390000${String(Math.floor(chance() * 10_000)).padStart(4, '0')}`
}

/** A telephone number as the server wants it: digits, perhaps a plus in front. */
export function tidyPhone(text: string): string {
  return text.normalize('NFKC').replace(/[^\d+]/g, '').replace(/(?!^)\+/g, '')
}

export function phoneLooksRight(text: string): boolean {
  return /^(?:1[3-9]\d{9}|\+\d{7,15})$/.test(tidyPhone(text))
}
