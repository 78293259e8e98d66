/** One participant's meeting: connection, media, devices and the model, held together. */
import { join, socketUrl, type Seat } from './api';
import { Connection, RequestError, type ConnectionState, type End, type Socket, type Welcome } from './connection';
import type { Devices } from './devices';
import { Media, type MediaPlan, type Quality } from './media';
import { apply, audioSlot, here, initialState, type Effect, type RoomState } from './model';
import type { ClientMessage, ParticipantId, ServerMessage } from './protocol';
import { refusals } from './words';

export interface MeetingEvents {
  /** Something to show has changed. */
  changed(): void;
  effect(effect: Effect): void;
  /** A request was refused or lost: the sentence to show. */
  refused(text: string): void;
  ended(end: End): void;
}

/** `lost`: it worked before, and is being mended. */
export type MediaState = 'connecting' | 'connected' | 'lost';

const SPEAKING_LEVEL = 0.02;
const LEVELS_EVERY_MS = 500;
const QUALITY_EVERY_MS = 3_000;

export class Meeting {
  state: RoomState = initialState();
  connectionState: ConnectionState = 'connecting';
  mediaState: MediaState = 'connecting';
  quality: Quality = 'none';
  speaking: ReadonlySet<ParticipantId> = new Set();
  media: Media | null = null;
  private plan: MediaPlan | null = null;
  private readonly connection: Connection;
  private readonly timers: ReturnType<typeof setInterval>[];
  private devicesUnsaid = false;

  constructor(
    readonly seat: Seat,
    readonly meetingId: string,
    readonly devices: Devices,
    private readonly events: MeetingEvents,
  ) {
    this.connection = new Connection(
      {
        open: () => new WebSocket(socketUrl(seat.ws, location), 'accordo.v1') as unknown as Socket,
        ticket: async () => {
          const answer = await join(meetingId, true);
          return answer.ok ? { ok: true, token: answer.seat.token } : answer;
        },
        onState: (state) => this.connectionChanged(state),
        onWelcome: (welcome, fresh) => this.welcomed(welcome, fresh),
        onMessage: (message) => this.receive(message),
        onEnd: (end) => this.end(end),
        random: Math.random,
      },
      seat.token,
    );
    this.timers = [
      setInterval(() => void this.measureLevels(), LEVELS_EVERY_MS),
      setInterval(() => void this.measureQuality(), QUALITY_EVERY_MS),
    ];
  }

  start(): void {
    window.addEventListener('online', () => this.connection.hurry());
    this.connection.start();
  }

  /** Sends a command; a refusal is shown. True if the room carried it out. */
  async command(message: ClientMessage): Promise<boolean> {
    try {
      await this.connection.request(message);
      return true;
    } catch (error) {
      this.events.refused(requestWords(error));
      return false;
    }
  }

  leave(): Promise<void> {
    return this.connection.bye();
  }

  /** Tells room and media what this computer sends now. Call it after every change of a device. */
  devicesChanged(): void {
    const { mic, cam, screen } = this.devices.state;
    void this.sendTracks();
    this.connection.request({ type: 'devices', mic, cam, screen }).catch((error) => {
      if (error instanceof RequestError && error.code === 'lost') this.devicesUnsaid = true;
      else this.events.refused(requestWords(error));
    });
    this.events.changed();
  }

  private connectionChanged(state: ConnectionState): void {
    this.connectionState = state;
    this.events.changed();
  }

  private welcomed(welcome: Welcome, fresh: boolean): void {
    this.receive(welcome);
    this.plan = {
      audioSlots: welcome.audio_slots,
      videoSlots: welcome.video_slots,
      iceServers: welcome.ice_servers,
    };
    if (fresh || !this.media?.works) this.openMedia(this.plan);
    if (fresh || this.devicesUnsaid) this.devicesChanged();
    this.devicesUnsaid = false;
  }

