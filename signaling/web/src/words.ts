/** The Italian words of the room, in one place. Plain, short, in the second person. */
import type { SideNames } from './api';
import type { ErrorCode, LeaveReason, Listener, MoveReason, ParticipantId, Person, Quality, SeatReason, Session, Side } from './protocol';

let sides: SideNames = {
  neutral: { name: 'Conciliatore', the: 'il conciliatore' },
  activating: { name: 'Parte attivante', the: 'la parte attivante' },
  convened: { name: 'Operatore convenuto', the: 'l’operatore' },
  aid: { name: 'Ausilio tecnico', the: 'l’ausilio tecnico' },
};

/** From here on the sides are called as the procedure calls them (R-SIGN-40). One page is one room. */
export function callSides(told: SideNames): void {
  sides = told;
}

/** "Parte attivante". */
export function sideName(side: Side): string {
  return sides[side].name;
}

/** "la parte attivante". */
export function theSide(side: Side): string {
  return sides[side].the;
}

/** "il conciliatore". */
export function theNeutral(): string {
  return sides.neutral.the;
}

/** "Il conciliatore", where a sentence begins. */
export function TheNeutral(): string {
  const { the } = sides.neutral;
  return the.charAt(0).toUpperCase() + the.slice(1);
}

/** As what somebody is let in who was not convened (R-MEET-47). */
export const seatReasons: Record<SeatReason, string> = {
  lawyer: 'Avvocato',
  interpreter: 'Interprete',
  companion: 'Accompagnatore',
  expert: 'Esperto',
};

export const qualityNames: Record<Quality, string> = {
  good: 'rete buona',
  fair: 'rete un po’ lenta',
  poor: 'rete molto lenta',
};

/** How somebody is there, in a few words. `hand`: the place of the raised hand, 0 while it is down. */
export function statusWords(p: Person, hand: number): string[] {
  const inside = p.session !== 'lobby' && !p.removed;
  return [
    hand > 0 ? `mano alzata (${hand}ª)` : null,
    p.connected || p.removed ? null : p.phone ? 'per ora non sente' : 'si sta ricollegando',
    p.phone ? 'telefono in viva voce' : null,
    inside && !p.phone ? (p.mic ? 'microfono acceso' : 'microfono spento') : null,
    inside && !p.phone ? (p.cam ? 'telecamera accesa' : 'telecamera spenta') : null,
    inside && p.screen ? 'condivide lo schermo' : null,
    p.role === 'conciliator' || p.phone ? null : p.identified ? 'identità verificata' : 'identità da verificare',
    p.quality ? qualityNames[p.quality] : null,
  ].filter((text) => text !== null);
}

export function sessionName(session: Session, side?: Side): string {
  if (session === 'lobby') return 'Sala d’attesa';
  if (session === 'plenary') return 'Sessione comune';
  const number = session.replace('breakout-', '');
  const of = side && side !== 'neutral' ? ` – ${sideName(side).toLowerCase()}` : '';
  return `Sessione separata ${number}${of}`;
}

/** Who hears me, said so that nobody has to guess: a sentence, and the names that complete it. */
export function whoHears(session: Session, others: Person[]): { sentence: string; names: string } {
  if (session === 'lobby') return { sentence: 'Nessuno ti vede e nessuno ti sente.', names: '' };
  if (others.length === 0) return { sentence: 'In questo momento non ti sente nessuno.', names: '' };
  const names = `: ${others.map((p) => (p.phone ? `${p.name} (al telefono)` : p.name)).join(', ')}`;
  if (others.length === 1) return { sentence: 'Ti sente solo', names };
  return { sentence: session === 'plenary' ? `Ti sentono tutti i presenti (${others.length})` : 'Ti sentono solo', names };
}

/** Those on the telephone, with the side they are on: "Pina Neri (operatore convenuto)". */
export function listenerNames(listening: Listener[]): string {
  return listening.map(({ name, side }) => `${name} (${sideName(side).toLowerCase()})`).join(', ');
}

/** The conciliator comes in, and who hears from then on. */
export function visitWords(phones: Listener[]): string {
  if (phones.length === 0) return `${TheNeutral()} entra in questa sessione.`;
  const hear = phones.length === 1 ? 'sente' : 'sentono';
  return `Attenzione: ${theNeutral()} entra in questa sessione con il telefono in viva voce. ${listenerNames(phones)} ${hear} quello che si dice.`;
}

