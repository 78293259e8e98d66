/** Choosing microphone and camera, and seeing that they work. */
import type { Devices } from '../devices';
import { deviceWords } from '../words';
import { h, nameAction, setText } from './element';
import { icon } from './icons';

export function createPreview(devices: Devices) {
  const video = h('video', { attrs: { playsinline: '', autoplay: '', 'aria-label': 'La tua immagine' } });
  video.muted = true;
  const off = h('span', { class: 'off', text: 'Telecamera spenta' });
  const meter = h('meter', { attrs: { min: '0', max: '1', 'aria-label': 'Livello del microfono' } });
  const mic = toggle('mic', 'preview-mic', () => devices.setMic(!devices.state.mic));
  const cam = toggle('cam', 'preview-cam', () => devices.setCam(!devices.state.cam));
  const micSelect = h('select', { test: 'choose-mic' });
  const camSelect = h('select', { test: 'choose-cam' });
  micSelect.addEventListener('change', () => void devices.choose('mic', micSelect.value));
  camSelect.addEventListener('change', () => void devices.choose('cam', camSelect.value));
  const problems = h('div', { class: 'problems', attrs: { role: 'alert' } });
  const node = h(
    'div',
    { class: 'preview' },
    h('div', { class: 'picture' }, off, video),
    h('div', { class: 'toggles' }, mic.node, cam.node),
    h('div', { class: 'level' }, h('span', { text: 'Parla: se la barra si muove, il microfono funziona.' }), meter),
    problems,
    h(
      'div',
      { class: 'choices' },
      h('label', {}, h('span', { text: 'Microfono' }), micSelect),
      h('label', {}, h('span', { text: 'Telecamera' }), camSelect),
    ),
  );
  const loudness = new Loudness(meter);

  function update(): void {
    const { state, camTrack, micTrack } = devices;
    const shown = (video.srcObject as MediaStream | null)?.getTracks()[0] ?? null;
    if (shown !== camTrack) video.srcObject = camTrack ? new MediaStream([camTrack]) : null;
    if (camTrack && video.paused) void video.play().catch(() => undefined);
    off.hidden = camTrack !== null;
    mic.set(state.mic);
    cam.set(state.cam);
    const text = [state.problem.mic, state.problem.cam].filter((p) => p !== null);
    if (problems.dataset['text'] !== text.join()) {
      problems.dataset['text'] = text.join();
      problems.replaceChildren(...text.map((t) => h('p', { class: 'problem', text: t })));
    }
    loudness.follow(state.mic ? micTrack : null);
    const used = `${micTrack?.id} ${camTrack?.id}`;
    if (node.dataset['used'] !== used) {
      // Names are told only once a device is in use.
      node.dataset['used'] = used;
      void fillBoth();
    }
  }

  async function fillBoth(): Promise<void> {
    await fill(micSelect, 'audioinput', devices.choice.mic, 'Microfono predefinito');
    await fill(camSelect, 'videoinput', devices.choice.cam, 'Telecamera predefinita');
  }
  navigator.mediaDevices?.addEventListener('devicechange', () => void fillBoth());

  async function fill(select: HTMLSelectElement, kind: 'audioinput' | 'videoinput', chosen: string | null, name: string) {
    const list = await devices.list(kind);
    select.replaceChildren(
      ...(list.length === 0 ? [h('option', { text: name, attrs: { value: '' } })] : []),
      ...list.map((d) => h('option', { text: d.label || name, attrs: { value: d.deviceId } })),
    );
    if (chosen) select.value = chosen;
  }

  function toggle(name: 'mic' | 'cam', test: string, flip: () => Promise<void>) {
    const label = h('span');
    const node = h('button', { class: 'btn toggle', test, attrs: { type: 'button' }, on: { click: () => void flip() } });
    return {
      node,
      set(on: boolean): void {
        const [text, action] = deviceWords(name, on);
        node.setAttribute('aria-pressed', String(on));
        setText(label, text);
        nameAction(node, text, action);
        node.replaceChildren(icon(on ? name : `${name}Off`), label);
      },
    };
  }

  return { node, update, stop: () => loudness.follow(null) };
}

/** Moves the meter with the voice. */
class Loudness {
  private track: MediaStreamTrack | null = null;
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly meter: HTMLMeterElement) {}

  follow(track: MediaStreamTrack | null): void {
    if (track === this.track) return;
    this.track = track;
    clearInterval(this.timer);
    void this.context?.close();
    this.context = null;
    this.meter.value = 0;
    if (!track) return;
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, s) => sum + s * s, 0) / samples.length;
      this.meter.value = Math.min(1, Math.sqrt(power) * 6);
    }, 100);
  }
}
