import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// Relative asset addresses, so that the built page works from whatever path the server gives it.
export default defineConfig({
  base: './',
  plugins: [react()],
  build: {
    target: 'es2023',
    sourcemap: false,
    // The map is one lazy chunk of about a megabyte: it is fetched after the sign-in page is shown.
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': { target: process.env['MUSTER_API'] ?? 'http://127.0.0.1:8000', ws: true } } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
