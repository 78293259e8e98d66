/** Faces and shared screens of my present session. */
import type { Meeting } from '../meeting';
import { audioSlot, handOrder, here, videoSlot } from '../model';
import type { Person, VideoKind, VideoSource } from '../protocol';
import { steps } from '../speaking';
import { qualityNames, TheNeutral } from '../words';
import { h, setText } from './element';
import { icon } from './icons';
import { pack } from './packing';

/** Tiles come and go in bursts: the hub hears of the last state only. */
const SETTLED_MS = 250;

/** Between two faces, as in the style sheet. */
const GAP_PX = 8;

export function createStage(meeting: Meeting, needsGesture: () => void) {
  const screens = h('div', { class: 'screens' });
  const faces = h('ul', { class: 'faces', attrs: { 'aria-label': 'Partecipanti in questa sessione' } });
  const waiting = h('p', { class: 'stage-note', test: 'stage-note', hidden: true });
  const voices = h('div', { hidden: true });
  const node = h('section', { class: 'stage', attrs: { 'aria-label': 'Video' } }, waiting, screens, faces, voices);
  const tiles = new Map<string, Tile>();
  let audioOf: MediaStream | null = null;
  let telling: ReturnType<typeof setTimeout> | undefined;
  new ResizeObserver(arrange).observe(faces);
  const sight = new IntersectionObserver(tell);
  document.addEventListener('visibilitychange', tell);
  meeting.tiles = () =>
    [...tiles.values()].map(({ node: shown, source }) => ({
      source,
      visible: inWindow(shown),
      pixels: shown.clientWidth * window.devicePixelRatio,
    }));

  /** Pictures nobody looks at need not be sent. */
  function tell(): void {
    clearTimeout(telling);
    telling = setTimeout(() => meeting.tellWatched(), SETTLED_MS);
  }

  /** All faces are in sight, as large as can be. */
  function arrange(): void {
    const area = { width: faces.clientWidth, height: faces.clientHeight };
    const { width, height } = pack(faces.childElementCount, area, GAP_PX);
    faces.style.setProperty('--tile-width', `${width}px`);
    faces.style.setProperty('--tile-height', `${height}px`);
  }

  function update(): void {
    const { state } = meeting;
    const people = here(state);
    const wanted = new Map<string, [Person, VideoKind]>();
    for (const person of people) {
      wanted.set(`${person.id} camera`, [person, 'camera']);
      if (person.screen) wanted.set(`${person.id} screen`, [person, 'screen']);
    }
    for (const [key, tile] of tiles) {
      if (wanted.has(key)) continue;
      tile.show(null, false);
      sight.unobserve(tile.node);
      tile.node.remove();
      tiles.delete(key);
    }
    for (const [key, [person, kind]] of wanted) {
      let tile = tiles.get(key);
      if (!tile) {
        tile = new Tile({ participant: person.id, kind });
        tiles.set(key, tile);
        sight.observe(tile.node);
        insertInOrder(kind === 'screen' ? screens : faces, tile.node, [...wanted.keys()], key);
      }
      const own = person.id === state.me;
      tile.label(person, own, handOrder(state, person));
      tile.voice(meeting.floor.levels.get(person.id) ?? 0, meeting.floor.speaker === person.id);
      tile.show(own ? ownStream(meeting, kind) : remoteStream(meeting, person, kind), !own);
    }
    arrange();
    tell();
    node.classList.toggle('has-screen', screens.childElementCount > 0);
    const note = stageNote(meeting, people);
    waiting.hidden = note === '';
    setText(waiting, note);
    updateVoices();
  }

  /** Nodes that stay are not moved: a video that leaves the page stops. */
  function insertInOrder(list: HTMLElement, node: HTMLElement, keys: string[], key: string): void {
    const following = keys.slice(keys.indexOf(key) + 1).map((k) => tiles.get(k)?.node);
    list.insertBefore(node, following.find((n) => n?.parentElement === list) ?? null);
  }

  /** One audio element per slot, for the life of the peer connection; an empty slot is silent. */
  function updateVoices(): void {
    const { media, state } = meeting;
    if (!media) return;
    const first = media.audioStream(0);
    if (first !== audioOf) {
      audioOf = first;
      voices.replaceChildren();
      for (let slot = 0; slot < media.audioSlots; slot++) {
        const audio = h('audio');
        audio.srcObject = media.audioStream(slot);
        audio.muted = true;
        voices.append(audio);
      }
    }
    const heard = new Set(here(state).map((p) => audioSlot(state, p.id)));
    [...voices.children].forEach((child, slot) => {
      const audio = child as HTMLAudioElement;
      audio.muted = !heard.has(slot);
      if (!audio.muted && audio.paused) audio.play().catch(needsGesture);
    });
  }

  return {
    node,
    update,
    /** After a click of the person: browsers let a page speak only then. */
    play: () => voices.querySelectorAll('audio').forEach((a) => void a.play().catch(() => undefined)),
  };
}

/** Some of it can be seen at this moment. */
function inWindow(node: HTMLElement): boolean {
  const { width, height, top, bottom, left, right } = node.getBoundingClientRect();
  return width > 0 && height > 0 && bottom > 0 && right > 0 && top < window.innerHeight && left < window.innerWidth;
}

