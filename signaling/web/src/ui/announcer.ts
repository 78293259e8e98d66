/** Tells a screen reader what happens; the page's two live regions. */
import { h } from './element';

const polite = h('div', { class: 'visually-hidden', test: 'announcements', attrs: { 'aria-live': 'polite', role: 'log' } });
const urgent = h('div', { class: 'visually-hidden', attrs: { 'aria-live': 'assertive', role: 'alert' } });

export function mountAnnouncer(body: HTMLElement): void {
  body.append(polite, urgent);
}

export function announce(text: string, isUrgent: boolean): void {
  const region = isUrgent ? urgent : polite;
  region.append(h('p', { text }));
  while (region.childElementCount > 20) region.firstElementChild?.remove();
}
