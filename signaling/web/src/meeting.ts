/** One participant's meeting: connection, media, devices and the model, held together. */
import { join, socketUrl, type JoinAnswer, type Seat } from './api';
import { Connection, RequestError, type ConnectionState, type End, type Socket, type Welcome } from './connection';
import type { Devices } from './devices';
import { Media, type MediaPlan, type Quality } from './media';
import { apply, audioSlot, here, initialState, type Effect, type RoomState } from './model';
import type { ClientMessage, ServerMessage, VideoSource, Watch } from './protocol';
import { hear, sameFloor, SILENCE, type Floor } from './speaking';
import { afterChange, watched, type Tile } from './watching';
import { refusal } from './words';

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

const LEVELS_EVERY_MS = 500;
const QUALITY_EVERY_MS = 3_000;
/** The room takes no more than one change in three seconds. */
const MARK_EVERY_MS = 3_500;

export class Meeting {
  state: RoomState = initialState();
  connectionState: ConnectionState = 'connecting';
  mediaState: MediaState = 'connecting';
  quality: Quality = 'none';
  floor: Floor = SILENCE;
  /** The pictures on the screen; set by the stage. Without one all are looked at. */
  tiles: (() => Tile[]) | null = null;
  /** Something covers the faces. */
  covered: () => boolean = () => false;
  media: Media | null = null;
  private plan: MediaPlan | null = null;
  private readonly connection: Connection;
  private readonly timers: ReturnType<typeof setInterval>[];
  private devicesUnsaid = false;
  private clockAhead = 0;
  private marked: { quality: Quality; at: number } = { quality: 'none', at: 0 };
  private watchUnsaid = false;
  private toldWatch: { slots: (VideoSource | null)[]; video: Watch[] } = { slots: [], video: [] };

  constructor(
    readonly seat: Seat,
    readonly meetingId: string,
    readonly devices: Devices,
    private readonly events: MeetingEvents,
    /** Asks for a seat again after a loss. */
    again: () => Promise<JoinAnswer> = () => join(meetingId, true),
  ) {
    this.connection = new Connection(
      {
        open: () => new WebSocket(socketUrl(seat.ws, location), 'accordo.v1') as unknown as Socket,
        ticket: async () => {
          const answer = await again();
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

  /** The hub's clock, ms since 1970. */
  now(): number {
    return Date.now() + this.clockAhead;
  }

  /** Tells the hub which pictures are looked at. Call it when tiles come, go or change their size. */
  tellWatched(): void {
    const slots = this.state.slots.video;
    if (!this.tiles || this.connectionState !== 'open' || slots.length === 0) return;
    const hidden = document.hidden || this.covered();
    const told = afterChange(this.toldWatch.video, this.toldWatch.slots, slots);
    const video = watched(slots, this.tiles(), hidden);
    this.toldWatch = { slots, video };
    if (!this.watchUnsaid && video.every((wish, i) => wish === told[i])) return;
    this.watchUnsaid = false;
    // What was not heard is said again at the next look.
    this.connection.request({ type: 'watch', video }).catch(() => (this.watchUnsaid = true));
  }

  /** Sends a request and gives its answer; a refusal is shown. */
  async ask(message: ClientMessage): Promise<ServerMessage | null> {
    try {
      return await this.connection.request(message);
    } catch (error) {
      this.events.refused(requestWords(error));
      return null;
    }
  }

  /** Sends a command; a refusal is shown. True if the room carried it out. */
  async command(message: ClientMessage): Promise<boolean> {
    return (await this.ask(message)) !== null;
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
    this.clockAhead = welcome.server_time_ms - Date.now();
    // What was said on another socket may not have arrived.
    if (!welcome.resumed) this.toldWatch = { slots: [], video: [] };
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
    this.toldWatch = { slots: [], video: [] };
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
    // The hub takes a fresh join for somebody new.
    if (message.type === 'welcome' && !message.resumed) this.marked = { quality: 'none', at: 0 };
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
    const { slots, own } = await this.media.levels();
    const { me } = this.state;
    const heard = here(this.state).filter((p) => p.mic);
    const level = (id: string) => (id === me ? own : (slots.get(audioSlot(this.state, id)) ?? 0));
    const floor = hear(this.floor, new Map(heard.map((p) => [p.id, level(p.id)])));
    const changed = !sameFloor(floor, this.floor);
    this.floor = floor;
    if (changed) this.events.changed();
  }

  private async measureQuality(): Promise<void> {
    const quality = (await this.media?.quality()) ?? 'none';
    this.tellQuality(quality);
    this.tellWatched();
    if (quality === this.quality) return;
    this.quality = quality;
    this.events.changed();
  }

  private tellQuality(mark: Quality): void {
    const now = performance.now();
    if (mark === 'none' || mark === this.marked.quality || now - this.marked.at < MARK_EVERY_MS) return;
    if (this.connectionState !== 'open') return;
    this.marked = { quality: mark, at: now };
    this.connection.request({ type: 'quality', mark }).catch(() => {
      this.marked = { quality: 'none', at: now };
    });
  }

  private end(end: End): void {
    for (const timer of this.timers) clearInterval(timer);
    this.media?.close();
    this.devices.stop();
    this.events.ended(end);
  }
}

function requestWords(error: unknown): string {
  if (error instanceof RequestError && error.code !== 'lost') return refusal(error.code);
  if (error instanceof RequestError) {
    return 'Il collegamento si è interrotto: la richiesta non è partita. Riprova tra un momento.';
  }
  return refusal('bad_offer');
}
