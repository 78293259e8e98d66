//! Wire types of `accordo.v1`, the WebSocket subprotocol between a room and its participants.
//!
//! One JSON object per text frame. The prose, with every message and its rules, is in
//! `docs/PROTOCOL.md`; the TypeScript types of the browser client are generated from this file.
//!
//! Two properties carry the design:
//! * what a participant knows of the room is always one [`View`], computed for that participant
//!   alone. Members of another session are absent from it, not hidden in it;
//! * whatever depends on membership names the [`Epoch`] it was written in, and the room refuses it
//!   in any other.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// The WebSocket subprotocol a client must ask for.
pub const SUBPROTOCOL: &str = "accordo.v1";
/// Largest message accepted from a client, in bytes (an SDP offer with 22 m-lines is about 20 kB).
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Longest chat text, in characters.
pub const MAX_CHAT_CHARS: usize = 2_000;

/// One virtual room: the room of one meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
pub struct RoomId(pub Uuid);

/// One seat in one room. It stays the same over reloads, lost sockets and new joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
pub struct ParticipantId(pub Uuid);

/// Version of the room's membership. Rises with every change of who is in which session; the upper
/// 20 bits are the generation of the room's lease, so that two nodes never share an epoch.
/// Fits the integers that JavaScript represents exactly.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS,
)]
#[serde(transparent)]
pub struct Epoch(#[ts(type = "number")] pub u64);

impl Epoch {
    const COUNT_BITS: u32 = 32;

    /// The first epoch of a lease generation.
    pub fn first(generation: u32) -> Self {
        Self(u64::from(generation & 0xf_ffff) << Self::COUNT_BITS)
    }

    /// The lease generation this epoch belongs to.
    pub fn generation(self) -> u32 {
        (self.0 >> Self::COUNT_BITS) as u32
    }

    /// The epoch after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Where a participant is. Everybody is in exactly one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TS)]
#[ts(type = "string")]
pub enum Session {
    /// Not admitted yet, or temporarily excluded (R-MEET-14, R-MEET-18). No media, no chat.
    Lobby,
    /// The common session of all parties.
    Plenary,
    /// A private session, numbered from 1 (R-MEET-16).
    Breakout(u16),
}

impl std::fmt::Display for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lobby => f.write_str("lobby"),
            Self::Plenary => f.write_str("plenary"),
            Self::Breakout(n) => write!(f, "breakout-{n}"),
        }
    }
}

impl std::str::FromStr for Session {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "lobby" => Ok(Self::Lobby),
            "plenary" => Ok(Self::Plenary),
            _ => text
                .strip_prefix("breakout-")
                .and_then(|n| n.parse().ok())
                .filter(|n| *n > 0)
                .map(Self::Breakout)
                .ok_or_else(|| format!("no such session: {}", text.escape_debug())),
        }
    }
}

impl Serialize for Session {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Session {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a seat may do in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The neutral person who runs the meeting: the only one with commands.
    Conciliator,
    /// Anybody else with a seat.
    Party,
}

/// The side a seat belongs to; a breakout is opened for one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The conciliator.
    Neutral,
    /// The client and the client's delegate.
    Activating,
    /// The convened operator.
    Convened,
    /// Technical aid.
    Aid,
}

/// A message from a participant. `id` is chosen by the client; the answer carries it as `re`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ClientEnvelope {
    /// Client's number of this request; 0 asks for no answer.
    #[serde(default)]
    #[ts(type = "number")]
    pub id: u64,
    /// The request itself.
    #[serde(flatten)]
    pub message: ClientMessage,
}

