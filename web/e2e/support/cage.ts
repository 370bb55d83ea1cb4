import { execFile } from 'node:child_process'
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, isIPv6, type Server as Listener, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { CHROMIUM } from './browser'

const run = promisify(execFile)

/** What a cage does to the packets of whoever is in it. */
export interface Cage {
  /** Rules of nftables for what goes out, and for what comes in. */
  out?: readonly string[]
  in?: readonly string[]
  /** Addresses of IPv6 alone. */
  v6?: boolean
  mtu?: number
  /** Bits a second, each way. */
  rate?: string
  /** A router between whose mapping is another for every destination. */
  symmetric?: boolean
  /** A second way out, for a change of address. */
  second?: boolean
  /** Everything passes a relay that adds so many milliseconds each way. */
  delay?: number
  /** TCP passes a relay that closes what does not begin as TLS. */
  tlsOnly?: boolean
}

interface Way {
  device: string
  /** The last number of its address. */
  host: number
}

/** Namespaces are the machine's: whoever runs the cages beside us has other names. */
const PREFIX = process.env['YUNZHEN_CAGE'] ?? 'yz'

/** A network namespace with a browser's way in and one way out: to the address on which the server listens. */
export class Net {
  /** The server's address as everybody sees it. */
  readonly address: string
  /** An executable that is Chromium within. */
  chromium = ''
  readonly #cage: Cage
  readonly #name: string
  readonly #number: number
  #folder = ''
  #ways: readonly [Way, Way] = [{ device: 'out', host: 2 }, { device: 'other', host: 6 }]
  #relays: { close(): unknown }[] = []

  private constructor(cage: Cage, number: number) {
    this.#cage = cage
    this.#number = number
    this.#name = `${PREFIX}n${number}`
    this.address = cage.v6 ? `fd78:${number}::1` : `10.78.${number}.1`
  }

  static async open(cage: Cage, number: number): Promise<Net> {
    const net = new Net(cage, number)
    await net.close()
    await net.#build()
    await net.#settle()
    return net
  }

  /** The address with a port, as URLs write it. */
  at(port: number): string {
    return isIPv6(this.address) ? `[${this.address}]:${port}` : `${this.address}:${port}`
  }

  /** Whether the server is reached through a relay and listens on loopback itself. */
  get isRelayed(): boolean {
    return this.#cage.delay !== undefined || this.#cage.tlsOnly === true
  }

  /** Passes on what comes to the address's ports. */
  async relay(tcp: { from: number; to: number }, udp: { from: number; to: number }): Promise<void> {
    const near = this.address
    const delay = (peer: string | undefined): number => (peer === near ? 0 : (this.#cage.delay ?? 0))
    this.#relays.push(await relayTcp(near, tcp, delay, this.#cage.tlsOnly === true), await relayUdp(near, udp, delay))
  }

  /**
   * The way out ends and the other begins, as when a telephone leaves the house; by the next move it is the other way
   * round. `overlapMs`: the other is there so long before. Answers with the end of the address from then on.
   */
  async move(overlapMs = 0): Promise<RegExp> {
    const [old, next] = this.#ways
    const end = async (): Promise<void> => {
      await this.#inside('ip', 'address', 'flush', 'dev', old.device)
      await this.#inside('ip', 'link', 'set', old.device, 'down')
    }
    if (overlapMs === 0) await end()
    await this.#inside('ip', 'link', 'set', next.device, 'up')
    await this.#inside('ip', 'address', 'add', `10.78.${this.#number}.${next.host}/30`, 'dev', next.device)
    for (const table of ['main', String(next.host)]) {
      await this.#inside('ip', 'route', 'replace', 'default', 'via', `10.78.${this.#number}.${next.host - 1}`, 'dev', next.device, 'table', table)
    }
    if (overlapMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, overlapMs))
      await end()
    }
    this.#ways = [next, old]
    return new RegExp(`\\.${next.host}$`)
  }

  /** The network is a hole: TCP hears so at once, or nobody hears anything; or it is whole again. */
  async hole(kind: 'told' | 'silent' | null): Promise<void> {
    // The refusal comes back over the loop.
    const told = kind === 'told' ? ['add rule inet cage out meta l4proto tcp reject with tcp reset'] : []
    const rules = kind ? [...told, 'add rule inet cage out oifname != lo drop', 'add rule inet cage in iifname != lo drop'] : []
    // All in one moment and one program: a busy machine takes seconds to start five, and half a hole is none.
    await this.#inside('nft', ['flush chain inet cage out', 'flush chain inet cage in', ...rules].join('; '))
  }

  /** What the server sends of sound and picture reaches nobody in here, and everything else goes on; or it is whole again. */
  async deafen(isDeaf: boolean): Promise<void> {
    await this.#inside('nft', isDeaf ? `add rule inet cage in meta l4proto udp ${MEDIA} drop` : 'flush chain inet cage in')
  }

