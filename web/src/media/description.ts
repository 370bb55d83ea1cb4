// What a browser's offer does not say by itself.

/** Sound that is lost may be asked for again, both ways: browsers do so where it is written, and write it for pictures alone. */
export function asksForSoundAgain(sdp: string): string {
  const numbers = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000\/2\s*$/gim)].map(([, number]) => number ?? '')
  return numbers.filter((number, at) => numbers.indexOf(number) === at).reduce((text, number) => {
    if (new RegExp(`^a=rtcp-fb:${number} nack\\s*$`, 'm').test(text)) return text
    return text.replace(new RegExp(`^(a=rtpmap:${number} .*?)(\\r?)$`, 'gim'), `$1$2\na=rtcp-fb:${number} nack$2`)
  }, sdp)
}
