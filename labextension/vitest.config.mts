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
  test: {
    environment: 'jsdom',
    setupFiles: ['./vitest.setup.ts'],
    // Only a deadlock takes this long, however busy the machine is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    include: ['src/**/*.spec.{ts,tsx}'],
    server: { deps: { inline: [/@jupyterlab\//, /@jupyter\//, /@lumino\//] } }
  }
});