/// Everything a participant can ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// First message on every socket. Either a join token, or the resume secret of a `welcome`
    /// together with the last `seq` that was processed.
    Hello {
        /// Single-use join token (R-MEET-13).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        token: Option<String>,
        /// Secret from an earlier `welcome`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        resume: Option<String>,
        /// Highest `seq` seen; used with `resume`.
        #[serde(default)]
        #[ts(type = "number")]
        last_seq: u64,
    },
    /// All messages up to `seq` were processed; the room forgets them.
    Ack {
        /// Cumulative.
        #[ts(type = "number")]
        seq: u64,
    },
    /// The client's SDP offer, one for each peer connection.
    Offer {
        /// SDP.
        sdp: String,
    },
    /// Asks for the relay with new credentials: those of `welcome` end after ten minutes.
    IceServers,
    /// What the participant sends at the moment. The server keeps it over reconnections.
    Devices {
        /// Microphone is on.
        mic: bool,
        /// Camera is on.
        cam: bool,
        /// Screen is being shared.
        screen: bool,
    },
    /// How much of the picture in each video slot is looked at. Holds for a slot until its source
    /// changes; a slot that is not named is watched fully.
    Watch {
        /// By video slot.
        video: Vec<Watch>,
    },
    /// A chat line for the sender's present session.
    Chat {
        /// Epoch in which the sender wrote it.
        epoch: Epoch,
        /// Plain text.
        text: String,
    },
    /// Raises or lowers the hand.
    Hand {
        /// New state.
        raised: bool,
    },
    /// Leaves for good; the seat can come back with a new join.
    Bye,

    // From here on: conciliator only.
    /// Begins the meeting: the parties can be admitted to plenary (R-MEET-15).
    Start,
    /// Admits one person from the lobby to plenary.
    Admit {
        /// Who.
        participant: ParticipantId,
    },
    /// Admits everybody in the lobby who was never excluded.
    AdmitAll,
    /// Opens a breakout with the given members and moves them there.
    OpenBreakout {
        /// Epoch the decision was taken in.
        epoch: Epoch,
        /// Side it is opened for; every present member of that side is moved.
        side: Side,
        /// The conciliator goes with them.
        with_me: bool,
    },
    /// Moves one person, also the conciliator (a visit is a `visit`).
    Move {
        /// Epoch the decision was taken in.
        epoch: Epoch,
        /// Who.
        participant: ParticipantId,
        /// Where to; a breakout must be open.
        to: Session,
    },
    /// The conciliator goes to another session, announced to those inside (R-MEET-39).
    Visit {
        /// Where to.
        to: Session,
    },
    /// Closes one breakout: its members return to plenary.
    CloseBreakout {
        /// Which.
        session: Session,
    },
    /// Everybody returns to plenary; all breakouts close.
    Recall,
    /// Sends one person back to the lobby until admitted again (R-MEET-18).
    Exclude {
        /// Who.
        participant: ParticipantId,
    },
    /// Removes one person; the seat cannot come back to this meeting unless admitted by `reinstate`.
    Remove {
        /// Who.
        participant: ParticipantId,
    },
    /// Takes back a `remove`.
    Reinstate {
        /// Who.
        participant: ParticipantId,
    },
    /// Silences a microphone; only its owner can turn it on again.
    Mute {
        /// Who.
        participant: ParticipantId,
    },
    /// While locked nobody new gets in; those with a seat inside may resume.
    Lock {
        /// New state.
        locked: bool,
    },
    /// A short text to all sessions at once (R-MEET-40).
    Notice {
        /// Plain text.
        text: String,
    },
    /// Ends the meeting for everybody and closes the room.
    End,
}

/// A message to a participant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerEnvelope {
    /// Rises by one with every sequenced message of this seat; 0 on messages that a resume does not
    /// repeat (`welcome`, `ok`, `error`, `answer`, `leave`).
    #[ts(type = "number")]
    pub seq: u64,
    /// The message.
    #[serde(flatten)]
    pub message: ServerMessage,
}

