import { describe, expect, it } from 'vitest'
import { offered, prefersH264 } from './codecs'

const codec = (name: string, sdpFmtpLine?: string): RTCRtpCodec => ({ mimeType: `video/${name}`, clockRate: 90_000, ...(sdpFmtpLine === undefined ? {} : { sdpFmtpLine }) })
const ours = codec('H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f')
const chromium = [codec('VP8'), codec('rtx'), codec('H264', 'packetization-mode=1;profile-level-id=42001f'), codec('H264', 'packetization-mode=0;profile-level-id=42e01f'), ours, codec('AV1'), codec('VP9'), codec('red')]

describe('what is offered', () => {
  it('is what the relay carries and nothing else, VP8 first', () => {
    expect(offered(chromium)).toEqual([codec('VP8'), ours])
    expect(offered([codec('VP8'), codec('VP9')])).toEqual([codec('VP8')])
    expect(offered([codec('VP9')])).toEqual([])
  })
  it('begins with H.264 where the camera would rather speak it', () => {
    expect(offered(chromium, true)).toEqual([ours, codec('VP8')])
    expect(offered([codec('VP8')], true)).toEqual([codec('VP8')])
  })
})

describe('whether a machine would rather speak H.264', () => {
  const machine = (efficient: string): MediaCapabilities =>
    ({ encodingInfo: ({ video }: { video: { contentType: string } }) => Promise.resolve({ supported: true, smooth: true, powerEfficient: efficient.includes(video.contentType.slice(6, 9)) }) }) as unknown as MediaCapabilities
  it.each([
    ['H26', true],
    ['VP8', false],
    ['H26 VP8', false],
    ['', false],
  ])('with chips for "%s": %s', async (chips, expected) => expect(await prefersH264(machine(chips))).toBe(expected))
  it('is not asked of a browser that does not know the question', async () => {
    expect(await prefersH264(undefined)).toBe(false)
    expect(await prefersH264({ encodingInfo: () => Promise.reject(new TypeError()) } as unknown as MediaCapabilities)).toBe(false)
  })
})
