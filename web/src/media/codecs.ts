// Which codecs of pictures are offered, and in which order. What the relay does not carry is left out: in a full room it would
// fill fifty kilobytes of every offer.

/** Constrained baseline, whole frames in fragments: the one form of H.264 that the relay carries. */
const H264 = 'video/H264;level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f'

/** VP8 is what every browser of ours shows. A camera that would rather speak H.264 names it first: the answer decides. */
export function offered(known: readonly RTCRtpCodec[], h264First = false): RTCRtpCodec[] {
  const vp8 = known.filter((codec) => codec.mimeType.toLowerCase() === 'video/vp8')
  const h264 = known.filter(isOurH264).slice(0, 1)
  return h264First ? [...h264, ...vp8] : [...vp8, ...h264]
}

function isOurH264({ mimeType, sdpFmtpLine = '' }: RTCRtpCodec): boolean {
  const format = sdpFmtpLine.toLowerCase()
  return mimeType.toLowerCase() === 'video/h264' && format.includes('packetization-mode=1') && format.includes('profile-level-id=42e0')
}

/** Whether this machine has a chip for H.264 and none for VP8: a weak telephone then saves its battery and stays cool. */
export async function prefersH264(capabilities: MediaCapabilities | undefined = globalThis.navigator?.mediaCapabilities): Promise<boolean> {
  const isEasy = async (contentType: string): Promise<boolean> => {
    const video = { contentType, width: 1280, height: 720, bitrate: 1_500_000, framerate: 30 }
    const info = await capabilities?.encodingInfo({ type: 'webrtc', video })
    return info !== undefined && info.supported && info.powerEfficient
  }
  try {
    return (await isEasy(H264)) && !(await isEasy('video/VP8'))
  } catch {
    // An old browser does not know the question.
    return false
  }
}
