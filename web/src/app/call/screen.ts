/** The own screen, shown to a call: picked in the browser's own dialog, and over when the browser says so. */
export interface Screen {
  /** Lets the person pick a screen, or shows none any more; whether one is shown. */
  show(on: boolean): Promise<boolean>
  /** Nothing is shown, and what is still being picked will not be either. */
  stop(): void
}

/** `shown` is told of each screen, and of `null` when there is none any more. */
export function useScreen(shown: (track: MediaStreamTrack | null) => void): Screen {
  let track: MediaStreamTrack | null = null
  // A picker stays open for as long as its person likes: what is picked for a wish that is over is let go at once.
  let wish = 0

  function stop(): void {
    wish += 1
    track?.stop()
    track = null
  }

  async function show(on: boolean): Promise<boolean> {
    stop()
    const mine = wish
    // The person may close the picker: then nothing is shared, and nothing is wrong.
    const picked = on
      ? await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 15 }, audio: false }).catch(() => null)
      : null
    const [one = null] = picked?.getVideoTracks() ?? []
    if (mine !== wish) {
      one?.stop()
      return false
    }
    if (one) {
      one.contentHint = 'detail'
      one.addEventListener('ended', () => track === one && void show(false))
    }
    track = one
    shown(one)
    // Whoever was told may have let it go at once.
    return mine === wish && one !== null
  }

  return { show, stop }
}
