import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, audioSlot, handOrder, here, initialState, videoSlot, type Effect, type RoomState } from '../src/model';
import type { Person, ServerMessage, Session, View } from '../src/protocol';
import { statusWords, whoHears } from '../src/words';

const me = 'me';

function person(id: string, session: Session, changes: Partial<Person> = {}): Person {
  return {
    id,
    name: `Nome ${id}`,
    label: 'Cliente',
    role: 'party',
    side: 'activating',
    session,
    connected: true,
    mic: true,
    cam: true,
    screen: false,
    hand_at_ms: null,
    quality: null,
    identified: false,
    phone: false,
    removed: false,
    ...changes,
  };
}

function view(epoch: number, session: Session, people: Person[], changes: Partial<View> = {}): ServerMessage {
  return {
    type: 'view',
    epoch,
    started: true,
    started_at_ms: 1_000,
    planned_end_ms: null,
    locked: false,
    session,
    excluded: false,
    outside: [],
    people,
    breakouts: [],
    conciliator_here: true,
    files: [],
    showing: null,
    ...changes,
  };
}

function run(...messages: ServerMessage[]): { state: RoomState; effects: Effect[] } {
  return from(initialState(), ...messages);
}

function from(start: RoomState, ...messages: ServerMessage[]): { state: RoomState; effects: Effect[] } {
  let state = start;
  const effects: Effect[] = [];
  for (const message of messages) {
    const [next, more] = apply(state, message);
    state = next;
    effects.push(...more);
  }
  return { state, effects };
}

const welcome: ServerMessage = {
  type: 'welcome',
  me,
  resume: 'r',
  resumed: false,
  audio_slots: 9,
  video_slots: 10,
  ice_servers: [],
  server_time_ms: 0,
};
const plenary = [welcome, view(5, 'plenary', [person(me, 'plenary'), person('a', 'plenary')])] as const;
const slots: ServerMessage = {
  type: 'slots',
  epoch: 5,
  audio: ['a', null],
  video: [null, { participant: 'a', kind: 'camera' }],
};
const told = (effects: Effect[]) => effects.flatMap((e) => (e.kind === 'announce' ? [e.text] : []));

test('r_meet_17 from moved on nothing of the session before is shown', () => {
  const { state } = run(...plenary, slots, { type: 'moved', epoch: 6, session: 'breakout-1', at_ms: 1, why: 'moved' });
  assert.deepEqual(here(state), [], 'people of the plenary are gone before the next view');
  assert.equal(videoSlot(state, { participant: 'a', kind: 'camera' }), -1, 'their picture is blank');
  assert.equal(audioSlot(state, 'a'), -1, 'their voice is silent');
});

test('r_meet_41 slots of an older epoch are ignored', () => {
  const { state } = run(...plenary, { type: 'moved', epoch: 6, session: 'breakout-1', at_ms: 1, why: 'moved' }, slots);
  assert.deepEqual(state.slots, { epoch: 6, audio: [], video: [] });
});

test('r_meet_41 a chat line accepted before I came here is not shown here', () => {
  const line = (epoch: number): ServerMessage => ({ type: 'chat', epoch, from: 'a', text: 'segreto', at_ms: 1 });
  const moved: ServerMessage = { type: 'moved', epoch: 6, session: 'breakout-1', at_ms: 1, why: 'moved' };
  assert.deepEqual(run(...plenary, moved, line(5)).state.chat, {});
  assert.equal(run(...plenary, moved, line(6)).state.chat['breakout-1']?.length, 1);
});

test('r_meet_26 a breakout’s chat is gone once it is closed, the plenary’s stays', () => {
  const line = (epoch: number, text: string): ServerMessage => ({ type: 'chat', epoch, from: 'a', text, at_ms: 1 });
  const { state } = run(
    ...plenary,
    line(5, 'comune'),
    view(6, 'breakout-1', [person(me, 'breakout-1'), person('a', 'breakout-1')], {
      breakouts: [{ session: 'breakout-1', side: 'activating', timer: null, closing_at_ms: null }],
    }),
    line(6, 'privato'),
    view(7, 'plenary', [person(me, 'plenary'), person('a', 'plenary')]),
  );
  assert.deepEqual(Object.keys(state.chat), ['plenary']);
  assert.equal(state.chat['plenary']?.[0]?.text, 'comune');
});

