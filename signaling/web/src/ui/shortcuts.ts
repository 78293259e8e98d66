/**
 * Keys for what is needed quickly. All with Alt and Shift, so that nobody sets anything off while
 * typing or speaking to a dictation program (WCAG 2.1.4).
 */
import { ask } from './dialog';

/** Key, the control it presses, and what that does. */
const keys: [code: string, letter: string, control: string, what: string][] = [
  ['KeyM', 'M', 'control-mic', 'accendi o spegni il microfono'],
  ['KeyV', 'V', 'control-cam', 'accendi o spegni la telecamera'],
  ['KeyS', 'S', 'control-screen', 'condividi lo schermo, o smetti'],
  ['KeyA', 'A', 'control-hand', 'alza o abbassa la mano'],
  ['KeyP', 'P', 'control-people', 'persone'],
  ['KeyC', 'C', 'control-chat', 'chat'],
  ['KeyD', 'D', 'control-document', 'verbale e firme'],
  ['KeyR', 'R', 'control-log', 'registro degli avvisi'],
  ['KeyK', 'K', 'shortcuts', 'questo elenco'],
];

/** Listens until the returned function is called. */
export function listenForKeys(): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (!event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey || event.repeat) return;
    if (document.querySelector('dialog[open]')) return;
    const control = controlOf(event.code);
    if (control === null) return;
    event.preventDefault();
    if (control === 'shortcuts') return void showKeys();
    const node = document.querySelector<HTMLButtonElement>(`[data-testid="${control}"]`);
    if (node && !node.hidden) node.click();
  };
  document.addEventListener('keydown', pressed);
  return () => document.removeEventListener('keydown', pressed);
}

/** Pure. */
export function controlOf(code: string): string | null {
  return keys.find(([key]) => key === code)?.[2] ?? null;
}

export async function showKeys(): Promise<void> {
  await ask({
    title: 'Usare la stanza con la tastiera',
    text: 'Tieni premuti Alt e Maiuscole insieme alla lettera. Con il tasto Tab passi da una zona all’altra, con le frecce da un comando all’altro, con Esc chiudi il riquadro aperto.',
    list: keys.map(([, letter, , what]) => `Alt + Maiuscole + ${letter}: ${what}`),
    confirm: 'Chiudi',
    inform: true,
  });
}
