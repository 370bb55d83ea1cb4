import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Server } from './server'

/** Changes the database beside the server, where a journey cannot wait for a day, or for a hundred patients. */
export function sqlite(server: Server, statements: string): void {
  // A missing program fails the journey, and says which.
  execFileSync('sqlite3', ['-cmd', '.timeout 8000', '-cmd', 'pragma foreign_keys = on', path.join(server.dataDir, 'yunzhen.db'), statements])
}

/**
 * As if the time until an appointment had passed, all but `ms`: its slot, the appointment, and the jobs that remind of it,
 * each nearer by the same span. What a day, an hour and ten minutes before it is due then is due now.
 */
export function comesNear(server: Server, appointment: string, ms: number): void {
  const id = `x'${appointment.replaceAll('-', '')}'`
  const by = `(select starts_at - ${Date.now() + ms} from appointment where id = ${id})`
  sqlite(server, `begin immediate;
    create temp table nearer as select ${by} as ms, (select slot_id from appointment where id = ${id}) as slot;
    update job set run_at = run_at - (select ms from nearer) where subject_id = ${id};
    update slot set starts_at = starts_at - (select ms from nearer), ends_at = ends_at - (select ms from nearer) where id = (select slot from nearer);
    update appointment set starts_at = starts_at - (select ms from nearer), ends_at = ends_at - (select ms from nearer) where id = ${id};
    commit;`)
}

export interface Sent {
  to: string
  kind: string
  text: string
}

/** The text messages that left, of a kind: a demonstration writes them to a file instead of sending them. */
export async function messages(server: Server, kind: string): Promise<Sent[]> {
  const text = await readFile(path.join(server.dataDir, 'outbox.jsonl'), 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Sent).filter((one) => one.kind === kind)
}
