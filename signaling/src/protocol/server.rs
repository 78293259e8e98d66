//! What the room says.

use super::{
    Epoch, ErrorCode, LeaveAction, LeaveReason, Listener, MoveReason, ParticipantId, Retry,
    Session, VideoSource, View,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A message to a participant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerEnvelope {
    /// Rises by one with every sequenced message of this seat; 0 on messages that a resume does not
    /// repeat (`welcome`, `ok`, `error`, `answer`, `ice_servers`, `invited`,
    /// `leave`).
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
        /// Why.
        why: MoveReason,
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
    /// Answer to `add_seat`: how the person comes in.
    Invited {
        /// The client's `id`.
        #[ts(type = "number")]
        re: u64,
        /// The new seat.
        participant: ParticipantId,
        /// Personal link, for the conciliator to pass on in another way too.
        link: String,
        /// A code that opens the same, short enough to be told on the telephone.
        code: String,
        /// Where that code is typed.
        address: String,
    },
    /// The own session closes in a moment; its members return to plenary (R-MEET-40).
    Closing {
        /// Which.
        session: Session,
        /// When, by the hub's clock, milliseconds since 1970.
        #[ts(type = "number")]
        at_ms: u64,
    },
    /// The timer of a breakout has run out. To its members and the conciliator (R-MEET-40).
    TimeUp {
        /// Which.
        session: Session,
    },
    /// The conciliator comes into the own session (R-MEET-39).
    Visit {
        /// Where.
        session: Session,
        /// Who hears from then on by telephone, on the conciliator's loudspeaker (R-MEET-29).
        #[serde(default)]
        phones: Vec<Listener>,
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
