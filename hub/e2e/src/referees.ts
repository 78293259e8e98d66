/** Other people's judgement of a signed PDF, and our own. */
import { spawnSync } from 'node:child_process';
import { hubBinary } from './hub';

export interface Judgement {
  ok: boolean;
  text: string;
}

export function run(command: string, args: string[]): Judgement {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.error) throw result.error;
  return { ok: result.status === 0, text: `${result.stdout}${result.stderr}` };
}

/** pyHanko 0.38: every signature intact, trusted, time-stamped, and nothing forbidden after it. */
export function pyhanko(pdf: string, trust: string): Judgement {
  const tool = process.env['ACCORDO_PYHANKO'] ?? 'pyhanko';
  return run(tool, ['sign', 'validate', '--pretty-print', '--soft-revocation-check', '--trust', trust, '--trust-replace', pdf]);
}

/** Poppler: how many signatures, and whether each is mathematically valid over its range. */
export function pdfsig(pdf: string): Judgement & { signatures: number; valid: number } {
  const judgement = run('pdfsig', ['-nocert', pdf]);
  const count = (pattern: RegExp) => judgement.text.match(pattern)?.length ?? 0;
  return {
    ...judgement,
    signatures: count(/^Signature #\d+:/gm),
    valid: count(/Signature Validation: Signature is Valid\./g),
  };
}

export function qpdf(pdf: string): Judgement {
  return run('qpdf', ['--check', pdf]);
}

export function hubVerify(pdf: string, trust: string): Judgement {
  return run(hubBinary, ['verify', pdf, '--trust', trust]);
}
