import type { Browser } from '@playwright/test'

/** Stops every process of a Chromium, as a phone does that is locked and put away; gives what wakes it. Ask nothing of its pages meanwhile. */
export async function fallAsleep(browser: Browser): Promise<() => void> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const signal = (name: NodeJS.Signals) => {
    for (const { id } of processInfo) process.kill(id, name)
  }
  signal('SIGSTOP')
  return () => signal('SIGCONT')
}
