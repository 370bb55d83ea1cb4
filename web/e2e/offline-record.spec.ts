import type { Page } from '@playwright/test'
import { expect, test } from './support/test'
import { Api } from './support/api'
import { picture } from './support/look'
import { Voice } from './support/scene'

const WORDS = '发热四天不退'

/** Everything that this browser keeps, as the bytes that lie on its disk would read; keys that it does not give out are named. */
async function kept(page: Page): Promise<{ text: string; sealed: number; keysOut: boolean }> {
  return page.evaluate(async () => {
    const seen: string[] = [...Object.values(localStorage), ...Object.values(sessionStorage)].map(String)
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('yunzhen-unsaved')
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(new Error('no database'))
    })
    const values = await new Promise<unknown[]>((resolve) => {
      const request = database.transaction('unsaved').objectStore('unsaved').getAll()
      request.onsuccess = () => resolve(request.result as unknown[])
    })
    database.close()
    let sealed = 0
    let keysOut = false
    for (const value of values) {
      if (value instanceof CryptoKey) {
        keysOut ||= value.extractable
        continue
      }
      const { bytes } = value as { bytes: ArrayBuffer }
      sealed += 1
      for (const encoding of ['utf-8', 'utf-16le'] as const) seen.push(new TextDecoder(encoding).decode(bytes))
    }
    return { text: seen.join('\n'), sealed, keysOut }
  })
}

test('a record that is written without a network is kept encrypted, survives a reload, and is merged', async ({ server, desk }) => {
  test.setTimeout(180_000)
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  const patient = await Voice.arrives(server, 'the network goes')
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await at('tab-history').click()
  const [request] = await Promise.all([page.waitForRequest((one) => one.method() === 'PUT' && one.url().endsWith('/note')), at('note-complaint').fill('发热')])
  await desk.expectSaved()
  const visit = /visits\/([^/]+)\/note/.exec(request.url())?.[1] ?? ''
  const before = await kept(page)
  expect(before.sealed, 'what is saved is not kept here').toBe(0)

  // No request of the record reaches the server any more; the page itself can be loaded again.
  await page.route('**/api/v1/**', (route) => route.abort('internetdisconnected'))
  await at('note-complaint').fill(WORDS)
  await expect(at('save-state')).toHaveAttribute('data-state', 'offline')
  await picture(page, 'desk-offline')
  await expect.poll(async () => (await kept(page)).sealed).toBe(1)
  const here = await kept(page)
  expect(here.text).not.toContain(WORDS)
  expect(here.text).not.toContain('发热')
  expect(here.keysOut, 'the key cannot be taken out of the browser').toBe(false)

  // Meanwhile the same doctor writes on another machine.
  const elsewhere = await Api.staff(server.baseURL, server.account('doctor'))
  const draft = (await elsewhere.get(`/visits/${visit}`))['draft'] as { version: number; content: Record<string, unknown> }
  expect(draft.content['complaint']).toBe('发热')
  await elsewhere.put(`/visits/${visit}/note`, { version: draft.version, content: { ...draft.content, advice: '多饮水' } })

  await page.reload()
  await page.unroute('**/api/v1/**')
  await page.reload()
  await at('tab-history').click()
  await expect(at('note-complaint')).toHaveValue(WORDS)
  await desk.expectSaved()
  await at('tab-diagnosis').click()
  await expect(at('note-advice')).toHaveValue('多饮水')
  const saved = (await elsewhere.get(`/visits/${visit}`))['draft'] as { content: Record<string, unknown> }
  expect([saved.content['complaint'], saved.content['advice']]).toEqual([WORDS, '多饮水'])
  await expect.poll(async () => (await kept(page)).sealed, { message: 'nothing is left here' }).toBe(0)
  await picture(page, 'desk-online-again')
})