/// Everything the room says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Answer to `hello`; followed by the missed messages, or by one fresh `view`.
    Welcome {
        /// The own seat.
        me: ParticipantId,
        /// Secret for the next `hello`; changes with every welcome.
        resume: String,
        /// True if the missed messages follow, false if a fresh `view` replaces them.
        resumed: bool,
        /// Receive slots the client must offer: audio.
        audio_slots: u16,
        /// Receive slots the client must offer: video.
        video_slots: u16,
        /// ICE servers for the client's peer connection.
        ice_servers: Vec<IceServer>,
        /// The hub's clock, milliseconds since 1970.
        #[ts(type = "number")]
        server_time_ms: u64,
    },
    /// The request `re` was carried out.
    Ok {
        /// The client's `id`.
        #[ts(type = "number")]
        re: u64,
    },
    /// The request `re` was refused; nothing changed.
    Error {
        /// The client's `id`; 0 if it had none.
        #[ts(type = "number")]
        re: u64,
        /// From the closed list.
        code: ErrorCode,
        /// For logs; the client shows its own words by `code`.
        message: String,
        /// What helps.
        retry: Retry,
    },
    /// SDP answer to `offer`.
    Answer {
        /// The client's `id`.
        #[ts(type = "number")]
        re: u64,
        /// SDP.
        sdp: String,
    },
    /// Answer to `ice_servers`.
    IceServers {
        /// The client's `id`.
        #[ts(type = "number")]
        re: u64,
        /// For the client's next peer connection or ICE restart.
        ice_servers: Vec<IceServer>,
    },
    /// The room as this participant may see it. Replaces the view before.
    View(View),
    /// The own membership changed. Media and chat of the session before end here.
    Moved {
        /// The epoch that begins.
        epoch: Epoch,
        /// Where the participant is now.
        session: Session,
        /// The hub's clock when the epoch rose, milliseconds since 1970.
        #[ts(type = "number")]
        at_ms: u64,
    },
    /// Which participant is in which receive slot.
    Slots {
        /// Membership this belongs to.
        epoch: Epoch,
        /// Audio slots in SDP order.
        audio: Vec<Option<ParticipantId>>,
        /// Video slots in SDP order.
        video: Vec<Option<VideoSource>>,
    },
    /// A chat line in the own session.
    Chat {
        /// Epoch it was accepted in.
        epoch: Epoch,
        /// Who wrote it.
        from: ParticipantId,
        /// Plain text.
        text: String,
        /// The hub's clock, milliseconds since 1970.
        #[ts(type = "number")]
        at_ms: u64,
    },
    /// The conciliator's text to all sessions.
    Notice {
        /// Plain text.
        text: String,
        /// The hub's clock, milliseconds since 1970.
        #[ts(type = "number")]
        at_ms: u64,
    },
    /// The conciliator comes into the own session (R-MEET-39).
    Visit {
        /// Where.
        session: Session,
    },
    /// The own microphone was muted by the conciliator.
    Muted,
    /// Something outside the room changed: fetch it again (minutes, signatures).
    Changed {
        /// What.
        topic: Topic,
    },
    /// The socket closes.
    Leave {
        /// Why.
        reason: LeaveReason,
        /// What the client does next.
        action: LeaveAction,
    },
}

/// The room as one participant may see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct View {
    /// Present membership version.
    pub epoch: Epoch,
    /// The meeting has been started by the conciliator.
    pub started: bool,
    /// Nobody new gets in.
    pub locked: bool,
    /// Own session.
    pub session: Session,
    /// Members of the own session (in the lobby: everybody waiting there and, as presence only,
    /// the conciliator); the conciliator sees everybody.
    pub people: Vec<Person>,
    /// Open breakouts: all of them for the conciliator, otherwise only the own one.
    pub breakouts: Vec<Breakout>,
    /// The conciliator's present session is the own one.
    pub conciliator_here: bool,
}

/// One person in a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Person {
    /// Seat.
    pub id: ParticipantId,
    /// Name as shown to the others.
    pub name: String,
    /// Role as shown, in Italian, e.g. "Delegato dell'Operatore convenuto".
    pub label: String,
    /// What the seat may do.
    pub role: Role,
    /// Side.
    pub side: Side,
    /// Where the person is.
    pub session: Session,
    /// Socket is open; false within the grace time after a loss.
    pub connected: bool,
    /// Microphone is on.
    pub mic: bool,
    /// Camera is on.
    pub cam: bool,
    /// Screen is shared.
    pub screen: bool,
    /// Hand is raised.
    pub hand: bool,
    /// Removed by the conciliator (only the conciliator sees removed people).
    pub removed: bool,
}

