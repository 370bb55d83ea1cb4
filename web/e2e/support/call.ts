import { expect, type Page } from '@playwright/test'

interface Received {
  frames: number
  audioEnergy: number
  codecs: string[]
  connected: boolean
}

/** What the live connection of a page has received so far, from the browser's own statistics. */
export function received(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const now = all.filter((one) => one.connectionState !== 'closed').at(-1)
    const sum = { frames: 0, audioEnergy: 0, codecs: [] as string[], connected: now?.connectionState === 'connected' }
    if (!now) return sum
    const used = new Set<string>()
    const report = await now.getStats()
    report.forEach((one: Record<string, unknown>) => {
      if (one['type'] !== 'inbound-rtp') return
      sum.frames += Number(one['framesDecoded'] ?? 0)
      sum.audioEnergy += Number(one['totalAudioEnergy'] ?? 0)
      if (typeof one['codecId'] === 'string') used.add(one['codecId'])
    })
    report.forEach((one: Record<string, unknown>) => {
      if (one['type'] === 'codec' && used.has(String(one['id']))) sum.codecs.push(String(one['mimeType']))
    })
    return sum
  })
}

/** The way that sound and picture leave a page: what kind of candidate over what, and from which address. */
export function usedPath(page: Page): Promise<{ way: string; address: string }> {
  return page.evaluate(async () => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const report = await all.filter((one) => one.connectionState === 'connected').at(-1)?.getStats()
    const found = { way: 'none', address: 'nowhere' }
    report?.forEach((one: Record<string, unknown>) => {
      // Several pairs may have been nominated; the transport says which one is used.
      if (one['type'] !== 'transport' || typeof one['selectedCandidatePairId'] !== 'string') return
      const pair = report.get(one['selectedCandidatePairId']) as Record<string, unknown>
      const local = report.get(String(pair['localCandidateId'])) as Record<string, unknown>
      found.way = `${String(local['candidateType'])}/${String(local['relayProtocol'] ?? local['protocol'])}`
      found.address = String(local['address'])
    })
    return found
  })
}

/** Pixels of the middle of the largest playing picture: red, green, blue. */
export function middlePixel(page: Page): Promise<[number, number, number]> {
  return page.evaluate(() => {
    const area = (one: HTMLVideoElement) => one.clientWidth * one.clientHeight
    const videos = [...document.querySelectorAll('video')].filter((one) => one.videoWidth > 0 && area(one) > 0)
    const largest = videos.sort((a, b) => area(b) - area(a))[0]
    if (!largest) return [0, 0, 0]
    const canvas = document.createElement('canvas')
    canvas.width = largest.videoWidth
    canvas.height = largest.videoHeight
    const drawing = canvas.getContext('2d')
    if (!drawing) return [0, 0, 0]
    drawing.drawImage(largest, 0, 0)
    const [r = 0, g = 0, b = 0] = drawing.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data
    return [r, g, b]
  })
}

/** Width and height of the largest playing picture, and a sum over it that changes when something in it moves. */
export function shown(page: Page): Promise<{ size: [number, number]; sum: number }> {
  return page.evaluate(() => {
    const area = (one: HTMLVideoElement) => one.clientWidth * one.clientHeight
    const videos = [...document.querySelectorAll('video')].filter((one) => one.videoWidth > 0)
    const largest = videos.sort((a, b) => area(b) - area(a))[0]
    const canvas = document.createElement('canvas')
    const drawing = canvas.getContext('2d')
    if (!largest || !drawing) return { size: [0, 0] as [number, number], sum: 0 }
    ;[canvas.width, canvas.height] = [largest.videoWidth, largest.videoHeight]
    drawing.drawImage(largest, 0, 0)
    const pixels = drawing.getImageData(0, 0, canvas.width, canvas.height).data
    let sum = 0
    pixels.forEach((value, at) => (sum = (sum * 31 + value * (at % 251)) % 1_000_003))
    return { size: [canvas.width, canvas.height] as [number, number], sum }
  })
}

/** New frames keep coming to this page. */
export async function expectFrames(page: Page, atLeast = 15): Promise<void> {
  const before = (await received(page)).frames
  await expect
    .poll(async () => (await received(page)).frames - before, { message: 'decoded frames', timeout: 30_000 })
    .toBeGreaterThan(atLeast)
}

/** Sound with energy keeps coming to this page. */
export async function expectSound(page: Page): Promise<void> {
  const before = (await received(page)).audioEnergy
  await expect
    .poll(async () => (await received(page)).audioEnergy - before, { message: 'audio energy', timeout: 30_000 })
    .toBeGreaterThan(0.001)
}

/** The large picture shows the colour of the other side's camera. */
export async function expectColour(page: Page, colour: 'red' | 'blue'): Promise<void> {
  await expect
    .poll(
      async () => {
        const [red, green, blue] = await middlePixel(page)
        const [wanted, other] = colour === 'red' ? [red, blue] : [blue, red]
        return wanted > 150 && other < 110 ? colour : `rgb(${red},${green},${blue})`
      },
      { message: 'the colour of the other side', timeout: 30_000 },
    )
    .toBe(colour)
}

/** The whole proof that the two see and hear each other: the patient's camera is red, the doctor's blue. */
export async function expectCall(patient: Page, doctor: Page): Promise<void> {
  await Promise.all([expectFrames(patient), expectFrames(doctor)])
  await Promise.all([expectColour(patient, 'blue'), expectColour(doctor, 'red')])
  await Promise.all([expectSound(patient), expectSound(doctor)])
}

/** Network of a Chromium page: must be set before its first peer connection, and may be changed afterwards. */
export async function network(page: Page): Promise<{ cut(): Promise<void>; narrow(kbps: number): Promise<void>; mend(): Promise<void> }> {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const set = (offline: boolean, latency: number, up = -1) =>
    session.send('Network.emulateNetworkConditionsByRule' as never, {
      offline,
      matchedNetworkConditions: [{ urlPattern: '', latency, downloadThroughput: -1, uploadThroughput: up, offline }],
    } as never)
  await set(false, 1)
  return { cut: () => set(true, 0), narrow: (kbps) => set(false, 20, (kbps * 1000) / 8), mend: () => set(false, 0) }
}

/** For so long the page never says that something that is sent does not arrive. */
export async function expectAllArrives(page: Page, millis: number): Promise<void> {
  const said = await page.evaluate((millis) => new Promise<string | null>((tell) => {
    const look = (): void => {
      const word = document.querySelector('[data-testid="missed"]')
      if (word) tell(word.textContent)
    }
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true })
    look()
    setTimeout(() => tell(null), millis)
  }), millis)
  expect(said).toBeNull()
}
