import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSize } from '../src/files';
import { apply, initialState, type Effect, type RoomState } from '../src/model';
import type { Person, SharedFile, Showing, View } from '../src/protocol';

const anna: Person = {
  id: 'anna',
  name: 'Anna Neri',
  label: 'Conciliatrice',
  role: 'conciliator',
  side: 'neutral',
  session: 'plenary',
  connected: true,
  mic: true,
  cam: true,
  screen: false,
  hand_at_ms: null,
  quality: null,
  identified: true,
  phone: false,
  removed: false,
};

function file(id: string, owner: string): SharedFile {
  return { id, name: `${id}.pdf`, size_bytes: 10, kind: 'pdf', origin: 'upload', owner, filed: false, at_ms: 1 };
}

function view(session: string, files: SharedFile[], showing: Showing | null): { type: 'view' } & View {
  const people = [{ ...anna, session }];
  return { type: 'view', epoch: 1, started: true, started_at_ms: 1, planned_end_ms: null, locked: false, session, people, breakouts: [], conciliator_here: true,
  excluded: false,
    outside: [], files, showing };
}

/** What the last of these views brings about. */
function news(...views: ({ type: 'view' } & View)[]): Effect[] {
  let state: RoomState = { ...initialState(), me: 'io' };
  let last: Effect[] = [];
  for (const one of views) [state, last] = apply(state, one);
  return last;
}

const kinds = (effects: Effect[]) => effects.map((effect) => effect.kind);
const texts = (effects: Effect[]) => effects.flatMap((effect) => (effect.kind === 'announce' ? [effect.text] : []));

test('R-MEET-26: a file that somebody shares is told, one’s own is not', () => {
  const shared = news(view('plenary', [], null), view('plenary', [file('bolletta', 'anna'), file('mio', 'io')], null));
  assert.deepEqual(kinds(shared), ['announce', 'file']);
  assert.deepEqual(texts(shared), ['Anna Neri condivide il file bolletta.pdf.']);
  const gone = news(view('plenary', [file('bolletta', 'anna')], null), view('plenary', [], null));
  assert.deepEqual(texts(gone), ['Il file bolletta.pdf non è più condiviso.']);
});

test('R-MEET-37: that a document is shown is told once, not at every page', () => {
  const files = [file('bolletta', 'anna')];
  const showing = (page: number) => ({ file: 'bolletta', page, by: 'anna' });
  const begun = news(view('plenary', files, null), view('plenary', files, showing(1)));
  assert.deepEqual(kinds(begun), ['told', 'announce', 'showing']);
  assert.deepEqual(news(view('plenary', files, showing(1)), view('plenary', files, showing(2))), []);
  assert.deepEqual(texts(news(view('plenary', files, showing(1)), view('plenary', files, null))), ['Il documento non è più mostrato a tutti.']);
});

test('R-MEET-17: who comes into a session hears what is shown there, and nothing of the one before', () => {
  const before = view('plenary', [file('bolletta', 'anna')], null);
  const shown = { file: 'offerta', page: 1, by: 'anna' };
  const moved = news(before, { ...view('breakout-1', [file('offerta', 'anna')], shown), epoch: 2 });
  assert.ok(kinds(moved).includes('showing'));
  assert.ok(!texts(moved).some((text) => text.includes('bolletta')));
});

test('sizes are read by people', () => {
  assert.deepEqual([0, 999, 81_230, 2_345_678].map(fileSize), ['0 byte', '999 byte', '81 KB', '2,3 MB']);
});
