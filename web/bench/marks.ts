import type { Page } from '@playwright/test'

/** When the steps of a call happened on a page, in the machine's milliseconds: pages of two browsers share that clock. */
export type Marks = Partial<Record<Step, number>>
export type Step = 'accept' | 'identity' | 'confirm' | 'connection' | 'grant' | 'granted' | 'seated' | 'offer' | 'answer' | 'connected' | 'frame'

interface Marked {
  __marks: Marks
}

/** Notes each step of a call on this page from now on. Must stand before the page is opened. */
export async function noteSteps(page: Page): Promise<void> {
  await page.context().addInitScript(() => {
    const marks: Marks = {}
    Object.assign(window, { __marks: marks })
    const mark = (step: Step) => void (marks[step] ??= Date.now())

    document.addEventListener('click', (event) => {
      const on = event.target as Element
      if (on.closest('.accept')) mark('accept')
      if (on.closest('[data-testid="identity-confirm"]')) mark('confirm')
    }, true)

    const ask = window.fetch
    window.fetch = (input, init) => {
      const isGrant = typeof input === 'string' && input.endsWith('/grant')
      if (isGrant) mark('grant')
      const answer = ask(input, init)
      if (isGrant) void answer.then(() => mark('granted'), () => undefined)
      return answer
    }

    const connections: RTCPeerConnection[] = []
    const isRemote = (track: MediaStreamTrack) => connections.some((one) => one.getReceivers().some((receiver) => receiver.track === track))
    const Native = window.RTCPeerConnection
    window.RTCPeerConnection = class extends Native {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        mark('connection')
        connections.push(this)
        this.addEventListener('connectionstatechange', () => this.connectionState === 'connected' && mark('connected'))
      }
      override createOffer(): Promise<RTCSessionDescriptionInit & undefined> {
        mark('seated')
        return super.createOffer() as Promise<RTCSessionDescriptionInit & undefined>
      }
      override setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void> {
        mark('offer')
        return super.setLocalDescription(description)
      }
      override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
        mark('answer')
        return super.setRemoteDescription(description)
      }
    } as typeof RTCPeerConnection

    // A frame that is handed to the screen was decoded; the own picture does not count.
    const play = HTMLMediaElement.prototype.play
    HTMLMediaElement.prototype.play = function (this: HTMLMediaElement) {
      const track = this.srcObject instanceof MediaStream ? this.srcObject.getVideoTracks()[0] : undefined
      if (this instanceof HTMLVideoElement && track && isRemote(track)) this.requestVideoFrameCallback(() => mark('frame'))
      return play.call(this)
    }
  })
}

/** A doctor who confirms in the moment in which the panel appears: what is measured is the machine. */
export async function confirmAtOnce(page: Page): Promise<void> {
  await page.context().addInitScript(() => {
    const seen = new WeakSet<Element>()
    new MutationObserver(() => {
      const button = document.querySelector<HTMLElement>('[data-testid="identity-confirm"]')
      if (!button || seen.has(button) || button.ariaDisabled === 'true') return
      seen.add(button)
      ;(window as unknown as Marked).__marks.identity ??= Date.now()
      button.click()
    }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-disabled'] })
  })
}

/** Forgets what was noted: the next call begins. */
export async function forget(page: Page): Promise<void> {
  await page.evaluate(() => {
    const { __marks: marks } = window as unknown as Marked
    for (const step of Object.keys(marks) as Step[]) delete marks[step]
  })
}

/** What was noted, once the first frame of the other side was seen. */
export async function marksOf(page: Page): Promise<Marks> {
  await page.waitForFunction(() => (window as unknown as Marked).__marks.frame !== undefined, undefined, { timeout: 30_000 })
  return page.evaluate(() => (window as unknown as Marked).__marks)
}

/** The same without our server: camera, offer, answer and first frame between two connections of one page. */
export function bareCall(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const begun = Date.now()
    const stream = await navigator.mediaDevices.getUserMedia({ video: true })
    const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()]
    here.onicecandidate = ({ candidate }) => void there.addIceCandidate(candidate ?? undefined)
    there.onicecandidate = ({ candidate }) => void here.addIceCandidate(candidate ?? undefined)
    const video = document.createElement('video')
    video.muted = true
    document.body.append(video)
    const frame = new Promise<number>((resolve) => video.requestVideoFrameCallback(() => resolve(Date.now())))
    there.ontrack = ({ track }) => {
      video.srcObject = new MediaStream([track])
      void video.play()
    }
    for (const track of stream.getTracks()) here.addTrack(track, stream)
    await here.setLocalDescription()
    await there.setRemoteDescription(here.localDescription!)
    await there.setLocalDescription()
    await here.setRemoteDescription(there.localDescription!)
    const took = (await frame) - begun
    here.close()
    there.close()
    stream.getTracks().forEach((track) => track.stop())
    video.remove()
    return took
  })
}
