// For a demonstration on a machine without a camera or microphone: a moving picture that nobody takes for a person,
// and a soft tone that comes and goes.

export interface TestSource {
  track: MediaStreamTrack
  stop: () => void
}

/** A canvas that says what it is, with a dot that goes round: a frozen picture is seen at once. `null` where it cannot be. */
export function testPicture(label: string, hue: number): TestSource | null {
  const canvas = document.createElement('canvas')
  canvas.width = 640
  canvas.height = 360
  const pen = canvas.getContext('2d')
  if (!pen || typeof canvas.captureStream !== 'function') return null
  let turn = 0
  const draw = (): void => {
    turn += 1
    paint(pen, label, hue, turn)
  }
  draw()
  const timer = setInterval(draw, 1000 / 15)
  const track = canvas.captureStream(15).getVideoTracks()[0]
  if (!track) return null
  return {
    track,
    stop() {
      clearInterval(timer)
      track.stop()
    },
  }
}

function paint(pen: CanvasRenderingContext2D, label: string, hue: number, turn: number): void {
  const { width, height } = pen.canvas
  pen.fillStyle = `hsl(${hue} 32% 24%)`
  pen.fillRect(0, 0, width, height)
  pen.fillStyle = `hsl(${hue} 38% 32%)`
  for (let x = ((turn * 2) % 80) - 80; x < width; x += 80) pen.fillRect(x, 0, 40, height)
  pen.fillStyle = 'rgb(16 22 20 / 62%)'
  pen.fillRect(0, height / 2 - 58, width, 116)
  pen.fillStyle = '#ffffff'
  pen.textAlign = 'center'
  pen.textBaseline = 'middle'
  pen.font = '600 44px system-ui, "Noto Sans CJK SC", sans-serif'
  pen.fillText(label, width / 2, height / 2 - 12)
  pen.font = '24px system-ui, sans-serif'
  pen.fillText(String(turn).padStart(6, '0'), width / 2, height / 2 + 34)
  const angle = turn / 12
  pen.beginPath()
  pen.arc(width - 56 + 28 * Math.cos(angle), 56 + 28 * Math.sin(angle), 12, 0, 2 * Math.PI)
  pen.fill()
}

/** A quiet tone, on for a third of every second. */
export function testTone(context: AudioContext): TestSource {
  const oscillator = context.createOscillator()
  const gain = context.createGain()
  const target = context.createMediaStreamDestination()
  oscillator.frequency.value = 440
  gain.gain.value = 0
  oscillator.connect(gain).connect(target)
  oscillator.start()
  const timer = setInterval(() => {
    const at = context.currentTime
    gain.gain.setTargetAtTime(0.08, at, 0.02)
    gain.gain.setTargetAtTime(0, at + 0.33, 0.05)
  }, 1000)
  void context.resume().catch(() => undefined)
  const track = target.stream.getAudioTracks()[0]!
  return {
    track,
    stop() {
      clearInterval(timer)
      oscillator.stop()
      track.stop()
    },
  }
}
