import { expect, test } from './support/test'
import { Api } from './support/api'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Voice } from './support/scene'

test('a doctor fills the four examinations by keyboard and signs', async ({ server, desk }) => {
  test.setTimeout(120_000)
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  /** What a doctor does: initials, Enter. */
  const enter = async (id: string, typed: string) => {
    await at(id).pressSequentially(typed)
    await expect(page.getByRole('listbox').filter({ visible: true }).getByRole('option').first()).toBeVisible()
    await page.keyboard.press('Enter')
  }
  const patient = await Voice.arrives(server, 'has a fever')
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()

  await at('tab-exam').click()
  await enter('exam-quick', 'whfr')
  await enter('exam-quick', 'sjh')
  await enter('exam-quick', 'bt')
  await enter('tongue-coating', 'bt')
  await expect(at('tongue-body-tongue.red_tip')).toBeVisible()
  await expect(at('pulse-remote')).toBeChecked()
  await expect(at('exam-ask')).toContainText('恶寒发热')
  await at('exam-ask').click()
  await at('field-ask.sweat').click()
  await at('choices-ask.sweat').getByRole('button').first().click()
  await expectAccessible(page, 'desk, four examinations')
  await expectNoSidewaysScroll(page, 'desk, four examinations')
  await picture(page, 'desk-exams')
  await at('pulse-device').check()
  await enter('pulse-all', 'fm')
  await expect(at('pulse-left-cun-pulse.fu')).toBeVisible()
  await picture(page, 'desk-pulse')

  await at('tab-diagnosis').click()
  await enter('dx-disease', 'sxgm')
  await enter('dx-pattern', '风热犯肺')
  await enter('dx-western', 'J11')
  await enter('principle', 'xl')
  await expect(at('dx-line-A01.01.01.02')).toContainText('时行感冒')
  await expect(at('dx-line-B02.02.05.05')).toContainText('SF8A')
  await at('note-advice').fill('多饮水,注意休息')
  await at('templates-advice').click()
  await at('template-name').fill('感冒医嘱')
  await at('template-keep').click()
  await at('template-感冒医嘱').click()
  await expect(at('mark-advice')).toContainText('感冒医嘱')
  await expectAccessible(page, 'desk, diagnoses')
  await picture(page, 'desk-diagnoses')
  await desk.expectSaved()
  await at('versions-open').click()
  await at('version-1').click()
  await expect(at('changes')).toBeVisible()
  await expectAccessible(page, 'desk, versions')
  await picture(page, 'desk-versions')
  await page.keyboard.press('Escape')

  await at('sign').click()
  await at('sign-yes').click()
  await expect(at('signed')).toBeVisible()
})

test('two windows see their conflict side by side', async ({ server, desk }) => {
  test.setTimeout(120_000)
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  const patient = await Voice.arrives(server, 'two windows')
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await at('tab-history').click()
  const [request] = await Promise.all([page.waitForRequest((one) => one.method() === 'PUT' && one.url().endsWith('/note')), at('note-complaint').fill('发热')])
  await desk.expectSaved()
  const visit = /visits\/([^/]+)\/note/.exec(request.url())?.[1] ?? ''
  // The same doctor in another window, which saved meanwhile: one field of its own, and one that both wrote.
  const elsewhere = await Api.staff(server.baseURL, server.account('doctor'))
  const draft = (await elsewhere.get(`/visits/${visit}`))['draft'] as { version: number; content: Record<string, unknown> }
  await at('note-complaint').fill('发热三天')
  await elsewhere.put(`/visits/${visit}/note`, { version: draft.version, content: { ...draft.content, complaint: '发热两天', advice: '多饮水' } })
  await expect(at('conflict')).toBeVisible()
  await expect(at('conflict-complaint')).toContainText('发热三天')
  await expect(at('conflict-complaint')).toContainText('发热两天')
  await expectAccessible(page, 'desk, a conflict')
  await picture(page, 'desk-conflict')
  await expect(at('conflict-yes')).toHaveAttribute('aria-disabled', 'true')
  await at('mine-complaint').check()
  await at('conflict-yes').click()
  await expect(at('conflict')).toBeHidden()
  await desk.expectSaved()
  await expect(at('note-complaint')).toHaveValue('发热三天')
  // What only the other wrote is here without a question.
  await at('tab-diagnosis').click()
  await expect(at('note-advice')).toHaveValue('多饮水')
})
