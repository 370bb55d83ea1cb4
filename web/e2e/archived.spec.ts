import { expect, test, usePage } from './support/test'
import { Api } from './support/api'
import { DESK } from './support/browser'
import { sqlite } from './support/later'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { signedVisit } from './support/scene'
import { signIn } from './support/staff'

test('an amendment of an archived record is declined with words, then approved, and only then it is the record', async ({ server, desk, desktops }, info) => {
  test.setTimeout(150_000)
  const { visit } = await signedVisit(server, 'is archived', '感冒')
  // As if its day had passed.
  sqlite(server, `update visit set ended_at = ended_at - 86400000 where id = x'${visit.replaceAll('-', '')}'`)
  const doctor = await Api.staff(server.baseURL, server.account('doctor'))
  interface Seen { draft: { version: number; content: Record<string, unknown> }; signed: { content: { diagnosis: string }; approved_by: { zh: string } | null }[]; amendment: { line: { state: string; decision_reason: string | null } } | null }
  const read = async () => (await doctor.get(`/visits/${visit}?purpose=continuity`)) as unknown as Seen
  const amend = async (diagnosis: string) => {
    const { draft } = await read()
    const saved = await doctor.put(`/visits/${visit}/note`, { version: draft.version, content: { ...draft.content, diagnosis } })
    await doctor.post(`/visits/${visit}/sign`, { version: saved['version'], reason: '更正诊断' })
  }
  // By hand: the doctor finds the own visit among those that are done with, reads it, and writes the amendment.
  const { page } = desk
  const on = (id: string) => page.getByTestId(id)
  await page.reload()
  await on('ended-open').click()
  await expect(on('ended-row').first()).toContainText(desk.say('ended.archived'))
  await expectAccessible(page, 'desk, visits that are done with')
  await picture(page, 'desk-ended')
  await on('ended-read').first().click()
  await on('tab-rx').click()
  await expect(on('rx')).toContainText(desk.say('rx.none'))
  await expect(on('rx-new-herbal').or(on('rx-basis'))).toHaveCount(0)
  await on('tab-diagnosis').click()
  await expect(on('note-diagnosis')).toHaveValue('感冒')
  await expect(on('note-diagnosis')).not.toBeEditable()
  await on('amend').click()
  await on('note-diagnosis').fill('肺炎')
  await desk.expectSaved()
  await on('sign').click()
  await expect(on('sign-archived')).toBeVisible()
  await page.locator('#amend-reason').fill('更正诊断')
  await on('sign-yes').click()
  await expect(on('amendment')).toHaveAttribute('data-state', 'asked')
  await expectAccessible(page, 'desk, an archived record')
  await expectNoSidewaysScroll(page, 'desk, an archived record')
  await picture(page, 'desk-archived')
  expect((await read()).signed.map((one) => one.content.diagnosis)).toEqual(['感冒'])

  await usePage(desktops, server.baseURL, DESK, info, 'administrator', async (office) => {
    const at = (id: string) => office.getByTestId(id)
    await signIn(office, server.account('administrator'))
    await at('amendments').click()
    await at('amendment-read').click()
    await expect(at('amendment-paper')).toContainText('更正诊断')
    await expect(at('amendment-paper').locator('del')).toContainText('感冒')
    await expect(at('amendment-paper').locator('ins')).toContainText('肺炎')
    await expectAccessible(office, 'office, an amendment')
    await expectNoSidewaysScroll(office, 'office, an amendment')
    await picture(office, 'office-amendment')
    await office.locator('#amend-decline-reason').fill('影像未支持')
    await at('amendment-decline').click()
    await expect(at('amendment-paper')).toBeHidden()
    expect((await read()).amendment?.line).toMatchObject({ state: 'declined', decision_reason: '影像未支持' })

    await amend('时行感冒')
    await office.reload()
    await at('amendments').click()
    await at('amendment-read').click()
    await at('amendment-approve').click()
    await expect(at('amendment-paper')).toBeHidden()
  })
  const { signed, amendment } = await read()
  expect(signed.map((one) => one.content.diagnosis)).toEqual(['感冒', '时行感冒'])
  expect([signed[1]?.approved_by !== null, amendment]).toEqual([true, null])
})
