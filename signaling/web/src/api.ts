/** The hub's one HTTP endpoint for rooms: ask for a seat, get a single-use token (R-MEET-13). */
import type { ErrorCode, Role, Side } from './protocol';

export interface Seat {
  token: string;
  /** Path of the WebSocket, on this host. */
  ws: string;
  title: string;
  case_number: string;
  role: Role;
  side: Side;
  help_phone: string;
  /** Page with minutes and signatures; empty for whom there is none. */
  panel: string;
  /** The page to go to afterwards. */
  back: string;
  /** A standing room between its meetings: nobody is admitted, nothing begins or ends (R-MEET-23). */
  standing: boolean;
  /** The day until which files shared with all stay; empty: until the meeting ends. */
  files_until: string;
  sides: SideNames;
}

/** What the procedure calls the sides: alone ("Parte invitata"), and with the article. */
export type SideNames = Record<Side, { name: string; the: string }>;

export type JoinAnswer =
  | { ok: true; seat: Seat }
  /** The hub says no; `retry_after_s` says when to ask again, if that helps. */
  | { ok: false; code: ErrorCode | 'signed_out' | 'unknown' | 'offline'; message: string; retry_after_s?: number; back?: string; standing?: boolean };

/** Asks for a token. `accepted`: the confidentiality notice was accepted (R-MEET-25). */
export function join(meeting: string, accepted: boolean): Promise<JoinAnswer> {
  return ask(`/api/rooms/${encodeURIComponent(meeting)}/join`, { confidentiality_accepted: accepted });
}

/** The same for the session of a video identification. */
export function joinIdentification(id: string): Promise<JoinAnswer> {
  return ask(`/api/identifications/${encodeURIComponent(id)}/join`, {});
}

async function ask(address: string, words: object): Promise<JoinAnswer> {
  let response: Response;
  try {
    response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(words),
    });
  } catch {
    return { ok: false, code: 'offline', message: '' };
  }
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  if (response.redirected || response.status === 401) {
    return { ok: false, code: 'signed_out', message: '' };
  }
  if (!isJson) {
    const code = response.status >= 500 ? 'offline' : 'unknown';
    return { ok: false, code, message: '' };
  }
  const body = await response.json();
  if (response.ok) return { ok: true, seat: body as Seat };
  return { ok: false, ...body };
}

export function meetingFromPath(path: string): string {
  return path.split('/').filter(Boolean).pop() ?? '';
}

export function socketUrl(path: string, location: Location): string {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