test('while the epoch rises elsewhere my slots go on', () => {
  const { state } = run(...plenary, slots, view(6, 'plenary', [person(me, 'plenary'), person('a', 'plenary')]));
  assert.equal(videoSlot(state, { participant: 'a', kind: 'camera' }), 1);
  assert.equal(audioSlot(state, 'a'), 0);
});

test('a view of an older epoch changes nothing', () => {
  const before = run(...plenary, { type: 'moved', epoch: 9, session: 'breakout-1', at_ms: 1, why: 'moved' }).state;
  assert.equal(from(before, view(8, 'plenary', [person(me, 'plenary')])).state, before);
});

test('r_meet_44 coming, going, losing the line and raising a hand are announced', () => {
  const start = run(...plenary).state;
  const cases: [Person[], string[]][] = [
    [[person(me, 'plenary'), person('a', 'plenary'), person('b', 'plenary')], ['Entra Nome b, Cliente.']],
    [[person(me, 'plenary')], ['Esce Nome a.']],
    [[person(me, 'plenary'), person('a', 'plenary', { connected: false })], ['Nome a ha perso il collegamento.']],
    [[person(me, 'plenary'), person('a', 'plenary', { hand_at_ms: 5 })], ['Nome a alza la mano.']],
    [[person(me, 'plenary', { hand_at_ms: 5 }), person('a', 'plenary')], []],
  ];
  for (const [people, expected] of cases) {
    assert.deepEqual(told(from(start, view(5, 'plenary', people)).effects), expected);
  }
});

test('r_meet_44 an own move is announced once, however it is told', () => {
  const moved: ServerMessage = { type: 'moved', epoch: 6, session: 'breakout-1', at_ms: 1, why: 'moved' };
  const after = view(6, 'breakout-1', [person(me, 'breakout-1')]);
  for (const order of [
    [moved, after],
    [after, moved],
  ]) {
    const [text, ...more] = told(run(...plenary, ...order).effects);
    assert.match(text ?? '', /Ora sei in: Sessione separata 1\.$/);
    assert.deepEqual(more, []);
  }
});

test('r_meet_39 the conciliator’s visit is announced to those inside', () => {
  const { effects } = run(...plenary, { type: 'visit', session: 'plenary', phones: [] });
  assert.deepEqual(told(effects), ['Il conciliatore entra in questa sessione.']);
});

test('r_meet_18 who was moved is shown and told by whom, and where', () => {
  for (const [why, session, words, shown] of [
    ['excluded', 'lobby', /Il conciliatore ti ha mandato in sala d’attesa.*vieni fatto rientrare/, true],
    ['admitted', 'breakout-1', /ti ha fatto entrare/, false],
    ['aside', 'breakout-1', /per la tua parte.*Sessione separata 1/, true],
    ['moved', 'breakout-1', /ti ha spostato.*Sessione separata 1/, true],
    ['closed', 'breakout-1', /è chiusa/, true],
    ['own', 'breakout-1', /^Ora sei in/, false],
  ] as const) {
    const { effects } = run(...plenary, { type: 'moved', epoch: 6, session, at_ms: 1, why });
    assert.match(told(effects).join(), words);
    assert.equal(effects.some((e) => e.kind === 'told'), shown, why);
  }
});

