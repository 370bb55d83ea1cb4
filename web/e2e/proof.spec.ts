import { readFile } from 'node:fs/promises'
import { expect, test, usePage } from './support/test'
import { Api } from './support/api'
import { DESK, PHONE } from './support/browser'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { downloaded, expectSays, squareCode } from './support/pdf'
import { signedVisit, writtenYesterday, young } from './support/scene'
import { signIn } from './support/staff'

const DIAGNOSIS = '时行感冒'

test('a stranger learns that a paper is authentic and nothing of what it says, and the administrator keeps the proof', async ({ server, patient, phones, desktops }, info) => {
  test.setTimeout(120_000)
  writtenYesterday(server)
  await server.terminate()
  await server.restart()
  const who = young('a proof')
  const { voice, visit } = await signedVisit(server, 'a proof', DIAGNOSIS)
  const holder = new Api(server.baseURL, String(voice.arrival.tokens['access_token']))
  const documents = (await holder.get(`/visits/${visit}/documents`)) as unknown as { kind: string; link: string }[]
  const link = documents.find((one) => one.kind === 'record')?.link ?? ''

  const { page, say } = patient
  await page.addInitScript(([name, value]) => localStorage.setItem(name ?? '', value ?? ''), [`yunzhen.patient.${server.link}`, JSON.stringify(voice.arrival.tokens)])
  await page.goto(`/me/${server.link}`)
  await page.locator('.visit').first().click()
  const file = await downloaded(page, page.getByTestId('download-record-a4'), 'proof-record-a4.pdf')
  expectSays(file, await readFile(file), [DIAGNOSIS, who.name])
  const code = await squareCode(page, file)
  if (code === null) console.error('SKIPPED: the square code is not read: this machine has no pdftoppm')
  else expect(code, 'what a camera reads on the paper').toBe(link)

  // Whoever holds the paper, on a telephone of their own.
  await usePage(phones, server.baseURL, PHONE, info, 'stranger', async (stranger) => {
    const heard: string[] = []
    stranger.on('response', (answer) => {
      if (answer.url().includes('/api/')) void answer.text().then((text) => heard.push(text), () => undefined)
    })
    await stranger.goto(new URL(link).pathname)
    const verdict = stranger.getByTestId('verdict')
    await expect(verdict).toHaveAttribute('data-state', 'authentic')
    await expect(stranger.getByText('演示省中医院').first()).toBeVisible()
    const secrets = [who.name, DIAGNOSIS, '发热两天', '多饮水', who.card.slice(-4), who.phone.slice(-4), '演示医师甲']
    const shown = `${await stranger.content()} ${heard.join(' ')}`
    expect(heard.length, 'the page asked the server').toBeGreaterThan(0)
    for (const secret of secrets) expect(shown, 'what the paper says').not.toContain(secret)
    await expectAccessible(stranger, 'verify, authentic')
    await expectNoSidewaysScroll(stranger, 'verify, authentic')
    await picture(stranger, 'verify-authentic')
    const token = new URL(link).pathname.split('/').at(-1) ?? ''
    await stranger.goto(`/verify/${token.startsWith('a') ? 'b' : 'a'}${token.slice(1)}`)
    await expect(verdict).toHaveAttribute('data-state', 'unknown')
    await expect(verdict).toContainText(say('proof.verify.unknown'))
    await expectAccessible(stranger, 'verify, unknown')
    await picture(stranger, 'verify-unknown')
  })

  await usePage(desktops, server.baseURL, DESK, info, 'administrator', async (office) => {
    const at = (id: string) => office.getByTestId(id)
    await signIn(office, server.account('administrator'))
    await expect(office).toHaveURL(/\/admin/)
    await office.goto('/admin/proof')
    const dayOf = (ms: number) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(ms)
    await expect(at('audit-day')).toHaveCount(1)
    await expect(at('audit-day')).toContainText(dayOf(Date.now() - 86_400_000))
    await at('audit-verify').click()
    await expect(at('audit-verdict')).toHaveAttribute('data-whole', 'true')

    await at('number-day').fill(dayOf(Date.now()))
    await at('number-no').fill(String(voice.no))
    await at('hold-search').click()
    await expect(at('hold-found')).toContainText('演示医师甲')
    await expect(at('hold-place')).toHaveAttribute('aria-disabled', 'true')
    // The whole record leaves by the sealed file: for a reason, which somebody else judges.
    await at('visit-seal').click()
    await expect(at('visit-seal-yes')).toHaveAttribute('aria-disabled', 'true')
    await office.locator('#seal-reason').fill('纠纷')
    await expect(at('visit-seal-yes')).toHaveAttribute('aria-disabled', 'true')
    await office.locator('#seal-reason').fill('患者投诉，医调委调取')
    await expectAccessible(office, 'administrator, sealing a visit')
    await picture(office, 'admin-seal')
    const [sealed] = await Promise.all([office.waitForEvent('download'), at('visit-seal-yes').click()])
    const words = await readFile(await sealed.path(), 'utf8')
    expect(words, 'the whole record').toContain(DIAGNOSIS)
    await expect(at('visit-seal-yes')).toHaveCount(0)
    const reads = (await holder.get(`/me/visits/${visit}/readers`)) as unknown as { purpose: string | null }[]
    expect(reads.map((one) => one.purpose)).toContain('dispute')
    await office.locator('#hold-reason').fill('医疗纠纷，待鉴定')
    await at('hold-place').click()
    await expect(at('hold')).toContainText('医疗纠纷，待鉴定')
    await picture(office, 'admin-proof')
    await at('hold-lift').click()
    await expect(at('hold-lift-yes')).toHaveAttribute('aria-disabled', 'true')
    await office.locator('#lift-reason').fill('双方和解')
    await at('hold-lift-yes').click()
    await expect(at('hold')).toHaveCount(0)
    await at('holds-lifted').locator('summary').click()
    await expect(at('holds-lifted')).toContainText('双方和解')

    await at('approve-class').selectOption('prescription_toxic')
    await at('approve-open').click()
    await expectAccessible(office, 'administrator, approving a deletion')
    await picture(office, 'admin-approve')
    await at('approve-yes').click()
    await expect(at('approval')).toContainText(say('keep.class.prescription_toxic'))
    await expect(at('approval')).toContainText('演示管理员')
    await at('end-open').click()
    await at('end-yes').click()
    await expect(at('approval')).toHaveCount(2)
    await expectAccessible(office, 'administrator, proof')
    await expectNoSidewaysScroll(office, 'administrator, proof')
    await at('may-go').scrollIntoViewIfNeeded()
    await picture(office, 'admin-may-go')
  })
})
