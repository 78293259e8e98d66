/**
 * Tells a screen reader what happens: the page's two live regions. What was told stays readable for
 * everybody in the log of announcements.
 */
import type { Session } from '../protocol';
import { clockTime } from '../words';
import { button, h } from './element';
import { showKeys } from './shortcuts';

const SPOKEN = 20;
const KEPT = 200;
const polite = h('div', { class: 'visually-hidden', test: 'announcements', attrs: { 'aria-live': 'polite', role: 'log' } });
const urgent = h('div', { class: 'visually-hidden', attrs: { 'aria-live': 'assertive', role: 'alert' } });
const kept = h('ol', { class: 'log', test: 'log', attrs: { tabindex: '0', 'aria-label': 'Avvisi, dal più recente' } });

export function mountAnnouncer(body: HTMLElement): void {
  body.append(polite, urgent);
}

/** Where what is told happens. */
let place: Session | null = null;

/** Says it, and keeps it in the log. `at_ms`: the hub's clock. */
export function announce(text: string, isUrgent: boolean, at_ms = Date.now()): void {
  speak(text, isUrgent);
  const entry = h('li', { attrs: { 'data-session': place ?? '' } }, h('time', { text: clockTime(at_ms) }), ' ', h('span', { text }));
  kept.prepend(entry);
  while (kept.childElementCount > KEPT) kept.lastElementChild?.remove();
}

/** Says what stays readable elsewhere, as long as it may: a line of the chat. */
export function speak(text: string, isUrgent: boolean): void {
  const region = isUrgent ? urgent : polite;
  region.append(h('p', { text }));
  while (region.childElementCount > SPOKEN) region.firstElementChild?.remove();
}

/** The log as a panel. */
export function createLog() {
  const hint = h('p', { class: 'hint', text: 'Qui resta scritto quello che succede nella stanza: chi entra, chi esce, gli spostamenti. Non quello che viene detto.' });
  const help = button('Comandi da tastiera', { test: 'shortcuts', class: 'small', click: () => void showKeys() });
  return { node: h('div', { class: 'announced' }, hint, help, kept), update: () => undefined };
}

/** What was told in a breakout stays there: the next session may look at this screen. */
export function enterSession(session: Session): void {
  for (const region of [polite, urgent]) region.replaceChildren();
  if (place?.startsWith('breakout')) kept.querySelectorAll(`[data-session="${place}"]`).forEach((entry) => entry.remove());
  place = session;
}

/** Nothing of a meeting stays on the page that follows it. */
export function clearAnnouncements(): void {
  place = null;
  for (const region of [polite, urgent, kept]) region.replaceChildren();
}
