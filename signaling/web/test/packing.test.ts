import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack } from '../src/ui/packing';

test('tiles fit, keep the shape of a face, and three people do not become three pillars', () => {
  for (const [width, height] of [[860, 640], [374, 400], [520, 560], [374, 130]] as const) {
    for (let count = 1; count <= 10; count++) {
      const tile = pack(count, { width, height }, 12);
      const columns = Math.floor((width + 12) / (tile.width + 12));
      const rows = Math.floor((height + 12) / (tile.height + 12));
      assert.ok(columns * rows >= count, `${count} in ${width}×${height}: ${JSON.stringify(tile)}`);
      const shape = tile.width / tile.height;
      assert.ok(shape > 0.95 && shape < 1.65, `${count} in ${width}×${height}: ${shape}`);
    }
  }
  assert.deepEqual(pack(3, { width: 860, height: 640 }, 12), { width: 424, height: 314 });
});

test('nothing is shown where there is no room, and nothing breaks', () => {
  assert.deepEqual(pack(4, { width: 0, height: 0 }, 12), { width: 0, height: 0 });
  assert.deepEqual(pack(0, { width: 800, height: 600 }, 12), { width: 0, height: 0 });
});
