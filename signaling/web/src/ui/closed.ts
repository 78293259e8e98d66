/** Pages without a room: not open yet, no way in, and the last page. They say what to do. */
import type { JoinAnswer } from '../api';
import type { End } from '../connection';
import type { ErrorCode } from '../protocol';
import { duration, farewell, refusal, type Words } from '../words';
import { button, h, setText, type Child } from './element';
import { phoneLink } from './phone';

export interface Way {
  /** The page to go to from here, as far as the hub has said it. */
  back: string;
  /** Whom to call, once the hub has said it. */
  phone: string | null;
  /** The room was not that of a meeting. */
  standing: boolean;
  again: () => void;
}

/** Asking again changes nothing. Who was removed may have been reinstated meanwhile (R-MEET-18). */
const final: string[] = ['ended', 'unknown', 'wrong_state'];

/** What the hub says instead of a seat; comes back by itself when waiting helps. */
export function closedPage(answer: Extract<JoinAnswer, { ok: false }>, way: Way): HTMLElement {
  const standing = way.standing || (answer.standing ?? false);
  const { title, text } = closedWords(answer, standing);
  const waits = answer.retry_after_s ?? (answer.code === 'offline' || answer.code === 'internal' ? 5 : null);
  return page(title, text, 'closed', way.phone, [
    answer.code === 'signed_out'
      ? h('a', { class: 'btn primary', text: 'Accedi', attrs: { href: `/accesso?ritorno=${encodeURIComponent(location.pathname)}` } })
      : waits !== null
        ? countdown(waits, answer.code === 'too_early', way.again)
        : !final.includes(answer.code) && button('Riprova', { class: 'primary', test: 'again', click: way.again }),
    answer.code !== 'signed_out' && back(way),
  ]);
}

/** After the meeting, for whatever reason. */
export function farewellPage(end: End, way: Way): HTMLElement {
  if (end.kind === 'refused') {
    const code = end.code as Extract<JoinAnswer, { ok: false }>['code'];
    return closedPage({ ...end, ok: false, code }, way);
  }
  const { title, text } = farewell(end.reason, way.standing);
  const label = end.reason === 'replaced' ? 'Continua in questa finestra' : 'Rientra nella stanza';
  const mayReturn = !['ended', 'called_off', 'removed'].includes(end.reason);
  return page(title, text, `farewell-${end.reason}`, end.reason === 'removed' || end.reason === 'stalled' ? way.phone : null, [
    mayReturn && button(label, { class: 'primary', test: 'again', click: way.again }),
    back(way),
  ]);
}

function closedWords(answer: Extract<JoinAnswer, { ok: false }>, standing: boolean): Words {
  switch (answer.code) {
    case 'too_early':
      return { title: 'La stanza non è ancora aperta', text: 'Apre quindici minuti prima dell’incontro. Puoi aspettare qui: entri da solo quando apre.' };
    case 'signed_out':
      return { title: 'Prima devi accedere', text: 'Per entrare nella stanza accedi con il tuo nome utente. Poi torni qui da solo.' };
    case 'wrong_state':
      return {
        title: 'Questo incontro si fa per telefono',
        text: 'È una call conference: non c’è una stanza da aprire. All’ora dell’incontro vi collegate per telefono, con le istruzioni che trovi nella pagina dell’incontro.',
      };
    case 'offline':
      return { title: 'Il servizio non risponde', text: 'Controlla che il computer sia collegato a Internet. Riprovo da solo.' };
    case 'unknown':
      return { title: 'Non trovi posto in questa stanza', text: 'L’indirizzo non è di un tuo incontro. Apri l’incontro dalla tua agenda.' };
    default: {
      if (answer.code === 'ended' && standing) return { ...farewell('ended', true), ...(answer.message && { text: answer.message }) };
      const title = answer.code === 'ended' ? 'L’incontro è terminato' : 'Non puoi entrare adesso';
      return { title, text: answer.message || refusal(answer.code as ErrorCode) };
    }
  }
}

function page(title: string, text: string, test: string, phone: string | null, actions: Child[]): HTMLElement {
  return h(
    'main',
    { class: 'closed', test },
    h(
      'div',
      { class: 'card' },
      h('h1', { text: title, attrs: { tabindex: '-1' } }),
      h('p', { class: 'lead', text }),
      h('div', { class: 'actions' }, ...actions),
      phone !== null && h('p', { class: 'help' }, 'Hai bisogno di aiuto? Chiama ', phoneLink(phone), '.'),
    ),
  );
}

const backTo = [
  ['/incontri/', 'Vai alla pagina dell’incontro'],
  ['/pratiche/', 'Vai alla pagina della pratica'],
] as const;

function back(way: Way): HTMLElement {
  const to = backTo.find(([start]) => way.back.startsWith(start));
  const text = to?.[1] ?? 'Vai alla tua pagina';
  return h('a', { class: 'btn', text, test: 'back', attrs: { href: way.back } });
}

function countdown(seconds: number, exact: boolean, done: () => void): HTMLElement {
  const until = performance.now() + seconds * 1000;
  const left = h('strong', { test: 'countdown' });
  const node = h('p', { class: 'countdown' }, exact ? 'Apre tra ' : 'Riprovo tra ', left);
  const tick = () => {
    if (!node.isConnected && node.dataset['seen']) return;
    if (node.isConnected) node.dataset['seen'] = 'yes';
    const rest = Math.ceil((until - performance.now()) / 1000);
    if (rest <= 0) return done();
    setText(left, duration(rest));
    setTimeout(tick, 1000);
  };
  tick();
  return node;
}
