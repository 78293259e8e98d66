/** The conciliator lets in somebody who was not convened (R-MEET-47), or by telephone (R-MEET-29). */
import type { Meeting } from '../meeting';
import { mobileWrong, numberWrong } from '../numbers';
import type { SeatReason, ServerMessage, Side } from '../protocol';
import { seatReasons, sideName } from '../words';
import { ask } from './dialog';
import { button, h, setText } from './element';
import { askForm, type Field } from './form';

const MAX_NAME_CHARS = 80;

function nameField(): Field {
  return {
    name: 'name',
    label: 'Nome e cognome',
    type: 'text',
    wrong: (value) =>
      value === '' ? 'Scrivi nome e cognome.' : value.length > MAX_NAME_CHARS ? `Il nome è troppo lungo: al massimo ${MAX_NAME_CHARS} caratteri.` : null,
  };
}

function sideField(sides: Side[] = ['activating', 'convened', 'aid']): Field {
  return {
    name: 'side',
    label: 'Con quale parte sta',
    type: 'select',
    options: sides.map((side) => [side, sideName(side)]),
  };
}

export async function addSeat(meeting: Meeting): Promise<void> {
  const values = await askForm({
    title: 'Aggiungi una persona',
    text: 'Riceve per SMS un collegamento personale e un codice, e aspetta in sala d’attesa finché non la ammetti. Parte e motivo vengono scritti nel registro delle presenze.',
    fields: [
      nameField(),
      {
        name: 'reason',
        label: 'A che titolo partecipa',
        type: 'select',
        options: Object.entries(seatReasons),
      },
      sideField(),
      { name: 'mobile', label: 'Cellulare', type: 'tel', wrong: mobileWrong },
    ],
    confirm: 'Invita',
  });
  if (!values) return;
  const answer = await meeting.ask({
    type: 'add_seat',
    name: values['name'] ?? '',
    side: values['side'] as Side,
    reason: values['reason'] as SeatReason,
    mobile: values['mobile'] ?? '',
  });
  if (answer?.type !== 'invited') return;
  await showInvitation(values['name'] ?? '', answer);
}

/** The other ways to the person: the link to copy, and a code to dictate. */
function showInvitation(name: string, { link, code, address }: Extract<ServerMessage, { type: 'invited' }>): Promise<string | null> {
  const field = h('input', { id: 'invited-link', test: 'invited-link', attrs: { type: 'text', readonly: '' } });
  field.value = link;
  const said = h('p', { class: 'hint', test: 'invited-copied', attrs: { role: 'status' } });
  const copy = button('Copia il collegamento', { test: 'invited-copy', click: () => void copyLink() });
  async function copyLink(): Promise<void> {
    field.select();
    // Without the permission the selected text can be copied by hand.
    const copied = await (navigator.clipboard?.writeText(link) ?? Promise.reject()).then(() => true, () => false);
    setText(said, copied ? 'Copiato: incollalo in un messaggio o in una mail.' : 'Il collegamento è selezionato: copialo con Ctrl+C.');
  }
  return ask({
    title: `Invito inviato a ${name}`,
    text: 'Il collegamento è partito per SMS. Se non arriva, ci sono altri due modi.',
    more: h(
      'div',
      { class: 'stack' },
      h('h3', { text: 'Mandalo tu, in un messaggio o per posta' }),
      h('label', { text: 'Collegamento personale', attrs: { for: 'invited-link' } }),
      field,
      copy,
      said,
      h('h3', { text: 'Dettalo al telefono' }),
      h('p', {}, 'La persona apre nel browser ', h('strong', { text: address.replace(/^https?:\/\//, '') }), ' e scrive questo codice:'),
      h('p', { class: 'dictated', test: 'invited-code', text: code }),
      h('p', { class: 'hint', text: 'Poi le arriva per SMS un secondo codice, di sei cifre: serve il cellulare che hai scritto. Il codice vale solo per questo incontro e per questa persona.' }),
    ),
    confirm: 'Va bene',
    inform: true,
  });
}

export async function addPhone(meeting: Meeting): Promise<void> {
  const { state } = meeting;
  const breakout = state.view?.breakouts.find((b) => b.session === state.session);
  const where = breakout
    ? ' Sei in una sessione separata: da qui puoi aggiungere solo chi sta con questa parte.'
    : ' Se entri in una sessione separata di un’altra parte, ti chiediamo prima se chiudere la telefonata.';
  const values = await askForm({
    title: 'Aggiungi chi partecipa per telefono',
    text: `Chiama tu la persona e metti il telefono in viva voce: sente quello che si dice dove sei tu. Gli altri vedono il nome con la scritta «telefono»; il numero lo vedi solo tu.${where}`,
    fields: [
      nameField(),
      { name: 'number', label: 'Numero di telefono', type: 'tel', wrong: numberWrong },
      breakout ? sideField([breakout.side]) : sideField(),
    ],
    confirm: 'Aggiungi',
  });
  if (!values) return;
  await meeting.command({
    type: 'add_phone',
    name: values['name'] ?? '',
    number: values['number'] ?? '',
    side: values['side'] as Side,
  });
}
