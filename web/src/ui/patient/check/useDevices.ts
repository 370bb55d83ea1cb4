import { onUnmounted, reactive, ref, shallowRef } from 'vue'
import { deviceFault, HEARD_MS, HEARD_SHARE, isBlack, loudness, type DeviceFault, type Lamps } from '@/app/patient/devices'
import { audio, unlockSound } from '../sound'

/** Camera and microphone of the check: asks once for both, then for each alone to learn which one failed. */
export function useDevices() {
  const stream = shallowRef<MediaStream | null>(null)
  const lamps = reactive<Lamps>({ camera: 'unknown', mic: 'unknown', speaker: 'unknown', network: 'unknown' })
  const fault = ref<DeviceFault | null>(null)
  const asking = ref(false)
  const level = ref(0)
  let watching: ReturnType<typeof setInterval> | undefined

  async function ask(wanted: MediaStreamConstraints): Promise<MediaStream> {
    const devices = navigator.mediaDevices as MediaDevices | undefined
    if (!devices?.getUserMedia) throw new DOMException('', 'NoMediaDevices')
    return devices.getUserMedia(wanted)
  }
  const CAMERA: MediaTrackConstraints = { width: { ideal: 960 }, height: { ideal: 540 }, facingMode: 'user' }
  const VOICE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }

  /** Call this inside a tap: it unlocks the sound as well. */
  async function begin(): Promise<void> {
    stop()
    void unlockSound()
    asking.value = true
    fault.value = null
    try {
      use(await ask({ audio: VOICE, video: CAMERA }))
    } catch (cause) {
      fault.value = deviceFault(cause instanceof Error ? cause.name : '')
      const sound = await ask({ audio: VOICE }).catch(() => null)
      const picture = sound ? null : await ask({ video: CAMERA }).catch(() => null)
      if (sound ?? picture) use((sound ?? picture) as MediaStream)
    } finally {
      asking.value = false
    }
  }

  function use(got: MediaStream): void {
    stop()
    stream.value = got
    lamps.camera = got.getVideoTracks().length > 0 ? 'unknown' : 'off'
    lamps.mic = got.getAudioTracks().length > 0 ? 'unknown' : 'off'
    listen(got)
  }

  function listen(got: MediaStream): void {
    const context = audio()
    if (!context || got.getAudioTracks().length === 0) return
    const source = context.createMediaStreamSource(got)
    const analyser = context.createAnalyser()
    analyser.fftSize = 1024
    source.connect(analyser)
    const samples = new Float32Array(analyser.fftSize)
    let loudFor = 0
    let quietFor = 0
    watching = setInterval(() => {
      analyser.getFloatTimeDomainData(samples)
      level.value = loudness(samples)
      loudFor = Math.max(0, loudFor + (level.value >= HEARD_SHARE ? 100 : -10))
      quietFor += 100
      if (loudFor >= HEARD_MS) lamps.mic = 'ok'
      else if (quietFor > 8000 && lamps.mic === 'unknown') lamps.mic = 'silent'
    }, 100)
  }

  /** Looks at the picture that the video element shows. */
  function look(video: HTMLVideoElement): void {
    if (video.videoWidth === 0 || lamps.camera === 'off') return
    const canvas = document.createElement('canvas')
    canvas.width = 32
    canvas.height = 24
    const pen = canvas.getContext('2d', { willReadFrequently: true })
    if (!pen) return
    pen.drawImage(video, 0, 0, 32, 24)
    lamps.camera = isBlack(pen.getImageData(0, 0, 32, 24).data) ? 'black' : 'ok'
  }

  /** Voice only: the camera stays off, and the doctor is told. */
  function withoutCamera(): void {
    for (const track of stream.value?.getVideoTracks() ?? []) {
      track.stop()
      stream.value?.removeTrack(track)
    }
    lamps.camera = 'off'
    if (!stream.value) lamps.mic = 'off'
    if (lamps.mic !== 'ok') lamps.mic = 'off'
  }

  function stop(): void {
    clearInterval(watching)
    for (const track of stream.value?.getTracks() ?? []) track.stop()
    stream.value = null
  }
  onUnmounted(stop)
  return { stream, lamps, fault, asking, level, begin, use, look, withoutCamera, stop }
}
