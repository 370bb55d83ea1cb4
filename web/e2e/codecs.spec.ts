import type { Page } from '@playwright/test'
import { launchChromium, PHONE } from './support/browser'
import { expectColour, expectFrames, received } from './support/call'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { expectSeen, Invited, meet, People } from './support/room'
import { expect, test, usePage } from './support/test'
import { wordsOf } from './support/words'

/** The codec that the own camera speaks now. */
function spoken(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const report = await all.filter((one) => one.connectionState !== 'closed').at(-1)!.getStats()
    const codecs = new Set<string>()
    report.forEach((one: Record<string, unknown>) => {
      if (one['type'] !== 'outbound-rtp' || one['kind'] !== 'video') return
      const codec = report.get(String(one['codecId'])) as { mimeType?: string } | undefined
      if (codec?.mimeType) codecs.add(codec.mimeType)
    })
    return [...codecs]
  })
}

/** A telephone whose chip encodes H.264 and nothing else. */
const withChip = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const easy = ({ video }: MediaEncodingConfiguration) => Promise.resolve({ supported: true, smooth: true, powerEfficient: /h264/i.test(video?.contentType ?? '') })
    Object.defineProperty(navigator.mediaCapabilities, 'encodingInfo', { value: easy })
  })

/** A browser that cannot show H.264. */
const withoutH264 = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const all = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver)
    RTCRtpReceiver.getCapabilities = (kind) => {
      const known = all(kind)
      return known && { ...known, codecs: known.codecs.filter((codec) => !/h264/i.test(codec.mimeType)) }
    }
  })

test('a telephone with a chip for H.264 speaks it while all can show it, and VP8 as soon as somebody cannot', async ({ server, phones, desk }, info) => {
  test.setTimeout(180_000)
  await usePage(phones, server.baseURL, PHONE, info, 'patient', async (phone) => {
    await withChip(phone)
    const patient = new Patient(phone, wordsOf('zh'), server.link)
    await meet(server, patient, desk, invent('has a chip'))
    await expect.poll(() => spoken(phone), { timeout: 20_000 }).toEqual(['video/H264'])
    await expect.poll(async () => (await received(desk.page)).codecs.sort(), { timeout: 20_000 }).toEqual(['audio/opus', 'video/H264'])
    await expectFrames(desk.page)
    await expectColour(desk.page, 'red')
    expect(await spoken(desk.page), 'the desk prefers VP8').toEqual(['video/VP8'])

    const people = new People(desk.page)
    const home = await launchChromium({ camera: 'green', hertz: 660 })
    await usePage(home, server.baseURL, PHONE, info, 'family', async (page) => {
      await withoutH264(page)
      const family = new Invited(page, wordsOf('zh'))
      await family.open(await people.invite('family', '演示女儿'))
      await family.knock()
      await people.at('admit').click()
      for (const one of [phone, page, desk.page]) await expectSeen(one, ['red', 'green', 'blue'])
      await expect.poll(() => spoken(phone), { timeout: 20_000 }).toEqual(['video/VP8'])
      expect((await received(page)).codecs).not.toContain('video/H264')
      await expectFrames(desk.page)
      await expectFrames(page)
    })
    await home.close()
  })
})