  /** The same of all browsers outside of the cage but the one that has these ports. Those of whoever seeks another path change. */
  async deafenOutside(isDeaf: boolean, but: readonly number[]): Promise<void> {
    const chain = 'add table inet deaf; add chain inet deaf in { type filter hook input priority 0; }; flush chain inet deaf in'
    const rule = `; add rule inet deaf in udp sport { 8443, 3478 } udp dport != { ${but.join(', ')} } ${MEDIA} drop`
    await run('nft', [isDeaf ? chain + rule : chain])
  }

  /** From now on so many bits a second go each way; `null`: as many as there are. */
  async narrow(kbps: number | null): Promise<void> {
    const act = (device: string): string[] =>
      kbps === null ? ['qdisc', 'del', 'dev', device, 'root'] : ['qdisc', 'replace', 'dev', device, ...bucket(`${kbps}kbit`)]
    await Promise.all([run('tc', act(`${this.#name}a`)), this.#inside('tc', ...act('out'))])
  }

  async close(): Promise<void> {
    for (const relay of this.#relays) relay.close()
    this.#relays = []
    for (const name of [this.#name, `${this.#name}r`]) await run('ip', ['netns', 'del', name]).catch(() => undefined)
    for (const link of [`${this.#name}a`, `${this.#name}b`]) await run('ip', ['link', 'del', link]).catch(() => undefined)
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true })
  }

  async #build(): Promise<void> {
    const [name, n, cage] = [this.#name, this.#number, this.#cage]
    const router = cage.symmetric ? `${name}r` : name
    await run('ip', ['netns', 'add', name])
    await this.#inside('ip', 'link', 'set', 'lo', 'up')
    if (cage.symmetric) await this.#route(router)
    await this.#pair(`${name}a`, router, 'out')
    if (cage.v6) {
      await run('ip', ['address', 'add', `fd78:${n}::1/64`, 'dev', `${name}a`, 'nodad'])
      await this.#inside('ip', 'address', 'add', `fd78:${n}::2/64`, 'dev', 'out', 'nodad')
    } else {
      await run('ip', ['address', 'add', `10.78.${n}.1/30`, 'dev', `${name}a`])
      await within(router, 'ip', 'address', 'add', `10.78.${n}.2/30`, 'dev', 'out')
      await within(router, 'ip', 'route', 'add', 'default', 'via', `10.78.${n}.1`)
      if (cage.second) await this.#inside('ip', 'route', 'add', 'default', 'via', `10.78.${n}.1`, 'table', '2')
    }
    if (cage.second) {
      await this.#pair(`${name}b`, name, 'other')
      await run('ip', ['address', 'add', `10.78.${n}.5/30`, 'dev', `${name}b`])
      // As on a telephone: what comes from an address leaves by the network of that address, whichever is the newer one.
      for (const way of this.#ways) await this.#inside('ip', 'rule', 'add', 'from', `10.78.${n}.${way.host}`, 'table', String(way.host))
      // It is not there yet.
      await this.#inside('ip', 'link', 'set', 'other', 'down')
    }
    if (cage.rate) {
      await run('tc', ['qdisc', 'add', 'dev', `${name}a`, ...bucket(cage.rate)])
      await this.#inside('tc', 'qdisc', 'add', 'dev', 'out', ...bucket(cage.rate))
    }
    await this.#inside('nft', 'add', 'table', 'inet', 'cage')
    for (const [chain, hook] of [['out', 'output'], ['in', 'input']] as const) {
      await this.#inside('nft', 'add', 'chain', 'inet', 'cage', chain, `{ type filter hook ${hook} priority 0; }`)
      for (const rule of cage[chain] ?? []) await this.#inside('nft', 'add', 'rule', 'inet', 'cage', chain, rule)
    }
    this.#folder = await mkdtemp(path.join(tmpdir(), 'yunzhen-cage-'))
    this.chromium = path.join(this.#folder, 'chromium')
    await writeFile(this.chromium, `#!/bin/sh\nexec ip netns exec ${name} ${CHROMIUM} "$@"\n`)
    await chmod(this.chromium, 0o755)
  }

  /** The cage hangs on a router of its own, whose mapping nobody can foretell. */
  async #route(router: string): Promise<void> {
    const n = this.#number
    await run('ip', ['netns', 'add', router])
    await run('ip', ['link', 'add', 'home', 'netns', router, 'type', 'veth', 'peer', 'name', 'out', 'netns', this.#name])
    await within(router, 'ip', 'address', 'add', `10.79.${n}.1/30`, 'dev', 'home')
    await this.#inside('ip', 'address', 'add', `10.79.${n}.2/30`, 'dev', 'out')
    await within(router, 'ip', 'link', 'set', 'home', 'up')
    await this.#inside('ip', 'link', 'set', 'out', 'up')
    await this.#inside('ip', 'route', 'add', 'default', 'via', `10.79.${n}.1`)
    await within(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    await within(router, 'nft', 'add', 'table', 'ip', 'nat')
    await within(router, 'nft', 'add', 'chain', 'ip', 'nat', 'post', '{ type nat hook postrouting priority 100; }')
    await within(router, 'nft', 'add', 'rule', 'ip', 'nat', 'post', 'oifname', 'out', 'masquerade', 'fully-random')
  }

  async #pair(outer: string, space: string, inner: string): Promise<void> {
    await run('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', space])
    const mtu = this.#cage.mtu ? ['mtu', String(this.#cage.mtu)] : []
    if (!this.#cage.v6) {
      // An address that the kernel would give by itself comes a second later, and a browser takes that for another network.
      await run('ip', ['link', 'set', outer, 'addrgenmode', 'none'])
      await within(space, 'ip', 'link', 'set', inner, 'addrgenmode', 'none')
    }
    await run('ip', ['link', 'set', outer, ...mtu, 'up'])
    await within(space, 'ip', 'link', 'set', inner, ...mtu, 'up')
  }

  /** Until nothing of it changes any more by itself: a browser that starts then sees one network. */
  async #settle(): Promise<void> {
    const stdout = async (...words: string[]): Promise<string> => (await run('ip', words)).stdout
    const isStill = async (): Promise<boolean> => {
      const tentative = await stdout('-o', '-6', 'address', 'show', 'tentative')
      // The kernel tells of a carrier that went when it comes to it.
      const links = this.#cage.second ? await stdout('-o', 'link', 'show', 'dev', `${this.#name}b`) : ''
      return tentative.trim() === '' && (links === '' || / state (DOWN|LOWERLAYERDOWN) /.test(links))
    }
    const until = Date.now() + 10_000
    while (!(await isStill())) {
      if (Date.now() > until) throw new Error(`the links of ${this.#name} do not come to rest`)
    }
  }

  #inside(...command: string[]): Promise<unknown> {
    return within(this.#name, ...command)
  }
}

/** Sound and picture (RFC 7983: 128 to 191), but what is reported of them (RFC 5761: 192 to 223): as nftables reads it behind the header of UDP. */
const MEDIA = '@th,64,2 0x2 @th,72,8 != 192-223'

/** A token bucket at a device's way out, with a queue of a third of a second behind it, and of the 8 kB that the bucket holds: the
 *  narrowest rung waits nearly two seconds. */
function bucket(rate: string): string[] {
  return ['root', 'tbf', 'rate', rate, 'burst', '8kb', 'latency', '300ms']
}

function within(space: string, ...command: string[]): Promise<unknown> {
  return run('ip', ['netns', 'exec', space, ...command])
}

type Delay = (peer: string | undefined) => number

async function relayTcp(address: string, ports: { from: number; to: number }, delay: Delay, tlsOnly: boolean): Promise<Listener> {
  const listener = createServer((near) => {
    const far = connect(ports.to, '127.0.0.1')
    const ms = delay(near.remoteAddress)
    let isFirst = true
    const pass = (to: Socket) => (bytes: string | Buffer) => void setTimeout(() => to.destroyed || to.write(bytes), ms)
    near.on('data', (bytes) => {
      // A record of TLS that holds a handshake.
      if (tlsOnly && isFirst && bytes[0] !== 22) return void near.destroy()
      isFirst = false
      pass(far)(bytes)
    })
    far.on('data', pass(near))
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.on('end', () => setTimeout(() => other.end(), ms))
      one.on('close', () => setTimeout(() => other.destroy(), ms))
      one.on('error', () => other.destroy())
    }
  })
  await new Promise<void>((resolve, reject) => listener.once('error', reject).listen(ports.from, address, resolve))
  return listener
}

async function relayUdp(address: string, ports: { from: number; to: number }, delay: Delay): Promise<Datagrams> {
  const outside = createSocket('udp4')
  const inner = new Map<string, Datagrams>()
  // What is still under way when the cage goes arrives nowhere.
  let isOver = false
  outside.on('message', (bytes, peer) => {
    const name = `${peer.address}:${peer.port}`
    let to = inner.get(name)
    if (!to) {
      to = createSocket('udp4')
      to.on('message', (back) => void setTimeout(() => isOver || outside.send(back, peer.port, peer.address, () => undefined), delay(peer.address)))
      to.unref()
      inner.set(name, to)
    }
    const sender = to
    setTimeout(() => isOver || sender.send(bytes, ports.to, '127.0.0.1', () => undefined), delay(peer.address))
  })
  outside.on('close', () => {
    isOver = true
    inner.forEach((one) => one.close())
  })
  await new Promise<void>((resolve) => outside.bind(ports.from, address, resolve))
  return outside
}
