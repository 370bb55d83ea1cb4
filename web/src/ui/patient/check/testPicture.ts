import { audio } from '../sound'

/** A moving picture and a soft tone for a demonstration on a machine without a camera. Clearly drawn as such. */
export function testPicture(): MediaStream | null {
  const canvas = document.createElement('canvas')
  canvas.width = 640
  canvas.height = 480
  const pen = canvas.getContext('2d')
  if (!pen || !('captureStream' in canvas)) return null
  let frame = 0
  const draw = () => {
    frame += 1
    pen.fillStyle = '#1f5b4e'
    pen.fillRect(0, 0, 640, 480)
    pen.fillStyle = '#6fc3ae'
    pen.beginPath()
    pen.arc(320 + Math.sin(frame / 20) * 180, 220 + Math.cos(frame / 27) * 90, 60, 0, 2 * Math.PI)
    pen.fill()
    pen.fillStyle = '#ffffff'
    pen.font = '36px sans-serif'
    pen.textAlign = 'center'
    pen.fillText('演示画面 DEMO', 320, 430)
  }
  draw()
  const stream = canvas.captureStream(15)
  const timer = setInterval(() => {
    if (stream.getVideoTracks().every((track) => track.readyState === 'ended')) clearInterval(timer)
    else draw()
  }, 66)
  const context = audio()
  if (context) {
    const out = context.createMediaStreamDestination()
    const tone = context.createOscillator()
    const gain = context.createGain()
    tone.frequency.value = 440
    gain.gain.value = 0.05
    tone.connect(gain).connect(out)
    tone.start()
    for (const track of out.stream.getAudioTracks()) stream.addTrack(track)
  }
  return stream
}
