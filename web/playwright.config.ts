import { defineConfig } from '@playwright/test'

/** Journeys in real browsers. Each starts its own server and its own browsers; see `e2e/support/test.ts`. */
export default defineConfig({
  testDir: 'e2e',
  // What a run leaves of a failure; the other run's report and the pictures stay.
  outputDir: 'test-results/journeys',
  // Those run by themselves: see scripts/cages.mjs.
  testIgnore: ['cages.spec.ts', 'caged-*.spec.ts'],
  // A journey mostly waits: for a ring to end, a socket to be missed, a frame to come. Three at a time fill two cores.
  workers: 3,
  fullyParallel: false,
  forbidOnly: true,
  // A journey that passes at the second try has found something: the gate's closing lines name it. It does not fail the
  // gate, for a machine that stood still for some seconds is no defect of ours. By hand there is no second try.
  retries: process.env['CI'] ? 1 : 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  use: { actionTimeout: 20_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/journeys.json' }]],
})
