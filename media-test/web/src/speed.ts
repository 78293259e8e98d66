// How fast the line to the hub is, both ways (R-TEST-06).

const PROBE_BYTES = 1_000_000;
const PROBES = 3;
/** A slow line is measured by fewer probes: three of them would take minutes. */
const ENOUGH_MS = 6_000;
/** A line on which one probe takes longer is too slow by far. */
const GIVE_UP_MS = 25_000;

/** Bits a second, the best of a few probes: the first ones pay for the connection and for slow start. */
export async function speed(probe: (signal: AbortSignal) => Promise<number>): Promise<number | null> {
  let best = 0;
  let spent = 0;
  for (let i = 0; i < PROBES && spent < ENOUGH_MS; i++) {
    const begin = performance.now();
    try {
      const bytes = await probe(AbortSignal.timeout(GIVE_UP_MS));
      const took = Math.max(1, performance.now() - begin);
      best = Math.max(best, (bytes * 8_000) / took);
      spent += took;
    } catch (error) {
      if (error instanceof Error && error.message === '429') throw error;
      break;
    }
  }
  return best === 0 ? null : Math.round(best);
}

export async function download(signal: AbortSignal): Promise<number> {
  const answer = await fetch(`/media-test/down?bytes=${PROBE_BYTES}`, { cache: 'no-store', signal });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.arrayBuffer()).byteLength;
}

export async function upload(signal: AbortSignal): Promise<number> {
  const noise = new Uint8Array(PROBE_BYTES);
  for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, Math.min(at + 65_536, noise.length)));
  const answer = await fetch('/media-test/up', { method: 'POST', body: noise, signal });
  if (!answer.ok) throw new Error(String(answer.status));
  return ((await answer.json()) as { bytes: number }).bytes;
}
