/** The hub's addresses for files: what is shared goes there, and comes from there. */
import type { Epoch, FileId } from './protocol';
import { refusal as roomRefusal } from './words';

/** As the hub takes it; the hub decides. */
export const MAX_BYTES = 15 * 1024 * 1024;

export interface CaseDocument {
  id: string;
  name: string;
  kind: string;
  description: string;
  size_bytes: number;
  confidential: boolean;
}

/** A sentence for the person, when something was refused. */
export type Refusal = { ok: false; text: string };
export type Done<T> = { ok: true; value: T } | Refusal;

const offline = 'Il collegamento si è interrotto: la richiesta non è partita. Riprova tra un momento.';

export class RoomFiles {
  constructor(private readonly room: string) {}

  url(file: FileId): string {
    return this.at(`files/${encodeURIComponent(file)}`);
  }

  async content(file: FileId, signal: AbortSignal): Promise<Done<ArrayBuffer>> {
    return ask(this.url(file), { signal }, (response) => response.arrayBuffer());
  }

  documents(): Promise<Done<CaseDocument[]>> {
    return ask(this.at('documents'), {}, (response) => response.json() as Promise<CaseDocument[]>);
  }

  shareDocument(id: string, epoch: Epoch): Promise<Done<{ id: FileId }>> {
    return this.post(`documents/${encodeURIComponent(id)}?epoch=${epoch}`);
  }

  shareDraft(epoch: Epoch): Promise<Done<{ id: FileId }>> {
    return this.post(`draft?epoch=${epoch}`);
  }

  addToCase(file: FileId, description: string, visible: boolean): Promise<Done<null>> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ description, visible });
    return ask(`${this.url(file)}/case`, { method: 'POST', headers, body }, async () => null);
  }

  /** Sends a file; `fetch` tells nothing of how far it is. */
  upload(file: File, epoch: Epoch, progress: (part: number) => void, signal: AbortSignal): Promise<Done<null>> {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open('POST', this.at(`files?epoch=${epoch}`));
      request.setRequestHeader('accept', 'application/json');
      request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
      request.onload = () => {
        resolve(request.status === 200 ? { ok: true, value: null } : refusal(request.status, request.responseText));
      };
      request.onerror = () => resolve({ ok: false, text: offline });
      request.onabort = () => resolve({ ok: false, text: '' });
      signal.addEventListener('abort', () => request.abort());
      const form = new FormData();
      form.append('file', file);
      request.send(form);
    });
  }

  private post<T>(path: string): Promise<Done<T>> {
    return ask(this.at(path), { method: 'POST' }, (response) => response.json() as Promise<T>);
  }

  private at(path: string): string {
    return `/api/rooms/${encodeURIComponent(this.room)}/${path}`;
  }
}

async function ask<T>(url: string, init: RequestInit, read: (response: Response) => Promise<T>): Promise<Done<T>> {
  try {
    const response = await fetch(url, { ...init, headers: { accept: 'application/json', ...init.headers } });
    if (response.ok) return { ok: true, value: await read(response) };
    return refusal(response.status, await response.text());
  } catch {
    return { ok: false, text: init.signal?.aborted ? '' : offline };
  }
}

function refusal(status: number, body: string): Refusal {
  if (status === 413) return { ok: false, text: 'Il file deve essere più piccolo di 15 MB.' };
  try {
    const { code, message } = JSON.parse(body) as { code: string; message: string };
    return { ok: false, text: code === 'refused' ? message : (fileRefusals[code] ?? roomRefusal('internal')) };
  } catch {
    return { ok: false, text: roomRefusal(status === 401 ? 'bad_token' : 'internal') };
  }
}

const fileRefusals: Record<string, string> = {
  stale_epoch: 'Nel frattempo è cambiato chi è presente: il file non è stato condiviso. Controlla chi c’è e riprova.',
  full: 'Nella stanza non c’è posto per altri file: togline qualcuno e riprova.',
  too_fast: roomRefusal('too_fast'),
  not_allowed: 'Non puoi farlo con questo file.',
  no_such_target: 'Questo file non c’è più.',
  wrong_state: roomRefusal('wrong_state'),
};

/** "840 KB", "2,3 MB". */
export function fileSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} byte`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} KB`;
  return `${(bytes / 1_000_000).toLocaleString('it-IT', { maximumFractionDigits: 1 })} MB`;
}
