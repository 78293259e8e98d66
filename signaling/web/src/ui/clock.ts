/** How long the meeting lasts already, and whether it runs late (R-MEET-09). It is never cut off. */
import type { Meeting } from '../meeting';
import { lasted } from '../time';
import { clockTime } from '../words';
import { h, redraw } from './element';
import { ticking } from './ticking';

export function createClock(meeting: Meeting) {
  const node = h('p', { class: 'times', test: 'times' });

  function update(): void {
    const { view } = meeting.state;
    const [start, end] = [view?.started_at_ms ?? null, view?.planned_end_ms ?? null];
    node.hidden = start === null && end === null;
    redraw(node, JSON.stringify([start, end]), () => [
      start !== null && ticking((now) => `In corso da ${lasted(now - start)}`, { class: 'since' }),
      end !== null && h('span', { text: `Fine prevista alle ${clockTime(end)}` }),
      start !== null &&
        end !== null &&
        ticking((now) => (now > end ? 'oltre l’orario' : ''), { class: 'late', test: 'late' }),
    ]);
  }
  return { node, update };
}
