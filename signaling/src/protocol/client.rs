//! What a participant says.

use super::{Epoch, FileId, ParticipantId, Quality, SeatReason, Session, Side, Telephones, Watch};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// How the own network does (R-MEET-44). More than one change in three seconds is refused.
    Quality {
        /// As measured now.
        mark: Quality,
    },
    /// Shows a page of a shared file to everybody in the own session who may see it.
    Show {
        /// Epoch the decision was taken in.
        epoch: Epoch,
        /// Which file.
        file: FileId,
        /// From 1.
        page: u32,
    },
    /// Ends what the own session looks at together: whoever shows it, or the conciliator.
    StopShowing,
    /// Takes a shared file away: its owner, or the conciliator.
    Withdraw {
        /// Which file.
        file: FileId,
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
        /// Begins with a timer of so many minutes (R-MEET-40).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        minutes: Option<u16>,
        /// Needed if somebody on the telephone would overhear a side that is not their own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        telephones: Option<Telephones>,
    },
    /// Sets, changes or takes away the timer of a breakout, counted from now (R-MEET-40).
    SetTimer {
        /// Which.
        session: Session,
        /// From now; without it the timer goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        minutes: Option<u16>,
        /// When the time is up the breakout closes by itself, with the usual notice.
        #[serde(default)]
        closes: bool,
    },
    /// Moves one person, also the conciliator (a visit is a `visit`).
    Move {
        /// Epoch the decision was taken in.
        epoch: Epoch,
        /// Who.
        participant: ParticipantId,
        /// Where to; a breakout must be open.
        to: Session,
        /// Needed if somebody on the telephone would overhear a side that is not their own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        telephones: Option<Telephones>,
    },
    /// The conciliator goes to another session, announced to those inside (R-MEET-39).
    Visit {
        /// Where to.
        to: Session,
        /// Needed if somebody on the telephone would overhear a side that is not their own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        telephones: Option<Telephones>,
    },
    /// Closes one breakout: its members return to plenary, after a short notice (R-MEET-40).
    CloseBreakout {
        /// Which.
        session: Session,
        /// Without the notice.
        #[serde(default)]
        at_once: bool,
    },
    /// Everybody returns to plenary, after a short notice; all breakouts close.
    Recall {
        /// Without the notice.
        #[serde(default)]
        at_once: bool,
    },
    /// Lets in somebody who was not convened (R-MEET-47). Answered by `invited`.
    AddSeat {
        /// As the others see it.
        name: String,
        /// Whose side the person is on.
        side: Side,
        /// As what.
        reason: SeatReason,
        /// Where the personal link and its code go.
        mobile: String,
    },
    /// Somebody takes part by telephone (R-MEET-29): shown to the others, without media here.
    AddPhone {
        /// As the others see it.
        name: String,
        /// Shown to the conciliator alone.
        number: String,
        /// Whose side the person is on.
        side: Side,
    },
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
