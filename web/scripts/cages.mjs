// Runs the network cages: browsers behind every kind of network, in namespaces of Linux. Everything happens in a namespace of
// its own, for a network that comes or goes is noticed by every browser of its namespace. `--all` takes what watches for minutes,
// too; other words are for Playwright, such as a file's name. Where no namespace can be made, it says so loudly and is no failure.
import { execFileSync, spawnSync } from 'node:child_process'

const host = `yzhost${process.pid}`
/** Every namespace of this run begins so. */
const cages = `yz${process.pid}`
const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] })

function missing() {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  if (process.getuid() !== 0) return 'network namespaces need root'
  try {
    ip('netns', 'add', host)
    ip('netns', 'exec', host, 'ip', 'link', 'set', 'lo', 'up')
    ip('netns', 'exec', host, 'nft', 'add', 'table', 'inet', 'probe')
    ip('netns', 'exec', host, 'ip', 'link', 'add', 'probe', 'type', 'veth', 'peer', 'name', 'probe2')
    return ''
  } catch (cause) {
    return `no namespace can be made (${String(cause.stderr ?? cause).trim().split('\n')[0]})`
  }
}

const reason = missing()
let status = 0
if (reason) {
  console.log(`SKIPPED: the network cages: ${reason}`)
} else {
  const [all, words] = [process.argv.includes('--all'), process.argv.slice(2).filter((word) => word !== '--all')]
  const environment = { ...process.env, YUNZHEN_CAGE: cages, ...(all ? { YUNZHEN_CAGES: 'all' } : {}) }
  const command = ['netns', 'exec', host, process.execPath, 'node_modules/@playwright/test/cli.js', 'test', '--config', 'playwright.cages.config.ts', ...words]
  status = spawnSync('ip', command, { stdio: 'inherit', env: environment }).status ?? 1
}
// What a browser that died left, too.
const left = reason ? [] : String(execFileSync('ip', ['netns', 'list'], { stdio: ['ignore', 'pipe', 'ignore'] })).split('\n').map((line) => line.split(' ')[0]).filter((name) => name.startsWith(`${cages}n`))
for (const name of [...left, host]) {
  try {
    ip('netns', 'del', name)
  } catch {
    // It was never made.
  }
}
process.exit(status)
