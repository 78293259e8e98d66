/**
 * A participant's RTCPeerConnection, from lobby to end or until its path breaks; then another one
 * takes its place.
 *
 * The browser is the only offerer, offers once, and its m-lines never change: microphone, camera
 * (two simulcast layers), screen, then as many receive slots as the hub asked for. What a slot
 * carries is the hub's business (`slots`); joins, moves and breakouts need no SDP.
 */
import type { IceServer } from './protocol';

export interface MediaPlan {
  audioSlots: number;
  videoSlots: number;
  iceServers: IceServer[];
}

export interface MediaEdge {
  /** Sends the offer, resolves with the answer's SDP. */
  exchange(sdp: string): Promise<string>;
  onConnected(): void;
  /** It does not work, but may mend by itself for a moment. */
  onShaky(): void;
  /** It is of no use any more. */
  onBroken(): void;
}
export type Sending = 'mic' | 'cam' | 'screen';

/** m-line of the first receive slot: microphone, camera and screen come before. */
const FIRST_SLOT = 3;
/** A path that is "disconnected" for longer will not mend by itself. */
const BROKEN_AFTER_MS = 3_000;
/** From the offer to the first path. */
const CONNECTED_WITHIN_MS = 12_000;

export class Media {
  readonly pc: RTCPeerConnection;
  private readonly senders: Record<Sending, RTCRtpSender>;
  private readonly audioStreams: MediaStream[] = [];
  private readonly videoStreams: MediaStream[] = [];
  /** The browser says so sooner than the connection finds out. */
  private readonly onOtherNetwork = (): void => {
    if (this.pc.connectionState !== 'new') void this.restart();
  };
  private patience: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly plan: MediaPlan, private readonly edge: MediaEdge) {
    this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: plan.iceServers });
    const mic = this.pc.addTransceiver('audio', { direction: 'sendonly' });
    const cam = this.pc.addTransceiver('video', {
      direction: 'sendonly',
      sendEncodings: [
        { rid: 'q', scaleResolutionDownBy: 2, maxBitrate: 200_000 },
        { rid: 'h', maxBitrate: 700_000 },
      ],
    });
    const screen = this.pc.addTransceiver('video', {
      direction: 'sendonly',
      sendEncodings: [{ maxBitrate: 1_200_000 }],
    });
    this.senders = { mic: mic.sender, cam: cam.sender, screen: screen.sender };
    for (let i = 0; i < plan.audioSlots; i++) this.audioStreams.push(this.receive('audio'));
    for (let i = 0; i < plan.videoSlots; i++) this.videoStreams.push(this.receive('video'));
    for (const transceiver of this.pc.getTransceivers()) keepOneCodec(transceiver);
    this.pc.addEventListener('connectionstatechange', () => this.watch());
  }

  /** Offers; rejects if the hub refuses. */
  async start(): Promise<void> {
    this.wait(CONNECTED_WITHIN_MS);
    await this.negotiate();
    globalThis.addEventListener('online', this.onOtherNetwork);
  }

  get works(): boolean {
    return this.pc.connectionState === 'connected';
  }

  send(what: Sending, track: MediaStreamTrack | null): Promise<void> {
    return this.senders[what].replaceTrack(track);
  }

  audioStream(slot: number): MediaStream | null {
    return this.audioStreams[slot] ?? null;
  }

  videoStream(slot: number): MediaStream | null {
    return this.videoStreams[slot] ?? null;
  }

  get audioSlots(): number {
    return this.plan.audioSlots;
  }

  /** Loudness 0…1 of every audio slot that got a packet lately, and of the own microphone. */
  async levels(): Promise<{ slots: Map<number, number>; own: number }> {
    const slots = new Map<number, number>();
    let own = 0;
    for (const stat of (await this.pc.getStats()).values()) {
      if (stat.kind !== 'audio') continue;
      if (stat.type === 'inbound-rtp') slots.set(Number(stat.mid) - FIRST_SLOT, stat.audioLevel ?? 0);
      if (stat.type === 'media-source') own = stat.audioLevel ?? 0;
    }
    return { slots, own };
  }

  /** How the own path does: round trip and what the hub reports as lost. */
  async quality(): Promise<Quality> {
    let rtt = 0;
    let lost = 0;
    for (const stat of (await this.pc.getStats()).values()) {
      if (stat.type === 'candidate-pair' && stat.nominated) rtt = stat.currentRoundTripTime ?? 0;
      if (stat.type === 'remote-inbound-rtp') lost = Math.max(lost, stat.fractionLost ?? 0);
    }
    if (!this.works) return 'none';
    if (rtt > 0.5 || lost > 0.1) return 'poor';
    return rtt > 0.25 || lost > 0.03 ? 'fair' : 'good';
  }

  close(): void {
    clearTimeout(this.patience);
    globalThis.removeEventListener('online', this.onOtherNetwork);
    this.pc.close();
  }

  private receive(kind: 'audio' | 'video'): MediaStream {
    const { receiver } = this.pc.addTransceiver(kind, { direction: 'recvonly' });
    return new MediaStream([receiver.track]);
  }

  private async negotiate(): Promise<void> {
    await this.pc.setLocalDescription();
    const sdp = await this.edge.exchange(this.pc.localDescription?.sdp ?? '');
    await this.pc.setRemoteDescription({ type: 'answer', sdp: speechOpus(sdp) });
  }

  /** Looks for another path of the same connection: keys, slots and layers stay. */
  private async restart(): Promise<void> {
    if (this.pc.signalingState !== 'stable') return;
    this.pc.restartIce();
    // If that fails, too, the connection stays broken and another one takes its place.
    await this.negotiate().catch(() => undefined);
  }

  private watch(): void {
    switch (this.pc.connectionState) {
      case 'connected':
        clearTimeout(this.patience);
        this.edge.onConnected();
        break;
      case 'disconnected':
        this.wait(BROKEN_AFTER_MS);
        this.edge.onShaky();
        void this.restart();
        break;
      case 'failed':
      // Closed by the hub: our own `close` raises no event.
      case 'closed':
        this.wait(0);
        break;
    }
  }

  private wait(ms: number): void {
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.edge.onBroken(), ms);
  }
}

