// Photos for the conversation: made smaller before they leave the phone, turned the right way by the browser.

export const MAX_SIDE = 1600
export const MAX_BYTES = 8 * 1024 * 1024
const KEEP_BYTES = 400 * 1024

/** Width and height that fit into a square of `side`, never larger than before. */
export function fit(width: number, height: number, side = MAX_SIDE): { width: number; height: number } {
  const scale = Math.min(1, side / Math.max(width, height, 1))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** A JPEG of at most 1,600 pixels a side; a small picture of a kind that the server takes stays as it is. */
export async function shrink(file: Blob): Promise<Blob> {
  const isKnown = ['image/jpeg', 'image/png', 'image/webp'].includes(file.type)
  const picture = await createImageBitmap(file)
  const size = fit(picture.width, picture.height)
  if (isKnown && file.size <= KEEP_BYTES && size.width === picture.width) return file
  const canvas = document.createElement('canvas')
  Object.assign(canvas, size)
  canvas.getContext('2d')?.drawImage(picture, 0, 0, size.width, size.height)
  picture.close()
  const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.85))
  return made ?? file
}
