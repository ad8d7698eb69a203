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
  // Of specs, too, which tsconfig.json leaves out.
  oxc: { jsx: { runtime: 'automatic', importSource: '#jsx' } },
  // From the sources: `imports` in package.json names what is built of it.
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
    // One import of Lab's packages for a worker, not for each file: a sixth of the time. The files pass in any order
    // in one worker (`--sequence.shuffle.files --maxWorkers=1`).
    isolate: false,
    pool: 'threads',
    // A hang ends; a busy machine decides nothing.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    setupFiles: ['./vitest.setup.ts'],
    // Only a deadlock takes this long, however busy the machine is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    include: ['src/**/*.spec.{ts,tsx}'],
    server: { deps: { inline: [/@jupyterlab\//, /@jupyter\//, /@lumino\//] } }
  }
});
