/** Before the room: notice of confidentiality (R-MEET-25), microphone and camera, help. */
import type { Seat } from '../api';
import type { Devices } from '../devices';
import { button, h } from './element';
import { createPreview } from './devices';
import { phoneLink } from './phone';
import { filesStay, theNeutral } from '../words';

/** The media test; its "Chiudi" leads back here. */
const mediaTest = () => `/media-test?ritorno=${encodeURIComponent(location.pathname)}`;

export function createEntrance(seat: Seat, devices: Devices, enter: () => void) {
  const place = seat.standing ? 'La stanza' : 'L’incontro';
  const seen = seat.standing
    ? 'Non c’è sala d’attesa: quando entri ti vede e ti sente subito chi è già nella stanza.'
    : seat.role === 'conciliator'
      ? 'Chi aspetta in sala d’attesa non ti vede: lo fai entrare tu.'
      : `Nessuno ti vede finché ${theNeutral()} non ti fa entrare.`;
  const preview = createPreview(devices);
  const accept = h('input', { id: 'accept', test: 'accept', attrs: { type: 'checkbox', 'aria-describedby': 'accept-hint' } });
  const hint = h('p', { id: 'accept-hint', class: 'problem', hidden: true, attrs: { role: 'alert' }, text: 'Per entrare devi prima accettare l’impegno alla riservatezza.' });
  const go = button('Entra nella stanza', {
    test: 'enter',
    class: 'primary big',
    click: () => {
      hint.hidden = accept.checked;
      if (!accept.checked) return accept.focus();
      go.disabled = true;
      preview.stop();
      enter();
    },
  });
  const node = h(
    'main',
    { class: 'entrance' },
    h('header', {}, h('p', { class: 'over', text: `Pratica ${seat.case_number}` }), h('h1', { text: seat.title, attrs: { tabindex: '-1' } })),
    h(
      'div',
      { class: 'columns' },
      h(
        'section',
        { class: 'card' },
        h('h2', { text: '1. Controlla microfono e telecamera' }),
        h('p', { text: `La telecamera è facoltativa, il microfono serve per parlare. ${seen}` }),
        preview.node,
        h('p', {}, h('a', { test: 'media-test', text: 'Prova anche la rete e il browser', attrs: { href: mediaTest() } })),
      ),
      h(
        'section',
        { class: 'card' },
        h('h2', { text: '2. Riservatezza' }),
        h('p', { text: `${place} è ${seat.standing ? 'riservata' : 'riservato'}. Quello che viene detto, scritto o mostrato non può essere usato altrove né raccontato ad altri.` }),
        h(
          'ul',
          {},
          h('li', { text: 'Nessuno registra: il servizio non ha alcuna funzione per registrare audio, video o chat.' }),
          h('li', { text: 'È vietato registrare anche con altri mezzi, per esempio con un telefono.' }),
          h('li', { text: 'Accanto a te ci devono essere solo le persone convocate.' }),
          h('li', { text: 'I messaggi della chat non vengono conservati.' }),
          h('li', { text: filesStay(seat.files_until) }),
        ),
        h('label', { class: 'check', attrs: { for: 'accept' } }, accept, seat.standing ? 'Ho letto e mi impegno alla riservatezza.' : 'Ho letto e mi impegno a rispettare la riservatezza dell’incontro.'),
        hint,
        go,
        h('p', { class: 'help' }, 'Problemi a entrare? Chiama ', phoneLink(seat.help_phone), '.'),
      ),
    ),
  );
  preview.update();
  return { node, update: preview.update };
}
