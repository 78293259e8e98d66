/**
 * Who is where, and what the conciliator does with it: admit, move, visit, recall, mute, exclude,
 * remove, lock, end (R-MEET-15, R-MEET-16, R-MEET-18). Others see their own session only.
 */
import type { Meeting } from '../meeting';
import { handOrder, here, isConciliator, isStrange, peopleIn, person } from '../model';
import type { Breakout, Outside, Person, Session, Side } from '../protocol';
import { sessionName, sideName, statusWords } from '../words';
import { act, keyed, pressed } from './act';
import { addPhone, addSeat } from './adding';
import { breakoutActions, breakoutControls, remaining } from './breakouts';
import { ask } from './dialog';
import { goTo } from './telephones';
import { button, h, redraw, type Child } from './element';
import { icon } from './icons';

export function createPeople(meeting: Meeting) {
  const list = h('div');
  const node = h('div', { class: 'people' }, list);

  function update(): void {
    const { view, me, session, epoch } = meeting.state;
    redraw(list, JSON.stringify([view, me, session, epoch]), () =>
      isConciliator(meeting.state) ? conciliatorList(meeting) : partyList(meeting),
    );
  }
  return { node, update };
}

function partyList(meeting: Meeting): Child[] {
  return [rows(meeting, here(meeting.state), null)];
}

function conciliatorList(meeting: Meeting): Child[] {
  const { state } = meeting;
  const view = state.view;
  if (!view) return [];
  const lobby = peopleIn(state, 'lobby').filter((p) => p.id !== state.me);
  const removed = view.people.filter((p) => p.removed);
  return [
    view.outside.length > 0 && beforeTheDoor(meeting, view.outside),
    lobby.length > 0 && waitingRoom(meeting, lobby),
    group(meeting, 'plenary', undefined),
    ...view.breakouts.map((b) => group(meeting, b.session, b)),
    view.started && breakoutControls(meeting),
    removed.length > 0 &&
      h('section', { class: 'group' }, h('h3', { text: 'Fuori dalla stanza' }), rows(meeting, removed, null)),
    view.started && doors(meeting),
  ];
}

function waitingRoom(meeting: Meeting, people: Person[]): HTMLElement {
  const started = meeting.state.view?.started ?? false;
  return h(
    'section',
    { class: 'group lobby', test: 'group-lobby' },
    h(
      'header',
      {},
      h('h3', { text: `Sala d’attesa (${people.length})` }),
      started &&
        people.length > 1 &&
        act(meeting, 'Ammetti tutti', 'admit-all', 'primary small', { type: 'admit_all' }),
    ),
    !started && h('p', { class: 'hint', text: 'Per farli entrare, inizia l’incontro.' }),
    rows(meeting, people, 'lobby'),
  );
}

/** Who came while the door is locked (R-MEET-15). */
function beforeTheDoor(meeting: Meeting, people: Outside[]): HTMLElement {
  return h(
    'section',
    { class: 'group lobby', test: 'group-outside' },
    h('header', {}, h('h3', { text: `Fuori dalla porta chiusa (${people.length})` }), act(meeting, 'Riapri la porta', 'unlock', 'small', { type: 'lock', locked: false })),
    h('p', { class: 'hint', text: 'Aspettano che tu riapra: poi arrivano da soli in sala d’attesa.' }),
    h('ul', { class: 'rows' }, ...people.map((p) => h('li', { class: 'row' }, h('div', { class: 'who' }, h('span', { class: 'name', text: p.name }), h('span', { class: 'role', text: p.label }))))),
  );
}

