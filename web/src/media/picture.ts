// A picture that the doctor asks for, in the camera's full resolution, and pixels of its preview.

import type { Pixels } from './pictureQuality'

/** Not in every browser, and not in TypeScript's library. */
interface PhotoTaker {
  takePhoto(): Promise<Blob>
}
declare global {
  interface Window {
    ImageCapture?: new (track: MediaStreamTrack) => PhotoTaker
  }
}

/** Width of the pixels that are judged: enough for edges, little enough for an old phone. */
const JUDGED = 160

/** What the server takes of one picture. */
const MOST_BYTES = 8 * 1024 * 1024
/** A very large photo gives up some of this before it gives up a pixel. */
const QUALITIES = [0.92, 0.8, 0.6, 0.4]

/** The pixels of what a video element shows now; `null` before its first picture. */
export function glance(video: HTMLVideoElement): Pixels | null {
  if (video.videoWidth === 0) return null
  const height = Math.max(1, Math.round((JUDGED * video.videoHeight) / video.videoWidth))
  const pen = canvasOf(JUDGED, height).getContext('2d', { willReadFrequently: true })
  if (!pen) return null
  pen.drawImage(video, 0, 0, JUDGED, height)
  return { width: JUDGED, height, data: pen.getImageData(0, 0, JUDGED, height).data }
}

/** The pixels of a picture that was taken; `null` when it is none. */
export async function pixelsOf(picture: Blob): Promise<Pixels | null> {
  const bitmap = await createImageBitmap(picture).catch(() => null)
  if (!bitmap) return null
  const height = Math.max(1, Math.round((JUDGED * bitmap.height) / bitmap.width))
  const pen = canvasOf(JUDGED, height).getContext('2d', { willReadFrequently: true })
  pen?.drawImage(bitmap, 0, 0, JUDGED, height)
  bitmap.close()
  return pen ? { width: JUDGED, height, data: pen.getImageData(0, 0, JUDGED, height).data } : null
}

/** A photo: by the camera where the browser can ask it, else the picture of the moment in full size. Always a JPEG, upright. */
export async function takePicture(track: MediaStreamTrack, video: HTMLVideoElement): Promise<Blob> {
  const photo = await byCamera(track)
  const picture = photo ? await createImageBitmap(photo).catch(() => null) : null
  const [width, height] = picture ? [picture.width, picture.height] : [video.videoWidth, video.videoHeight]
  const canvas = canvasOf(width, height)
  // Drawn anew, a photo stands upright, and says nothing of where it was taken.
  canvas.getContext('2d')?.drawImage(picture ?? video, 0, 0, width, height)
  picture?.close()
  for (const quality of QUALITIES) {
    const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality))
    if (made && made.size <= MOST_BYTES) return made
  }
  throw new Error('no picture could be made')
}

async function byCamera(track: MediaStreamTrack): Promise<Blob | null> {
  if (!window.ImageCapture || track.readyState !== 'live') return null
  const patience = new Promise<null>((resolve) => setTimeout(() => resolve(null), 4_000))
  try {
    return await Promise.race([new window.ImageCapture(track).takePhoto(), patience])
  } catch {
    return null
  }
}

function canvasOf(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  Object.assign(canvas, { width, height })
  return canvas
}
