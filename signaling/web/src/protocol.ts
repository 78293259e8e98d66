// Wire types of `accordo.v1`. Generated from signaling/src/protocol.rs by the test `typescript`; do not edit.

/**
 * One virtual room: the room of one meeting.
 */
export type RoomId = string;

/**
 * One seat in one room. It stays the same over reloads, lost sockets and new joins.
 */
export type ParticipantId = string;

/**
 * One file shared in one room.
 */
export type FileId = string;

/**
 * Version of the room's membership. Rises with every change of who is in which session; the upper
 * 20 bits are the generation of the room's lease, so that two nodes never share an epoch.
 * Fits the integers that JavaScript represents exactly.
 */
export type Epoch = number;

/**
 * Where a participant is. Everybody is in exactly one session.
 */
export type Session = string;

/**
 * What a seat may do in the room.
 */
export type Role = "conciliator" | "party";

/**
 * The side a seat belongs to; a breakout is opened for one side.
 */
export type Side = "neutral" | "activating" | "convened" | "aid";

/**
 * Why the conciliator lets in somebody who was not convened (R-MEET-47).
 */
export type SeatReason = "lawyer" | "interpreter" | "companion" | "expert";

/**
 * What becomes of telephones whose people would overhear a breakout of another side (R-MEET-29).
 */
export type Telephones = "hang_up" | "listen";

/**
 * Somebody on the telephone who hears what is said where the conciliator is.
 */
export type Listener = { name: string, side: Side, };

/**
 * Why somebody is in another session now.
 */
export type MoveReason = "admitted" | "excluded" | "aside" | "moved" | "closed" | "own";

/**
 * How the network of a participant does, as its own client measures it.
 */
export type Quality = "good" | "fair" | "poor";

/**
 * A message from a participant. `id` is chosen by the client; the answer carries it as `re`.
 */
export type ClientEnvelope = { id: number, } & (ClientMessage);

/**
 * Everything a participant can ask.
 */
export type ClientMessage = { "type": "hello", token?: string, resume?: string, last_seq: number, }
  | { "type": "ack", seq: number, }
  | { "type": "offer", sdp: string, }
  | { "type": "ice_servers" }
  | { "type": "devices", mic: boolean, cam: boolean, screen: boolean, }
  | { "type": "watch", video: Array<Watch>, }
  | { "type": "chat", epoch: Epoch, text: string, }
  | { "type": "hand", raised: boolean, }
  | { "type": "quality", mark: Quality, }
  | { "type": "show", epoch: Epoch, file: FileId, page: number, }
  | { "type": "stop_showing" }
  | { "type": "withdraw", file: FileId, }
  | { "type": "bye" }
  | { "type": "start" }
  | { "type": "admit", participant: ParticipantId, }
  | { "type": "admit_all" }
  | { "type": "open_breakout", epoch: Epoch, side: Side, with_me: boolean, minutes?: number, telephones?: Telephones, }
  | { "type": "set_timer", session: Session, minutes?: number, closes: boolean, }
  | { "type": "move", epoch: Epoch, participant: ParticipantId, to: Session, telephones?: Telephones, }
  | { "type": "visit", to: Session, telephones?: Telephones, }
  | { "type": "close_breakout", session: Session, at_once: boolean, }
  | { "type": "recall", at_once: boolean, }
  | { "type": "add_seat", name: string, side: Side, reason: SeatReason, mobile: string, }
  | { "type": "add_phone", name: string, number: string, side: Side, }
  | { "type": "exclude", participant: ParticipantId, }
  | { "type": "remove", participant: ParticipantId, }
  | { "type": "reinstate", participant: ParticipantId, }
  | { "type": "mute", participant: ParticipantId, }
  | { "type": "lock", locked: boolean, }
  | { "type": "notice", text: string, }
  | { "type": "end" };

/**
 * A message to a participant.
 */
export type ServerEnvelope = { seq: number, } & (ServerMessage);

/**
 * Everything the room says.
 */
