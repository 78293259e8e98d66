/** Seats of the room that `signaling/tests/browser` serves: who somebody is stands in a cookie. */
import type { Browser, Page } from 'playwright-core';
import { DESK, newPage, type Size } from './browser';
import { Line as OwnLine } from './line';

export const server = process.env['ROOMS_URL'] ?? '';
export const MEETING = '00000000-0000-0000-0000-000000000001';
export const JOINED = 'Sessione comune';
export const APART = 'Sessione separata';

/** Everybody's lines to the server, in the order of their coming. */
export const lines: OwnLine[] = [];

/** A computer of one's own: context, line, and the cookie that says who sits there. */
export async function seatAt(browser: Browser, seat: number, size: Size = DESK): Promise<Page> {
  const line = await OwnLine.to(server);
  lines.push(line);
  const page = await newPage(browser, line.url, `seat ${seat}`, size);
  await page.context().addCookies([{ name: 'seat', value: String(seat), url: line.url }]);
  return page;
}

/** Tells the test's server to do something with the network. */
export async function network(order: string): Promise<void> {
  const answer = await fetch(`${server}/rete/${order}`, { method: 'POST' });
  if (!answer.ok) throw new Error(`the network refuses ${order}: ${answer.status}`);
}

/** One direction of everybody's line to the media edge (`impaired_link::Conditions`). */
export interface Line {
  loss?: number;
  delay_ms?: number;
  jitter_ms?: number;
  bits_per_second?: number;
  queue_ms?: number;
}

/** From now on everybody's media pass lines like these. */
export async function shape(up: Line, down: Line): Promise<void> {
  const answer = await fetch(`${server}/linea`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ up, down }),
  });
  if (!answer.ok) throw new Error(`the link refuses: ${answer.status}`);
}
