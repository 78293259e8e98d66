/** Chat of my present session. It lives here and in the room's memory, nowhere else. */
import type { Meeting } from '../meeting';
import type { ChatLine } from '../model';
import { clockTime, sessionName } from '../words';
import { h, setText } from './element';

const MAX_CHARS = 2_000;

export function createChat(meeting: Meeting) {
  const where = h('p', { class: 'hint' });
  const lines = h('ol', { class: 'lines', test: 'chat-lines', attrs: { tabindex: '0', 'aria-label': 'Messaggi' } });
  const text = h('textarea', {
    id: 'chat-text',
    test: 'chat-text',
    attrs: { rows: '2', maxlength: String(MAX_CHARS), placeholder: 'Scrivi un messaggio' },
    on: {
      keydown: (event) => {
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          void send();
        }
      },
    },
  });
  const node = h(
    'div',
    { class: 'chat' },
    where,
    lines,
    h(
      'form',
      {
        on: {
          submit: (event) => {
            event.preventDefault();
            void send();
          },
        },
      },
      h('label', { class: 'visually-hidden', text: 'Messaggio', attrs: { for: 'chat-text' } }),
      text,
      h('button', { class: 'btn primary', text: 'Invia', test: 'chat-send', attrs: { type: 'submit' } }),
    ),
  );
  let drawn: { session: string | null; count: number } = { session: null, count: 0 };

  async function send(): Promise<void> {
    const written = text.value.trim();
    if (written === '') return;
    const { epoch, session } = meeting.state;
    // What is typed while the answer is on its way is the next line.
    text.value = '';
    const said = await meeting.command({ type: 'chat', epoch, text: written });
    // Refused: it comes back, but not into another session.
    if (!said && session === meeting.state.session) text.value = [written, text.value].filter(Boolean).join('\n');
  }

  function update(): void {
    const { state } = meeting;
    const session = state.session ?? 'lobby';
    const all = state.chat[session] ?? [];
    setText(
      where,
      session === 'lobby'
        ? 'La chat si apre quando entri nella sessione.'
        : `${sessionName(session)}: leggono solo i presenti. I messaggi non vengono conservati.`,
    );
    text.disabled = session === 'lobby';
    if (drawn.session !== session) {
      lines.replaceChildren();
      // A text begun for other ears is not carried over.
      if (drawn.session !== null) text.value = '';
      drawn = { session, count: 0 };
    }
    for (const line of all.slice(drawn.count)) lines.append(chatLine(line, line.from === state.me));
    if (drawn.count !== all.length) lines.scrollTop = lines.scrollHeight;
    drawn.count = all.length;
  }
  return { node, update, focus: () => text.focus() };
}

function chatLine(line: ChatLine, own: boolean): HTMLElement {
  return h(
    'li',
    { class: own ? 'own' : '', test: 'chat-line' },
    h('span', { class: 'head' }, h('strong', { text: own ? 'Tu' : line.name }), ' ', h('time', { text: clockTime(line.at_ms) })),
    h('p', { text: line.text }),
  );
}
