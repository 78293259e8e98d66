/** What is wrong with a device, and what to do about it, by cause and by browser. Pure. */

export type Browser = 'chrome' | 'edge' | 'firefox' | 'safari' | 'iphone' | 'android' | 'other';

/** From `navigator.userAgent`, as far as the advice differs. */
export function browserOf(agent: string): Browser {
  if (/iPhone|iPad|iPod/.test(agent)) return 'iphone';
  if (/Android/.test(agent)) return 'android';
  if (/Firefox\//.test(agent)) return 'firefox';
  if (/Edg\//.test(agent)) return 'edge';
  if (/Chrome\/|Chromium\//.test(agent)) return 'chrome';
  if (/Safari\//.test(agent)) return 'safari';
  return 'other';
}

export type Kind = 'mic' | 'cam';

const words = {
  mic: { the: 'Il microfono', blocked: 'bloccato', inUse: 'usato' },
  cam: { the: 'La telecamera', blocked: 'bloccata', inUse: 'usata' },
} as const;

/** Where each browser keeps its permission. */
function allow(kind: Kind, browser: Browser): string {
  const device = kind === 'mic' ? 'Microfono' : 'Fotocamera';
  switch (browser) {
    case 'chrome':
    case 'edge':
      return `Premi il simbolo a sinistra dell’indirizzo della pagina, scegli «Consenti» per ${device} e riprova.`;
    case 'firefox':
      return 'Premi il simbolo barrato accanto all’indirizzo della pagina, togli il blocco e riprova.';
    case 'safari':
      return `Nel menu Safari scegli «Impostazioni per questo sito web», consenti ${device} e riprova.`;
    case 'iphone':
      return `Premi «aA» accanto all’indirizzo, poi «Impostazioni sito web», consenti ${device} e ricarica la pagina.`;
    case 'android':
      return `Premi il simbolo accanto all’indirizzo, poi «Autorizzazioni», consenti ${device} e riprova.`;
    case 'other':
      return 'Nelle impostazioni del browser consenti l’uso a questo sito e riprova.';
  }
}

/** `name`: of the DOMException that `getUserMedia` ended with. */
export function deviceProblem(kind: Kind, name: string, browser: Browser): string {
  const w = words[kind];
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return `${w.the} è ${w.blocked} dal browser. ${allow(kind, browser)}`;
    case 'SecurityError':
      return `${w.the} si può usare solo da un indirizzo sicuro, che comincia con https. Apri la pagina dal collegamento che hai ricevuto.`;
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return kind === 'mic'
        ? 'Il microfono non è stato trovato. Collegalo al computer, oppure scegline un altro dall’elenco.'
        : 'La telecamera non è stata trovata. Collegala al computer, oppure continua senza: non è obbligatoria.';
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return `${w.the} è ${w.inUse} da un’altra applicazione: chiudila e riprova.`;
    default:
      return kind === 'mic'
        ? 'Il microfono non si avvia. Staccalo e ricollegalo, poi riprova.'
        : 'La telecamera non si avvia. Riprova, oppure continua senza: non è obbligatoria.';
  }
}

/** A device went, and another one takes its place, or none does. */
export function deviceGone(kind: Kind, lost: string, instead: string | null): string {
  const which = lost === '' ? words[kind].the : `${words[kind].the} «${lost}»`;
  const gone = kind === 'mic' ? 'si è scollegato' : 'si è scollegata';
  if (instead !== null) return `${which} ${gone}: adesso usi «${instead}».`;
  return kind === 'mic'
    ? `${which} ${gone}: gli altri non ti sentono. Ricollegalo: riparte da solo.`
    : `${which} ${gone}. Ricollegala: riparte da sola. Puoi continuare anche senza.`;
}

export function deviceBack(kind: Kind, name: string): string {
  return `${words[kind].the} «${name}» è di nuovo ${kind === 'mic' ? 'collegato' : 'collegata'} e in uso.`;
}
