/**
 * What the browser knows of the room: a pure function of the server's messages.
 *
 * The room tells each participant only what that participant may see; this model adds one rule of
 * its own: from `moved` on, nothing that belongs to the session before is shown, even before the
 * next view and the next slots arrive.
 */
import type {
  Epoch,
  MoveReason,
  ParticipantId,
  Person,
  ServerMessage,
  Session,
  Side,
  Topic,
  VideoSource,
  View,
} from './protocol';
import { fileNews } from './filenews';
import { announceChange, moveWords, overheardWords, sessionName, sideName, TheNeutral, visitWords } from './words';

export interface ChatLine {
  from: ParticipantId;
  name: string;
  text: string;
  /** The hub's clock, ms since 1970. */
  at_ms: number;
}

export interface Slots {
  epoch: Epoch;
  audio: (ParticipantId | null)[];
  video: (VideoSource | null)[];
}

export interface RoomState {
  me: ParticipantId | null;
  /** The last view; its people may lag behind `session` for a moment after a move. */
  view: View | null;
  epoch: Epoch;
  session: Session | null;
  /** Epoch in which I entered `session`; what was written before it belongs elsewhere. */
  since: Epoch;
  slots: Slots;
  /** Chat lines of the sessions that are still open for me. */
  chat: Record<Session, ChatLine[]>;
  /** The conciliator's last text to all sessions. */
  notice: { text: string; at_ms: number } | null;
}

/** What the edge must do besides showing the new state. */
export type Effect =
  | { kind: 'announce'; text: string; urgent: boolean }
  | { kind: 'moved'; from: Session; to: Session }
  | { kind: 'chat'; line: ChatLine }
  | { kind: 'notice' }
  /** Shown for a moment, besides being announced. */
  | { kind: 'told'; text: string }
  | { kind: 'muted' }
  /** Somebody shared a file. */
  | { kind: 'file' }
  /** Somebody begins to show a document to everybody. */
  | { kind: 'showing' }
  | { kind: 'changed'; topic: Topic };

export function initialState(): RoomState {
  return {
    me: null,
    view: null,
    epoch: 0,
    session: null,
    since: 0,
    slots: emptySlots(0),
    chat: {},
    notice: null,
  };
}

export function apply(state: RoomState, message: ServerMessage): [RoomState, Effect[]] {
  switch (message.type) {
    case 'welcome':
      return [{ ...state, me: message.me }, []];
    case 'view':
      return applyView(state, message);
    case 'moved':
      return enter(state, message.epoch, message.session, message.why);
    case 'slots': {
      if (message.epoch < state.epoch) return [state, []];
      const { epoch, audio, video } = message;
      return [{ ...state, slots: { epoch, audio, video } }, []];
    }
    case 'chat':
      return applyChat(state, message);
    case 'notice': {
      const notice = { text: message.text, at_ms: message.at_ms };
      return [
        { ...state, notice },
        [
          { kind: 'notice' },
          { kind: 'announce', text: `${TheNeutral()} avvisa: ${message.text}`, urgent: true },
        ],
      ];
    }
    case 'visit':
      return [state, tell(visitWords(message.phones))];
    case 'muted':
      return [
        state,
        [{ kind: 'muted' }, ...tell(`${TheNeutral()} ha spento il tuo microfono.`)],
      ];
    case 'changed':
      return [state, [{ kind: 'changed', topic: message.topic }]];
    case 'closing':
      return [state, tell('Tra pochi secondi questa sessione si chiude e torni nella sessione comune.')];
    case 'time_up':
      return [state, tell(message.session === state.session ? 'Il tempo di questa sessione è finito.' : `${sessionName(message.session)}: il tempo è finito.`)];
    case 'invited':
    case 'ok':
    case 'error':
    case 'answer':
    case 'ice_servers':
    case 'leave':
      return [state, []];
  }
}

/** Everybody in my present session, me included. */
export function here(state: RoomState): Person[] {
  return peopleIn(state, state.session);
}

export function peopleIn(state: RoomState, session: Session | null): Person[] {
  if (!state.view || session === null) return [];
  return state.view.people.filter((p) => p.session === session && !p.removed);
}

export function self(state: RoomState): Person | null {
  return person(state, state.me);
}

export function person(state: RoomState, id: ParticipantId | null): Person | null {
  return state.view?.people.find((p) => p.id === id) ?? null;
}

export function isConciliator(state: RoomState): boolean {
  return self(state)?.role === 'conciliator';
}

/** 1 for the hand that went up first, in sight of this participant; 0 while it is down. */
export function handOrder(state: RoomState, of: Person): number {
  const since = of.hand_at_ms;
  if (since === null) return 0;
  const earlier = (p: Person) => p.hand_at_ms !== null && (p.hand_at_ms < since || (p.hand_at_ms === since && p.id < of.id));
  return 1 + (state.view?.people.filter((p) => p.id !== of.id && earlier(p)).length ?? 0);
}

