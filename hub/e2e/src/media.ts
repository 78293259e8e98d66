/** What a participant's browser really receives, by getStats and the room's own slots. */
import type { Page } from 'playwright-core';

export interface Received {
  /** Audio packets per participant who is in an audio slot. */
  audio: Record<string, number>;
  /** Decoded frames per participant whose camera is in a video slot. */
  frames: Record<string, number>;
  /** Packets of each m-line, whoever is in it. */
  packets: Record<string, number>;
}

/** A page of any driver, as far as its media are read. */
export interface Watched {
  evaluate<T>(read: () => Promise<T>): Promise<T>;
  waitForTimeout(ms: number): Promise<void>;
}

export function received(page: Watched): Promise<Received> {
  return page.evaluate(async () => {
    const { pc, state } = (window as unknown as { accordo: RoomHook }).accordo;
    const result: Received = { audio: {}, frames: {}, packets: {} };
    const { audio, video } = state.slots;
    for (const stat of (await pc.getStats()).values()) {
      if (stat.type !== 'inbound-rtp') continue;
      result.packets[stat.mid] = stat.packetsReceived;
      // Three m-lines are sent, then come the audio slots, then the video slots.
      const slot = Number(stat.mid) - 3;
      const voice = audio[slot];
      const face = video[slot - audio.length];
      if (stat.kind === 'audio' && voice) result.audio[voice] = stat.packetsReceived;
      if (stat.kind === 'video' && face?.kind === 'camera') result.frames[face.participant] = stat.framesDecoded ?? 0;
    }
    return result;
  });
}

/** m-lines on which these people are received at this moment: all, or those of their voices. */
export function linesOf(page: Page, people: string[], which: 'all' | 'audio' = 'all'): Promise<string[]> {
  return page.evaluate(
    ([wanted, which]) => {
      const { audio, video } = (window as unknown as { accordo: RoomHook }).accordo.state.slots;
      const lines: string[] = [];
      audio.forEach((p, i) => p && wanted.includes(p) && lines.push(String(3 + i)));
      if (which === 'audio') return lines;
      video.forEach((v, i) => v && wanted.includes(v.participant) && lines.push(String(3 + audio.length + i)));
      return lines;
    },
    [people, which] as const,
  );
}

/** Waits until everybody of `people` is heard and seen: packets and frames rise. A new connection counts from nought. */
export async function seesAndHears(page: Watched, people: string[], within_ms = 20_000): Promise<void> {
  let before = await received(page);
  const missing = new Set(people.flatMap((p) => [`voice of ${p}`, `face of ${p}`]));
  const end = Date.now() + within_ms;
  for (;;) {
    await page.waitForTimeout(250);
    const now = await received(page);
    for (const p of people) {
      if ((now.audio[p] ?? 0) > (before.audio[p] ?? 0)) missing.delete(`voice of ${p}`);
      if ((now.frames[p] ?? 0) > (before.frames[p] ?? 0)) missing.delete(`face of ${p}`);
    }
    before = now;
    if (missing.size === 0) return;
    if (Date.now() > end) throw new Error(`not seen and heard: ${[...missing].join(', ')}: ${JSON.stringify(now)}`);
  }
}

/** Packets that arrive on these m-lines while so much time passes. */
export async function packetsDuring(page: Page, lines: string[], ms: number): Promise<number> {
  const count = async () => {
    const { packets } = await received(page);
    return lines.reduce((sum, line) => sum + (packets[line] ?? 0), 0);
  };
  const before = await count();
  await page.waitForTimeout(ms);
  return (await count()) - before;
}

/**
 * These m-lines fall silent and stay so: not one packet between a quarter of a second from now
 * (what was on its way, and the age of what getStats says) and the end of `ms`. Resolves with the time of the last
 * packet, in ms from the call.
 */
export async function silentAfter(page: Page, lines: string[], ms: number): Promise<number> {
  if (lines.length === 0) throw new Error('nobody was received who could fall silent');
  const from = Date.now();
  const count = async () => {
    const { packets } = await received(page);
    return lines.reduce((sum, line) => sum + (packets[line] ?? 0), 0);
  };
  let [last, seen] = [0, await count()];
  while (Date.now() < from + 250) {
    const now = await count();
    if (now !== seen) [last, seen] = [Date.now() - from, now];
  }
  await page.waitForTimeout(ms);
  const more = (await count()) - seen;
  if (more !== 0) throw new Error(`${more} packets came on m-lines ${lines.join(', ')} that must be silent`);
  return last;
}

export function ownId(page: Page): Promise<string> {
  return page.evaluate(() => (window as unknown as { accordo: RoomHook }).accordo.state.me);
}

interface RoomHook {
  pc: RTCPeerConnection;
  state: {
    me: string;
    session: string | null;
    slots: { audio: (string | null)[]; video: ({ participant: string; kind: string } | null)[] };
  };
}
