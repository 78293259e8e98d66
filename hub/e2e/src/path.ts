/** Which way a page's media take, and how to force one. */
import type { Page } from 'playwright-core';

export type Transport = 'udp' | 'tcp' | 'tls';

/** From the next load on, the page reaches the rooms through the relay alone, on these ways alone. */
export async function relayOnly(page: Page, ...transports: Transport[]): Promise<void> {
  await page.addInitScript((wanted: Transport[]) => {
    const Real = window.RTCPeerConnection;
    const fits = (url: string) =>
      wanted.some((way) => (way === 'tls' ? url.startsWith('turns:') : url.startsWith('turn:') && url.endsWith(`transport=${way}`)));
    window.RTCPeerConnection = class extends Real {
      constructor(given: RTCConfiguration = {}) {
        const iceServers = (given.iceServers ?? [])
          .map((server) => ({ ...server, urls: [server.urls].flat().filter(fits) }))
          .filter((server) => server.urls.length > 0);
        super({ ...given, iceServers, iceTransportPolicy: 'relay' });
      }
    };
  }, transports);
}

export interface Path {
  /** `host`, `srflx`, `prflx` or `relay`. */
  type: string;
  /** Between browser and relay. */
  relay: string | null;
  /** Our address and port in it. */
  local: string;
  rtt_ms: number | null;
  /** What seals the media (RFC 5764, RFC 7714). */
  cipher: string | null;
}

/** The way that the page's media take at this moment. */
export function path(page: Page): Promise<Path | null> {
  return page.evaluate(async () => {
    const { pc } = (window as unknown as { accordo: { pc: RTCPeerConnection } }).accordo;
    const all = await pc.getStats();
    for (const stat of all.values()) {
      if (stat.type !== 'transport' || !stat.selectedCandidatePairId) continue;
      const pair = all.get(stat.selectedCandidatePairId);
      const local = all.get(pair.localCandidateId);
      return {
        type: local.candidateType,
        relay: local.relayProtocol ?? null,
        local: `${local.address}:${local.port}`,
        rtt_ms: pair.currentRoundTripTime === undefined ? null : Math.round(pair.currentRoundTripTime * 1000),
        cipher: stat.srtpCipher ?? null,
      };
    }
    return null;
  });
}
