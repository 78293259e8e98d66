/**
 * Files of the present session (R-MEET-20, R-MEET-26): share one's own, show documents of the case,
 * look at them together, add one's own to the case.
 */
import { fileSize, MAX_BYTES, RoomFiles } from '../files';
import { nameOf } from '../filenews';
import type { Meeting } from '../meeting';
import { isConciliator } from '../model';
import type { SharedFile } from '../protocol';
import { filesStay, sessionName } from '../words';
import { announce } from './announcer';
import { ask, toast } from './dialog';
import { button, h, redraw, setText } from './element';
import { askFiling, chooseDocument } from './filedialogs';
import { createViewer } from './viewer';

export function createFiles(meeting: Meeting, roomId: string) {
  const files = new RoomFiles(roomId);
  let sending = new AbortController();
  let session: string | null = null;

  const where = h('p', { class: 'hint' });
  const input = h('input', { id: 'file-input', test: 'file-input', class: 'visually-hidden', attrs: { type: 'file', multiple: '', tabindex: '-1', 'aria-hidden': 'true' } });
  input.addEventListener('change', () => {
    void sendAll([...(input.files ?? [])]);
    input.value = '';
  });
  const choose = button('Condividi un file', { class: 'primary wide', test: 'file-share', click: () => input.click() });
  const fromCase = button('Mostra un documento del fascicolo', { class: 'wide', test: 'file-from-case', click: () => void shareDocument() });
  const draft = button('Mostra la bozza del verbale', { class: 'wide', test: 'file-draft', click: () => void shareDraft() });
  const progress = h('ul', { class: 'sending', attrs: { 'aria-label': 'Invii in corso' } });
  const list = h('div');
  const overview = h(
    'div',
    { class: 'overview' },
    where,
    h('div', { class: 'stack drop', test: 'file-drop' }, choose, input, h('p', { class: 'hint', text: 'Oppure trascina qui il file. PDF, immagini e documenti, al massimo 15 MB l’uno.' }), fromCase, draft),
    progress,
    list,
  );
  const viewer = createViewer(meeting, files, () => {
    overview.hidden = false;
    update();
    choose.focus();
  });
  const node = h('div', { class: 'files' }, overview, viewer.node);
  for (const kind of ['dragover', 'drop'] as const) {
    node.addEventListener(kind, (event) => {
      event.preventDefault();
      node.classList.toggle('dropping', kind === 'dragover');
      if (kind === 'drop') void sendAll([...(event.dataTransfer?.files ?? [])]);
    });
  }
  node.addEventListener('dragleave', () => node.classList.remove('dropping'));

  async function sendAll(chosen: File[]): Promise<void> {
    for (const file of chosen) await send(file);
  }

  async function send(file: File): Promise<void> {
    if (file.size >= MAX_BYTES) return toast(`${file.name}: il file deve essere più piccolo di 15 MB.`, 'problem');
    const bar = h('progress', { attrs: { max: '1', value: '0', 'aria-label': `Invio di ${file.name}` } });
    const row = h('li', { test: 'file-sending' }, h('span', { text: `${file.name} (${fileSize(file.size)})` }), bar);
    progress.append(row);
    const { signal } = sending;
    const sent = await files.upload(file, meeting.state.epoch, (part) => (bar.value = part), signal);
    row.remove();
    if (sent.ok) announce(`Il file ${file.name} è condiviso.`, false);
    else if (signal.aborted) toast(`Sei passato in un’altra sessione: ${file.name} non è stato condiviso.`, 'problem');
    else toast(`${file.name}: ${sent.text}`, 'problem');
  }

  async function shareDocument(): Promise<void> {
    const { epoch } = meeting.state;
    const found = await files.documents();
    if (!found.ok) return toast(found.text, 'problem');
    const chosen = await chooseDocument(found.value);
    if (!chosen) return;
    const shared = await files.shareDocument(chosen.id, epoch);
    if (!shared.ok) toast(shared.text, 'problem');
  }

  async function shareDraft(): Promise<void> {
    draft.disabled = true;
    const shared = await files.shareDraft(meeting.state.epoch);
    draft.disabled = false;
    if (!shared.ok) toast(shared.text, 'problem');
  }

  async function addToCase(file: SharedFile): Promise<void> {
    const choice = await askFiling(file.name);
    if (!choice) return;
    const added = await files.addToCase(file.id, choice.description, choice.visible);
    if (added.ok) toast(`${file.name} è nel fascicolo.`);
    else toast(added.text, 'problem');
  }

  async function withdraw(file: SharedFile): Promise<void> {
    const sure = await ask({
      title: `Togliere ${file.name}?`,
      text: 'Nessuno in questa sessione lo vedrà più. Chi lo ha già scaricato ne conserva la copia.',
      confirm: 'Togli',
      danger: true,
    });
    if (sure !== null) await meeting.command({ type: 'withdraw', file: file.id });
  }

  function look(file: SharedFile): void {
    overview.hidden = true;
    viewer.open(file);
  }

  function row(file: SharedFile): HTMLElement {
    const { me, view } = meeting.state;
    const own = file.owner === me;
    const by = own ? 'condiviso da te' : `da ${nameOf(view?.people ?? [], file.owner)}`;
    const marks = [
      view?.showing?.file === file.id ? 'mostrato a tutti' : null,
      file.origin === 'case' ? 'documento del fascicolo' : null,
      file.origin === 'draft' ? 'bozza' : null,
      file.filed ? 'aggiunto al fascicolo' : null,
    ].filter(Boolean);
    const act = (label: string, test: string, click: () => void, kind = 'small') => {
      const node = button(label, { class: kind, test, click });
      node.dataset['key'] = `${test}-${file.id}`;
      node.setAttribute('aria-label', `${label}: ${file.name}`);
      return node;
    };
    const download = h('a', { class: 'btn small', text: 'Scarica', test: 'file-download', attrs: { href: files.url(file.id), download: file.name, 'data-key': `download-${file.id}`, 'aria-label': `Scarica: ${file.name}` } });
    return h(
      'li',
      { class: 'row', test: 'file', attrs: { 'data-file': file.id } },
      h(
        'div',
        { class: 'who' },
        h('span', { class: 'name', text: file.name }),
        h('span', { class: 'role', text: `${fileSize(file.size_bytes)}, ${by}` }),
        marks.length > 0 && h('span', { class: 'status', test: 'file-marks', text: marks.join(', ') }),
      ),
      h(
        'div',
        { class: 'actions' },
        file.kind !== 'other' && act('Apri', 'file-open', () => look(file), 'small primary'),
        download,
        own && file.origin === 'upload' && !file.filed && act('Aggiungi al fascicolo', 'file-to-case', () => void addToCase(file)),
        (own || isConciliator(meeting.state)) && act('Togli', 'file-withdraw', () => void withdraw(file), 'small danger'),
      ),
    );
  }

  function update(): void {
    const { state } = meeting;
    const inside = state.session !== null && state.session !== 'lobby';
    if (session !== state.session) {
      // What was being sent was meant for other eyes.
      sending.abort();
      sending = new AbortController();
      session = state.session;
    }
    viewer.update();
    overview.hidden = viewer.isOpen();
    draft.hidden = !isConciliator(state);
    choose.disabled = fromCase.disabled = !inside;
    const inPlenary = state.session === 'plenary';
    setText(where, `${sessionName(state.session ?? 'lobby')}: li vede solo chi è in questa sessione. ${filesStay(inPlenary ? meeting.seat.files_until : '', inPlenary)}`);
    const shared = state.view?.files ?? [];
    const people = state.view?.people.map((p) => [p.id, p.name]);
    redraw(list, JSON.stringify([shared, state.view?.showing?.file, people]), () => [
      shared.length > 0
        ? h('ul', { class: 'rows', test: 'file-list', attrs: { 'aria-label': 'File condivisi' } }, ...shared.map(row))
        : h('p', { class: 'hint', test: 'file-none', text: 'Nessun file condiviso.' }),
    ]);
  }

  return {
    node,
    update,
    /** Opens what is shown to everybody. */
    followNow(): void {
      viewer.followNow();
      overview.hidden = viewer.isOpen();
    },
    appeared: viewer.appeared,
  };
}
