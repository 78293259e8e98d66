import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VideoSource } from '../src/protocol';
import { hear, sameFloor, SILENCE, steps } from '../src/speaking';
import { afterChange, watched, type Tile } from '../src/watching';

const face = (participant: string): VideoSource => ({ participant, kind: 'camera' });
const tile = (source: VideoSource, pixels: number, visible = true): Tile => ({ source, visible, pixels });

test('hidden tiles are not sent, thumbnails low, screens high', () => {
  const screen: VideoSource = { participant: 'a', kind: 'screen' };
  const slots = [face('a'), face('b'), null, face('c'), screen, face('d')];
  const tiles = [tile(face('a'), 800), tile(face('b'), 200), tile(face('c'), 200, false), tile(screen, 300)];
  assert.deepEqual(watched(slots, tiles, false), ['high', 'low', 'high', 'none', 'high', 'none']);
  assert.deepEqual(watched(slots, tiles, true), ['none', 'none', 'high', 'none', 'none', 'none']);
});

test('a slot with another source starts anew', () => {
  const before = [face('a'), face('b'), null];
  const now = [face('a'), face('c'), face('d'), face('e')];
  assert.deepEqual(afterChange(['none', 'none', 'none'], before, now), ['none', 'high', 'high', 'high']);
});

test('r_meet_44 the one who speaks has the floor; a cough does not take it', () => {
  const of = (levels: Record<string, number>) => new Map(Object.entries(levels));
  let floor = hear(SILENCE, of({ a: 0.01, b: 0.2 }));
  assert.deepEqual([floor.speaker, [...floor.levels.keys()]], ['b', ['b']]);
  floor = hear(floor, of({ a: 0.5, b: 0.1 }));
  assert.equal(floor.speaker, 'b', 'while b speaks, one loud moment of a is not enough');
  floor = hear(hear(floor, of({ a: 0.5, b: 0.1 })), of({ a: 0.5, b: 0.1 }));
  assert.equal(floor.speaker, 'a');
  floor = hear(floor, of({}));
  assert.equal(floor.speaker, 'a', 'who spoke last stays in sight');
  assert.equal(hear(floor, of({ b: 0.1 })).speaker, 'b', 'a silent one gives way at once');
});

test('loudness is drawn in steps', () => {
  assert.deepEqual([0, 0.02, 0.03, 0.05, 0.1, 0.9].map(steps), [0, 0, 1, 2, 3, 4]);
  const of = (level: number) => hear(SILENCE, new Map([['a', level]]));
  assert.ok(sameFloor(of(0.2), of(0.21)) && !sameFloor(of(0.03), of(0.2)));
});
