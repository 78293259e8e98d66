import { h } from './element';

/** A number that a phone can dial. */
export function phoneLink(number: string): HTMLElement {
  return h('a', { text: number, test: 'help-phone', attrs: { href: `tel:${number.replace(/[^+\d]/g, '')}` } });
}