/// An open breakout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Breakout {
    /// Which.
    pub session: Session,
    /// For which side.
    pub side: Side,
}

/// What a video slot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub struct VideoSource {
    /// Whose picture.
    pub participant: ParticipantId,
    /// Which picture.
    pub kind: VideoKind,
}

/// How much of a picture is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// Its tile is hidden: nothing is sent.
    None,
    /// A small tile: the lower simulcast layer is enough.
    Low,
    /// The best that the line carries.
    #[default]
    High,
}

/// Camera or screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VideoKind {
    /// Camera.
    Camera,
    /// Shared screen.
    Screen,
}

/// ICE server entry as `RTCPeerConnection` takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct IceServer {
    /// `stun:` and `turn:` addresses.
    pub urls: Vec<String>,
    /// TURN user, time-limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub username: Option<String>,
    /// TURN password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub credential: Option<String>,
}

/// Things outside the room that pages inside it show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The minutes: outcome, text, preview, freezing.
    Minutes,
    /// The signature process: a signer's state changed.
    Signatures,
}

/// Closed list of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not JSON, unknown type, or a field out of range.
    BadMessage,
    /// The first message must be `hello`, and only the first.
    BadHello,
    /// Join token unknown, used or expired: ask the join page for a new one.
    BadToken,
    /// The room opens later (R-MEET-11); `retry` says when.
    TooEarly,
    /// The meeting is over.
    Ended,
    /// The room is locked (R-MEET-15).
    Locked,
    /// This seat was removed from the meeting.
    Removed,
    /// The room is full.
    Full,
    /// Only the conciliator may do that.
    NotAllowed,
    /// No such person or session, or it cannot be the target of this.
    NoSuchTarget,
    /// Written in an older epoch.
    StaleEpoch,
    /// Not in the present state of the room.
    WrongState,
    /// Too many messages.
    TooFast,
    /// The SDP offer cannot be answered.
    BadOffer,
    /// The hub failed; nothing changed.
    Internal,
}

/// What the client can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Nothing.
    No,
    /// Try again at once.
    Now,
    /// Try again after so many milliseconds.
    AfterMs(#[ts(type = "number")] u64),
    /// Get a new join token and say hello with it.
    Rejoin,
}

/// Why a socket closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The conciliator ended the meeting.
    Ended,
    /// Removed by the conciliator.
    Removed,
    /// The same seat was opened elsewhere; the newer one wins.
    Replaced,
    /// The participant asked for it.
    Bye,
    /// The hub stops or hands the room to another node.
    Closing,
    /// The peer did not read or did not answer.
    Stalled,
}

/// What the client does after `leave`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveAction {
    /// Stay away.
    Stop,
    /// Open a socket and say hello with the resume secret.
    Resume,
    /// Get a new join token.
    Rejoin,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_one_flat_object() {
        let hello: ClientEnvelope =
            serde_json::from_str(r#"{"id":7,"type":"hello","token":"t"}"#).unwrap();
        assert_eq!(hello.id, 7);
        assert_eq!(
            hello.message,
            ClientMessage::Hello { token: Some("t".into()), resume: None, last_seq: 0 }
        );
        let moved = ServerEnvelope {
            seq: 3,
            message: ServerMessage::Moved {
                epoch: Epoch::first(1).next(),
                session: Session::Breakout(2),
                at_ms: 5,
            },
        };
        assert_eq!(
            serde_json::to_string(&moved).unwrap(),
            r#"{"seq":3,"type":"moved","epoch":4294967297,"session":"breakout-2","at_ms":5}"#
        );
    }

    #[test]
    fn sessions_are_parsed_not_guessed() {
        for bad in ["", "breakout-0", "breakout--1", "Plenary", "breakout-70000"] {
            assert!(bad.parse::<Session>().is_err(), "{bad}");
        }
        assert_eq!("breakout-3".parse(), Ok(Session::Breakout(3)));
    }
}
