// Microphone and webcam: opened, looked at here, never sent.

export type DeviceState = 'works' | 'missing' | 'denied' | 'busy' | 'silent';

const LISTEN_MS = 2_000;
const SEE_WITHIN_MS = 5_000;

abstract class Device {
  /** The person chose another device of this kind. */
  chosen: () => void = () => undefined;
  protected stream: MediaStream | null = null;

  constructor(
    private readonly kind: 'audioinput' | 'videoinput',
    private readonly name: string,
    private readonly select: HTMLSelectElement,
  ) {
    select.addEventListener('change', () => this.chosen());
    this.offer(false);
  }

  async test(): Promise<DeviceState> {
    this.stop();
    try {
      const wanted = this.select.value ? { deviceId: { exact: this.select.value } } : true;
      this.stream = await navigator.mediaDevices.getUserMedia(
        this.kind === 'audioinput' ? { audio: wanted } : { video: wanted },
      );
      await this.list();
      return (await this.delivers(this.stream)) ? 'works' : 'silent';
    } catch (error) {
      this.stop();
      this.offer(false);
      switch (error instanceof DOMException ? error.name : '') {
        case 'NotAllowedError':
        case 'SecurityError':
          return 'denied';
        case 'NotReadableError':
        case 'AbortError':
          return 'busy';
        default:
          return 'missing';
      }
    }
  }

  stop(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  protected abstract delivers(stream: MediaStream): Promise<boolean>;

  /** Names are told only once a device is in use. */
  private async list(): Promise<void> {
    const all = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === this.kind && d.deviceId !== '');
    const used = this.stream?.getTracks()[0]?.getSettings().deviceId ?? '';
    this.select.replaceChildren(...all.map((d, n) => new Option(d.label || `${this.name} ${n + 1}`, d.deviceId)));
    if (all.some((d) => d.deviceId === used)) this.select.value = used;
    this.offer(all.length > 0);
  }

  private offer(some: boolean): void {
    if (!some) this.select.replaceChildren();
    for (const part of this.select.closest('li')?.querySelectorAll<HTMLElement>('.device') ?? []) part.hidden = !some;
  }
}

export class Microphone extends Device {
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(select: HTMLSelectElement, private readonly level: HTMLMeterElement) {
    super('audioinput', 'Microfono', select);
  }

  override stop(): void {
    clearInterval(this.timer);
    void this.context?.close();
    this.context = null;
    this.level.value = 0;
    super.stop();
  }

  /** True as soon as the microphone gives anything but digital silence. The meter goes on. */
  protected async delivers(stream: MediaStream): Promise<boolean> {
    this.context = new AudioContext();
    void this.context.resume();
    const analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    return new Promise((done) => {
      const late = setTimeout(() => done(false), LISTEN_MS);
      this.timer = setInterval(() => {
        analyser.getFloatTimeDomainData(samples);
        const power = samples.reduce((sum, s) => sum + s * s, 0) / samples.length;
        this.level.value = Math.min(1, Math.sqrt(power) * 6);
        if (power === 0) return;
        clearTimeout(late);
        done(true);
      }, 100);
    });
  }
}

export class Webcam extends Device {
  constructor(select: HTMLSelectElement, private readonly picture: HTMLVideoElement) {
    super('videoinput', 'Webcam', select);
  }

  override stop(): void {
    this.picture.srcObject = null;
    this.picture.hidden = true;
    super.stop();
  }

  protected async delivers(stream: MediaStream): Promise<boolean> {
    this.picture.srcObject = stream;
    this.picture.hidden = false;
    const shown = new Promise<boolean>((done) => {
      setTimeout(() => done(false), SEE_WITHIN_MS);
      const look = (): void => {
        if (this.picture.videoWidth > 0) done(true);
      };
      for (const event of ['loadeddata', 'resize', 'playing'] as const) this.picture.addEventListener(event, look);
      look();
    });
    void this.picture.play().catch(() => undefined);
    const works = await shown;
    if (!works) this.stop();
    return works;
  }
}
