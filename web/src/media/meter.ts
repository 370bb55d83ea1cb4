// How loud a track is, 0–1, for a lamp that says "we hear you".

/** Tells the level some ten times a second until it is stopped. */
export function meter(context: AudioContext, track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const analyser = context.createAnalyser()
  analyser.fftSize = 512
  const source = context.createMediaStreamSource(new MediaStream([track]))
  source.connect(analyser)
  const wave = new Float32Array(analyser.fftSize)
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(wave)
    tell(loudness(wave))
  }, 100)
  return () => {
    clearInterval(timer)
    source.disconnect()
  }
}

/** −60 dB is nought, −10 dB is one: the range of a voice before a telephone. */
export function loudness(wave: Float32Array): number {
  let sum = 0
  for (const value of wave) sum += value * value
  const db = 10 * Math.log10(sum / Math.max(1, wave.length) + 1e-12)
  return Math.min(1, Math.max(0, (db + 60) / 50))
}

/** From this level on somebody spoke; a quiet room stays below. */
export const VOICE = 0.3
