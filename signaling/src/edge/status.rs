//! What goes on in a room, for the live board (R-MEET-09): who is there, and nothing of what is said,
//! written or shown.

use crate::protocol::{ParticipantId, Role, Session, Side};
use crate::room::Room;
use chrono::{DateTime, Utc};

/// One room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomStatus {
    /// Generation of the lease it is served under.
    pub generation: u32,
    /// When the meeting began, if it did.
    pub started_at: Option<DateTime<Utc>>,
    /// When it is planned to end.
    pub planned_end: Option<DateTime<Utc>>,
    /// It goes on although that time is over.
    pub past_end: bool,
    /// Nobody new gets in.
    pub locked: bool,
    /// People inside, the grace time included.
    pub inside: usize,
    /// Open sockets.
    pub connected: usize,
    /// Open breakouts.
    pub breakouts: usize,
    /// Everybody who has or had a place, by seat.
    pub seats: Vec<SeatStatus>,
}

/// One seat of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatStatus {
    /// Which; the portal knows the name.
    pub participant: ParticipantId,
    /// What it may do.
    pub role: Role,
    /// Whose side it is on.
    pub side: Side,
    /// Where it is.
    pub presence: Presence,
}

/// How far somebody is there. Who is aside with whom is not for the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Waits in the lobby.
    Lobby,
    /// In the meeting.
    Inside,
    /// In the meeting by telephone.
    Phone,
    /// In the meeting, but the socket is broken and the grace time runs.
    Lost,
    /// Was there.
    Gone,
    /// Sent out by the conciliator.
    Removed,
}

impl RoomStatus {
    pub(super) fn of(room: &Room, now: DateTime<Utc>) -> Self {
        let membership = room.membership();
        let planned_end = room.spec().planned_end;
        let seats = membership.places.iter().map(|(id, place)| SeatStatus {
            participant: *id,
            role: place.role,
            side: place.side,
            presence: match place.session {
                _ if place.removed => Presence::Removed,
                _ if !place.present => Presence::Gone,
                _ if place.phone => Presence::Phone,
                _ if !room.is_connected(*id) => Presence::Lost,
                Session::Lobby => Presence::Lobby,
                _ => Presence::Inside,
            },
        });
        Self {
            generation: room.spec().generation,
            started_at: membership.started_at,
            planned_end,
            past_end: membership.started() && planned_end.is_some_and(|end| end < now),
            locked: membership.locked,
            inside: membership.present().count(),
            connected: room.connected(),
            breakouts: membership.breakouts.len(),
            seats: seats.collect(),
        }
    }
}
