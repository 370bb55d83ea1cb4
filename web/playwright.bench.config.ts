import { defineConfig } from '@playwright/test'

/** Figures from real browsers, for docs/BENCHMARKS.md: `npm run bench`. They measure; they do not pass or fail by the clock. */
export default defineConfig({
  testDir: 'bench',
  testMatch: '*.bench.ts',
  workers: 1,
  retries: 0,
  timeout: 600_000,
  expect: { timeout: 15_000 },
  use: { actionTimeout: 20_000 },
  reporter: [['line']],
})
