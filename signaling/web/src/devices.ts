/**
 * Microphone, camera and screen of this computer, before and during the meeting.
 *
 * Off means off: the camera's light goes out, because the track is stopped and not just blanked.
 */
import { deviceProblem } from './words';

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

  /** Called after every change, also when a device is unplugged. */
  changed: () => void = () => undefined;

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
    if (on) this.micTrack ??= await this.capture('mic');
    this.state.mic = on && this.micTrack !== null;
    if (this.micTrack) this.micTrack.enabled = this.state.mic;
    this.changed();
  }

  async setCam(on: boolean): Promise<void> {
    if (on) this.camTrack ??= await this.capture('cam');
    if (!on) {
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
      this.screenTrack?.addEventListener('ended', () => void this.setScreen(false));
    }
    this.state.screen = this.screenTrack !== null;
    this.changed();
    return true;
  }

  async choose(kind: 'mic' | 'cam', deviceId: string): Promise<void> {
    this.choice[kind] = deviceId;
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
    for (const track of [this.micTrack, this.camTrack, this.screenTrack]) track?.stop();
  }

  private async capture(kind: 'mic' | 'cam'): Promise<MediaStreamTrack | null> {
    const name = kind === 'mic' ? 'microfono' : 'telecamera';
    try {
      // Without a secure address the browser offers no devices at all.
      if (!navigator.mediaDevices) throw new DOMException('', 'NotAllowedError');
      const stream = await navigator.mediaDevices.getUserMedia(this.constraints(kind));
      this.state.problem[kind] = null;
      return this.adopt(kind, stream.getTracks()[0] ?? null);
    } catch (error) {
      this.state.problem[kind] = deviceProblem(name, error instanceof DOMException ? error.name : '');
      return null;
    }
  }

  private constraints(kind: 'mic' | 'cam'): MediaStreamConstraints {
    const deviceId = this.choice[kind] ? { deviceId: { exact: this.choice[kind] } } : {};
    return kind === 'mic'
      ? { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...deviceId } }
      : { video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 }, ...deviceId } };
  }

  private adopt(kind: 'mic' | 'cam', track: MediaStreamTrack | null): MediaStreamTrack | null {
    track?.addEventListener('ended', () => this.unplugged(kind));
    return track;
  }

  private unplugged(kind: 'mic' | 'cam'): void {
    const name = kind === 'mic' ? 'microfono' : 'telecamera';
    this.state.problem[kind] = deviceProblem(name, 'NotFoundError');
    if (kind === 'mic') {
      this.micTrack = null;
      void this.setMic(false);
    } else {
      void this.setCam(false);
    }
  }
}