function group(meeting: Meeting, session: Session, open: Breakout | undefined): HTMLElement {
  const { state } = meeting;
  const people = peopleIn(state, session);
  const mine = state.session === session;
  const breakout = session.startsWith('breakout');
  return h(
    'section',
    { class: `group ${breakout ? 'breakout' : 'plenary'}${mine ? ' mine' : ''}`, test: `group-${session}` },
    h(
      'header',
      {},
      h('h3', { text: sessionName(session, open?.side) }, mine ? h('span', { class: 'here', text: 'sei qui' }) : null),
      remaining(open),
      h(
        'div',
        { class: 'actions' },
        !mine &&
          state.view?.started === true &&
          pressed(breakout ? 'Entra' : 'Torna qui', `visit-${session}`, 'small', sessionName(session, open?.side), () => goTo(meeting, session, open?.side)),
        ...(open ? breakoutActions(meeting, open) : []),
      ),
    ),
    people.length > 0 ? rows(meeting, people, session) : h('p', { class: 'hint', text: 'Nessuno in questo momento.' }),
  );
}

function doors(meeting: Meeting): HTMLElement {
  const { standing } = meeting.seat;
  const locked = meeting.state.view?.locked ?? false;
  return h(
    'section',
    { class: 'group controls' },
    h('h3', { text: 'Conduzione' }),
    h(
      'div',
      { class: 'stack' },
      keyed(
        button('Invia un avviso a tutte le sessioni', {
          test: 'notice',
          class: 'wide',
          click: () => void sendNotice(meeting),
        }),
        'notice',
      ),
      ...(standing ? [] : adding(meeting)),
      act(meeting, locked ? 'Riapri la porta' : 'Chiudi la porta: nessun altro entra', 'lock', 'wide', {
        type: 'lock',
        locked: !locked,
      }),
      // A standing room ends with its days alone.
      !standing &&
        keyed(
          button('Termina l’incontro per tutti', { test: 'end', class: 'danger wide', click: () => void end(meeting) }),
          'end',
        ),
    ),
  );
}

/** Who is let in besides the people of the case is let in to a meeting. */
function adding(meeting: Meeting): HTMLElement[] {
  return [
    keyed(
      button('Aggiungi una persona (avvocato, interprete…)', {
        test: 'add-seat',
        class: 'wide',
        click: () => void addSeat(meeting),
      }),
      'add-seat',
    ),
    keyed(
      button('Aggiungi chi è al telefono', { test: 'add-phone', class: 'wide', click: () => void addPhone(meeting) }),
      'add-phone',
    ),
  ];
}

function rows(meeting: Meeting, people: Person[], session: Session | null): HTMLElement {
  return h('ul', { class: 'rows' }, ...people.map((p) => row(meeting, p, session)));
}

function row(meeting: Meeting, p: Person, session: Session | null): HTMLElement {
  const own = p.id === meeting.state.me;
  const commands = isConciliator(meeting.state) && !own;
  const status = statusWords(p, handOrder(meeting.state, p));
  return h(
    'li',
    { class: `row${p.hand_at_ms !== null ? ' hand' : ''}`, test: 'person', attrs: { 'data-participant': p.id } },
    h(
      'div',
      { class: 'who' },
      h('span', { class: 'name', text: own ? `${p.name} (tu)` : p.name }),
      h('span', { class: 'role', text: p.number ? `${p.label} ${p.number}` : p.label }),
      status.length > 0 && h('span', { class: 'status' }, p.hand_at_ms !== null ? icon('hand') : null, status.join(' · ')),
      commands && p.phone && h('span', { class: 'status', text: 'Sente dove sei tu: entra ed esce con te.' }),
    ),
    commands && personCommands(meeting, p, session),
  );
}

