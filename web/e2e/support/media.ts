import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const FOLDER = path.join(tmpdir(), `yunzhen-journey-media-${process.pid}`)

/** A colour as a camera file has it: Y, U, V. */
const COLOURS = { red: [76, 85, 255], blue: [29, 255, 107], green: [150, 44, 21] } as const
export type Colour = keyof typeof COLOURS

/** A camera that sees nothing but one colour: ten frames of raw video, about 50 KB, which the browser loops. */
export function cameraFile(colour: Colour, fps = 20): string {
  const [width, height, frames] = [64, 48, 10]
  const [y, u, v] = COLOURS[colour]
  const luma = Buffer.alloc(width * height, y)
  const chroma = (value: number) => Buffer.alloc((width * height) / 4, value)
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420jpeg\n`)]
  for (let frame = 0; frame < frames; frame += 1) parts.push(Buffer.from('FRAME\n'), luma, chroma(u), chroma(v))
  return write(`${colour}-${fps}.y4m`, Buffer.concat(parts))
}

/** A microphone that hears one tone: two seconds of 16-bit mono, which the browser loops. */
export function toneFile(hertz: number): string {
  const [rate, seconds] = [48_000, 2]
  const samples = Buffer.alloc(rate * seconds * 2)
  for (let i = 0; i < rate * seconds; i += 1) {
    samples.writeInt16LE(Math.round(Math.sin((2 * Math.PI * hertz * i) / rate) * 12_000), i * 2)
  }
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.length, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.length, 40)
  return write(`${hertz}.wav`, Buffer.concat([header, samples]))
}

function write(name: string, bytes: Buffer): string {
  mkdirSync(FOLDER, { recursive: true })
  const file = path.join(FOLDER, name)
  writeFileSync(file, bytes)
  return file
}
