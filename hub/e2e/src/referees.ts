/** Other people's judgement of a signed PDF, and our own. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { hubBinary } from './hub';
import { root } from './places';

const PYHANKO = process.env['ACCORDO_PYHANKO'] ?? path.join(root, '.venv/bin/pyhanko');

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
  return run(PYHANKO, ['sign', 'validate', '--pretty-print', '--soft-revocation-check', '--trust', trust, '--trust-replace', pdf]);
}

/**
 * Poppler: how many people's signatures, and how many are mathematically valid over their range. It knows no
 * archive time stamps, one of which may have come meanwhile: it neither accepts nor refuses them.
 */
export function pdfsig(pdf: string): Judgement & { signatures: number; valid: number } {
  const judgement = run('pdfsig', ['-nocert', pdf]);
  const count = (pattern: RegExp) => judgement.text.match(pattern)?.length ?? 0;
  return {
    ...judgement,
    signatures: count(/Signature Type: ETSI\.CAdES\.detached/g),
    valid: count(/Signature Validation: Signature is Valid\./g),
  };
}

export function qpdf(pdf: string): Judgement {
  return run('qpdf', ['--check', pdf]);
}

/** OpenSSL: every signature of a signed file (P7M) over the document in it. */
export function openssl(p7m: string, trust: string): Judgement {
  const options = ['-binary', '-cades', '-purpose', 'any', '-inform', 'DER', '-out', '/dev/null'];
  return run('openssl', ['cms', '-verify', ...options, '-CAfile', trust, '-in', p7m]);
}

export function hubVerify(pdf: string, trust: string): Judgement {
  return run(hubBinary, ['verify', pdf, '--trust', trust]);
}

/** Whether the chain of an exported log holds. */
export function hubVerifyLog(log: string): Judgement {
  return run(hubBinary, ['verify-log', log]);
}

/** What a forger does: a later revision, well formed, in which the first page says something else. */
export function replacePage(pdf: string, forged: string): void {
  const script = path.join(root, 'hub/e2e/src/replace_page.py');
  const judgement = run(path.join(path.dirname(PYHANKO), 'python'), [script, pdf, forged]);
  if (!judgement.ok) throw new Error(judgement.text);
}
