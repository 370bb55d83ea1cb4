// What descriptions do not say by themselves.

/** Sound that is lost may be asked for again, both ways: browsers do so where it is written, and write it for pictures alone. */
export function asksForSoundAgain(sdp: string): string {
  const numbers = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000\/2\s*$/gim)].map(([, number]) => number ?? '')
  return numbers.filter((number, at) => numbers.indexOf(number) === at).reduce((text, number) => {
    if (new RegExp(`^a=rtcp-fb:${number} nack\\s*$`, 'm').test(text)) return text
    return text.replace(new RegExp(`^(a=rtpmap:${number} .*?)(\\r?)$`, 'gim'), `$1$2\na=rtcp-fb:${number} nack$2`)
  }, sdp)
}

/** An answer that wants so many milliseconds of sound in each packet (`ptime`, RFC 8866 §6.4). */
export function inPacketsOf(ms: number, sdp: string): string {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => (section.startsWith('m=audio') ? `${section.replace(/^a=ptime:.*\r?\n/gm, '').trimEnd()}\r\na=ptime:${ms}\r\n` : section))
    .join('')
}
