import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { loadEnv, type Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const UNUSED = /--mantine-color-(grape|pink|violet|cyan|teal|lime)-[\w-]+:[^;}]*;?/g

/** Mantine's variables name every palette; those that are not used, or that the theme sets itself, need not be loaded. */
function unusedColours(): Plugin {
  return {
    name: 'unused-colours',
    enforce: 'pre',
    transform: (code, id) =>
      id.includes('default-css-variables.css') ? { code: code.replace(UNUSED, ''), map: null } : null,
  }
}

// `base: './'` and the <base href> that the server writes make the console work under any path.
export default defineConfig(({ mode }) => {
  const api = loadEnv(mode, process.cwd(), '').VITE_API_URL || 'http://127.0.0.1:8080'
  const proxy = Object.fromEntries(
    ['/api', '/healthz', '/readyz', '/docs', '/openapi.json'].map((path) => [
      path,
      { target: api, changeOrigin: true },
    ]),
  )
  return {
    base: './',
    plugins: [react(), unusedColours()],
    resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
    html: { cspNonce: '__CSP_NONCE__' },
    server: { proxy },
    preview: { proxy },
    build: {
      target: 'es2022',
      manifest: true,
      cssCodeSplit: false, // one sheet is smaller than thirty, and no page flashes unstyled
      modulePreload: { polyfill: false },
      license: { fileName: 'third-party.md' },
      chunkSizeWarningLimit: 900,
    },
    test: {
      environment: 'node', // a test that needs a page says so in its first line
      testTimeout: 30_000,
      setupFiles: ['tests/setup.ts'],
      include: ['tests/**/*.test.{ts,tsx}'],
      pool: 'threads',
      maxWorkers: 2,
    },
  }
})
