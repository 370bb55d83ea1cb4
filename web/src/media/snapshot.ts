// On a very weak network: one picture of the own camera every two seconds, small, as a track like any other.

export const STILL_MS = 2_000
const HEIGHT = 180

/** A drawn track of which each frame is asked for. */
type DrawnTrack = MediaStreamTrack & { requestFrame?: () => void }

export interface Still {
  camera: MediaStreamTrack
  track: MediaStreamTrack
  stop: () => void
}

/** Takes stills of the camera until stopped; `null` where the browser cannot draw a track. */
export function stillOf(camera: MediaStreamTrack): Still | null {
  const canvas = document.createElement('canvas')
  const drawing = canvas.getContext('2d')
  if (!drawing || typeof canvas.captureStream !== 'function') return null
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.srcObject = new MediaStream([camera])
  void video.play().catch(() => undefined)
  const track: DrawnTrack | undefined = canvas.captureStream(0).getVideoTracks()[0]
  if (!track) return null
  const take = (): void => {
    if (video.videoHeight === 0) return
    const height = Math.min(HEIGHT, video.videoHeight)
    const width = Math.round((video.videoWidth * height) / video.videoHeight / 2) * 2
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height]
    drawing.drawImage(video, 0, 0, width, height)
    track.requestFrame?.()
  }
  video.addEventListener('loadeddata', take)
  const timer = window.setInterval(take, STILL_MS)
  return {
    camera,
    track,
    stop() {
      window.clearInterval(timer)
      video.srcObject = null
      track.stop()
    },
  }
}
