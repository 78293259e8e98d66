// Builds the room page into dist/, which the hub embeds: room.html under /stanza/{meeting},
// room.js and room.css under /static/room/; call.js and call.css stand in the portal's page of a video
// identification. With the argument `test`: the unit tests.
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
const shared = { bundle: true, target: 'es2022', legalComments: 'none' };

if (process.argv[2] === 'test') {
  await rm(at('dist-test'), { recursive: true, force: true });
  const tests = (await readdir(at('test'))).filter((name) => name.endsWith('.test.ts'));
  await build({
    ...shared,
    entryPoints: tests.map((name) => at('test', name)),
    outdir: at('dist-test'),
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    format: 'esm',
    sourcemap: 'inline',
  });
} else {
  await rm(at('dist'), { recursive: true, force: true });
  await mkdir(at('dist'));
  await build({
    ...shared,
    entryPoints: [at('src/room.ts'), at('src/room.css'), at('src/call.ts'), at('src/call.css')],
    outdir: at('dist'),
    minify: true,
    format: 'iife',
    // Fonts are the portal's, served beside us.
    external: ['/static/*'],
  });
  // Loaded when the first PDF is opened; what pdf.js looks for by itself lies beside it.
  await build({
    ...shared,
    entryPoints: [at('src/pdf.ts')],
    outdir: at('dist'),
    minify: true,
    format: 'esm',
  });
  const pdfjs = path.dirname(fileURLToPath(import.meta.resolve('pdfjs-dist/package.json')));
  for (const [from, to] of [
    ['legacy/build/pdf.worker.min.mjs', 'pdf.worker.js'],
    ['wasm/openjpeg_nowasm_fallback.js', 'openjpeg_nowasm_fallback.js'],
    ['wasm/jbig2_nowasm_fallback.js', 'jbig2_nowasm_fallback.js'],
  ]) {
    await cp(path.join(pdfjs, from), at('dist', to));
  }
  await cp(at('room.html'), at('dist/room.html'));
}
