import { expect, test } from './support/test'
import { expectAccessible, picture } from './support/look'
import { signedVisit, Voice } from './support/scene'

test('with a full queue the desk stays on one screen, and the record of the last patient gives way to the next', async ({ server, desk }) => {
  test.setTimeout(240_000)
  await signedVisit(server, 'was here before', '感冒')
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  const next = await Voice.arrives(server, 'comes next')
  for (let n = 2; n <= 24; n += 1) await Voice.arrives(server, `waits as number ${n}`)
  await page.reload()
  await expect(at('queue-row')).toHaveCount(24)
  await desk.expectOneScreen()
  await at('queue-row').last().scrollIntoViewIfNeeded()
  await desk.expectOneScreen()
  await picture(page, 'desk-full-queue')

  // Nobody is on the desk: there is no patient to go back to.
  const readOld = async () => {
    await at('ended-open').click()
    await at('ended-read').first().click()
    await expect(at('old-record')).toBeVisible()
  }
  await readOld()
  await expect(at('old-record')).toContainText(desk.say('unfinished.close'))
  await at('amend').click()
  await desk.callNext()
  await next.accept()
  await at('identity-confirm').click()
  // Words of an amendment stand open: it is asked, and until then it is said whose record this is.
  await expect(at('old-record-ask')).toBeVisible()
  await expectAccessible(page, 'desk, an old record over a new patient')
  await picture(page, 'desk-old-record-ask')
  await at('old-record-stay').click()
  await expect(at('old-record')).toContainText(desk.say('unfinished.back'))
  await at('old-record-close').click()
  await expect(at('old-record')).toBeHidden()
  await expect(at('outcomes')).toBeVisible()
  await expect(at('sign')).toBeVisible()
  await expect(at('amend')).toHaveCount(0)
})

test('the record of the last patient that is only read gives way to the next by itself', async ({ server, desk }) => {
  test.setTimeout(120_000)
  await signedVisit(server, 'was read before', '感冒')
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  const next = await Voice.arrives(server, 'follows the one that was read')
  await page.reload()
  await at('ended-open').click()
  await at('ended-read').first().click()
  await expect(at('amend')).toBeVisible()
  await desk.callNext()
  await next.accept()
  await at('identity-confirm').click()
  await expect(at('old-record')).toBeHidden()
  await expect(at('sign')).toBeVisible()
  await expect(at('amend')).toHaveCount(0)
})