test('r_meet_29 whoever is heard by somebody on the telephone is told, before and at the moment', () => {
  const pina = { side: 'convened', name: 'Pina', phone: true, mic: false } as const;
  const visit: ServerMessage = { type: 'visit', session: 'plenary', phones: [{ name: 'Pina', side: 'convened' }] };
  assert.match(told(run(...plenary, visit).effects).join(), /con il telefono in viva voce\. Pina \(operatore convenuto\) sente/);
  const moved: ServerMessage = { type: 'moved', epoch: 6, session: 'breakout-1', at_ms: 1, why: 'aside' };
  const there = (...people: Person[]) => view(6, 'breakout-1', [person(me, 'breakout-1'), ...people]);
  const phone = person('p', 'breakout-1', pina);
  for (const [messages, heard] of [
    [[moved, there(phone)], true],
    [[moved, there(), there(phone)], true],
    [[moved, there()], false],
    [[view(6, 'plenary', [person(me, 'plenary'), person('p', 'plenary', pina)])], true],
  ] as const) {
    const { effects } = run(...plenary, ...messages);
    const loud = effects.filter((e) => e.kind === 'told' && e.text.includes('Pina'));
    assert.equal(loud.length, heard ? 1 : 0);
  }
  const again = from(run(...plenary, moved, there(phone)).state, there(phone)).effects;
  assert.deepEqual(told(again), [], 'told once');
  const { names } = whoHears('breakout-1', [person('a', 'breakout-1'), phone]);
  assert.equal(names, ': Nome a, Pina (al telefono)');
});

test('r_meet_39 who is in a breakout is told when somebody of another side is moved into it', () => {
  const breakouts = [{ session: 'breakout-1', side: 'activating', timer: null, closing_at_ms: null }] as const;
  const inside = (...people: Person[]) => view(6, 'breakout-1', [person(me, 'breakout-1'), ...people], { breakouts: [...breakouts] });
  const before = run(...plenary, { type: 'moved', epoch: 6, session: 'breakout-1', at_ms: 1, why: 'aside' }, inside()).state;
  for (const [changes, heard] of [
    [{ side: 'convened' }, true],
    [{ side: 'aid' }, true],
    [{ side: 'activating' }, false],
    [{ side: 'neutral', role: 'conciliator' }, false],
  ] as const) {
    const loud = told(from(before, inside(person('x', 'breakout-1', changes))).effects);
    assert.equal(loud.some((text) => /Nome x .* è ora in questa sessione/.test(text)), heard, changes.side);
  }
});

test('r_meet_42 a line of the chat goes into no log', () => {
  const line: ServerMessage = { type: 'chat', epoch: 6, from: 'a', text: 'segreto', at_ms: 1 };
  const { effects } = run(...plenary, line);
  assert.deepEqual(effects.filter((e) => 'text' in e && e.text.includes('segreto')), []);
  assert.ok(effects.some((e) => e.kind === 'chat'));
});

test('removed people are in no session', () => {
  const { state } = run(welcome, view(1, 'plenary', [person(me, 'plenary'), person('a', 'plenary', { removed: true })]));
  assert.deepEqual(here(state).map((p) => p.id), [me]);
});

test('r_meet_44 hands have an order, and a person is described in a few words', () => {
  const people = [person('c', 'plenary', { hand_at_ms: 9 }), person('a', 'plenary', { hand_at_ms: 3 }), person('b', 'plenary')];
  const { state } = run(welcome, view(1, 'plenary', [person(me, 'plenary'), ...people]));
  assert.deepEqual(people.map((p) => handOrder(state, p)), [2, 1, 0]);
  const words = (changes: Partial<Person>, hand = 0) => statusWords(person('a', 'plenary', changes), hand);
  assert.deepEqual(words({ identified: true, quality: 'poor', cam: false }, 2), [
    'mano alzata (2ª)',
    'microfono acceso',
    'telecamera spenta',
    'identità verificata',
    'rete molto lenta',
  ]);
  assert.deepEqual(words({ phone: true, mic: false }), ['telefono in viva voce']);
  assert.deepEqual(words({ phone: true, connected: false }), ['per ora non sente', 'telefono in viva voce']);
  assert.deepEqual(words({ session: 'lobby', connected: false }), ['si sta ricollegando', 'identità da verificare']);
});