  /** A new peer connection; the hub ends the one before. */
  private openMedia(plan: MediaPlan): void {
    this.media?.close();
    const media = new Media(plan, {
      exchange: async (sdp) => {
        const answer = await this.connection.request({ type: 'offer', sdp });
        if (answer.type !== 'answer') throw new RequestError('bad_offer');
        return answer.sdp;
      },
      onConnected: () => this.mediaIs('connected'),
      onShaky: () => this.mediaIs('lost'),
      onBroken: () => {
        if (this.mediaState === 'connected') this.mediaIs('lost');
        // While the socket is lost no offer can be made; its return looks after the media.
        if (this.connectionState === 'open') void this.reopenMedia(media, plan);
      },
    });
    this.media = media;
    void this.sendTracks();
    media.start().catch((error) => {
      // It was replaced meanwhile.
      if (media !== this.media) return;
      if (!(error instanceof RequestError) || error.code !== 'lost') {
        this.events.refused(requestWords(error));
      }
    });
  }

  /** The relay's credentials of the welcome may have ended meanwhile. */
  private async reopenMedia(broken: Media, plan: MediaPlan): Promise<void> {
    try {
      const answer = await this.connection.request({ type: 'ice_servers' });
      if (answer.type === 'ice_servers') this.plan = { ...plan, iceServers: answer.ice_servers };
    } catch (error) {
      // The socket is lost too: its return looks after the media.
      if (error instanceof RequestError && error.code === 'lost') return;
    }
    if (this.media === broken) this.openMedia(this.plan ?? plan);
  }

  private mediaIs(state: MediaState): void {
    this.mediaState = state;
    this.events.changed();
  }

  private receive(message: ServerMessage): void {
    const before = this.state.session;
    const [state, effects] = apply(this.state, message);
    this.state = state;
    if (before !== state.session) this.sessionChanged();
    for (const effect of effects) {
      if (effect.kind === 'muted') this.muted();
      this.events.effect(effect);
    }
    this.events.changed();
  }

  private sessionChanged(): void {
    // What was shown to one session is not carried into another one.
    if (this.devices.state.screen) void this.devices.setScreen(false);
    void this.sendTracks();
  }

  private muted(): void {
    // The hub has already taken the microphone off the air.
    void this.devices.setMic(false);
  }

  /** In the lobby nothing leaves this computer. */
  private async sendTracks(): Promise<void> {
    const { media, devices } = this;
    if (!media) return;
    const { mic, cam, screen } = devices.state;
    const inside = this.state.session !== null && this.state.session !== 'lobby';
    await Promise.all([
      media.send('mic', inside && mic ? devices.micTrack : null),
      media.send('cam', inside && cam ? devices.camTrack : null),
      media.send('screen', inside && screen ? devices.screenTrack : null),
    ]);
  }

  private async measureLevels(): Promise<void> {
    if (!this.media || document.hidden) return;
    const levels = await this.media.levels();
    const now = new Set(
      here(this.state)
        .filter((p) => p.mic && (levels.get(audioSlot(this.state, p.id)) ?? 0) > SPEAKING_LEVEL)
        .map((p) => p.id),
    );
    if (now.size === this.speaking.size && [...now].every((id) => this.speaking.has(id))) return;
    this.speaking = now;
    this.events.changed();
  }

  private async measureQuality(): Promise<void> {
    const quality = (await this.media?.quality()) ?? 'none';
    if (quality === this.quality) return;
    this.quality = quality;
    this.events.changed();
  }

  private end(end: End): void {
    for (const timer of this.timers) clearInterval(timer);
    this.media?.close();
    this.devices.stop();
    this.events.ended(end);
  }
}

function requestWords(error: unknown): string {
  if (error instanceof RequestError && error.code !== 'lost') return refusals[error.code];
  if (error instanceof RequestError) {
    return 'Il collegamento si è interrotto: la richiesta non è partita. Riprova tra un momento.';
  }
  return refusals.bad_offer;
}
