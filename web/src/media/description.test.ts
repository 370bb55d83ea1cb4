import { describe, expect, it } from 'vitest'
import { asksForSoundAgain, inPacketsOf } from './description'

const offer = ['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111 63', 'a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 transport-cc', 'a=rtpmap:63 red/48000/2',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 VP8/90000', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=rtpmap:111 opus/48000/2', ''].join('\r\n')

describe('an offer', () => {
  it('asks in every section of sound for what is lost, and changes nothing else', () => {
    const lines = asksForSoundAgain(offer).split('\r\n')
    expect(lines.filter((line) => line === 'a=rtcp-fb:111 nack')).toHaveLength(2)
    expect(lines[lines.indexOf('a=rtpmap:111 opus/48000/2') + 1]).toBe('a=rtcp-fb:111 nack')
    expect(lines.filter((line) => line !== 'a=rtcp-fb:111 nack').join('\r\n')).toBe(offer)
  })

  it('is left alone where it asks already, or has no sound', () => {
    const asking = asksForSoundAgain(offer)
    expect(asksForSoundAgain(asking)).toBe(asking)
    expect(asksForSoundAgain('v=0\r\nm=video 9 x 96\r\na=rtpmap:96 VP8/90000\r\n')).not.toContain('nack')
  })
})

describe('an answer', () => {
  it('says in every section of sound how much of it a packet holds, once, and changes nothing else', () => {
    const lines = inPacketsOf(60, inPacketsOf(20, offer)).split('\r\n')
    expect(lines.filter((line) => line.startsWith('a=ptime:'))).toEqual(['a=ptime:60', 'a=ptime:60'])
    expect(lines[lines.indexOf('m=video 9 UDP/TLS/RTP/SAVPF 96') - 1]).toBe('a=ptime:60')
    expect(lines.filter((line) => line !== 'a=ptime:60').join('\r\n')).toBe(offer)
  })
})
