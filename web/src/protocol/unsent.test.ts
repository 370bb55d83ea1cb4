import { expect, it } from 'vitest'
import { pageDrawer } from './sealed'
import { KEPT_MS, UnsentLines } from './unsent'

const line = (id: string, at: number, picture: Blob | null = null) => ({ id, text: `第${id}句`, at, picture })

it('unsent lines are read by the next page in the order in which they were written, and lie sealed', async () => {
  const box = pageDrawer()
  const before = new UnsentLines(box, () => 100)
  await before.keep('visit', line('b', 20))
  await before.keep('visit', line('a', 10, new Blob(['picture'], { type: 'image/jpeg' })))
  await before.keep('other', line('c', 5))
  const after = new UnsentLines(box, () => 100)
  const read = await after.read('visit')
  expect(read.map((one) => [one.id, one.text, one.picture?.type])).toEqual([['a', '第a句', 'image/jpeg'], ['b', '第b句', undefined]])
  expect(await read[0]?.picture?.text()).toBe('picture')
  const { words, picture } = box.kept.get('visit/a') as { words: { bytes: ArrayBuffer }; picture: { bytes: ArrayBuffer } }
  expect(new TextDecoder().decode(words.bytes)).not.toContain('第a句')
  expect(new TextDecoder().decode(picture.bytes)).not.toContain('picture')
})

it('unsent lines are gone once the server has them, at the end of the visit, after half a day, and with the key at the end of the session', async () => {
  const box = pageDrawer()
  let now = 0
  const lines = new UnsentLines(box, () => now)
  for (const [visit, id] of [['one', 'a'], ['one', 'b'], ['two', 'c'], ['three', 'd']] as const) await lines.keep(visit, line(id, now))
  await lines.drop('one', 'a')
  expect((await lines.read('one')).map((one) => one.id)).toEqual(['b'])
  await lines.end('one')
  expect([...box.kept.keys()].sort()).toEqual(['key', 'three/d', 'two/c'])
  now = KEPT_MS
  // Of whatever visit: nobody else may ever look.
  expect(await lines.read('one')).toEqual([])
  expect([...box.kept.keys()]).toEqual(['key'])
  await lines.keep('two', line('e', now))
  now += KEPT_MS
  await lines.sweep()
  expect([...box.kept.keys()]).toEqual(['key'])
  await lines.keep('two', line('e', now))
  await lines.sweep()
  expect([...box.kept.keys()].sort()).toEqual(['key', 'two/e'])
  await lines.forget()
  expect(box.kept.size).toBe(0)
})

it('an unsent line that is broken or of another visit is as good as absent', async () => {
  const box = pageDrawer()
  const lines = new UnsentLines(box, () => 0)
  await lines.keep('one', line('a', 0))
  box.kept.set('two/a', box.kept.get('one/a'))
  expect(await lines.read('two')).toEqual([])
  box.get = () => Promise.reject(new Error('no storage'))
  expect(await lines.read('one')).toEqual([])
})
