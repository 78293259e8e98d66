/** Where the repository is, and where a story leaves its pictures. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A built story lies in hub/e2e/dist. */
const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../../..');

/** Name of the running story, from the script that plays it. */
const story = path.basename(process.argv[1] ?? 'story', '.mjs');

/** A path below hub/e2e/pictures, whose folder exists. */
export async function artefact(name: string): Promise<string> {
  const file = path.join(root, 'hub/e2e/pictures', story, name);
  await mkdir(path.dirname(file), { recursive: true });
  return file;
}

/** What an earlier run left is not taken for this one's. */
export async function forgetPictures(): Promise<void> {
  await rm(path.join(root, 'hub/e2e/pictures', story), { recursive: true, force: true });
}
