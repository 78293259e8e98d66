/**
 * The call of a video identification: operator and person, beside the portal's form. The same
 * connection, media and devices as a meeting's room, without a room's functions. Camera and
 * microphone are required here (R-MEET-21).
 */
import { joinIdentification, type Seat } from './api';
import type { End } from './connection';
import { Devices } from './devices';
import { Meeting } from './meeting';
import { audioSlot, here, videoSlot } from './model';
import type { ParticipantId } from './protocol';
import { button, h, setText } from './ui/element';

const place = document.getElementById('call');
if (place) mount(place, place.dataset['identification'] ?? '', place.dataset['operator'] === 'si');

function mount(place: HTMLElement, id: string, operator: boolean): void {
  const other = operator ? 'la persona' : 'l’operatore';
  const theirs = h('video', { test: 'theirs', attrs: { playsinline: '', autoplay: '', 'aria-label': operator ? 'La persona' : 'L’operatore' } });
  const voice = h('audio', { attrs: { autoplay: '' } });
  const mine = h('video', { class: 'mine', test: 'mine', attrs: { playsinline: '', autoplay: '', 'aria-label': 'La tua immagine' } });
  mine.muted = true;
  const said = h('p', { class: 'call-state', test: 'call-state', attrs: { role: 'status' } });
  const problem = h('p', { class: 'call-problem', test: 'call-problem', attrs: { role: 'alert' } });
  const enter = button('Entra nella stanza', { class: 'btn-primary', test: 'call-enter', click: () => void begin() });
  const retry = button('Riprova con webcam e microfono', { class: 'btn-outline-primary', test: 'call-retry', click: () => void prepare() });
  const mic = button('Spegni il microfono', { class: 'btn-outline-primary', test: 'call-mic', click: () => void devices.setMic(!devices.state.mic) });
  const play = button('Attiva l’audio', { class: 'btn-primary', test: 'call-play', click: () => void sound() });
  const leave = button('Esci dalla stanza', { class: 'btn-outline-secondary', test: 'call-leave', click: () => void meeting?.leave() });
  const devices = new Devices();
  let meeting: Meeting | null = null;
  const asked = new Set<string>();

  place.append(
    h('div', { class: 'pictures' }, theirs, mine),
    said,
    problem,
    h('div', { class: 'call-actions' }, enter, retry, play, mic, leave),
    voice,
  );
  play.hidden = true;
  devices.changed = () => {
    meeting?.devicesChanged();
    update();
  };
  window.addEventListener('pagehide', () => devices.stop());
  void prepare();

  /** Both devices, before anybody enters. */
  async function prepare(): Promise<void> {
    setText(said, 'Consenti al browser l’uso di webcam e microfono.');
    await devices.start(true, true);
    update();
  }

  async function begin(): Promise<void> {
    enter.disabled = true;
    setText(said, 'Un momento…');
    const answer = await joinIdentification(id);
    enter.disabled = false;
    if (!answer.ok) {
      setText(said, '');
      setText(problem, answer.code === 'offline' ? 'Il servizio non risponde: controlla la connessione e riprova.' : operator ? 'La sessione non è più aperta: torna alla coda.' : 'La sessione non è più aperta. Torna alla tua richiesta: lì vedi se sei di nuovo in coda.');
      return;
    }
    enterRoom(answer.seat);
  }

  function enterRoom(seat: Seat): void {
    asked.clear();
    setText(problem, '');
    meeting = new Meeting(
      seat,
      id,
      devices,
      {
        changed: update,
        effect: () => undefined,
        refused: (text) => setText(problem, text),
        ended,
      },
      () => joinIdentification(id),
    );
    meeting.start();
    update();
    Object.defineProperty(window, 'accordo', {
      configurable: true,
      get: () => ({ pc: meeting?.media?.pc ?? null, state: meeting?.state ?? null }),
    });
  }

  function ended(end: End): void {
    meeting = null;
    theirs.srcObject = null;
    voice.srcObject = null;
    void prepare().then(() => {
      if (end.kind === 'leave' && end.reason === 'ended') {
        setText(said, 'La sessione è conclusa.');
        enter.hidden = true;
        devices.stop();
        mine.srcObject = null;
      } else {
        const elsewhere = end.kind === 'leave' && end.reason === 'replaced';
        setText(enter, elsewhere ? 'Continua in questa finestra' : 'Rientra nella stanza');
        setText(said, elsewhere ? 'Sei entrato nella stanza da un’altra finestra o scheda del browser: il collegamento continua lì, e questa puoi chiuderla.' : 'Sei uscito dalla stanza. Finché l’identificazione è aperta puoi rientrare.');
      }
    });
  }

  function update(): void {
    const { state } = devices;
    if ((mine.srcObject as MediaStream | null)?.getTracks()[0] !== devices.camTrack) {
      mine.srcObject = devices.camTrack ? new MediaStream([devices.camTrack]) : null;
    }
    const works = devices.camTrack !== null && devices.micTrack !== null;
    enter.hidden = meeting !== null || !works;
    retry.hidden = meeting !== null || works;
    mic.hidden = leave.hidden = meeting === null;
    setText(mic, state.mic ? 'Spegni il microfono' : 'Accendi il microfono');
    if (!works) {
      const words = [state.problem.cam, state.problem.mic].filter((p) => p !== null).join(' ');
      setText(problem, words ? `Per la video-identificazione servono webcam e microfono. ${words}` : '');
    }
    if (!meeting) {
      if (works) {
        setText(problem, '');
        setText(said, 'Webcam e microfono funzionano: puoi entrare.');
      }
      return;
    }
    if (operator) lead(meeting);
    show(meeting);
  }

  /** The operator's room opens by itself: whoever comes in was called. */
  function lead(meeting: Meeting): void {
    const { view } = meeting.state;
    if (!view) return;
    if (!view.started) once('start', () => meeting.command({ type: 'start' }));
    else {
      for (const person of view.people) {
        if (person.id !== meeting.state.me && person.session === 'lobby' && person.connected) {
          once(`${person.id} ${view.epoch}`, () => meeting.command({ type: 'admit', participant: person.id }));
        }
      }
    }
  }

  function once(what: string, act: () => Promise<boolean>): void {
    if (asked.has(what)) return;
    asked.add(what);
    void act();
  }

  function show(meeting: Meeting): void {
    const { state, media } = meeting;
    const inside = here(state).find((one) => one.id !== state.me && one.connected) ?? null;
    const present = inside !== null && state.session !== 'lobby';
    wire(theirs, present && media ? media.videoStream(slotOf(meeting, inside.id)) : null);
    wire(voice, present && media ? media.audioStream(audioSlot(state, inside.id)) : null);
    const words =
      meeting.connectionState === 'lost' || meeting.mediaState === 'lost'
        ? 'Il collegamento si è interrotto: lo ristabiliamo.'
        : present
          ? `Collegato: ${inside.name} è nella stanza.`
          : `Sei nella stanza. Aspetta ${other}.`;
    setText(said, words);
  }

  function slotOf(meeting: Meeting, participant: ParticipantId): number {
    return videoSlot(meeting.state, { participant, kind: 'camera' });
  }

  function wire(element: HTMLMediaElement, stream: MediaStream | null): void {
    if (element.srcObject === stream) return;
    element.srcObject = stream;
    if (stream) void element.play().catch(() => (play.hidden = false));
  }

  async function sound(): Promise<void> {
    play.hidden = true;
    await Promise.all([theirs.play(), voice.play()]).catch(() => (play.hidden = false));
  }
}
