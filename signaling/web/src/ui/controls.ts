/** The bar with what everybody can do: microphone, camera, screen, hand, side panels, leave. */
import type { Meeting } from '../meeting';
import { isConciliator, self } from '../model';
import { deviceWords, screenWords } from '../words';
import { ask } from './dialog';
import { h, nameAction, setText } from './element';
import { icon, type IconName } from './icons';
import { rove } from './roving';

export type PanelName = 'people' | 'chat' | 'files' | 'document' | 'log' | 'settings';

export function createControls(meeting: Meeting, panels: { toggle(name: PanelName): void; isOpen(name: PanelName): boolean }) {
  const { devices } = meeting;
  const mic = control('mic', () => void devices.setMic(!devices.state.mic));
  const cam = control('cam', () => void devices.setCam(!devices.state.cam));
  const screen = control('screen', () => void devices.setScreen(!devices.state.screen));
  const hand = control('hand', () => void meeting.command({ type: 'hand', raised: !isUp(meeting) }));
  const people = control('people', () => panels.toggle('people'));
  const chat = control('chat', () => panels.toggle('chat'));
  const files = control('files', () => panels.toggle('files'));
  const document_ = control('document', () => panels.toggle('document'));
  const log = control('log', () => panels.toggle('log'));
  const settings = control('settings', () => panels.toggle('settings'));
  const leave = control('leave', () => void askToLeave(meeting));
  leave.node.classList.add('danger');
  const canShare = 'getDisplayMedia' in (navigator.mediaDevices ?? {});
  const node = h(
    'div',
    { class: 'bar', attrs: { role: 'toolbar', 'aria-label': 'Comandi' } },
    h('div', { class: 'set' }, mic.node, cam.node, screen.node, hand.node),
    h('div', { class: 'set' }, people.node, chat.node, files.node, document_.node, log.node, settings.node),
    h('div', { class: 'set' }, leave.node),
  );

  function update(unread: { chat: number; files: number; document: boolean }): void {
    const { state } = devices;
    const inside = meeting.state.session !== 'lobby';
    mic.set(state.mic ? 'mic' : 'micOff', ...deviceWords('mic', state.mic), state.mic);
    cam.set(state.cam ? 'cam' : 'camOff', ...deviceWords('cam', state.cam), state.cam);
    screen.set('screen', ...screenWords(state.screen), state.screen);
    const raised = isUp(meeting);
    hand.set('hand', raised ? 'Abbassa la mano' : 'Alza la mano', null, raised);
    screen.node.hidden = !inside || !canShare;
    for (const [name, c, text] of [
      ['people', people, 'Persone'],
      ['chat', chat, unread.chat > 0 ? `Chat (${unread.chat})` : 'Chat'],
      ['files', files, unread.files > 0 ? `File (${unread.files})` : 'File'],
      ['document', document_, 'Verbale e firme'],
      ['log', log, 'Avvisi'],
      ['settings', settings, 'Dispositivi'],
    ] as const) {
      c.set(name, text, null, null);
      c.node.setAttribute('aria-expanded', String(panels.isOpen(name)));
    }
    document_.node.classList.toggle('news', unread.document);
    chat.node.classList.toggle('news', unread.chat > 0);
    files.node.classList.toggle('news', unread.files > 0);
    // In the lobby the page itself shows the devices.
    for (const c of [people, chat, files, document_, log, settings]) c.node.hidden = !inside;
    // Who has a seat in this room alone signs nothing.
    document_.node.hidden ||= meeting.seat.panel === '';
    hand.node.hidden = !inside || isConciliator(meeting.state);
    leave.set('leave', 'Esci', null, null);
    walk.update();
  }
  const walk = rove(node);
  return { node, update };
}

function control(name: string, click: () => void) {
  const label = h('span', { class: 'label' });
  const node = h('button', { class: 'control', test: `control-${name}`, attrs: { type: 'button' }, on: { click } });
  let shown: IconName | null = null;
  return {
    node,
    /** `action`: what a press does, where `text` says only how things are. */
    set(picture: IconName, text: string, action: string | null, pressed: boolean | null): void {
      if (shown !== picture) {
        node.replaceChildren(icon(picture), label);
        shown = picture;
      }
      setText(label, text);
      if (action !== null) nameAction(node, text, action);
      if (pressed !== null) node.setAttribute('aria-pressed', String(pressed));
    },
  };
}

function isUp(meeting: Meeting): boolean {
  return (self(meeting.state)?.hand_at_ms ?? null) !== null;
}

/** The one question before a room is left, however it is asked for. */
export async function askToLeave(meeting: Meeting): Promise<void> {
  const conciliator = isConciliator(meeting.state);
  const sure = await ask({
    title: 'Uscire dalla stanza?',
    text: meeting.seat.standing
      ? 'Gli altri restano nella stanza. Puoi rientrare quando vuoi.'
      : conciliator
        ? 'Gli altri restano nella stanza e l’incontro continua senza di te. Per chiudere l’incontro usa «Termina l’incontro per tutti».'
        : 'Finché l’incontro è in corso puoi rientrare.',
    confirm: 'Esci',
    danger: true,
  });
  if (sure !== null) await meeting.leave();
}
