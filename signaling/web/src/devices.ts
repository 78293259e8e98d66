/**
 * Microphone, camera and screen of this computer, before and during the meeting.
 *
 * Off means off: the camera's light goes out, because the track is stopped and not just blanked.
 * A device that is unplugged is replaced by another one if there is one, and taken again when it
 * comes back.
 */
import { browserOf, deviceBack, deviceGone, deviceProblem, type Kind } from './problems';

export interface DeviceState {
  mic: boolean;
  cam: boolean;
  screen: boolean;
  /** Sentence that helps, per device. */
  problem: { mic: string | null; cam: string | null };
}

export interface DeviceChoice {
  mic: string | null;
  cam: string | null;
}

/** A device that went while it was in use. */
interface Lost {
  id: string;
  name: string;
}

export class Devices {
  readonly state: DeviceState = {
    mic: false,
    cam: false,
    screen: false,
    problem: { mic: null, cam: null },
  };
  readonly choice: DeviceChoice = { mic: null, cam: null };
  micTrack: MediaStreamTrack | null = null;
  camTrack: MediaStreamTrack | null = null;
  screenTrack: MediaStreamTrack | null = null;
  private readonly lost: Record<Kind, Lost | null> = { mic: null, cam: null };
  private readonly onPlugged = () => void this.plugged();

  /** Called after every change, also when a device is unplugged. */
  changed: () => void = () => undefined;
  /** Something happened to a device that the person should know. */
  told: (text: string) => void = () => undefined;
  /** A device does not start; what helps. */
  failed: (text: string) => void = () => undefined;

  constructor() {
    navigator.mediaDevices?.addEventListener('devicechange', this.onPlugged);
  }

  /** Turns on what is wanted, with one question of the browser where possible. */
  async start(mic: boolean, cam: boolean): Promise<void> {
    if (mic && cam && navigator.mediaDevices) {
      const both = { ...this.constraints('mic'), ...this.constraints('cam') };
      const stream = await navigator.mediaDevices.getUserMedia(both).catch(() => null);
      this.micTrack = this.adopt('mic', stream?.getAudioTracks()[0] ?? null);
      this.camTrack = this.adopt('cam', stream?.getVideoTracks()[0] ?? null);
    }
    await this.setMic(mic);
    await this.setCam(cam);
  }

  async setMic(on: boolean): Promise<void> {
    if (!on) this.lost.mic = null;
    if (on) this.micTrack ??= await this.capture('mic');
    this.state.mic = on && this.micTrack !== null;
    if (this.micTrack) this.micTrack.enabled = this.state.mic;
    this.changed();
  }

  async setCam(on: boolean): Promise<void> {
    if (on) this.camTrack ??= await this.capture('cam');
    if (!on) {
      this.lost.cam = null;
      this.camTrack?.stop();
      this.camTrack = null;
    }
    this.state.cam = this.camTrack !== null;
    this.changed();
  }

