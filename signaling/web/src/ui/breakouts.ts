/** Opening breakouts, and their time (R-MEET-16, R-MEET-40): the conciliator's part of the list. */
import type { Meeting } from '../meeting';
import type { Breakout, Session, Side } from '../protocol';
import { timeLeft } from '../time';
import { sessionName, theSide } from '../words';
import { act, keyed, once } from './act';
import { button, h, type Child } from './element';
import { askForm } from './form';
import { openBreakout } from './telephones';
import { ticking } from './ticking';

const MINUTES = [5, 10, 15, 20, 30, 45, 60];
const sides: Exclude<Side, 'neutral'>[] = ['activating', 'convened', 'aid'];

let withMeChecked = true;
let minutesChosen = '';

/** What is left of a breakout, for those who may know it. */
export function remaining(breakout: Breakout | undefined): HTMLElement | null {
  if (!breakout) return null;
  const { closing_at_ms: closing, timer } = breakout;
  if (closing !== null) {
    const said = (now: number) => `si chiude tra ${Math.max(0, Math.ceil((closing - now) / 1000))} secondi`;
    return ticking(said, { class: 'left closing', test: 'closing' });
  }
  return timer && ticking((now) => timeLeft(timer.ends_at_ms, now), { class: 'left', test: 'time-left' });
}

/** The buttons of an open breakout. */
export function breakoutActions(meeting: Meeting, breakout: Breakout): Child[] {
  const { session, closing_at_ms: closing } = breakout;
  const time = button('Tempo', { test: `timer-${session}`, class: 'small', click: () => void setTimer(meeting, breakout) });
  time.setAttribute('aria-label', `Tempo: ${sessionName(session)}`);
  return [
    keyed(time, `timer-${session}`),
    closing === null
      ? act(meeting, 'Chiudi sessione', `close-${session}`, 'small', { type: 'close_breakout', session, at_once: false }, sessionName(session))
      : act(meeting, 'Chiudi subito', `close-${session}`, 'small danger', { type: 'close_breakout', session, at_once: true }, sessionName(session)),
  ];
}

export function breakoutControls(meeting: Meeting): HTMLElement {
  const { state } = meeting;
  const present = (side: Side) =>
    state.view?.people.some((p) => p.side === side && !p.removed && p.session !== 'lobby') ?? false;
  const withMe = h('input', { id: 'with-me', test: 'with-me', attrs: { type: 'checkbox', 'data-key': 'with-me' } });
  withMe.checked = withMeChecked;
  withMe.addEventListener('change', () => (withMeChecked = withMe.checked));
  const minutes = h(
    'select',
    { id: 'minutes', test: 'minutes', attrs: { 'data-key': 'minutes' } },
    ...[['', 'Senza limite'], ...MINUTES.map((m) => [String(m), `${m} minuti`])].map(([value, label]) =>
      h('option', { text: label ?? '', attrs: { value: value ?? '' } }),
    ),
  );
  minutes.value = minutesChosen;
  minutes.addEventListener('change', () => (minutesChosen = minutes.value));
  return h(
    'section',
    { class: 'group controls' },
    h('h3', { text: 'Apri sessione separata' }),
    h(
      'div',
      { class: 'stack' },
      ...sides.map((side) =>
        keyed(
          button(`con ${theSide(side)}`, {
            test: `open-${side}`,
            class: 'wide',
            disabled: !present(side),
            click: () =>
              once('open-breakout', () =>
                openBreakout(meeting, side, withMe.checked, minutes.value === '' ? null : Number(minutes.value)),
              ),
          }),
          `open-${side}`,
        ),
      ),
    ),
    h('label', { class: 'check', attrs: { for: 'with-me' } }, withMe, 'Entro anch’io'),
    h('label', { class: 'choice', attrs: { for: 'minutes' } }, 'Durata'),
    minutes,
    (state.view?.breakouts.length ?? 0) > 0 &&
      act(meeting, 'Richiama tutti nella sessione comune', 'recall', 'primary wide', { type: 'recall', at_once: false }),
  );
}

async function setTimer(meeting: Meeting, { session, timer }: Breakout): Promise<void> {
  const values = await askForm({
    title: `Tempo della ${sessionName(session).toLowerCase()}`,
    text: 'Si conta da adesso. Chi è dentro vede il tempo che resta. Alla fine arriva un avviso.',
    fields: [
      {
        name: 'minutes',
        label: 'Durata',
        type: 'select',
        options: [['', 'Senza limite'], ...MINUTES.map((m): [string, string] => [String(m), `${m} minuti`])],
        value: '10',
      },
      {
        name: 'closes',
        label: 'Alla fine la sessione si chiude da sola, con dieci secondi di preavviso',
        type: 'check',
        value: timer?.closes ? 'yes' : '',
      },
    ],
    confirm: 'Imposta',
  });
  if (!values) return;
  const minutes = values['minutes'] ? { minutes: Number(values['minutes']) } : {};
  await meeting.command({ type: 'set_timer', session: session as Session, closes: values['closes'] === 'yes', ...minutes });
}
