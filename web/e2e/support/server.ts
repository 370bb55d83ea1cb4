import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the demonstration writes down for programs. */
export interface Demo {
  base_url: string
  patient_link: string
  accounts: { role: string; username: string; password: string }[]
}

const BUILT = fileURLToPath(new URL('../../../target/debug/yunzhen', import.meta.url))
const STARTS_WITHIN_MS = 30_000

/** A demonstration server of one journey: own ports, own data, its whole log. */
export class Server {
  readonly baseURL: string
  readonly dataDir: string
  /** Everything that it ever said, over all its lives. */
  log = ''
  demo!: Demo
  /** When its newest life could serve. */
  readyAt = 0
  #process: ChildProcess | null = null
  readonly #variables: Record<string, string>
  readonly #switches: readonly string[]

  private constructor(dataDir: string, http: string, media: string, more: Record<string, string>, switches: readonly string[]) {
    this.dataDir = dataDir
    this.#switches = switches
    this.baseURL = `http://${http}`
    this.#variables = {
      YUNZHEN_HTTP_ADDR: http,
      YUNZHEN_MEDIA_ADDR: media,
      YUNZHEN_DATA_DIR: dataDir,
      YUNZHEN_LOG: 'debug',
      ...more,
    }
  }

  /** Starts a fresh one. `host` is the address that carries media: Firefox never uses 127.0.0.1. */
  static async start(more: Record<string, string> = {}, host = '127.0.0.1', switches: readonly string[] = []): Promise<Server> {
    return Server.on(`127.0.0.1:${await freeTcp()}`, `${host}:${await freeUdp(host)}`, more, switches)
  }

  /** Starts a fresh one on these addresses. */
  static async on(http: string, media: string, more: Record<string, string>, switches: readonly string[] = []): Promise<Server> {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'yunzhen-journey-'))
    const server = new Server(dataDir, http, media, more, switches)
    await server.restart()
    server.demo = await server.#readDemo()
    return server
  }

  /** Starts the binary again on the same ports and the same data. */
  async restart(): Promise<void> {
    if (this.#process) throw new Error('the server still runs')
    const child = spawn(process.env['YUNZHEN_BIN'] ?? BUILT, ['demo', ...this.#switches], {
      env: { ...withoutOurs(process.env), ...this.#variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    child.stdout.on('data', (text: Buffer) => (this.log += text.toString()))
    child.stderr.on('data', (text: Buffer) => (this.log += text.toString()))
    child.on('error', (cause) => (this.log += `\n${cause.message}\n`))
    const deadline = Date.now() + STARTS_WITHIN_MS
    while (!(await this.#ready())) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the server did not start:\n${this.log}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    this.readyAt = Date.now()
  }

  /** As if the power failed: no goodbye, no clean-up. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** As an operator restarts it: it says goodbye. */
  async terminate(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    await rm(this.dataDir, { recursive: true, force: true })
  }

  account(role: string, index = 0): { username: string; password: string } {
    const found = this.demo.accounts.filter((one) => one.role === role)[index]
    if (!found) throw new Error(`the demonstration has no ${role} number ${index + 1}`)
    return found
  }

  /** The token at the end of the patient's link. */
  get link(): string {
    return this.demo.patient_link.split('/').at(-1) ?? ''
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = null
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    const impatient = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await gone
    clearTimeout(impatient)
  }

  /** The file is written a moment after the server is ready. */
  async #readDemo(): Promise<Demo> {
    for (let tries = 0; tries < 100; tries += 1) {
      const text = await readFile(path.join(this.dataDir, 'demo.json'), 'utf8').catch(() => '')
      if (text.trimEnd().endsWith('}')) return JSON.parse(text) as Demo
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`no demo.json:\n${this.log}`)
  }

  async #ready(): Promise<boolean> {
    try {
      return (await fetch(`${this.baseURL}/readyz`)).ok
    } catch {
      return false
    }
  }
}

/** The variables of whoever runs the tests must not reach the server: it refuses those that it does not know. */
function withoutOurs(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('YUNZHEN_')))
}

export async function freeTcp(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

export async function freeUdp(host: string): Promise<number> {
  const probe = createSocket('udp4')
  await new Promise<void>((resolve) => probe.bind(0, host, resolve))
  const { port } = probe.address()
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  return port
}
