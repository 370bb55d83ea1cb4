import { defineConfig, devices } from '@playwright/test'

const args = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream']
const chromium = { executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args }

export default defineConfig({
  testDir: 'e2e',
  workers: 1,
  reporter: 'list',
  forbidOnly: true,
  use: {
    baseURL: process.env['BASE_URL'] ?? 'http://127.0.0.1:8080',
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    trace: 'retain-on-failure',
  },
  projects: [
    {
      name: 'desk',
      use: { browserName: 'chromium', launchOptions: chromium, viewport: { width: 1366, height: 768 } },
    },
    { name: 'phone', use: { ...devices['Pixel 7'], launchOptions: chromium, viewport: { width: 390, height: 844 } } },
    {
      name: 'firefox',
      // `args: []`, or the Chromium flags leak in. The channel is stock Firefox over WebDriver BiDi.
      use: {
        browserName: 'firefox',
        channel: 'moz-firefox',
        launchOptions: {
          executablePath: process.env['FIREFOX'] ?? '/usr/bin/firefox-esr',
          args: [],
          firefoxUserPrefs: { 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true },
        },
      },
    },
  ],
})
