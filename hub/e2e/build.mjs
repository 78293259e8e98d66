// Bundles the stories into dist/: `node build.mjs rooms`, `node build.mjs conciliation`.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));

await build({
  absWorkingDir: here,
  entryPoints: process.argv.slice(2).map((story) => `src/${story}.ts`),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // These find their own files at run time.
  external: ['playwright-core', '@axe-core/playwright', 'pa11y', 'puppeteer-core'],
  sourcemap: 'inline',
});
