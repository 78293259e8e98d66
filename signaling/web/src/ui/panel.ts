/** Minutes and signatures: the portal's own page in a frame, told when to look again. */
import type { Topic } from '../protocol';
import { h } from './element';

export function createPanel(url: string) {
  const frame = h('iframe', { test: 'panel-frame', attrs: { title: 'Verbale e firme' } });
  const node = h('div', { class: 'panel' }, frame);

  return {
    node,
    /** Loads the page the first time it is looked at. */
    open(): void {
      if (!frame.hasAttribute('src')) frame.src = url;
    },
    changed(topic: Topic): void {
      if (frame.hasAttribute('src')) {
        frame.contentWindow?.postMessage({ accordo: 'changed', topic }, location.origin);
      }
    },
  };
}
