// Whether media reach the hub, by every way that a meeting could use: to the media edge itself over
// UDP, and through the relay over UDP, TCP and TLS. What is sent is a tone that is made here.

export type Way = 'direct' | 'relay_udp' | 'relay_tcp' | 'relay_tls';
export interface MediaPath {
  way: Way;
  works: boolean;
  round_trip_ms: number | null;
  loss_percent: number | null;
}
interface Relay {
  urls: string[];
  username?: string;
  credential?: string;
}

const CONNECTED_WITHIN_MS = 8_000;
/** The hub reports about every second what arrived. */
const LISTEN_MS = 3_000;
const WORDS: Record<Way, string> = {
  direct: 'Proviamo se audio e video passano…',
  relay_udp: 'Proviamo la prima via di riserva…',
  relay_tcp: 'Proviamo la seconda via di riserva…',
  relay_tls: 'Proviamo la terza via di riserva…',
};

export async function measurePaths(say: (words: string) => void): Promise<MediaPath[]> {
  if (!('RTCPeerConnection' in window)) return [];
  const answer = await fetch('/media-test/relays', { cache: 'no-store' });
  if (!answer.ok) throw new Error(String(answer.status));
  const relays = (await answer.json()) as Relay[];
  const paths: MediaPath[] = [];
  for (const way of ['direct', 'relay_udp', 'relay_tcp', 'relay_tls'] as const) {
    const servers = relays.map((relay) => ({ ...relay, urls: relay.urls.filter((url) => goes(url, way)) })).filter((r) => r.urls.length > 0);
    if (way !== 'direct' && servers.length === 0) continue;
    say(WORDS[way]);
    paths.push(await measure(way, servers));
  }
  return paths;
}

/** Whether an address of the relay is of this way (RFC 7065: the transport of `turn:` is UDP unless told). */
function goes(url: string, way: Way): boolean {
  const tcp = url.includes('transport=tcp');
  if (url.startsWith('turns:')) return way === 'relay_tls';
  return way === (tcp ? 'relay_tcp' : 'relay_udp');
}

async function measure(way: Way, iceServers: RTCIceServer[]): Promise<MediaPath> {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers, iceTransportPolicy: way === 'direct' ? 'all' : 'relay' });
  const tone = makeTone();
  try {
    // The shape of a room's offer: microphone, camera, screen, and here nothing to receive.
    const [track] = tone.stream.getAudioTracks();
    pc.addTransceiver(track ?? 'audio', { direction: 'sendonly' });
    for (let i = 0; i < 2; i++) pc.addTransceiver('video', { direction: 'sendonly' });
    await pc.setLocalDescription();
    const answer = await fetch('/media-test/media', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sdp: pc.localDescription?.sdp ?? '' }),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const { sdp } = (await answer.json()) as { sdp: string };
    await pc.setRemoteDescription({ type: 'answer', sdp });
    if (!(await connected(pc))) return { way, works: false, round_trip_ms: null, loss_percent: null };
    await new Promise((done) => setTimeout(done, LISTEN_MS));
    return { way, works: true, ...(await figures(pc)) };
  } catch (error) {
    if (error instanceof Error && error.message === '429') throw error;
    return { way, works: false, round_trip_ms: null, loss_percent: null };
  } finally {
    pc.close();
    tone.stop();
  }
}

function connected(pc: RTCPeerConnection): Promise<boolean> {
  return new Promise((done) => {
    const late = setTimeout(() => done(false), CONNECTED_WITHIN_MS);
    const look = (): void => {
      const over = pc.connectionState === 'failed' || pc.connectionState === 'closed';
      if (pc.connectionState !== 'connected' && !over) return;
      clearTimeout(late);
      done(!over);
    };
    pc.addEventListener('connectionstatechange', look);
    look();
  });
}

async function figures(pc: RTCPeerConnection): Promise<Pick<MediaPath, 'round_trip_ms' | 'loss_percent'>> {
  let trip: number | null = null;
  let sent = 0;
  let lost: number | null = null;
  for (const stat of (await pc.getStats()).values()) {
    if (stat.type === 'candidate-pair' && stat.nominated && stat.currentRoundTripTime !== undefined) trip = stat.currentRoundTripTime;
    if (stat.type === 'outbound-rtp' && stat.kind === 'audio') sent = stat.packetsSent;
    if (stat.type === 'remote-inbound-rtp' && stat.kind === 'audio') lost = stat.packetsLost;
  }
  return {
    round_trip_ms: trip === null ? null : Math.round(trip * 1_000),
    loss_percent: lost === null || sent === 0 ? null : Math.min(100, (Math.max(0, lost) * 100) / sent),
  };
}

/** A tone that nobody hears: it is sent and thrown away. */
function makeTone(): { stream: MediaStream; stop: () => void } {
  const context = new AudioContext();
  const to = context.createMediaStreamDestination();
  const note = context.createOscillator();
  note.connect(to);
  note.start();
  return { stream: to.stream, stop: () => void context.close() };
}
