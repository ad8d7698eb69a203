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
    setupFiles: ['./vitest.setup.ts'],
    include: ['src/**/*.spec.{ts,tsx}'],
    server: { deps: { inline: [/@jupyterlab\//, /@jupyter\//, /@lumino\//] } }
  }
});
