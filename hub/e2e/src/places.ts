/** Where the repository is, and where the story leaves its pictures. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built test lies in hub/e2e/dist. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** A path below artefacts/e2e, whose folder exists. */
export async function artefact(name: string): Promise<string> {
  const file = path.join(root, 'artefacts/e2e', name);
  await mkdir(path.dirname(file), { recursive: true });
  return file;
}
