/** Texts that change with the clock alone: one timer for all of them, nothing is redrawn. */
import { h, setText } from './element';

const SECOND_MS = 1_000;
type Said = (now: number) => string;
const texts = new WeakMap<Element, Said>();
let hubClock: () => number = () => Date.now();

/** A text that says itself anew every second, by the hub's clock. */
export function ticking(said: Said, options: { class?: string; test?: string } = {}): HTMLElement {
  const node = h('span', options);
  node.dataset['ticks'] = '';
  texts.set(node, said);
  setText(node, said(hubClock()));
  return node;
}

/** `each` is called every second with the time of the call before and the present one. */
export function startTicking(clock: () => number, each: (before: number, now: number) => void): () => void {
  hubClock = clock;
  let before = clock();
  const timer = setInterval(() => {
    const now = clock();
    for (const node of document.querySelectorAll('[data-ticks]')) {
      const said = texts.get(node);
      if (said) setText(node, said(now));
    }
    each(before, now);
    before = now;
  }, SECOND_MS);
  return () => clearInterval(timer);
}
