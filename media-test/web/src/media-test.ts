// The browser's half of the media test: measures, sends the figures, shows the verdict. The
// judgement and its words come from the hub (media-test/src/verdict.rs).

type Device = 'works' | 'missing' | 'denied' | 'busy' | 'silent';
type Measurements = {
  webrtc: boolean; websocket: boolean; devices: boolean;
  down: number | null; up: number | null; microphone: Device; webcam: Device;
};
type Verdict = { ready: boolean; ticks: { item: string; green: boolean; advice: string }[] };

const PROBE_BYTES = 1_000_000;
const PROBES = 3;
const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

async function run(): Promise<void> {
  const again = find<HTMLButtonElement>('again');
  again.disabled = true;
  show(null);
  try {
    const devices = !!navigator.mediaDevices?.enumerateDevices;
    const measurements: Measurements = {
      webrtc: 'RTCPeerConnection' in window,
      websocket: 'WebSocket' in window,
      devices,
      down: await bitsPerSecond(download),
      up: await bitsPerSecond(upload),
      microphone: devices ? await device({ audio: true }, hears) : 'missing',
      webcam: devices ? await device({ video: true }, sees) : 'missing',
    };
    const answer = await fetch('/media-test/verdict', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(measurements),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    show((await answer.json()) as Verdict);
  } catch {
    const verdict = find('verdict');
    verdict.className = 'red';
    verdict.textContent = 'Il servizio non risponde: controlla la connessione e premi «Aggiorna».';
  } finally {
    again.disabled = false;
  }
}

function show(verdict: Verdict | null): void {
  for (const row of document.querySelectorAll<HTMLElement>('#checks li')) {
    const tick = verdict?.ticks.find((t) => t.item === row.dataset.item);
    row.className = tick ? (tick.green ? 'green' : 'red') : '';
    const text = row.querySelector('p')!;
    text.textContent = tick ? `${tick.green ? 'Riuscito. ' : 'Non riuscito. '}${tick.advice}` : 'Verifica in corso…';
  }
  const summary = find('verdict');
  summary.className = verdict ? (verdict.ready ? 'green' : 'red') : '';
  if (!verdict) summary.textContent = '';
  else if (verdict.ready) summary.textContent = "Tutto a posto: l'incontro si può tenere con questo dispositivo.";
  else {
    const names: Record<string, string> = { browser: 'il browser', bandwidth: 'la rete', microphone: 'il microfono', webcam: 'la webcam' };
    const failing = verdict.ticks.filter((t) => !t.green).map((t) => names[t.item] ?? t.item).join(', ');
    summary.textContent = `Da sistemare prima dell'incontro: ${failing}. Segui i consigli qui sopra, poi premi «Aggiorna».`;
  }
}

// The best of a few probes: the first ones pay for the connection and for slow start.
async function bitsPerSecond(probe: () => Promise<number>): Promise<number | null> {
  let best = 0;
  try {
    for (let i = 0; i < PROBES; i++) {
      const begin = performance.now();
      const bytes = await probe();
      best = Math.max(best, (bytes * 8_000) / Math.max(1, performance.now() - begin));
    }
  } catch {
    return null;
  }
  return Math.round(best);
}

async function download(): Promise<number> {
  const answer = await fetch(`/media-test/down?bytes=${PROBE_BYTES}`, { cache: 'no-store' });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.arrayBuffer()).byteLength;
}

async function upload(): Promise<number> {
  const noise = new Uint8Array(PROBE_BYTES);
  for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, Math.min(at + 65_536, noise.length)));
  const answer = await fetch('/media-test/up', { method: 'POST', body: noise });
  if (!answer.ok) throw new Error(String(answer.status));
  return ((await answer.json()) as { bytes: number }).bytes;
}

async function device(what: MediaStreamConstraints, delivers: (s: MediaStream) => Promise<boolean>): Promise<Device> {
  let stream: MediaStream | undefined;
  try {
    stream = await navigator.mediaDevices.getUserMedia(what);
    return (await delivers(stream)) ? 'works' : 'silent';
  } catch (error) {
    switch ((error as DOMException).name) {
      case 'NotAllowedError': case 'SecurityError': return 'denied';
      case 'NotReadableError': case 'AbortError': return 'busy';
      default: return 'missing';
    }
  } finally {
    stream?.getTracks().forEach((track) => track.stop());
  }
}

// True as soon as the microphone gives anything but digital silence, within two seconds.
async function hears(stream: MediaStream): Promise<boolean> {
  const context = new AudioContext();
  try {
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const end = performance.now() + 2_000;
    while (performance.now() < end) {
      analyser.getFloatTimeDomainData(samples);
      if (samples.some((v) => v !== 0)) return true;
      await new Promise((done) => setTimeout(done, 50));
    }
    return false;
  } finally {
    await context.close();
  }
}

async function sees(stream: MediaStream): Promise<boolean> {
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = stream;
  await video.play();
  const works = video.videoWidth > 0;
  video.srcObject = null;
  return works;
}

// R-TEST-03: a short tone of three notes.
async function play(): Promise<void> {
  const context = new AudioContext();
  const volume = context.createGain();
  volume.gain.value = 0.2;
  volume.connect(context.destination);
  [523.25, 659.25, 783.99].forEach((hertz, i) => {
    const note = context.createOscillator();
    note.frequency.value = hertz;
    note.connect(volume);
    note.start(context.currentTime + i * 0.3);
    note.stop(context.currentTime + i * 0.3 + 0.28);
  });
  setTimeout(() => void context.close(), 1_200);
}

find('again').addEventListener('click', () => void run());
find('sound').addEventListener('click', () => void play());
void run();
