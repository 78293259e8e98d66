// Bundles the portal's look into dist/, which the hub embeds and serves under /static/:
// portal.css, one script per file in src/, the fonts and the icon sprite. Nothing is fetched from
// elsewhere at run time, and nothing needs an inline script or style.
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compileAsync } from 'sass';

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, 'dist');
const italia = path.dirname(createRequire(import.meta.url).resolve('bootstrap-italia/package.json'));

await rm(dist, { recursive: true, force: true });
await mkdir(path.join(dist, 'fonts'), { recursive: true });

const css = await compileAsync(path.join(here, 'src/portal.scss'), {
  loadPaths: [path.join(italia, 'src/scss')],
  style: 'compressed',
  quietDeps: true,
  // Bootstrap 5 itself is written with @import.
  silenceDeprecations: ['import'],
});
await writeFile(path.join(dist, 'portal.css'), await picturesAsFiles(css.css));

const scripts = (await readdir(path.join(here, 'src'))).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));
await build({
  entryPoints: scripts.map((name) => path.join(here, 'src', name)),
  outdir: dist,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  legalComments: 'none',
  // The package calls its plugins free of side effects; attaching to the document is their effect.
  ignoreAnnotations: true,
});

const fonts = /^(titillium-web-v10-latin-ext_latin-(regular|italic|600|700)|roboto-mono-v13-latin-ext_latin-(regular|700))\.woff2$/;
for (const family of ['Titillium_Web', 'Roboto_Mono']) {
  const from = path.join(italia, 'dist/fonts', family);
  for (const name of await readdir(from)) {
    if (fonts.test(name)) await cp(path.join(from, name), path.join(dist, 'fonts', name));
  }
}
await cp(path.join(italia, 'dist/fonts/Roboto_Mono/LICENSE.txt'), path.join(dist, 'fonts/Roboto_Mono-LICENSE.txt'));
await cp(path.join(italia, 'dist/fonts/Titillium_Web/OFL.txt'), path.join(dist, 'fonts/Titillium_Web-OFL.txt'));
await cp(path.join(here, 'src/favicon.svg'), path.join(dist, 'favicon.svg'));
await cp(path.join(italia, 'dist/svg/sprites.svg'), path.join(dist, 'sprites.svg'));
await cp(path.join(italia, 'LICENSE'), path.join(dist, 'bootstrap-italia-LICENSE.txt'));

// Bootstrap Italia carries its small pictures as data: addresses; as files they need no exception
// in the CSP.
async function picturesAsFiles(text) {
  const names = new Map();
  await mkdir(path.join(dist, 'img'));
  const out = text.replace(/url\((["'])data:image\/svg\+xml(;[^,]*)?,(.*?)\1\)/gs, (_, _quote, kind = '', data) => {
    const svg = kind.includes('base64') ? Buffer.from(data, 'base64').toString() : unescaped(data.trim());
    if (!names.has(svg)) names.set(svg, `img/${names.size}.svg`);
    return `url(${names.get(svg)})`;
  });
  if (/url\(["']?data:/.test(out)) throw new Error('portal.css still has a data: address');
  for (const [svg, name] of names) await writeFile(path.join(dist, name), svg);
  return out;
}

// Some of the addresses hold bare percent signs (`hsl(0, 0%, 100%)`), which decodeURIComponent refuses.
function unescaped(text) {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}
