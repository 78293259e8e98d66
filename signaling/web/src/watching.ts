/**
 * How much of each picture is looked at: the hub sends no hidden tile, and a small one in the lower
 * layer. Pure.
 */
import type { VideoSource, Watch } from './protocol';

export interface Tile {
  source: VideoSource;
  /** Some of it is inside the window. */
  visible: boolean;
  /** Pixels of the screen across. */
  pixels: number;
}

/** Up to this width the lower simulcast layer (320 pixels) shows all that can be seen. */
const LOW_PIXELS = 400;

/**
 * By video slot. `hidden`: the page is in the background, or something covers the faces. The size
 * decides, not who speaks: a small tile shows no more of the better layer, and every change of layer
 * costs its sender a keyframe.
 */
export function watched(
  slots: (VideoSource | null)[],
  tiles: Tile[],
  hidden: boolean,
): Watch[] {
  return slots.map((slot) => {
    if (slot === null) return 'high';
    const tile = tiles.find((t) => t.source.participant === slot.participant && t.source.kind === slot.kind);
    if (hidden || !tile?.visible) return 'none';
    if (slot.kind === 'screen') return 'high';
    return tile.pixels > LOW_PIXELS ? 'high' : 'low';
  });
}

/** A slot whose source changed is watched fully again until something else is said. */
export function afterChange(
  told: Watch[],
  before: (VideoSource | null)[],
  now: (VideoSource | null)[],
): Watch[] {
  return now.map((slot, i) => {
    const was = before[i] ?? null;
    const same = slot?.participant === was?.participant && slot?.kind === was?.kind;
    return (same && told[i]) || 'high';
  });
}