  /** Asks for a screen or window; false if the person changed their mind. */
  async setScreen(on: boolean): Promise<boolean> {
    if (!on) {
      this.screenTrack?.stop();
      this.screenTrack = null;
    } else {
      try {
        const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 10 } } });
        this.screenTrack = stream.getVideoTracks()[0] ?? null;
      } catch {
        return false;
      }
      // Text must stay legible: rather fewer pictures than blurred ones.
      if (this.screenTrack) this.screenTrack.contentHint = 'detail';
      this.screenTrack?.addEventListener('ended', () => void this.setScreen(false));
    }
    this.state.screen = this.screenTrack !== null;
    this.changed();
    return true;
  }

  async choose(kind: Kind, deviceId: string): Promise<void> {
    this.choice[kind] = deviceId;
    this.lost[kind] = null;
    if (kind === 'mic') {
      const on = this.state.mic;
      this.micTrack?.stop();
      this.micTrack = null;
      await this.setMic(on);
    } else if (this.state.cam) {
      await this.setCam(false);
      await this.setCam(true);
    }
  }

  async list(kind: 'audioinput' | 'videoinput'): Promise<MediaDeviceInfo[]> {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return all.filter((d) => d.kind === kind && d.deviceId !== '');
  }

  stop(): void {
    navigator.mediaDevices?.removeEventListener('devicechange', this.onPlugged);
    for (const track of [this.micTrack, this.camTrack, this.screenTrack]) track?.stop();
  }

  private async capture(kind: Kind): Promise<MediaStreamTrack | null> {
    try {
      // Without a secure address the browser offers no devices at all.
      if (!navigator.mediaDevices) throw new DOMException('', 'SecurityError');
      const stream = await navigator.mediaDevices.getUserMedia(this.constraints(kind));
      this.state.problem[kind] = null;
      return this.adopt(kind, stream.getTracks()[0] ?? null);
    } catch (error) {
      const cause = error instanceof DOMException ? error.name : '';
      const problem = deviceProblem(kind, cause, browserOf(navigator.userAgent));
      this.state.problem[kind] = problem;
      this.failed(problem);
      return null;
    }
  }

  private constraints(kind: Kind): MediaStreamConstraints {
    const deviceId = this.choice[kind] ? { deviceId: { exact: this.choice[kind] } } : {};
    return kind === 'mic'
      ? { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...deviceId } }
      : { video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 }, ...deviceId } };
  }

  private adopt(kind: Kind, track: MediaStreamTrack | null): MediaStreamTrack | null {
    // A track that was stopped here raises no event.
    track?.addEventListener('ended', () => void this.unplugged(kind, track));
    return track;
  }

  private async unplugged(kind: Kind, track: MediaStreamTrack): Promise<void> {
    if (track !== (kind === 'mic' ? this.micTrack : this.camTrack)) return;
    const lost = { id: track.getSettings().deviceId ?? '', name: track.label };
    const wasOn = kind === 'mic' ? this.state.mic : true;
    this.forget(kind);
    if (!wasOn) return this.changed();
    // Any other one, the browser's choice.
    this.choice[kind] = null;
    const others = await this.list(kind === 'mic' ? 'audioinput' : 'videoinput');
    if (others.some((d) => d.deviceId !== lost.id)) await this.turnOn(kind);
    const instead = kind === 'mic' ? this.micTrack : this.camTrack;
    const text = deviceGone(kind, lost.name, instead?.label ?? null);
    this.lost[kind] = lost;
    this.state.problem[kind] = instead ? null : text;
    this.told(text);
    this.changed();
  }

  /** What was lost may be back. */
  private async plugged(): Promise<void> {
    for (const kind of ['mic', 'cam'] as const) {
      const lost = this.lost[kind];
      if (!lost) continue;
      const present = await this.list(kind === 'mic' ? 'audioinput' : 'videoinput');
      const back = present.find((d) => d.deviceId === lost.id || d.label === lost.name);
      // One that is there again, or any at all where there was none.
      const found = back ?? ((kind === 'mic' ? this.micTrack : this.camTrack) ? undefined : present[0]);
      if (!found) continue;
      this.lost[kind] = null;
      this.choice[kind] = found.deviceId;
      this.forget(kind);
      await this.turnOn(kind);
      const track = kind === 'mic' ? this.micTrack : this.camTrack;
      if (track) this.told(deviceBack(kind, track.label));
    }
    this.changed();
  }

  private turnOn(kind: Kind): Promise<void> {
    return kind === 'mic' ? this.setMic(true) : this.setCam(true);
  }

  private forget(kind: Kind): void {
    if (kind === 'mic') {
      this.micTrack?.stop();
      this.micTrack = null;
      this.state.mic = false;
    } else {
      this.camTrack?.stop();
      this.camTrack = null;
      this.state.cam = false;
    }
  }
}
