/** The Italian words of the room, in one place. Plain, short, in the second person. */
import type { ErrorCode, LeaveReason, ParticipantId, Person, Quality, SeatReason, Session, Side } from './protocol';

export const sideNames: Record<Side, string> = {
  neutral: 'Conciliatore',
  activating: 'Parte attivante',
  convened: 'Operatore convenuto',
  aid: 'Ausilio tecnico',
};

/** "Apri sessione separata …": with whom. */
export const openWith: Record<Exclude<Side, 'neutral'>, string> = {
  activating: 'con la parte attivante',
  convened: 'con l’operatore',
  aid: 'con l’ausilio tecnico',
};

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
    p.connected || p.removed ? null : 'si sta ricollegando',
    p.phone ? 'telefono' : null,
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
  const of = side && side !== 'neutral' ? ` – ${sideNames[side].toLowerCase()}` : '';
  return `Sessione separata ${number}${of}`;
}

/** Who hears me, said so that nobody has to guess: a sentence, and the names that complete it. */
export function whoHears(session: Session, others: Person[]): { sentence: string; names: string } {
  if (session === 'lobby') return { sentence: 'Nessuno ti vede e nessuno ti sente.', names: '' };
  if (others.length === 0) return { sentence: 'In questo momento non ti sente nessuno.', names: '' };
  const names = `: ${others.map((p) => p.name).join(', ')}`;
  if (others.length === 1) return { sentence: 'Ti sente solo', names };
  return { sentence: session === 'plenary' ? `Ti sentono tutti i presenti (${others.length})` : 'Ti sentono solo', names };
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
export const refusals: Record<ErrorCode, string> = {
  bad_message: 'La richiesta non è stata capita. Ricarica la pagina e riprova.',
  bad_hello: 'Il collegamento non è stato accettato. Ricarica la pagina.',
  bad_token: 'L’accesso è scaduto. Ricarica la pagina per ottenerne uno nuovo.',
  too_early: 'La stanza non è ancora aperta.',
  ended: 'L’incontro è terminato.',
  locked: 'Il conciliatore ha chiuso la porta: per entrare chiama il numero di assistenza.',
  removed: 'Il conciliatore ti ha fatto uscire da questo incontro.',
  full: 'La stanza è al completo. Riprova tra qualche minuto o chiama l’assistenza.',
  not_allowed: 'Solo il conciliatore può farlo.',
  no_such_target: 'La persona o la sessione non è più presente. Controlla l’elenco e riprova.',
  stale_epoch: 'Nel frattempo qualcuno è stato spostato. Controlla chi è presente e riprova.',
  wrong_state: 'In questo momento non è possibile.',
  too_fast: 'Troppe richieste in poco tempo. Aspetta qualche secondo e riprova.',
  bad_offer: 'Il browser non riesce ad aprire audio e video. Aggiornalo o usane un altro.',
  internal: 'Il servizio ha avuto un problema: niente è andato perso. Riprova tra poco.',
};

export const farewells: Record<LeaveReason, { title: string; text: string }> = {
  ended: {
    title: 'L’incontro è terminato',
    text: 'Grazie per aver partecipato. Il verbale e le firme restano nella pagina dell’incontro.',
  },
  called_off: {
    title: 'L’incontro è stato rinviato o annullato',
    text: 'La segreteria ha spostato o tolto questo incontro e la stanza si è chiusa. Ti scriviamo la nuova data; la trovi anche nella pagina dell’incontro.',
  },
  removed: {
    title: 'Sei uscito dall’incontro',
    text: 'Il conciliatore ti ha fatto uscire. Se pensi a un errore, chiama il numero di assistenza.',
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
};

/** How a device is, and what a press on its button does. */
export function deviceWords(device: 'mic' | 'cam', on: boolean): [string, string] {
  if (device === 'mic') return on ? ['Microfono acceso', 'Spegni il microfono'] : ['Microfono spento', 'Accendi il microfono'];
  return on ? ['Telecamera accesa', 'Spegni la telecamera'] : ['Telecamera spenta', 'Accendi la telecamera'];
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
