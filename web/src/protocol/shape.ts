/** Reads an unknown value as a `T`, or throws `Mismatch` with the path of what was wrong. For codecs only. */
export type Shape<T> = (value: unknown, path: string) => T

export class Mismatch extends Error {}

function fail(path: string, wanted: string): never {
  throw new Mismatch(`${path} is not ${wanted}`)
}

export const text: Shape<string> = (value, path) => (typeof value === 'string' ? value : fail(path, 'text'))
export const flag: Shape<boolean> = (value, path) => (typeof value === 'boolean' ? value : fail(path, 'true or false'))
export const number: Shape<number> = (value, path) => (typeof value === 'number' && Number.isFinite(value) ? value : fail(path, 'a number'))

export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return (value, path) => words.find((word) => word === value) ?? fail(path, words.join(' or '))
}

export function list<T>(item: Shape<T>): Shape<T[]> {
  return (value, path) => (Array.isArray(value) ? value.map((one, index) => item(one, `${path}[${index}]`)) : fail(path, 'a list'))
}

export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null || value === undefined ? null : shape(value, path))
}

/** A missing or unreadable value becomes `fallback`: for fields that an older server does not send. */
export function orElse<T>(shape: Shape<T>, fallback: T): Shape<T> {
  return (value, path) => (value === undefined ? fallback : shape(value, path))
}

export const record: Shape<Record<string, unknown>> = (value, path) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : fail(path, 'an object')

export function object<T extends Record<string, unknown>>(fields: { [K in keyof T]: Shape<T[K]> }): Shape<T> {
  const names = Object.keys(fields) as (keyof T & string)[]
  return (value, path) => {
    const raw = record(value, path)
    return Object.fromEntries(names.map((name) => [name, fields[name](raw[name], `${path}.${name}`)])) as T
  }
}
