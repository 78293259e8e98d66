/** Seats of the room that `signaling/tests/browser` serves: who somebody is stands in a cookie. */
import type { Browser, Page } from 'playwright-core';
import { DESK, newPage, type Size } from './browser';
import { Line } from './line';

export const server = process.env['ROOMS_URL'] ?? '';
export const MEETING = '00000000-0000-0000-0000-000000000001';
export const JOINED = 'Sessione comune';
export const APART = 'Sessione separata';

/** Everybody's lines to the server, in the order of their coming. */
export const lines: Line[] = [];

/** A computer of one's own: context, line, and the cookie that says who sits there. */
export async function seatAt(browser: Browser, seat: number, size: Size = DESK): Promise<Page> {
  const line = await Line.to(server);
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
