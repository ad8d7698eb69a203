import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Lab's packages import their icons as text, as the builder does.
  plugins: [
    {
      name: 'svg-as-text',
      enforce: 'pre',
      load(id) {
        return id.endsWith('.svg')
          ? 'export default `<svg xmlns="http://www.w3.org/2000/svg"/>`'
          : undefined;
      }
    }
  ],
  // Also for specs, which tsconfig.json excludes.
  oxc: { jsx: { runtime: 'automatic', importSource: '#jsx' } },
  // Use the source: `imports` in package.json names the build.
  resolve: {
    alias: [
      {
        find: /^#jsx\/.*/,
        replacement: fileURLToPath(new URL('src/jsxruntime.ts', import.meta.url))
      }
    ]
  },
  test: {
    environment: 'jsdom',
    // Import Lab's packages once per worker, not per file: a sixth of the time. The files pass in any order
    // in one worker (`--sequence.shuffle.files --maxWorkers=1`).
    isolate: false,
    pool: 'threads',
    // Long enough that only a hang fails, not a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    setupFiles: ['./vitest.setup.ts'],
    include: ['src/**/*.spec.{ts,tsx}'],
    server: { deps: { inline: [/@jupyterlab\//, /@jupyter\//, /@lumino\//] } }
  }
});
