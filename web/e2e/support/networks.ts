import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'

const PAGE = fileURLToPath(new URL('../../../docs/NETWORKS.md', import.meta.url))

/** Figures are written down only where they are asked for. */
export const WRITES = process.env['YUNZHEN_CAGES'] === 'all' && process.env['YUNZHEN_WRITE_DOCS'] === '1'

/** Puts measured lines into their place in docs/NETWORKS.md; the words around them are nobody's but a person's. */
export async function writeDown(place: 'cages' | 'ladder' | 'loss' | 'change' | 'resume' | 'deaf', lines: readonly string[]): Promise<void> {
  if (!WRITES) return
  const page = await readFile(PAGE, 'utf8')
  const [begin, end] = [`<!-- ${place}:begin -->`, `<!-- ${place}:end -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/NETWORKS.md has no place for ${place}`)
  await writeFile(PAGE, `${page.slice(0, from + begin.length)}\n${lines.join('\n')}\n${page.slice(to)}`)
}

/** How much the machine has to do: its processes that run or wait, over the last minute, and its cores. */
export function load(): string {
  return `${(loadavg()[0] ?? NaN).toFixed(1)} on ${cpus().length} cores`
}

/** The value below which `share` of them lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN
}
