/**
 * Tells a screen reader what happens: the page's two live regions. What was told stays readable for
 * everybody in the log of announcements.
 */
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

/** `at_ms`: the hub's clock. */
export function announce(text: string, isUrgent: boolean, at_ms = Date.now()): void {
  const region = isUrgent ? urgent : polite;
  region.append(h('p', { text }));
  while (region.childElementCount > SPOKEN) region.firstElementChild?.remove();
  kept.prepend(h('li', {}, h('time', { text: clockTime(at_ms) }), ' ', h('span', { text })));
  while (kept.childElementCount > KEPT) kept.lastElementChild?.remove();
}

/** The log as a panel. */
export function createLog() {
  const hint = h('p', { class: 'hint', text: 'Qui resta scritto quello che succede nella stanza: chi entra, chi esce, gli spostamenti. Non quello che viene detto.' });
  const help = button('Comandi da tastiera', { test: 'shortcuts', class: 'small', click: () => void showKeys() });
  return { node: h('div', { class: 'announced' }, hint, help, kept), update: () => undefined };
}

/** Nothing of a meeting stays on the page that follows it. */
export function clearAnnouncements(): void {
  for (const region of [polite, urgent, kept]) region.replaceChildren();
}
