import { describe, expect, it } from 'vitest'
import { EMPTY_NOTE } from '@/app/desk/note'
import { UnsavedNotes, type Drawer } from './unsaved'

function drawer(): Drawer & { kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>()
  return {
    kept,
    get: (name) => Promise.resolve(kept.get(name)),
    put: (name, value) => Promise.resolve(void kept.set(name, value)),
    remove: (name) => Promise.resolve(void kept.delete(name)),
    names: () => Promise.resolve([...kept.keys()]),
    clear: () => Promise.resolve(kept.clear()),
  }
}
const words = { version: 3, content: { ...EMPTY_NOTE, complaint: '发热三天' } }
const open = (...windows: string[]) => () => Promise.resolve(windows)

describe('unsaved words', () => {
  it('are read as they were kept, and lie sealed', async () => {
    const box = drawer()
    const notes = new UnsavedNotes(box, 'a', open('a'))
    await notes.write('note', words)
    expect(await notes.read('note')).toEqual(words)
    const sealed = box.kept.get('note/a') as { bytes: ArrayBuffer }
    expect(new TextDecoder().decode(sealed.bytes)).not.toContain('发热')
    expect((box.kept.get('key') as CryptoKey).extractable).toBe(false)
  })

  it('are gone once everything is saved, and with the key at the end of the session', async () => {
    const box = drawer()
    const notes = new UnsavedNotes(box, 'a', open('a'))
    await notes.write('note', words)
    await notes.write('note', null)
    expect(await notes.read('note')).toBeNull()
    await notes.write('note', words)
    await notes.forget()
    expect(box.kept.size).toBe(0)
    expect(await notes.read('note')).toBeNull()
  })

  it('of a closed window are taken up once, and those of an open one are left to it', async () => {
    const box = drawer()
    await new UnsavedNotes(box, 'a', open('a')).write('note', words)
    expect(await new UnsavedNotes(box, 'b', open('a', 'b')).read('note')).toBeNull()
    const next = new UnsavedNotes(box, 'c', open('b', 'c'))
    expect(await next.read('note')).toEqual(words)
    expect([...box.kept.keys()].filter((name) => name.startsWith('note'))).toEqual(['note/c'])
  })

  it('that are broken or of another note are as good as absent', async () => {
    const box = drawer()
    const notes = new UnsavedNotes(box, 'a', open('a'))
    await notes.write('one', words)
    box.kept.set('two/a', box.kept.get('one/a'))
    expect(await notes.read('two')).toBeNull()
    expect(await notes.read('three')).toBeNull()
  })
})
