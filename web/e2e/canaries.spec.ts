import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { FEVER, invent } from './support/people'

/** A page into which this was put as markup runs it; a table into which this was put as a formula counts it. */
const MARKUP = '<img src=x onerror=window.struck=1><script>window.struck=1</script>'
const FORMULA = '=1+1'

test('nothing personal of a whole journey is in any line of the log, and what was typed is text on every side', async ({ server, patient, desk, nurse }) => {
  test.setTimeout(240_000)
  const person = invent('a canary', '金丝雀甲')
  const secrets = {
    name: person.name,
    card: person.card,
    'end of the card': person.card.slice(-8),
    phone: person.phone,
    address: '金丝雀巷7号',
    relative: '金丝雀乙<script>',
    'telephone of the relative': '13700001234',
    complaint: `${FORMULA}金丝雀的主诉${MARKUP}`,
    diagnosis: `${FORMULA}金丝雀的诊断${MARKUP}`,
    advice: `${FORMULA}金丝雀的嘱咐${MARKUP}`,
    chat: `${FORMULA}金丝雀说的话${MARKUP}`,
  }
  await patient.open()
  await patient.start()
  await patient.denyRedFlags()
  await patient.page.getByLabel(patient.say('phone.label')).fill(person.phone)
  await patient.button(patient.say('phone.send')).click()
  const code = (await patient.page.locator('.demo-code').textContent())?.trim() ?? ''
  expect(code).toMatch(/^\d{6}$/)
  await patient.button(patient.say('code.fill')).click()
  await patient.button(patient.say('code.verify')).click()
  await patient.identify(person)
  await patient.consent()
  await patient.declare({
    ...FEVER,
    'id.addr.door': secrets.address,
    'id.emerg.name': secrets.relative,
    'id.emerg.phone': secrets['telephone of the relative'],
  })
  await patient.readResult()
  await patient.passCheck()
  await patient.takeNumber()
  const tokens = await patient.page.evaluate((name) => localStorage.getItem(name), `yunzhen.patient.${patient.link}`)
  await nurse.expectTicket()
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
  await patient.chat(secrets.chat)
  await desk.expectChat(secrets.chat)
  await desk.write({ complaint: secrets.complaint, diagnosis: secrets.diagnosis, advice: secrets.advice })
  await desk.chooseOutcome('home_care')
  await desk.sign()
  await desk.end()
  await patient.expectAfter()
  for (const text of [secrets.diagnosis, secrets.advice]) await expect(patient.page.getByText(text)).toBeVisible()
  const struck = () => (window as unknown as { struck?: number }).struck ?? 0
  expect([await patient.page.evaluate(struck), await desk.page.evaluate(struck), await nurse.page.evaluate(struck)]).toEqual([0, 0, 0])
  await server.kill9()

  expect(server.log.length, 'the log says something at all').toBeGreaterThan(200)
  const { access_token, refresh_token } = JSON.parse(tokens ?? '{}') as Record<string, string>
  expect(access_token, 'the patient has a token').toBeTruthy()
  for (const [what, secret] of Object.entries({ ...secrets, access_token, refresh_token })) {
    const words = (secret ?? '').replace(FORMULA, '').replace(MARKUP, '')
    expect(server.log.includes(words), `${what} is in the log`).toBe(false)
  }
  // A one-time code is six digits, which also end many a number: only as a word of its own does it count.
  const lines = server.log.split('\n').filter((line) => new RegExp(`(?<![\\d.])${code}(?![\\d])`).test(line))
  expect(lines, 'the one-time code is in the log').toEqual([])
})