export type Quality = 'good' | 'fair' | 'poor' | 'none';

/**
 * Nothing is sent while nobody speaks, and what is sent repairs a lost packet by the next one. A
 * sender follows what the answer says of its codec.
 */
export function speechOpus(sdp: string): string {
  const opus = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\//gim)].map(([, payload]) => payload);
  let text = sdp;
  for (const payload of new Set(opus)) {
    const line = new RegExp(`^a=fmtp:${payload} (.*)$`, 'gm');
    const wanted = ['useinbandfec=1', 'usedtx=1'];
    if (line.test(text)) {
      text = text.replace(line, (_, given: string) => {
        const kept = given.trim().split(';').filter((p) => p !== '' && !/^(useinbandfec|usedtx)=/.test(p.trim()));
        return `a=fmtp:${payload} ${[...kept, ...wanted].join(';')}`;
      });
    } else {
      const map = new RegExp(`^(a=rtpmap:${payload} .*)$`, 'gm');
      text = text.replace(map, `$1\r\na=fmtp:${payload} ${wanted.join(';')}`);
    }
  }
  return text;
}

/** Opus and VP8 (with its retransmissions) only: all that the hub forwards, and an offer of 22 m-lines stays small. */
function keepOneCodec(transceiver: RTCRtpTransceiver): void {
  const { kind } = transceiver.receiver.track;
  const wanted = kind === 'audio' ? ['audio/opus'] : ['video/vp8', 'video/rtx'];
  const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  transceiver.setCodecPreferences(codecs.filter((c) => wanted.includes(c.mimeType.toLowerCase())));
}
