//! The room as one participant may see it.

use super::{Epoch, ParticipantId, Quality, Role, Session, SharedFile, Showing, Side};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The room as one participant may see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct View {
    /// Present membership version.
    pub epoch: Epoch,
    /// The meeting has been started by the conciliator.
    pub started: bool,
    /// When it was, milliseconds since 1970.
    #[ts(type = "number | null")]
    pub started_at_ms: Option<u64>,
    /// When it is planned to end, milliseconds since 1970. It is never cut off (R-MEET-09).
    #[ts(type = "number | null")]
    pub planned_end_ms: Option<u64>,
    /// Nobody new gets in.
    pub locked: bool,
    /// Own session.
    pub session: Session,
    /// The own seat was sent back to the lobby by the conciliator (R-MEET-18).
    #[serde(default)]
    pub excluded: bool,
    /// Members of the own session (in the lobby: everybody waiting there and, as presence only,
    /// the conciliator); the conciliator sees everybody.
    pub people: Vec<Person>,
    /// Open breakouts: all of them for the conciliator, otherwise only the own one.
    pub breakouts: Vec<Breakout>,
    /// The conciliator's present session is the own one.
    pub conciliator_here: bool,
    /// Files of the own session, oldest first; the content is fetched from the hub.
    #[serde(default)]
    pub files: Vec<SharedFile>,
    /// What the own session looks at together.
    #[serde(default)]
    pub showing: Option<Showing>,
    /// Who stands before the locked door, for the conciliator alone (R-MEET-15).
    #[serde(default)]
    pub outside: Vec<Outside>,
}

/// Somebody before the locked door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Outside {
    /// Seat.
    pub id: ParticipantId,
    /// Name as shown to the others.
    pub name: String,
    /// Role as shown, in Italian.
    pub label: String,
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
    /// Socket is open; false within the grace time after a loss. On the telephone: the conciliator,
    /// who holds it, is inside.
    pub connected: bool,
    /// Microphone is on.
    pub mic: bool,
    /// Camera is on.
    pub cam: bool,
    /// Screen is shared.
    pub screen: bool,
    /// When the hand was raised, milliseconds since 1970; nothing while it is down. Orders the
    /// raised hands.
    #[ts(type = "number | null")]
    pub hand_at_ms: Option<u64>,
    /// Network, as this participant's client measured it; nothing while it is not connected.
    pub quality: Option<Quality>,
    /// Was identified (SPID, CIE, video), as far as the portal knows.
    pub identified: bool,
    /// Takes part by telephone (R-MEET-29).
    pub phone: bool,
    /// Telephone number of such a person, for the conciliator alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub number: Option<String>,
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
    /// Its timer, if it has one.
    pub timer: Option<Timer>,
    /// It closes then, milliseconds since 1970 (R-MEET-40).
    #[ts(type = "number | null")]
    pub closing_at_ms: Option<u64>,
}

/// How long a breakout is meant to last (R-MEET-40).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Timer {
    /// When the time is up, by the hub's clock, milliseconds since 1970.
    #[ts(type = "number")]
    pub ends_at_ms: u64,
    /// Then the breakout closes by itself.
    pub closes: bool,
}