export type ServerMessage = { "type": "welcome", me: ParticipantId, resume: string, resumed: boolean, audio_slots: number, video_slots: number, ice_servers: Array<IceServer>, server_time_ms: number, }
  | { "type": "ok", re: number, }
  | { "type": "error", re: number, code: ErrorCode, message: string, retry: Retry, }
  | { "type": "answer", re: number, sdp: string, }
  | { "type": "ice_servers", re: number, ice_servers: Array<IceServer>, }
  | { "type": "view" } & View | { "type": "moved", epoch: Epoch, session: Session, at_ms: number, why: MoveReason, }
  | { "type": "slots", epoch: Epoch, audio: Array<ParticipantId | null>, video: Array<VideoSource | null>, }
  | { "type": "chat", epoch: Epoch, from: ParticipantId, text: string, at_ms: number, }
  | { "type": "notice", text: string, at_ms: number, }
  | { "type": "invited", re: number, participant: ParticipantId, link: string, code: string, address: string, }
  | { "type": "closing", session: Session, at_ms: number, }
  | { "type": "time_up", session: Session, }
  | { "type": "visit", session: Session, phones: Array<Listener>, }
  | { "type": "muted" }
  | { "type": "changed", topic: Topic, }
  | { "type": "leave", reason: LeaveReason, action: LeaveAction, };

/**
 * The room as one participant may see it.
 */
export type View = { epoch: Epoch, started: boolean, started_at_ms: number | null, planned_end_ms: number | null, locked: boolean, session: Session, excluded: boolean, people: Array<Person>, breakouts: Array<Breakout>, conciliator_here: boolean, files: Array<SharedFile>, showing: Showing | null, outside: Array<Outside>, };

/**
 * One person in a view.
 */
export type Person = { id: ParticipantId, name: string, label: string, role: Role, side: Side, session: Session, connected: boolean, mic: boolean, cam: boolean, screen: boolean, hand_at_ms: number | null, quality: Quality | null, identified: boolean, phone: boolean, number?: string, removed: boolean, };

/**
 * Somebody before the locked door.
 */
export type Outside = { id: ParticipantId, name: string, label: string, };

/**
 * A file in the own session.
 */
export type SharedFile = { id: FileId, name: string, size_bytes: number, kind: FileKind, origin: FileOrigin, owner: ParticipantId, filed: boolean, at_ms: number, };

/**
 * What a browser can do with a file.
 */
export type FileKind = "pdf" | "image" | "other";

/**
 * Where a shared file comes from.
 */
export type FileOrigin = "upload" | "case" | "draft";

/**
 * A page that a session looks at together.
 */
export type Showing = { file: FileId, page: number, by: ParticipantId, };

/**
 * An open breakout.
 */
export type Breakout = { session: Session, side: Side, timer: Timer | null, closing_at_ms: number | null, };

/**
 * How long a breakout is meant to last (R-MEET-40).
 */
export type Timer = { ends_at_ms: number, closes: boolean, };

/**
 * What a video slot shows.
 */
export type VideoSource = { participant: ParticipantId, kind: VideoKind, };

/**
 * Camera or screen.
 */
export type VideoKind = "camera" | "screen";

/**
 * How much of a picture is looked at.
 */
export type Watch = "none" | "low" | "high";

/**
 * ICE server entry as `RTCPeerConnection` takes it.
 */
export type IceServer = { urls: Array<string>, username?: string, credential?: string, };

/**
 * Things outside the room that pages inside it show.
 */
export type Topic = "minutes" | "signatures";

/**
 * Closed list of refusals.
 */
export type ErrorCode = "bad_message" | "bad_hello" | "bad_token" | "too_early" | "ended" | "locked" | "removed" | "full" | "not_allowed" | "no_such_target" | "stale_epoch" | "wrong_state" | "too_fast" | "bad_offer" | "internal";

/**
 * What the client can do about an error.
 */
export type Retry = "no" | "now" | { "after_ms": number } | "rejoin";

/**
 * Why a socket closes.
 */
export type LeaveReason = "ended" | "called_off" | "removed" | "replaced" | "bye" | "closing" | "stalled";

/**
 * What the client does after `leave`.
 */
export type LeaveAction = "stop" | "resume" | "rejoin";

