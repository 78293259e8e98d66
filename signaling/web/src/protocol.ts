// Wire types of `accordo.v1`, as in signaling/src/protocol.rs.

export type RoomId = string;
export type ParticipantId = string;
export type Epoch = number;
/** `lobby`, `plenary` or `breakout-N`. */
export type Session = string;
export type Role = 'conciliator' | 'party';
export type Side = 'neutral' | 'activating' | 'convened' | 'aid';

export type ClientEnvelope = { id: number } & ClientMessage;

export type ClientMessage =
  | { type: 'hello'; token?: string; resume?: string; last_seq: number }
  | { type: 'ack'; seq: number }
  | { type: 'offer'; sdp: string }
  | { type: 'devices'; mic: boolean; cam: boolean; screen: boolean }
  | { type: 'chat'; epoch: Epoch; text: string }
  | { type: 'hand'; raised: boolean }
  | { type: 'bye' }
  | { type: 'start' }
  | { type: 'admit'; participant: ParticipantId }
  | { type: 'admit_all' }
  | { type: 'open_breakout'; epoch: Epoch; side: Side; with_me: boolean }
  | { type: 'move'; epoch: Epoch; participant: ParticipantId; to: Session }
  | { type: 'visit'; to: Session }
  | { type: 'close_breakout'; session: Session }
  | { type: 'recall' }
  | { type: 'exclude'; participant: ParticipantId }
  | { type: 'remove'; participant: ParticipantId }
  | { type: 'reinstate'; participant: ParticipantId }
  | { type: 'mute'; participant: ParticipantId }
  | { type: 'lock'; locked: boolean }
  | { type: 'notice'; text: string }
  | { type: 'end' };

export type ServerEnvelope = { seq: number } & ServerMessage;

export type ServerMessage =
  | {
      type: 'welcome';
      me: ParticipantId;
      resume: string;
      resumed: boolean;
      audio_slots: number;
      video_slots: number;
      ice_servers: Array<IceServer>;
      server_time_ms: number;
    }
  | { type: 'ok'; re: number }
  | { type: 'error'; re: number; code: ErrorCode; message: string; retry: Retry }
  | { type: 'answer'; re: number; sdp: string }
  | ({ type: 'view' } & View)
  | { type: 'moved'; epoch: Epoch; session: Session; at_ms: number }
  | {
      type: 'slots';
      epoch: Epoch;
      audio: Array<ParticipantId | null>;
      video: Array<VideoSource | null>;
    }
  | { type: 'chat'; epoch: Epoch; from: ParticipantId; text: string; at_ms: number }
  | { type: 'notice'; text: string; at_ms: number }
  | { type: 'visit'; session: Session }
  | { type: 'muted' }
  | { type: 'changed'; topic: Topic }
  | { type: 'leave'; reason: LeaveReason; action: LeaveAction };

export type View = {
  epoch: Epoch;
  started: boolean;
  locked: boolean;
  session: Session;
  people: Array<Person>;
  breakouts: Array<Breakout>;
  conciliator_here: boolean;
};

export type Person = {
  id: ParticipantId;
  name: string;
  label: string;
  role: Role;
  side: Side;
  session: Session;
  connected: boolean;
  mic: boolean;
  cam: boolean;
  screen: boolean;
  hand: boolean;
  removed: boolean;
};

export type Breakout = { session: Session; side: Side };
export type VideoKind = 'camera' | 'screen';
export type VideoSource = { participant: ParticipantId; kind: VideoKind };
export type IceServer = { urls: Array<string>; username?: string; credential?: string };
export type Topic = 'minutes' | 'signatures';

export type ErrorCode =
  | 'bad_message'
  | 'bad_hello'
  | 'bad_token'
  | 'too_early'
  | 'ended'
  | 'locked'
  | 'removed'
  | 'full'
  | 'not_allowed'
  | 'no_such_target'
  | 'stale_epoch'
  | 'wrong_state'
  | 'too_fast'
  | 'bad_offer'
  | 'internal';

export type Retry = 'no' | 'now' | { after_ms: number } | 'rejoin';
export type LeaveReason = 'ended' | 'removed' | 'replaced' | 'bye' | 'closing' | 'stalled';
export type LeaveAction = 'stop' | 'resume' | 'rejoin';
