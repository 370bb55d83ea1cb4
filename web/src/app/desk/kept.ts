// What a doctor keeps for oneself and inserts by an act: texts of the record, formulas.

/** One of them, as it is listed. */
export interface KeptOne {
  id: string
  name: string
  version: number
}

/** What can be done with them. Each change answers with the list as it is then. */
export interface Kept<One extends KeptOne> {
  list: () => Promise<One[]>
  insert: (one: One) => Promise<void>
  keep: (name: string) => Promise<One[]>
  rename?: (one: One, name: string) => Promise<One[]>
  retire: (one: One) => Promise<One[]>
}
