// How many pictures stand side by side.

/** Of a camera's picture. */
const RATIO = 4 / 3

/** The number of columns in which `count` equal pictures are largest within a box. */
export function columnsFor(count: number, width: number, height: number): number {
  let best = { columns: 1, size: 0 }
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns)
    // The width of a whole picture within its cell.
    const size = Math.min(width / columns, (height / rows) * RATIO)
    if (size > best.size) best = { columns, size }
  }
  return best.columns
}
