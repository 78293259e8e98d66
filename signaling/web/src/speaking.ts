/** Who speaks, from levels that come twice a second. Pure. */
import type { ParticipantId } from './protocol';

/** Loudness 0…1 above which somebody speaks. */
export const SPEAKING_LEVEL = 0.02;
/** A new voice takes the floor after so many measurements: a cough does not. */
const HOLD = 3;

export interface Floor {
  /** Loudness of everybody who is heard now. */
  levels: ReadonlyMap<ParticipantId, number>;
  /** The one who speaks, or spoke last. */
  speaker: ParticipantId | null;
  challenger: { id: ParticipantId; times: number } | null;
}

export const SILENCE: Floor = { levels: new Map(), speaker: null, challenger: null };

export function hear(before: Floor, measured: ReadonlyMap<ParticipantId, number>): Floor {
  const levels = new Map([...measured].filter(([, level]) => level > SPEAKING_LEVEL));
  let loudest: ParticipantId | null = null;
  for (const [id, level] of levels) {
    if (loudest === null || level > (levels.get(loudest) ?? 0)) loudest = id;
  }
  const { speaker } = before;
  // Whoever has the floor keeps it while speaking, also beside a louder voice for a moment.
  if (loudest === null || loudest === speaker) return { levels, speaker, challenger: null };
  const times = before.challenger?.id === loudest ? before.challenger.times + 1 : 1;
  if (speaker === null || !levels.has(speaker) || times >= HOLD) {
    return { levels, speaker: loudest, challenger: null };
  }
  return { levels, speaker, challenger: { id: loudest, times } };
}

/** The same people speak about as loud: nothing to draw. */
export function sameFloor(a: Floor, b: Floor): boolean {
  if (a.speaker !== b.speaker || a.levels.size !== b.levels.size) return false;
  return [...a.levels].every(([id, level]) => {
    const other = b.levels.get(id);
    return other !== undefined && steps(level) === steps(other);
  });
}

/** Loudness in steps 0…4, as it is drawn. */
export function steps(level: number): number {
  if (level <= SPEAKING_LEVEL) return 0;
  return Math.min(4, 1 + Math.floor(Math.log2(level / SPEAKING_LEVEL)));
}
