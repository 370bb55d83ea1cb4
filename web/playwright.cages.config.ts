import { defineConfig } from '@playwright/test'
import journeys from './playwright.config'

/** The network cages, one after the other: each makes networks, which every browser of the same namespace would notice. */
export default defineConfig({
  ...journeys,
  outputDir: 'test-results/cages',
  testIgnore: [],
  testMatch: ['cages.spec.ts', 'caged-*.spec.ts'],
  workers: 1,
  reporter: [['list'], ['json', { outputFile: 'test-results/cages.json' }]],
})
