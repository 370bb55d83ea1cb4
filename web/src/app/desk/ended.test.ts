import { expect, it } from 'vitest'
import type { EndedVisit, UnfinishedNote } from '@/protocol/staff'
import { finished } from './ended'

it('a visit stands in one list: among the unfinished, or among those that are done with', () => {
  const [a, b] = [{ visit: 'a' }, { visit: 'b' }] as EndedVisit[]
  expect(finished([a!, b!], [{ visit: 'a' } as UnfinishedNote])).toEqual([b])
  expect(finished([a!, b!], [])).toEqual([a, b])
})
