import { createHash } from 'node:crypto'

/** Somebody who does not exist: an invented name, a card number with a right checksum, a telephone number. */
export interface Person {
  name: string
  card: string
  phone: string
}

/** The same man for the same word, another one for another. `born` is a date as YYYYMMDD. */
export function invent(word: string, name = '演示患者甲', born = '19660308'): Person {
  const digits = BigInt(`0x${createHash('sha256').update(word).digest('hex').slice(0, 15)}`).toString().padStart(18, '7')
  return { name, card: cardNumber(`320102${born}${digits.slice(-3, -1)}1`), phone: `139${digits.slice(-11, -3)}` }
}

/** Appends the check character of GB 11643-1999. */
function cardNumber(first17: string): string {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  const sum = weights.reduce((total, weight, index) => total + weight * Number(first17[index]), 0)
  return first17 + '10X98765432'[sum % 11]
}

export type Answer = string | number | boolean | readonly string[]

/** A grown-up with a fever for two days and nothing worse. */
export const FEVER: Readonly<Record<string, Answer>> = {
  'co.reason': 'fever',
  'co.visit': 'advice',
  'sx.fever': true,
  'sx.temp': 38.2,
  'sx.temp.site': 'armpit',
  'fev.days': 2,
  'sx.heat': false,
  'sx.cough': 'dry',
  'sx.dysp': 'none',
  'sx.chest': false,
  'sx.lips': false,
  'sx.mind': false,
  'sx.skin': false,
  'sx.urine': false,
  'sx.seiz': false,
  'sx.neck': false,
  'rf.preg': 'no',
  'sx.other': ['sore_throat'],
  'sx.vomit': 'none',
  'sx.intake': 'normal',
  'sx.worse': 'same',
  'vs.spo2': 97,
  'vs.rr': 18,
  'vs.hr': 88,
  'epi.1': false,
  'epi.2': false,
  'epi.3': false,
  'epi.4': false,
  'epi.5': false,
  'epi.code': 'green',
  'epi.6': 'no',
  'rf.dis': ['none'],
  'rf.imm': false,
  'rf.med': ['none'],
  'rf.allergy': '无',
  'id.addr.area': '演示区',
  'id.addr.street': '演示街道',
  'id.addr.door': '1幢101室',
  'loc.now': true,
  'rf.alone': false,
  'rf.room': true,
  'id.emerg.name': '演示家属',
  'id.emerg.phone': '13900000000',
  'sx.self': false,
  'su.promise': true,
}
