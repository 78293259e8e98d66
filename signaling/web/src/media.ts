/**
 * The participant's one RTCPeerConnection, from lobby to end.
 *
 * The browser is the only offerer, and its m-lines never change: microphone, camera (two simulcast
 * layers), screen, then as many receive slots as the hub asked for. What a slot carries is the
 * hub's business (`slots`); joins, moves and breakouts need no SDP.
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
  onState(state: MediaState): void;
}

export type MediaState = 'connecting' | 'connected' | 'failed';
export type Sending = 'mic' | 'cam' | 'screen';

/** m-line of the first receive slot: microphone, camera and screen come before. */
const FIRST_SLOT = 3;
/** A path that is "disconnected" for longer will not mend by itself. */
const RESTART_AFTER_MS = 3_000;

export class Media {
  readonly pc: RTCPeerConnection;
  private readonly senders: Record<Sending, RTCRtpSender>;
  private readonly audioStreams: MediaStream[] = [];
  private readonly videoStreams: MediaStream[] = [];
  private restartTimer: ReturnType<typeof setTimeout> | undefined;
  private negotiating: Promise<void> | null = null;

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

  /** The first offer. */
  start(): Promise<void> {
    return this.negotiate(false);
  }

  /** New network path on the same session, if the present one does not work. */
  async mend(): Promise<void> {
    if (this.pc.connectionState === 'connected' && this.pc.iceConnectionState !== 'disconnected') return;
    await this.negotiate(true);
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

  /** Loudness 0…1 of every audio slot that got a packet lately. */
  async levels(): Promise<Map<number, number>> {
    const levels = new Map<number, number>();
    for (const stat of (await this.pc.getStats()).values()) {
      if (stat.type !== 'inbound-rtp' || stat.kind !== 'audio') continue;
      levels.set(Number(stat.mid) - FIRST_SLOT, stat.audioLevel ?? 0);
    }
    return levels;
  }

  /** How the own path does: round trip and what the hub reports as lost. */
  async quality(): Promise<Quality> {
    let rtt = 0;
    let lost = 0;
    for (const stat of (await this.pc.getStats()).values()) {
      if (stat.type === 'candidate-pair' && stat.nominated) rtt = stat.currentRoundTripTime ?? 0;
      if (stat.type === 'remote-inbound-rtp') lost = Math.max(lost, stat.fractionLost ?? 0);
    }
    if (this.pc.connectionState !== 'connected') return 'none';
    if (rtt > 0.5 || lost > 0.1) return 'poor';
    return rtt > 0.25 || lost > 0.03 ? 'fair' : 'good';
  }

  close(): void {
    clearTimeout(this.restartTimer);
    this.pc.close();
  }

  private receive(kind: 'audio' | 'video'): MediaStream {
    const { receiver } = this.pc.addTransceiver(kind, { direction: 'recvonly' });
    return new MediaStream([receiver.track]);
  }

  private negotiate(iceRestart: boolean): Promise<void> {
    this.negotiating ??= this.offer(iceRestart).finally(() => (this.negotiating = null));
    return this.negotiating;
  }

  private async offer(iceRestart: boolean): Promise<void> {
    await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart }));
    try {
      const sdp = await this.edge.exchange(this.pc.localDescription?.sdp ?? '');
      await this.pc.setRemoteDescription({ type: 'answer', sdp });
    } catch (error) {
      // Back to the last agreed state, so that the next offer can be made.
      if (this.pc.signalingState === 'have-local-offer' && this.pc.currentRemoteDescription) {
        await this.pc.setLocalDescription({ type: 'rollback' });
      }
      throw error;
    }
  }

  private watch(): void {
    clearTimeout(this.restartTimer);
    switch (this.pc.connectionState) {
      case 'connected':
        this.edge.onState('connected');
        break;
      case 'failed':
        this.edge.onState('failed');
        this.restart(0);
        break;
      case 'disconnected':
        this.edge.onState('connecting');
        this.restart(RESTART_AFTER_MS);
        break;
      case 'connecting':
        this.edge.onState('connecting');
        break;
    }
  }

  private restart(after_ms: number): void {
    this.restartTimer = setTimeout(() => {
      // While the socket is lost the offer fails; then its return calls `mend`.
      this.mend().catch(() => this.restart(RESTART_AFTER_MS));
    }, after_ms);
  }
}

export type Quality = 'good' | 'fair' | 'poor' | 'none';

/** Opus and VP8 only: all that the hub forwards, and an offer of 22 m-lines stays small. */
function keepOneCodec(transceiver: RTCRtpTransceiver): void {
  const { kind } = transceiver.receiver.track;
  const wanted = kind === 'audio' ? 'audio/opus' : 'video/vp8';
  const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  transceiver.setCodecPreferences(codecs.filter((c) => c.mimeType.toLowerCase() === wanted));
}
