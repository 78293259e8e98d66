/**
 * One document, one page at a time: PDF and images, by oneself or together with the session. Who
 * shows turns the pages for everybody; whoever follows can look around and come back.
 */
import { RoomFiles } from '../files';
import { nameOf } from '../filenews';
import type { Meeting } from '../meeting';
import { isConciliator } from '../model';
import { openPages, type Pages } from '../pages';
import type { FileId, SharedFile } from '../protocol';
import { announce } from './announcer';
import { button, h, setText } from './element';

const ZOOM = { least: 0.5, most: 4, step: 1.25 };

export function createViewer(meeting: Meeting, files: RoomFiles, back: () => void) {
  let file: SharedFile | null = null;
  let pages: Pages | null = null;
  let page = 1;
  let zoom = 1;
  let following = true;
  let reading = false;
  let stop = new AbortController();

  const title = h('h3', { id: 'viewer-title', test: 'viewer-title', attrs: { tabindex: '-1' } });
  const status = h('p', { class: 'hint', test: 'viewer-status', attrs: { role: 'status' } });
  const canvas = h('canvas', { test: 'viewer-canvas', attrs: { role: 'img' } });
  const words = h('p', { class: 'page-text', test: 'viewer-text', hidden: true });
  const sheet = h(
    'div',
    { class: 'sheet', test: 'viewer-sheet', attrs: { tabindex: '0', role: 'region', 'aria-label': 'Pagina' }, on: { keydown: (event) => key(event) } },
    canvas,
    words,
  );
  const previous = button('Indietro', { class: 'small', test: 'page-previous', click: () => turn(page - 1) });
  const next = button('Avanti', { class: 'small', test: 'page-next', click: () => turn(page + 1) });
  const number = h('span', { class: 'page-number', test: 'page-number' });
  const smaller = button('−', { class: 'small square', test: 'zoom-out', click: () => setZoom(zoom / ZOOM.step) });
  const larger = button('+', { class: 'small square', test: 'zoom-in', click: () => setZoom(zoom * ZOOM.step) });
  smaller.setAttribute('aria-label', 'Riduci');
  larger.setAttribute('aria-label', 'Ingrandisci');
  const asText = button('Leggi come testo', { class: 'small', test: 'as-text', click: () => { reading = !reading; void draw(); } });
  const present = button('', { class: 'small', test: 'present', click: () => void togglePresent() });
  const follow = button('', { class: 'small primary', test: 'follow', click: () => { following = true; update(); } });
  const node = h(
    'section',
    { class: 'viewer', hidden: true, attrs: { 'aria-labelledby': 'viewer-title' } },
    h('header', {}, button('Tutti i file', { class: 'small', test: 'viewer-back', click: () => { close(); back(); } }), title),
    h('div', { class: 'tools', attrs: { role: 'group', 'aria-label': 'Pagine' } }, previous, number, next, smaller, larger, asText),
    h('div', { class: 'tools' }, present, follow),
    status,
    sheet,
  );
  // The panel changes its width with the window.
  new ResizeObserver(() => void draw()).observe(sheet);

  function showing() {
    return meeting.state.view?.showing ?? null;
  }

  function leads(): boolean {
    return showing()?.by === meeting.state.me && showing()?.file === file?.id;
  }

  /** Opens a file by own wish. */
  function open(wanted: SharedFile): void {
    following = showing()?.file === wanted.id;
    load(wanted, following ? (showing()?.page ?? 1) : 1);
    update();
    title.focus();
  }

  function load(wanted: SharedFile, at: number): void {
    stop.abort();
    stop = new AbortController();
    pages?.close();
    pages = null;
    [file, page, zoom] = [wanted, at, 1];
    canvas.hidden = words.hidden = true;
    setText(status, 'Il documento si sta aprendo…');
    void fetchPages(wanted, stop.signal);
  }

  async function fetchPages(wanted: SharedFile, signal: AbortSignal): Promise<void> {
    const content = await files.content(wanted.id, signal);
    if (signal.aborted) return;
    if (!content.ok) return setText(status, content.text);
    const opened = await openPages(content.value, wanted.kind === 'pdf' ? 'pdf' : 'image').catch(() => null);
    if (signal.aborted) return opened?.close();
    if (!opened) return setText(status, 'Il documento non si può mostrare qui: scaricalo per aprirlo.');
    pages = opened;
    page = Math.min(page, opened.count);
    setText(status, '');
    update();
    await draw();
  }

  async function draw(): Promise<void> {
    if (!pages || !file || sheet.clientWidth === 0) return;
    const [drawn, at] = [pages, page];
    asText.setAttribute('aria-pressed', String(reading));
    if (reading) {
      const text = await drawn.text(at);
      if (drawn !== pages || at !== page) return;
      canvas.hidden = true;
      words.hidden = false;
      setText(words, text === '' ? 'Questa pagina non contiene testo: è un’immagine.' : text);
      return;
    }
    words.hidden = true;
    canvas.hidden = false;
    canvas.setAttribute('aria-label', `${file.name}, pagina ${at} di ${drawn.count}. Il testo si legge con «Leggi come testo».`);
    try {
      await drawn.draw(at, canvas, (sheet.clientWidth - 2) * zoom);
      canvas.dataset['page'] = String(at);
    } catch {
      if (drawn === pages) setText(status, 'Questa pagina non si può mostrare: scarica il documento per leggerla.');
    }
  }

  function turn(to: number): void {
    if (!pages || to < 1 || to > pages.count || to === page) return;
    if (leads()) void show(to);
    else if (showing()) following = false;
    go(to);
    update();
  }

  function go(to: number): void {
    page = to;
    sheet.scrollTop = 0;
    if (pages) announce(`Pagina ${page} di ${pages.count}.`, false);
    void draw();
  }

  function setZoom(to: number): void {
    zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, to));
    update();
    void draw();
  }

  function key(event: KeyboardEvent): void {
    const act = {
      PageUp: () => turn(page - 1),
      PageDown: () => turn(page + 1),
      Home: () => turn(1),
      End: () => turn(pages?.count ?? page),
      '+': () => setZoom(zoom * ZOOM.step),
      '-': () => setZoom(zoom / ZOOM.step),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  function show(at: number): Promise<boolean> {
    const { epoch } = meeting.state;
    return file ? meeting.command({ type: 'show', epoch, file: file.id, page: at }) : Promise.resolve(false);
  }

  async function togglePresent(): Promise<void> {
    if (leads()) await meeting.command({ type: 'stop_showing' });
    else await show(page);
  }

  /** Follows the room; what is no longer there closes. */
  function update(): void {
    const shared = meeting.state.view?.files ?? [];
    const shown = showing();
    if (file && !shared.some((one) => one.id === file?.id)) {
      close();
      back();
    }
    if (shown && shown.by !== meeting.state.me && following && file) {
      const target = shared.find((one) => one.id === shown.file);
      if (target && target.id !== file.id) load(target, shown.page);
      else if (target && pages && page !== shown.page && shown.page <= pages.count) go(shown.page);
    }
    if (!shown) following = true;
    node.hidden = file === null;
    if (!file) return;
    setText(title, file.name);
    setText(number, pages ? `${page} di ${pages.count}` : '');
    previous.disabled = page <= 1;
    next.disabled = !pages || page >= pages.count;
    smaller.disabled = zoom <= ZOOM.least || reading;
    larger.disabled = zoom >= ZOOM.most || reading;
    asText.hidden = file.kind !== 'pdf';
    const by = shown && shown.by !== meeting.state.me ? nameOf(meeting.state.view?.people ?? [], shown.by) : null;
    setText(present, leads() ? 'Smetti di mostrare' : 'Mostra a tutti');
    present.hidden = (by !== null && !isConciliator(meeting.state)) || !pages;
    present.setAttribute('aria-pressed', String(leads()));
    follow.hidden = by === null || following;
    if (by) setText(follow, `Segui ${by}`);
    node.dataset['following'] = String(by !== null && following);
    if (pages && by) setText(status, following ? `Stai seguendo ${by}.` : `${by} mostra ${shown?.file === file.id ? `la pagina ${shown.page}` : 'un altro documento'}.`);
    else if (pages) setText(status, leads() ? 'Tutti i presenti vedono la pagina che scegli.' : '');
  }

  function close(): void {
    stop.abort();
    pages?.close();
    pages = file = null;
    node.hidden = true;
  }

  return {
    node,
    open,
    update,
    close,
    /** Opens what is shown to everybody. */
    followNow(): void {
      const shown = showing();
      const target = meeting.state.view?.files.find((one) => one.id === shown?.file);
      if (!shown || !target || shown.by === meeting.state.me) return;
      following = true;
      if (file?.id !== target.id) load(target, shown.page);
      update();
    },
    /** The panel became visible. */
    appeared: () => void draw(),
    isOpen: () => file !== null,
    shows: (id: FileId) => file?.id === id,
  };
}
