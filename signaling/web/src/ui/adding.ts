/** The conciliator lets in somebody who was not convened (R-MEET-47), or by telephone (R-MEET-29). */
import type { Meeting } from '../meeting';
import type { SeatReason, Side } from '../protocol';
import { seatReasons, sideName } from '../words';
import { ask } from './dialog';
import { askForm, type Field } from './form';

const MAX_NAME_CHARS = 80;

function nameField(): Field {
  return {
    name: 'name',
    label: 'Nome e cognome',
    type: 'text',
    wrong: (value) =>
      value === '' ? 'Scrivi nome e cognome.' : value.length > MAX_NAME_CHARS ? 'Il nome è troppo lungo.' : null,
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

/** Between five and fifteen digits, and the usual signs. */
function numberWrong(value: string): string | null {
  const digits = value.replace(/\D/g, '').length;
  if (digits >= 5 && digits <= 15 && /^[\d +\-/().]+$/.test(value)) return null;
  return 'Scrivi il numero con il prefisso, per esempio 333 1234567.';
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
      { name: 'mobile', label: 'Cellulare', type: 'tel', wrong: numberWrong },
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
  await ask({
    title: `Invito inviato a ${values['name']}`,
    text: `Il collegamento è partito per SMS. Se non arriva, puoi dettarlo tu: ${answer.link}`,
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
