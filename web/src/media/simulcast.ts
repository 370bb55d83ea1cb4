// The own camera in up to three sizes; only those that somebody watches are sent.

export interface Encoding {
  rid: string
  scaleResolutionDownBy: number
  maxBitrate: number
}

/** From small to large: the relay counts them in this order. */
const SIZES: readonly Encoding[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
]

/** A machine with few cores offers two sizes, for each one is encoded by itself. */
export function encodings(cores: number | undefined): RTCRtpEncodingParameters[] {
  return SIZES.slice(cores !== undefined && cores <= 2 ? 1 : 0).map((one) => ({ ...one }))
}

/** Sends these layers, by their place from 0, and no others. */
export async function sendLayers(sender: RTCRtpSender, layers: readonly number[]): Promise<void> {
  const parameters = sender.getParameters()
  const changed = (parameters.encodings ?? []).filter((one, at) => (one.active ?? true) !== layers.includes(at))
  if (changed.length === 0) return
  for (const one of changed) one.active = !(one.active ?? true)
  // A browser that cannot, sends more than is watched; that is no fault.
  await sender.setParameters(parameters).catch(() => undefined)
}
