/** The strip that says where I am and who hears me, in words and colour. */
import type { Meeting } from '../meeting';
import { here } from '../model';
import { remaining } from './breakouts';
import { listenerNames, sessionName, whoHears } from '../words';
import { h, redraw, setText } from './element';

export function createBanner(meeting: Meeting) {
  const name = h('strong', { test: 'session-name' });
  const sentence = h('span');
  const names = h('span', { class: 'names' });
  const who = h('span', { class: 'who', test: 'session-who' }, sentence, names);
  const phones = h('span', { class: 'phones', test: 'session-phones' });
  const link = h('span', { class: 'link', test: 'link-state' });
  const left = h('span', { test: 'session-time' });
  const node = h('div', { class: 'banner', test: 'banner' }, h('div', {}, name, who, phones, left), link);

  function update(): void {
    const { state } = meeting;
    const session = state.session ?? 'lobby';
    const open = state.view?.breakouts.find((b) => b.session === session);
    const side = open?.side;
    const others = here(state).filter((p) => p.id !== state.me && p.connected);
    node.dataset['kind'] = session.startsWith('breakout') ? 'breakout' : session;
    setText(name, sessionName(session, side));
    const heard = whoHears(session, others);
    setText(sentence, heard.sentence);
    setText(names, heard.names);
    names.classList.toggle('many', session === 'plenary' && others.length > 1);
    const listening = session === 'lobby' ? [] : others.filter((p) => p.phone);
    phones.hidden = listening.length === 0;
    setText(phones, `In viva voce al telefono: ${listenerNames(listening)}`);
    redraw(left, JSON.stringify(open ?? null), () => [remaining(open)]);
    const [kind, text] = linkWords(meeting);
    link.dataset['kind'] = kind;
    setText(link, text);
  }
  return { node, update };
}

function linkWords(meeting: Meeting): [string, string] {
  if (meeting.connectionState !== 'open') {
    return ['bad', 'Collegamento interrotto: sto rientrando da solo, resta qui.'];
  }
  if (meeting.state.session === 'lobby') return ['good', 'Collegato'];
  if (meeting.mediaState === 'lost') return ['bad', 'Audio e video si sono interrotti: sto riprovando da solo, resta qui.'];
  if (meeting.mediaState !== 'connected') return ['fair', 'Audio e video in preparazione…'];
  switch (meeting.quality) {
    case 'poor':
      return ['bad', 'La tua rete è lenta: prova a spegnere la telecamera'];
    case 'fair':
      return ['fair', 'La tua rete è un po’ lenta'];
    default:
      return ['good', 'Collegato'];
  }
}
