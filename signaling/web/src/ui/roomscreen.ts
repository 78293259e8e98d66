/** The room as one page: banner, lobby or stage, one side panel, the bar of commands. */
import type { Meeting } from '../meeting';
import { isConciliator, type Effect } from '../model';
import { lastMinuteBegins } from '../time';
import { sessionName, TheNeutral } from '../words';
import { announce, createLog, enterSession, speak } from './announcer';
import { createBanner } from './banner';
import { createChat } from './chat';
import { createClock } from './clock';
import { createControls, type PanelName } from './controls';
import { createFiles } from './files';
import { createPreview } from './devices';
import { clearToasts, toast } from './dialog';
import { button, h, setText } from './element';
import { createPanel } from './panel';
import { createPeople } from './people';
import { createStage } from './stage';
import { startTicking } from './ticking';
import { listenForKeys } from './shortcuts';
import { createWaiting } from './waiting';

const titles: Record<PanelName, string> = {
  people: 'Persone e sessioni',
  chat: 'Chat',
  files: 'File e documenti',
  document: 'Verbale e firme',
  log: 'Registro degli avvisi',
  settings: 'Microfono e telecamera',
};

export function createRoomScreen(meeting: Meeting) {
  const unread = { chat: 0, files: 0, document: false };
  const wide = window.matchMedia('(min-width: 1000px)');
  // Below this width the panel covers the faces.
  const beside = window.matchMedia('(min-width: 700px)');
  let open: PanelName | null = wide.matches ? 'people' : null;

  const banner = createBanner(meeting);
  const sound = button('Attiva l’audio', { class: 'primary', test: 'play', click: () => { stage.play(); sound.hidden = true; } });
  sound.hidden = true;
  const stage = createStage(meeting, () => (sound.hidden = false));
  const waiting = createWaiting(meeting);
  const start = createStart(meeting);
  const notice = createNotice(meeting);
  const clock = createClock(meeting);
  const bodies = {
    people: createPeople(meeting),
    chat: createChat(meeting),
    files: createFiles(meeting, meeting.meetingId),
    document: { ...createPanel(meeting.seat.panel), update: () => undefined },
    log: createLog(),
    settings: createPreview(meeting.devices),
  };
  const panelTitle = h('h2', { id: 'panel-title', attrs: { tabindex: '-1' } });
  const aside = h(
    'aside',
    { class: 'side', attrs: { 'aria-labelledby': 'panel-title' } },
    h('header', {}, panelTitle, button('Chiudi', { class: 'small', test: 'panel-close', click: () => panels.toggle(open ?? 'people') })),
    ...Object.values(bodies).map((b) => b.node),
  );
  const panels = {
    isOpen: (name: PanelName) => open === name,
    toggle(name: PanelName): void {
      const was = open;
      open = open === name ? null : name;
      if (open === 'document') bodies.document.open();
      update();
      if (open === 'files') showFiles();
      if (open === 'chat') bodies.chat.focus();
      else if (open) panelTitle.focus();
      else if (was) document.querySelector<HTMLElement>(`[data-testid="control-${was}"]`)?.focus();
    },
  };
  const controls = createControls(meeting, panels);
  const node = h(
    'main',
    { class: 'room', test: 'room' },
    h('header', { class: 'top' }, h('h1', { text: `${meeting.seat.title}`, attrs: { tabindex: '-1' } }), h('span', { class: 'case', text: `Pratica ${meeting.seat.case_number}` }), clock.node),
    banner.node,
    notice.node,
    start.node,
    h('div', { class: 'middle' }, waiting.node, stage.node, aside),
    sound,
    controls.node,
  );

  // Esc closes what is open beside the faces, as it closes a dialog.
  aside.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || open === null) return;
    event.preventDefault();
    panels.toggle(open);
  });
  beside.addEventListener('change', update);
  const endings = [
    () => beside.removeEventListener('change', update),
    listenForKeys(),
    startTicking(() => meeting.now(), (before, now) => {
      for (const { session, timer } of meeting.state.view?.breakouts ?? []) {
        if (!timer || !lastMinuteBegins(timer.ends_at_ms, before, now)) continue;
        announce(`${sessionName(session)}: manca un minuto.`, false, now);
      }
    }),
  ];

  meeting.covered = () => stage.node.hidden !== false || (open !== null && !beside.matches);

  function update(): void {
    const { state } = meeting;
    const inLobby = state.session === 'lobby' && !isConciliator(state);
    if (inLobby && open !== 'settings' && open !== null) open = null;
    waiting.node.hidden = !inLobby;
    stage.node.hidden = inLobby;
    if (inLobby) waiting.update();
    else waiting.stop();
    if (open === 'chat') unread.chat = 0;
    if (open === 'files') unread.files = 0;
    if (open === 'document') unread.document = false;
    aside.hidden = open === null;
    aside.dataset['panel'] = open ?? '';
    node.dataset['panel'] = open ?? '';
    for (const [name, body] of Object.entries(bodies)) body.node.hidden = name !== open;
    if (open !== 'settings') bodies.settings.stop();
    else bodies.settings.update();
    if (open) setText(panelTitle, titles[open]);
    banner.update();
    clock.update();
    stage.update();
    start.update();
    bodies.people.update();
    bodies.chat.update();
    bodies.files.update();
    controls.update(unread);
    notice.update();
    document.title = `${sessionName(state.session ?? 'lobby')} – ${meeting.seat.title}`;
  }

  /** What is shown to everybody is what one wants to see first. */
  function showFiles(): void {
    bodies.files.followNow();
    bodies.files.appeared();
  }

  function effect(happened: Effect): void {
    switch (happened.kind) {
      case 'announce':
        announce(happened.text, happened.urgent, meeting.now());
        break;
      case 'chat':
        if (happened.line.from === meeting.state.me) break;
        speak(`${happened.line.name} scrive: ${happened.line.text}`, false);
        if (open !== 'chat') unread.chat += 1;
        break;
      case 'file':
        if (open !== 'files') unread.files += 1;
        break;
      case 'showing':
        // On a phone the panel would cover the faces: there the person opens it.
        if (wide.matches) open = 'files';
        else if (open !== 'files') unread.files = Math.max(unread.files, 1);
        if (open === 'files') {
          update();
          showFiles();
        }
        break;
      case 'moved':
        enterSession(happened.to);
        clearToasts();
        unread.chat = unread.files = 0;
        if (happened.from === 'lobby' && open === null && wide.matches) open = 'people';
        break;
      case 'changed':
        bodies.document.changed(happened.topic);
        if (open !== 'document' && !unread.document) {
          unread.document = true;
          announce('Verbale e firme: ci sono novità.', false);
        }
        break;
      case 'notice':
        break;
      case 'told':
        toast(happened.text);
        break;
      case 'muted':
        break;
    }
  }
  return { node, update, effect, stop: () => endings.forEach((end) => end()) };
}

/** The conciliator's last text to all sessions, until it is read and closed. */
function createNotice(meeting: Meeting) {
  const text = h('p', { test: 'notice-text' });
  let closed: number | null = null;
  const close = button('Ho letto', { class: 'small', test: 'notice-close', click: () => { closed = meeting.state.notice?.at_ms ?? null; update(); } });
  const node = h('div', { class: 'notice', hidden: true }, text, close);

  function update(): void {
    const { notice } = meeting.state;
    node.hidden = notice === null || notice.at_ms === closed;
    setText(text, notice ? `${TheNeutral()} avvisa: ${notice.text}` : '');
  }
  return { node, update };
}

/** The conciliator's first act. */
function createStart(meeting: Meeting) {
  const begin = button('Inizia l’incontro', { class: 'primary big', test: 'start', click: () => void meeting.command({ type: 'start' }) });
  const node = h(
    'div',
    { class: 'start', hidden: true },
    h('p', { text: 'L’incontro non è ancora iniziato: le parti aspettano in sala d’attesa. Quando lo inizi, puoi farle entrare.' }),
    begin,
  );
  return {
    node,
    update(): void {
      const { state } = meeting;
      node.hidden = !(isConciliator(state) && state.view?.started === false);
    },
  };
}