/** The video slot that shows this picture, or -1. Only pictures of the present epoch are shown. */
export function videoSlot(state: RoomState, source: VideoSource): number {
  if (state.slots.epoch !== state.epoch) return -1;
  return state.slots.video.findIndex(
    (s) => s !== null && s.participant === source.participant && s.kind === source.kind,
  );
}

/** The audio slot that carries this person's voice, or -1. */
export function audioSlot(state: RoomState, id: ParticipantId): number {
  return state.slots.epoch === state.epoch ? state.slots.audio.indexOf(id) : -1;
}

function applyView(state: RoomState, view: View): [RoomState, Effect[]] {
  if (view.epoch < state.epoch) return [state, []];
  const [entered, effects] = enter(state, view.epoch, view.session, null);
  const open = new Set<Session>(['plenary', view.session, ...view.breakouts.map((b) => b.session)]);
  const chat = Object.fromEntries(Object.entries(entered.chat).filter(([s]) => open.has(s)));
  const next = { ...entered, view, chat };
  // Coming and going is told only while I stay where I am; a move is told as one thing.
  if (state.session === view.session && state.view?.session === view.session) {
    effects.push(...announceChange(here(state), here(next), state.me));
  }
  effects.push(...overheard(state, next), ...strangers(state, next));
  effects.push(...knocks(state.view, view));
  // Where I come in, only what is shown at this moment is news.
  const known = state.view?.session === view.session ? state.view : { ...view, showing: null };
  effects.push(...fileNews(known, view, state.me));
  return [next, effects];
}

/**
 * Somebody on the telephone begins to hear me: was added, came along with the conciliator, or was in
 * the breakout when I came. In plenary, which belongs to all, coming back to them is no news.
 */
function overheard(before: RoomState, after: RoomState): Effect[] {
  const { session } = after;
  const stayed = before.view?.session === session;
  if (session === null || session === 'lobby' || (session === 'plenary' && !stayed)) return [];
  const known = new Set(stayed ? here(before).map((p) => p.id) : []);
  const phones = here(after).filter((p) => p.phone && !known.has(p.id));
  return phones.length > 0 ? tell(overheardWords(phones)) : [];
}

/** Somebody of another side comes into my breakout: the conciliator moved them (R-MEET-39). */
function strangers(before: RoomState, after: RoomState): Effect[] {
  if (before.view?.session !== after.session) return [];
  const open = after.view?.breakouts.find((breakout) => breakout.session === after.session);
  const known = new Set(here(before).map((p) => p.id));
  const come = here(after).filter((p) => !known.has(p.id) && !p.phone && open && isStrange(p, open.side));
  return come.flatMap((p) => tell(`${p.name} (${sideName(p.side).toLowerCase()}) è ora in questa sessione: sente e legge quello che si dice qui.`));
}

/** Whether a breakout of this side is not this person's. The conciliator belongs everywhere. */
export function isStrange(p: Person, side: Side): boolean {
  return p.role !== 'conciliator' && p.side !== side;
}

/** Somebody stands before the locked door: for the conciliator, who alone is told. */
function knocks(before: View | null, after: View): Effect[] {
  const known = new Set(before?.outside.map((one) => one.id));
  return after.outside.filter((one) => !known.has(one.id)).flatMap((one) => tell(`${one.name} aspetta fuori: la porta è chiusa.`));
}

/** Those on the telephone to whom a breakout of this side does not belong. */
export function overhearers(state: RoomState, side: Side): Person[] {
  return state.view?.people.filter((p) => p.phone && !p.removed && p.side !== side) ?? [];
}

/** `why`: as the room said; nothing if only a view tells. */
function enter(state: RoomState, epoch: Epoch, session: Session, why: MoveReason | null): [RoomState, Effect[]] {
  if (epoch < state.epoch) return [state, []];
  const from = state.session;
  // Slots stay valid while the epoch rises elsewhere in the room and I stay where I am.
  if (from === session) return [{ ...state, epoch, slots: { ...state.slots, epoch } }, []];
  const next = { ...state, epoch, session, since: epoch, slots: emptySlots(epoch) };
  if (from === null) return [next, []];
  const text = moveWords(why, session);
  // What somebody else decided is shown, too; who is let in sees it anyway.
  const shown = why !== null && why !== 'own' && why !== 'admitted';
  return [next, [{ kind: 'moved', from, to: session }, ...(shown ? tell(text) : tell(text).slice(1))]];
}

function applyChat(
  state: RoomState,
  message: Extract<ServerMessage, { type: 'chat' }>,
): [RoomState, Effect[]] {
  const { session } = state;
  if (session === null || message.epoch < state.since) return [state, []];
  const name = person(state, message.from)?.name ?? 'Partecipante';
  const line = { from: message.from, name, text: message.text, at_ms: message.at_ms };
  const chat = { ...state.chat, [session]: [...(state.chat[session] ?? []), line] };
  return [{ ...state, chat }, [{ kind: 'chat', line }]];
}

function tell(text: string): Effect[] {
  return [
    { kind: 'told', text },
    { kind: 'announce', text, urgent: true },
  ];
}

function emptySlots(epoch: Epoch): Slots {
  return { epoch, audio: [], video: [] };
}
