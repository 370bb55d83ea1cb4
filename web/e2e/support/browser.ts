import { chromium, firefox, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from '@playwright/test'
import { existsSync } from 'node:fs'
import { cameraFile, toneFile, type Colour } from './media'

export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
export const FIREFOX = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr'
export const hasFirefox = (): boolean => existsSync(FIREFOX)

/** What the machine of a person has. */
export interface Equipment {
  /** A camera that sees one colour; the browser's own moving picture in any size; or none. */
  camera: Colour | 'moving' | 'none'
  hertz?: number
  /** Frames a second of a camera that sees one colour: few where many browsers share a machine. */
  fps?: number
  /** The person, or the system, said no. */
  denied?: boolean
  /** Another executable, such as one in a network of its own. */
  executable?: string
  /** It takes a certificate that nobody known has signed, for TURN too. */
  credulous?: boolean
}

/** One browser process, since a fake camera belongs to a process. */
export function launchChromium(equipment: Equipment): Promise<Browser> {
  const { camera, hertz, fps, denied, executable, credulous } = equipment
  const args = ['--disable-features=WebRtcHideLocalIpsWithMdns']
  if (denied) args.push('--deny-permission-prompts')
  else args.push('--use-fake-ui-for-media-stream')
  if (camera === 'none') args.push('--use-fake-device-for-media-stream=device-count=0')
  else if (camera === 'moving') args.push('--use-fake-device-for-media-stream')
  else args.push('--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${cameraFile(camera, fps)}`)
  if (hertz !== undefined) args.push(`--use-file-for-fake-audio-capture=${toneFile(hertz)}`)
  if (credulous) args.push('--ignore-certificate-errors')
  return chromium.launch({ executablePath: executable ?? CHROMIUM, args })
}

/** Stock Firefox over WebDriver BiDi, with its own fake camera. */
export function launchFirefox(): Promise<Browser> {
  return firefox.launch({
    channel: 'moz-firefox',
    executablePath: FIREFOX,
    args: [],
    firefoxUserPrefs: { 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true },
  })
}

export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
/** Firefox over BiDi emulates no touch. */
export const NARROW: BrowserContextOptions = { viewport: { width: 390, height: 844 } }
export const DESK: BrowserContextOptions = { viewport: { width: 1366, height: 768 } }

const CHINESE: BrowserContextOptions = { locale: 'zh-CN', timezoneId: 'Asia/Shanghai' }

/** A page whose peer connections can be asked how the call is, whatever the client does with them. */
export async function openPage(browser: Browser, baseURL: string, options: BrowserContextOptions): Promise<Page> {
  const context: BrowserContext = await browser.newContext({ baseURL, ...CHINESE, ...options })
  await context.addInitScript(() => {
    const all: RTCPeerConnection[] = []
    Object.assign(window, { __connections: all })
    const Native = window.RTCPeerConnection
    window.RTCPeerConnection = class extends Native {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        all.push(this)
      }
    }
  })
  return context.newPage()
}