class Tile {
  readonly node: HTMLElement;
  private readonly video = h('video', { attrs: { playsinline: '', autoplay: '' } });
  private readonly initials = h('span', { class: 'initials', attrs: { 'aria-hidden': 'true' } });
  private readonly name = h('span', { class: 'name' });
  private readonly role = h('span', { class: 'role' });
  private readonly marks = h('span', { class: 'marks' });
  private readonly level = h('span', { class: 'level-bar', attrs: { 'aria-hidden': 'true' } });
  private signature = '';
  constructor(readonly source: VideoSource) {
    const { kind } = source;
    this.video.muted = true;
    const caption = h('span', { class: 'caption' }, kind === 'camera' && this.level, this.name, this.role, this.marks);
    this.node = h(kind === 'screen' ? 'div' : 'li', { class: `tile ${kind}`, test: `tile-${kind}` }, this.initials, this.video, caption);
  }

  /** The one who speaks is marked, and how loud everybody is. */
  voice(level: number, floor: boolean): void {
    if (this.source.kind === 'screen') return;
    const step = String(steps(level));
    if (this.level.dataset['step'] !== step) this.level.dataset['step'] = step;
    this.node.classList.toggle('speaking', step !== '0');
    this.node.classList.toggle('floor', floor && step !== '0');
  }

  label(person: Person, own: boolean, hand: number): void {
    const { kind } = this.source;
    this.node.classList.toggle('own', own && kind === 'camera');
    this.node.classList.toggle('away', !person.connected);
    const signature = JSON.stringify([person, own, hand]);
    if (signature === this.signature) return;
    this.signature = signature;
    this.node.dataset['participant'] = person.id;
    setText(this.initials, initials(person.name));
    setText(this.name, kind === 'screen' ? `Schermo di ${person.name}` : own ? `${person.name} (tu)` : person.name);
    setText(this.role, kind === 'screen' ? '' : person.label);
    this.marks.replaceChildren();
    if (kind === 'screen') return;
    if (!person.connected) this.marks.append(h('span', { class: 'mark', text: 'si sta ricollegando…' }));
    if (hand > 0) this.marks.append(h('span', { class: 'mark hand' }, icon('hand'), h('span', { text: `mano alzata (${hand}ª)` })));
    if (person.quality && person.quality !== 'good') {
      this.marks.append(h('span', { class: `mark quality ${person.quality}`, attrs: { title: qualityNames[person.quality] } }, icon('signal'), h('span', { class: 'visually-hidden', text: qualityNames[person.quality] })));
    }
    if (person.phone) this.marks.append(h('span', { class: 'mark' }, icon('phone'), 'telefono'));
    else if (!person.mic) {
      this.marks.append(h('span', { class: 'mark' }, icon('micOff'), h('span', { class: 'visually-hidden', text: 'microfono spento' })));
    }
  }

  /**
   * Shows a stream, or blanks the tile. A slot that changed its source still holds the picture of
   * the source before: a remote picture appears only with the first frame received from now on.
   */
  show(stream: MediaStream | null, remote: boolean): void {
    if (this.video.srcObject === stream) return;
    this.video.srcObject = stream;
    this.node.classList.remove('live');
    if (!stream) return;
    void this.video.play().catch(() => undefined);
    if (!remote || !('requestVideoFrameCallback' in this.video)) {
      this.node.classList.add('live');
      return;
    }
    const since = performance.now();
    const reveal: VideoFrameRequestCallback = (_, frame) => {
      if (this.video.srcObject !== stream) return;
      if ((frame.receiveTime ?? since) >= since) this.node.classList.add('live');
      else this.video.requestVideoFrameCallback(reveal);
    };
    this.video.requestVideoFrameCallback(reveal);
  }
}

function remoteStream(meeting: Meeting, person: Person, kind: VideoKind): MediaStream | null {
  const on = kind === 'camera' ? person.cam : person.screen;
  const slot = on ? videoSlot(meeting.state, { participant: person.id, kind }) : -1;
  return slot < 0 ? null : (meeting.media?.videoStream(slot) ?? null);
}

const ownStreams = new WeakMap<MediaStreamTrack, MediaStream>();

function ownStream(meeting: Meeting, kind: VideoKind): MediaStream | null {
  const track = kind === 'camera' ? meeting.devices.camTrack : meeting.devices.screenTrack;
  if (!track) return null;
  const stream = ownStreams.get(track) ?? new MediaStream([track]);
  ownStreams.set(track, stream);
  return stream;
}

function stageNote(meeting: Meeting, people: Person[]): string {
  const { state } = meeting;
  const own = people.find((p) => p.id === state.me);
  if (own?.role === 'conciliator') {
    return people.length > 1 ? '' : 'In questa sessione per ora ci sei solo tu.';
  }
  if (meeting.seat.standing) return people.length > 1 ? '' : 'Per ora ci sei solo tu. Gli altri possono entrare quando vogliono.';
  if (state.session === 'plenary' && state.view && !state.view.conciliator_here) {
    return `${TheNeutral()} non è qui in questo momento. Resta in attesa: torna appena possibile.`;
  }
  return people.length > 1 ? '' : 'Per ora ci sei solo tu. Resta in attesa.';
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return ((words[0]?.[0] ?? '') + (words.length > 1 ? (words.at(-1)?.[0] ?? '') : '')).toUpperCase();
}