function personCommands(meeting: Meeting, p: Person, session: Session | null): HTMLElement {
  const started = meeting.state.view?.started ?? false;
  if (p.removed) {
    return act(meeting, 'Riammetti', `reinstate-${p.id}`, 'small', { type: 'reinstate', participant: p.id }, p.name);
  }
  const more = h(
    'details',
    { class: 'more', attrs: { 'data-key': `more-${p.id}` } },
    h('summary', { test: 'person-more', attrs: { 'data-key': `summary-${p.id}`, 'aria-label': `Altre azioni per ${p.name}` }, text: 'Altro' }),
    h(
      'div',
      { class: 'stack menu' },
      session !== 'lobby' && p.mic && act(meeting, 'Spegni il microfono', `mute-${p.id}`, 'small wide', { type: 'mute', participant: p.id }, p.name),
      session !== 'lobby' && !p.phone && moveTo(meeting, p),
      session !== 'lobby' && !p.phone && !meeting.seat.standing && act(meeting, 'Manda in sala d’attesa', `exclude-${p.id}`, 'small wide', { type: 'exclude', participant: p.id }, p.name),
      keyed(
        named(button(p.phone ? 'Telefonata finita' : 'Fai uscire dalla stanza', { test: 'remove', class: 'small wide danger', click: () => void remove(meeting, p) }), p),
        `remove-${p.id}`,
      ),
    ),
  );
  if (session !== 'lobby') return more;
  return h(
    'div',
    { class: 'actions' },
    started && act(meeting, 'Ammetti', 'admit', 'primary small', { type: 'admit', participant: p.id }, p.name),
    more,
  );
}

function moveTo(meeting: Meeting, p: Person): HTMLElement | null {
  const view = meeting.state.view;
  if (!view) return null;
  const targets: [Session, Side | undefined][] = [
    ['plenary', undefined],
    ...view.breakouts.map((b): [Session, Side] => [b.session, b.side]),
  ];
  const buttons = targets
    .filter(([to]) => to !== p.session)
    .map(([to, side]) =>
      keyed(
        named(
          button(`Sposta in: ${sessionName(to, side)}`, {
            test: `move-${to}`,
            class: 'small wide',
            click: () => void move(meeting, p, to, side),
          }),
          p,
        ),
        `move-${p.id}-${to}`,
      ),
    );
  return buttons.length > 0 ? h('div', { class: 'stack' }, ...buttons) : null;
}

/** Into the breakout of another side nobody is sent by one careless click. */
async function move(meeting: Meeting, p: Person, to: Session, side: Side | undefined): Promise<void> {
  if (side && isStrange(p, side)) {
    const sure = await ask({
      title: `Spostare ${p.name} in un’altra parte?`,
      text: `${p.name} sta con un’altra parte (${sideName(p.side)}). Nella sessione «${sessionName(to, side)}» sentirà e leggerà quello che si dice da quel momento; chi è dentro viene avvisato.`,
      confirm: 'Sposta comunque',
      danger: true,
    });
    if (sure === null) return;
  }
  await meeting.command({ type: 'move', epoch: meeting.state.epoch, participant: p.id, to });
}

/** Names the person for a screen reader. */
function named(node: HTMLButtonElement, p: Person): HTMLButtonElement {
  node.setAttribute('aria-label', `${node.textContent}: ${p.name}`);
  return node;
}

async function sendNotice(meeting: Meeting): Promise<void> {
  const text = await ask({
    title: 'Avviso a tutte le sessioni',
    text: 'Lo leggono tutti, in ogni sessione. Non scrivere qui nulla di riservato.',
    field: 'Testo dell’avviso',
    confirm: 'Invia',
  });
  if (text) await meeting.command({ type: 'notice', text });
}

async function end(meeting: Meeting): Promise<void> {
  const sure = await ask({
    title: 'Terminare l’incontro?',
    text: 'La stanza si chiude per tutti e la chat viene cancellata. Il verbale e le firme restano nella pagina dell’incontro.',
    confirm: 'Termina l’incontro',
    danger: true,
  });
  if (sure !== null) await meeting.command({ type: 'end' });
}

async function remove(meeting: Meeting, p: Person): Promise<void> {
  if (p.phone) return void (await meeting.command({ type: 'remove', participant: p.id }));
  const sure = await ask({
    title: `Far uscire ${p.name}?`,
    text: 'Potrà rientrare solo se lo riammetti tu.',
    confirm: 'Fai uscire',
    danger: true,
  });
  if (sure !== null && person(meeting.state, p.id)) {
    await meeting.command({ type: 'remove', participant: p.id });
  }
}