/** Somebody on the telephone is here now. */
export function overheardWords(phones: Listener[]): string {
  const hear = phones.length === 1 ? 'partecipa per telefono, in viva voce, e sente' : 'partecipano per telefono, in viva voce, e sentono';
  return `Attenzione: ${listenerNames(phones)} ${hear} quello che si dice qui.`;
}

/** Where I am now, and who brought me here. */
export function moveWords(why: MoveReason | null, to: Session): string {
  const now = `Ora sei in: ${sessionName(to)}.`;
  switch (why) {
    case 'excluded':
      return `${TheNeutral()} ti ha mandato in sala d’attesa: nessuno ti vede e nessuno ti sente. Resta qui, vieni fatto rientrare.`;
    case 'admitted':
      return `${TheNeutral()} ti ha fatto entrare. ${now}`;
    case 'aside':
      return `${TheNeutral()} ha aperto una sessione separata per la tua parte. ${now}`;
    case 'moved':
      return `${TheNeutral()} ti ha spostato. ${now}`;
    case 'closed':
      return `La sessione separata è chiusa. ${now}`;
    default:
      return now;
  }
}

/** What a screen reader is told when people around me change. */
export function announceChange(
  before: Person[],
  after: Person[],
  me: ParticipantId | null,
): { kind: 'announce'; text: string; urgent: boolean }[] {
  const texts: string[] = [];
  const old = new Map(before.map((p) => [p.id, p]));
  const now = new Set(after.map((p) => p.id));
  for (const p of after) {
    if (p.id === me) continue;
    const was = old.get(p.id);
    // Who is on the telephone is told louder.
    if (!was && p.phone) continue;
    if (!was) texts.push(`Entra ${p.name}, ${p.label}.`);
    else if (was.connected && !p.connected) texts.push(`${p.name} ha perso il collegamento.`);
    else if (!was.connected && p.connected) texts.push(`${p.name} è di nuovo collegato.`);
    if (was && was.hand_at_ms === null && p.hand_at_ms !== null) texts.push(`${p.name} alza la mano.`);
    if (was && !was.screen && p.screen) texts.push(`${p.name} condivide lo schermo.`);
  }
  for (const p of before) {
    if (p.id !== me && !now.has(p.id)) texts.push(`Esce ${p.name}.`);
  }
  return texts.map((text) => ({ kind: 'announce', text, urgent: false }));
}

/** What went wrong with a request in the room, and what helps. */
export function refusal(code: ErrorCode): string {
  const { [code]: words } = refusals;
  return typeof words === 'string' ? words : words();
}

const refusals: Record<ErrorCode, string | (() => string)> = {
  bad_message: 'La richiesta non è stata capita. Ricarica la pagina e riprova.',
  bad_hello: 'Il collegamento non è stato accettato. Ricarica la pagina.',
  bad_token: 'L’accesso è scaduto. Ricarica la pagina per ottenerne uno nuovo.',
  too_early: 'La stanza non è ancora aperta.',
  ended: 'L’incontro è terminato.',
  locked: () => `${TheNeutral()} ha chiuso la porta e vede che aspetti qui fuori. Resta su questa pagina: appena la riapre si va avanti da soli.`,
  removed: () => `${TheNeutral()} ti ha fatto uscire dalla stanza.`,
  full: 'La stanza è al completo. Riprova tra qualche minuto o chiama l’assistenza.',
  not_allowed: () => `Solo ${theNeutral()} può farlo.`,
  no_such_target: 'La persona o la sessione non è più presente. Controlla l’elenco e riprova.',
  stale_epoch: 'Nel frattempo qualcuno è stato spostato. Controlla chi è presente e riprova.',
  wrong_state: 'In questo momento non è possibile.',
  too_fast: 'Troppe richieste in poco tempo. Aspetta qualche secondo e riprova.',
  bad_offer: 'Il browser non riesce ad aprire audio e video. Aggiornalo o usane un altro.',
  internal: 'Il servizio ha avuto un problema: niente è andato perso. Riprova tra poco.',
};

