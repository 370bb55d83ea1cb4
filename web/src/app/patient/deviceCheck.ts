import { onScopeDispose, reactive, ref, shallowRef } from 'vue'
import { browserDevices, capture } from '@/media/devices'
import { isPicture } from '@/media/loopback'
import { meter, VOICE } from '@/media/meter'
import { testPicture, testTone, type TestSource } from '@/media/testPicture'
import { deviceFault, HEARD_MS, heardFor, SILENT_MS, type DeviceFault, type Lamps } from './devices'

/** The meter tells so often. */
const STEP_MS = 100
const HUE = 165

/** Camera and microphone before a call: what the browser gives, what is seen and heard of it, and why not. */
export function useDeviceCheck(audio: () => AudioContext | null) {
  const stream = shallowRef<MediaStream | null>(null)
  const lamps = reactive<Lamps>({ camera: 'unknown', mic: 'unknown', speaker: 'unknown', network: 'unknown' })
  const fault = ref<DeviceFault | null>(null)
  const asking = ref(false)
  const level = ref(0)
  let unmeter: (() => void) | null = null
  let pretended: TestSource[] = []

  /** Asks the browser. Call it inside a tap, after the AudioContext was made in the same tap. */
  async function begin(): Promise<void> {
    stop()
    asking.value = true
    fault.value = null
    const got = await capture(browserDevices(), { microphone: true, camera: true, facing: 'user', small: true })
    asking.value = false
    const trouble = got.cameraTrouble ?? got.microphoneTrouble
    fault.value = trouble === null ? null : deviceFault(trouble)
    const tracks = [got.audio, got.video].filter((track) => track !== null)
    if (tracks.length > 0) use(new MediaStream(tracks))
  }

  /** For a demonstration on a machine without a camera: a moving picture and a tone. */
  function pretend(label: string): void {
    stop()
    fault.value = null
    const context = audio()
    pretended = [testPicture(label, HUE), context ? testTone(context) : null].filter((source) => source !== null)
    use(new MediaStream(pretended.map((source) => source.track)))
    lamps.mic = 'ok'
  }

  function use(got: MediaStream): void {
    stream.value = got
    lamps.camera = got.getVideoTracks().length > 0 ? 'unknown' : 'off'
    const voice = got.getAudioTracks()[0]
    lamps.mic = voice ? 'unknown' : 'off'
    const context = audio()
    if (!voice || !context) return
    let heard = 0
    let waited = 0
    unmeter = meter(context, voice, (now) => {
      level.value = now
      waited += STEP_MS
      heard = heardFor(heard, now, VOICE, STEP_MS)
      if (heard >= HEARD_MS) lamps.mic = 'ok'
      else if (waited > SILENT_MS && lamps.mic === 'unknown') lamps.mic = 'silent'
    })
  }

  /** Looks at what the video element shows. */
  function look(video: HTMLVideoElement): void {
    if (video.videoWidth === 0 || lamps.camera === 'off') return
    const canvas = document.createElement('canvas')
    canvas.width = 32
    canvas.height = 24
    const pen = canvas.getContext('2d', { willReadFrequently: true })
    if (!pen) return
    pen.drawImage(video, 0, 0, 32, 24)
    lamps.camera = isPicture(pen.getImageData(0, 0, 32, 24).data) ? 'ok' : 'black'
  }

  /** Voice only: the camera goes off, and what was not tried counts as not there. */
  function voiceOnly(): void {
    for (const track of stream.value?.getVideoTracks() ?? []) {
      track.stop()
      stream.value?.removeTrack(track)
    }
    fault.value = null
    lamps.camera = 'off'
    if (lamps.mic !== 'ok') lamps.mic = 'off'
    if (lamps.speaker === 'unknown') lamps.speaker = 'no'
    if (lamps.network === 'unknown' || lamps.network === 'testing') lamps.network = 'untested'
  }

  function stop(): void {
    unmeter?.()
    unmeter = null
    for (const source of pretended) source.stop()
    pretended = []
    for (const track of stream.value?.getTracks() ?? []) track.stop()
    stream.value = null
  }
  onScopeDispose(stop)
  return { stream, lamps, fault, asking, level, begin, pretend, look, voiceOnly, stop }
}
