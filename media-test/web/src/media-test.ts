// The browser's half of the media test: measures, sends the figures, shows the verdict. The
// judgement and its words come from the hub (media-test/src/verdict.rs).
import { keepOutcome } from './keep';
import { type DeviceState, Microphone, Webcam } from './devices';
import { measurePaths, type MediaPath } from './paths';
import { download, speed, upload } from './speed';
import { playNotes } from './sound';

export interface Measurements {
  browser?: { webrtc: boolean; websocket: boolean; devices: boolean };
  network?: { down: number | null; up: number | null; paths: MediaPath[] };
  microphone?: DeviceState;
  webcam?: DeviceState;
}
type Item = 'browser' | 'bandwidth' | 'microphone' | 'webcam';
interface Verdict {
  complete: boolean;
  ready: boolean;
  ticks: { item: Item; green: boolean; advice: string; details: string[] }[];
}

const NAMES: Record<Item, [title: string, within: string]> = {
  browser: ['Browser', 'il browser'],
  bandwidth: ['Rete', 'la rete'],
  microphone: ['Microfono', 'il microfono'],
  webcam: ['Webcam', 'la webcam'],
};
const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const row = (item: Item): HTMLElement => document.querySelector<HTMLElement>(`[data-item=${item}]`)!;

const again = find<HTMLButtonElement>('again');
const microphone = new Microphone(find('choose-microphone'), find('level'));
const webcam = new Webcam(find('choose-webcam'), find('picture'));
let measured: Measurements = {};
let running = false;

async function run(items: Item[]): Promise<void> {
  if (running) return;
  running = true;
  again.setAttribute('aria-disabled', 'true');
  outcome('', '');
  find('keep').hidden = true;
  for (const item of items) reset(item);
  try {
    for (const item of items) {
      begin(item);
      await measure(item);
      show(await judged(), item);
    }
    conclude(await judged());
  } catch (error) {
    for (const item of items) if (row(item).classList.contains('running')) reset(item);
    const busy = error instanceof Error && error.message === '429';
    outcome(
      busy
        ? 'In questo momento le prove sono troppe: aspetta un minuto e premi «Aggiorna».'
        : 'Il servizio non risponde: controlla la connessione e premi «Aggiorna».',
      '',
    );
  } finally {
    running = false;
    again.removeAttribute('aria-disabled');
  }
}

async function measure(item: Item): Promise<void> {
  const devices = !!navigator.mediaDevices?.enumerateDevices;
  switch (item) {
    case 'browser':
      measured.browser = { webrtc: 'RTCPeerConnection' in window, websocket: 'WebSocket' in window, devices };
      break;
    case 'bandwidth': {
      const down = await speed(download);
      const up = await speed(upload);
      measured.network = { down, up, paths: await measurePaths((words) => say('bandwidth', words)) };
      break;
    }
    case 'microphone':
      measured.microphone = devices ? await microphone.test() : 'missing';
      break;
    case 'webcam':
      measured.webcam = devices ? await webcam.test() : 'missing';
      break;
  }
}

async function judged(): Promise<Verdict> {
  const answer = await fetch('/media-test/verdict', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(measured),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as Verdict;
}

function reset(item: Item): void {
  if (item === 'bandwidth') delete measured.network;
  else delete measured[item];
  row(item).className = '';
  say(item, 'In attesa…');
  row(item).querySelector('.details')!.replaceChildren();
}

function begin(item: Item): void {
  row(item).className = 'running';
  say(item, 'Verifica in corso…');
}

function say(item: Item, words: string): void {
  row(item).querySelector('.words')!.textContent = words;
}

function show(verdict: Verdict, item: Item): void {
  const tick = verdict.ticks.find((one) => one.item === item);
  if (!tick) return;
  row(item).className = tick.green ? 'green' : 'red';
  const words = `${tick.green ? 'Riuscito.' : 'Non riuscito.'} ${tick.advice}`;
  say(item, words);
  const lines = tick.details.map((line) => Object.assign(document.createElement('li'), { textContent: line }));
  row(item).querySelector('.details')!.replaceChildren(...lines);
  find('progress').textContent = `${NAMES[item][0]}: ${words}`;
}

function conclude(verdict: Verdict): void {
  if (verdict.ready) {
    outcome('', "Tutto a posto: l'incontro si può tenere con questo dispositivo.");
  } else {
    const failing = verdict.ticks.filter((tick) => !tick.green).map((tick) => NAMES[tick.item][1]);
    outcome(
      `Da sistemare prima dell'incontro: ${failing.join(', ')}. Adegua la dotazione seguendo i consigli qui sotto, poi premi «Aggiorna».`,
      '',
    );
  }
  void keepOutcome(find('keep'), find('keep-words'), find('keep-button'), measured);
}

function outcome(problem: string, ready: string): void {
  for (const [id, text] of [['problem', problem], ['ready', ready]] as const) {
    const words = Object.assign(document.createElement('p'), { textContent: text });
    find(id).replaceChildren(...(text ? [words] : []));
  }
}

/** The page that led here, if it is one of ours. */
function back(): string {
  const path = new URLSearchParams(location.search).get('ritorno') ?? '/';
  const target = new URL(path, location.href);
  return target.origin === location.origin && path.startsWith('/') ? target.pathname + target.search : '/';
}

const ALL: Item[] = ['browser', 'bandwidth', 'microphone', 'webcam'];
again.addEventListener('click', () => void run(ALL));
find('sound').addEventListener('click', () => {
  playNotes();
  find('sound-words').textContent =
    'Stai sentendo tre note? Se non le senti, alza il volume, controlla che cuffie o altoparlanti siano collegati e riprova.';
});
microphone.chosen = () => void run(['microphone']);
webcam.chosen = () => void run(['webcam']);
find<HTMLAnchorElement>('close').href = back();
window.addEventListener('pagehide', () => {
  microphone.stop();
  webcam.stop();
});
void run(ALL);