export interface Words {
  title: string;
  text: string;
}

/** What is said at the end. `standing`: the room was not that of a meeting (R-MEET-23). */
export function farewell(reason: LeaveReason, standing: boolean): Words {
  return (standing ? standingFarewells[reason] : undefined) ?? farewells()[reason];
}

const standingFarewells: Partial<Record<LeaveReason, Words>> = {
  ended: {
    title: 'La stanza della pratica è chiusa',
    text: 'Il suo periodo è finito: nessuno può più entrare e i file rimasti nella stanza vengono cancellati. I documenti e i verbali restano nella pagina della pratica.',
  },
  bye: {
    title: 'Hai lasciato la stanza',
    text: 'La stanza resta a disposizione: puoi rientrare quando vuoi.',
  },
  closing: {
    title: 'La stanza si è chiusa per un momento',
    text: 'Sta per cominciare un incontro, oppure il servizio si riavvia. Rientra da qui: se c’è un incontro entri nella sua sala d’attesa.',
  },
};

const farewells = (): Record<LeaveReason, Words> => ({
  ended: {
    title: 'L’incontro è terminato',
    text: 'Grazie per aver partecipato. Il verbale e le firme restano nella pagina dell’incontro.',
  },
  called_off: {
    title: 'L’incontro è stato rinviato o annullato',
    text: 'La segreteria ha spostato o tolto questo incontro e la stanza si è chiusa. Ti scriviamo la nuova data; la trovi anche nella pagina dell’incontro.',
  },
  removed: {
    title: 'Non sei più nella stanza',
    text: `${TheNeutral()} ti ha fatto uscire. Se pensi a un errore, chiama il numero di assistenza.`,
  },
  replaced: {
    title: 'La stanza è aperta in un’altra finestra',
    text: 'Puoi stare nella stanza con una sola finestra alla volta. Se vuoi, continua da questa.',
  },
  bye: {
    title: 'Hai lasciato la stanza',
    text: 'Finché l’incontro è in corso puoi rientrare quando vuoi.',
  },
  closing: {
    title: 'Il servizio si sta riavviando',
    text: 'Il tuo posto è conservato. Rientra tra un momento.',
  },
  stalled: {
    title: 'Il collegamento si è interrotto',
    text: 'La rete è troppo lenta o si è fermata. Controllala e rientra: il tuo posto è conservato.',
  },
});

/** What becomes of shared files. `until`: the day on which the room that keeps them ends, or empty. */
export function filesStay(until: string, plenary = true): string {
  if (until !== '') return `I file condivisi con tutti restano nella stanza fino al ${until}; dopo restano solo quelli aggiunti al fascicolo.`;
  const end = plenary ? 'A fine incontro' : 'Quando questa sessione si chiude';
  return `${end} i file vengono cancellati, salvo quelli aggiunti al fascicolo.`;
}

/** How a device is, and what a press on its button does. */
export function deviceWords(device: 'mic' | 'cam', on: boolean): [string, string] {
  if (device === 'mic') return on ? ['Microfono acceso', 'Spegni il microfono'] : ['Microfono spento', 'Accendi il microfono'];
  return on ? ['Telecamera accesa', 'Spegni la telecamera'] : ['Telecamera spenta', 'Accendi la telecamera'];
}

/** The same for the screen, short enough for a phone. */
export function screenWords(on: boolean): [string, string] {
  return on ? ['Ferma schermo', 'Smetti di condividere lo schermo'] : ['Condividi schermo', 'Mostra lo schermo ai presenti'];
}

/** "3 giorni", "4 minuti", "30 secondi". */
export function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 2880) return `${Math.floor(minutes / 1440)} giorni`;
  if (minutes >= 120) return `${Math.floor(minutes / 60)} ore`;
  if (minutes >= 2) return `${minutes} minuti`;
  return seconds === 1 ? '1 secondo' : `${Math.max(0, Math.ceil(seconds))} secondi`;
}

/** By the clocks in Rome, wherever the browser is, as on every page. */
export function clockTime(at_ms: number): string {
  return new Date(at_ms).toLocaleTimeString('it-IT', { hour: '2-digit', minute: '2-digit', timeZone: 'Europe/Rome' });
}
