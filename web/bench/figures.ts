/** At least one number, from the smallest to the largest. */
export function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b)
}

/** The smallest value that at least `share` of all do not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const order = sorted(values)
  const rank = Math.max(1, Math.ceil(share * order.length))
  return order[rank - 1] ?? Number.NaN
}

/** p50, p90, and how far the values lie apart, in whole units. */
export function figure(values: readonly number[]): string {
  const order = sorted(values)
  const [low, high] = [order[0] ?? Number.NaN, order.at(-1) ?? Number.NaN]
  const words = [percentile(values, 0.5), percentile(values, 0.9), low, high].map((one) => one.toFixed(0).padStart(5))
  return `p50 ${words[0]}  p90 ${words[1]}  (${words[2]?.trim()}–${words[3]?.trim()})`
}
