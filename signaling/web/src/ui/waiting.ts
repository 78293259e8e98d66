/** The lobby: who is there, what happens next, whom to call (R-MEET-14). */
import type { Meeting } from '../meeting';
import { here } from '../model';
import { h, redraw, setText } from './element';
import { createPreview } from './devices';
import { phoneLink } from './phone';
import { sideName, theNeutral, TheNeutral } from '../words';

export function createWaiting(meeting: Meeting) {
  const title = h('h2', { test: 'lobby-title' });
  const text = h('p', { class: 'lead' });
  const people = h('ul', { class: 'plain' });
  const preview = createPreview(meeting.devices);
  const node = h(
    'section',
    { class: 'waiting', test: 'lobby', attrs: { 'aria-label': 'Sala d’attesa' } },
    h(
      'div',
      { class: 'card' },
      title,
      text,
      h('h3', { text: 'Chi è presente' }),
      people,
      h('h3', { text: 'Che cosa succede adesso' }),
      h(
        'ol',
        {},
        h('li', { text: `${TheNeutral()} ti fa entrare: non devi premere nulla.` }),
        h('li', { text: `Vi parlate tutti insieme. Se serve, ${theNeutral()} parla con una parte alla volta.` }),
        h('li', { text: 'Se trovate un accordo, leggi il verbale e lo firmi qui.' }),
      ),
      h('p', { class: 'help' }, 'Hai bisogno di aiuto? Chiama ', phoneLink(meeting.seat.help_phone), '.'),
    ),
    h('div', { class: 'card' }, h('h3', { text: 'Prova microfono e telecamera' }), preview.node),
  );

  function update(): void {
    const { state } = meeting;
    const [heading, lead] = lobbyWords(state.view?.started ?? false, state.view?.excluded ?? false, meeting.seat.standing);
    setText(title, heading);
    setText(text, lead);
    const present = here(state);
    const conciliator = state.view?.people.find((p) => p.role === 'conciliator' && p.connected);
    redraw(people, JSON.stringify([present, conciliator]), () => [
      h('li', { text: conciliator ? `${conciliator.name}, ${sideName('neutral').toLowerCase()}: presente` : `${TheNeutral()} non è ancora collegato` }),
      ...present
        .filter((p) => p.id !== conciliator?.id)
        .map((p) => h('li', { text: `${p.name}${p.id === state.me ? ' (tu)' : ''}, ${p.label}` })),
    ]);
    preview.update();
  }
  return { node, update, stop: preview.stop };
}

function lobbyWords(started: boolean, excluded: boolean, standing: boolean): [string, string] {
  if (excluded) {
    return [
      `${TheNeutral()} ti ha chiesto di aspettare qui`,
      'Sei in sala d’attesa: nessuno ti vede e nessuno ti sente. Non è finita: resta qui, vieni fatto rientrare appena possibile.',
    ];
  }
  if (!started) return ['L’incontro sta per iniziare', `Sei nel posto giusto. ${TheNeutral()} apre l’incontro tra poco.`];
  const goesOn = standing ? '' : 'L’incontro è in corso. ';
  return ['Sei in sala d’attesa', `${goesOn}${TheNeutral()} sa che sei qui e ti fa entrare appena possibile.`];
}
