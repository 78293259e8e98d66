// Bundles the media test into dist/, which the crate embeds.
import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, 'dist');
await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await build({
  entryPoints: [path.join(here, 'src/media-test.ts'), path.join(here, 'src/media-test.css')],
  outdir: dist,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
});
await cp(path.join(here, 'src/media-test.html'), path.join(dist, 'media-test.html'));
