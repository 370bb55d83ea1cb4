import vue from '@vitejs/plugin-vue'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { precompress } from './vite.precompress.ts'

const server = process.env['YUNZHEN_DEV_SERVER'] ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [vue(), precompress()],
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    // Publishing video in WKWebView needs iOS 14.3 anyway; lower targets cost 16 KB in the entry.
    target: ['es2022', 'safari15.4', 'chrome94', 'firefox100'],
    // The content security policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    sourcemap: false,
    rolldownOptions: {
      output: {
        // A phone far from the tower pays for each request: a few files that stay the same, not thirty crumbs.
        codeSplitting: {
          groups: [
            { name: 'vendor', test: /node_modules[\\/](?:@vue|vue|vue-router)[\\/]/ },
            { name: 'icons', test: /node_modules[\\/]@lucide[\\/]/ },
            { name: 'kit', test: /src[\\/]ui[\\/]kit[\\/]|plugin-vue:export-helper/ },
          ],
        },
      },
    },
  },
  server: { port: 5173, proxy: { '/api': { target: server, ws: true } } },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts', 'bench/**/*.test.ts'] },
})
