/**
 * Who is on the telephone hears where the conciliator is, who holds it on loudspeaker (R-MEET-29).
 * Before it goes into a breakout of another side, the conciliator is asked; the room asks too.
 */
import type { Meeting } from '../meeting';
import { overhearers } from '../model';
import type { Session, Side, Telephones } from '../protocol';
import { listenerNames } from '../words';
import { ask, toast } from './dialog';

type Decided = { telephones?: Telephones };

/** What goes with the command; null if the conciliator stays here. */
export async function decide(meeting: Meeting, side: Side | undefined): Promise<Decided | null> {
  const listening = side ? overhearers(meeting.state, side) : [];
  if (listening.length === 0) return {};
  const [one] = listening;
  const many = listening.length > 1 || !one;
  const answer = await ask({
    title: 'Il telefono è in viva voce',
    text: `Se entri nella sessione separata con il telefono in viva voce, ${listenerNames(listening)} ${many ? 'sentono' : 'sente'} quello che si dice. Chiudere ${many ? 'le telefonate' : 'la telefonata'} o proseguire? Se prosegui, chi è dentro viene avvisato prima e tu entri cinque secondi dopo.`,
    confirm: many ? 'Ho chiuso le telefonate: entro' : 'Ho chiuso la telefonata: entro',
    other: 'Proseguo con il telefono',
  });
  if (answer === null) return null;
  return { telephones: answer === 'other' ? 'listen' : 'hang_up' };
}

/** Goes to another session, announced. */
export async function goTo(meeting: Meeting, to: Session, side: Side | undefined): Promise<void> {
  const decided = await decide(meeting, side);
  if (!decided) return;
  if (await meeting.command({ type: 'visit', to, ...decided })) say(decided);
}

/** Opens a breakout, and goes along or not. */
export async function openBreakout(meeting: Meeting, side: Side, withMe: boolean, minutes: number | null): Promise<void> {
  const decided = withMe ? await decide(meeting, side) : {};
  if (!decided) return;
  const done = await meeting.command({
    type: 'open_breakout',
    epoch: meeting.state.epoch,
    side,
    with_me: withMe,
    ...(minutes === null ? {} : { minutes }),
    ...decided,
  });
  if (done) say(decided);
}

function say({ telephones }: Decided): void {
  if (telephones === 'listen') toast('Chi è dentro viene avvisato che il telefono è in viva voce. Entri tra cinque secondi.');
}
