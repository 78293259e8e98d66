// Minutes and signatures: saves as one types, and looks again when the room says that something
// changed. Without it the page works by its buttons.

const SAVE_AFTER_MS = 800;
const LOOK_EVERY_MS = 4000;
/** A page that nobody touches stops asking, so that its sign-in can run out (R-LOG-16). */
const LOOK_FOR_MS = 15 * 60_000;

saveWhileTyping();
watch();
// A browser follows `autofocus` once in a window, frames and all. Who is writing elsewhere in the room
// keeps the cursor.
if (document.hasFocus()) document.querySelector<HTMLElement>('[autofocus]')?.focus();

/** A form marked `data-autosave` is sent in the background a moment after the last change. */
function saveWhileTyping(): void {
  const form = document.querySelector<HTMLFormElement>('form[data-autosave]');
  const status = document.querySelector<HTMLElement>('[data-save-status]');
  if (!form || !status) return;
  let timer = 0;
  let saving: Promise<void> | null = null;

  const say = (words: string, good: boolean): void => {
    status.textContent = words;
    status.classList.toggle('text-danger', !good);
  };
  const save = async (): Promise<void> => {
    const sent = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === 'string') sent.append(name, value);
    try {
      const response = await fetch(form.action, {
        method: 'POST',
        body: sent,
        headers: { accept: 'application/json' },
        redirect: 'error',
      });
      if (response.status === 401) {
        say('La sessione è terminata. Copia il testo, accedi di nuovo e incollalo.', false);
        return;
      }
      const answer = (await response.json()) as { revision?: number; message?: string };
      const revision = form.elements.namedItem('revision');
      if (answer.revision !== undefined && revision instanceof HTMLInputElement) revision.value = String(answer.revision);
      say(answer.message ?? '', response.ok);
    } catch {
      say('Non salvato: connessione assente. Si riprova alla prossima modifica.', false);
    }
  };
  // One after the other: each goes on from the revision that the one before it made.
  const saveNext = (): void => {
    const next: Promise<void> = (saving ?? Promise.resolve()).then(save).finally(() => {
      if (saving === next) saving = null;
    });
    saving = next;
  };
  form.addEventListener('input', (event) => {
    // Another outcome brings another page: its button decides.
    if (event.target instanceof HTMLSelectElement) return;
    status.textContent = 'Modifiche non ancora salvate…';
    window.clearTimeout(timer);
    timer = window.setTimeout(saveNext, SAVE_AFTER_MS);
  });
  // A button goes on from the revision that is being saved, not from the one before it.
  form.addEventListener('submit', (event) => {
    window.clearTimeout(timer);
    if (!saving) return;
    event.preventDefault();
    void saving.then(() => form.requestSubmit(event.submitter));
  });
}

/** The page carries the version of what it shows; when the hub has another one, it is loaded anew. */
function watch(): void {
  const shown = document.querySelector<HTMLElement>('[data-version][data-version-url]');
  if (!shown) return;
  const address = shown.dataset['versionUrl'] ?? '';
  let looking = false;
  let touched = Date.now();

  const look = async (): Promise<void> => {
    if (looking || document.hidden || isBusy()) return;
    looking = true;
    try {
      const response = await fetch(address, { headers: { accept: 'application/json' } });
      if (!response.ok) return;
      const { version } = (await response.json()) as { version: string };
      if (version !== shown.dataset['version'] && !isBusy()) window.location.replace(shown.dataset['page'] ?? window.location.pathname);
    } catch {
      // The next look may succeed.
    } finally {
      looking = false;
    }
  };
  window.addEventListener('message', (event) => {
    if (event.origin === window.location.origin && (event.data as { accordo?: string }).accordo === 'changed') void look();
  });
  for (const sign of ['pointermove', 'keydown', 'focus']) {
    window.addEventListener(sign, () => (touched = Date.now()), { passive: true });
  }
  window.setInterval(() => {
    if (Date.now() - touched < LOOK_FOR_MS) void look();
  }, LOOK_EVERY_MS);
}

/** Nobody loses what they are writing, or what they were just told, to a page that loads itself. */
function isBusy(): boolean {
  if (document.querySelector('.is-invalid, .alert-danger')) return true;
  for (const form of document.forms) {
    if (form.dataset['sent']) return true;
    for (const field of form.elements) {
      if (field instanceof HTMLTextAreaElement && field.value !== field.defaultValue) return true;
      if (field instanceof HTMLInputElement && field.type === 'checkbox' && field.checked !== field.defaultChecked) return true;
      if (field instanceof HTMLInputElement && field.type === 'file' && field.value) return true;
      if (field instanceof HTMLInputElement && ['text', 'date', 'time'].includes(field.type) && field.value !== field.defaultValue) return true;
      if (field instanceof HTMLSelectElement && field.selectedIndex !== chosenAtFirst(field)) return true;
    }
  }
  return false;
}

function chosenAtFirst(select: HTMLSelectElement): number {
  return Math.max(0, [...select.options].findIndex((option) => option.defaultSelected));
}
