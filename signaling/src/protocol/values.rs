//! What messages speak of: rooms, seats, sessions, epochs.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

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

/// What becomes of telephones whose people would overhear a breakout of another side (R-MEET-29).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Telephones {
    /// Those calls are over.
    HangUp,
    /// They stay on loudspeaker: those inside are told first who will hear them.
    Listen,
}

/// Somebody on the telephone who hears what is said where the conciliator is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Listener {
    /// Name as shown to the others.
    pub name: String,
    /// Side.
    pub side: Side,
}

/// Why somebody is in another session now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MoveReason {
    /// Let in from the lobby.
    Admitted,
    /// Sent back to the lobby by the conciliator (R-MEET-18).
    Excluded,
    /// A breakout was opened for the own side (R-MEET-16).
    Aside,
    /// Moved by the conciliator.
    Moved,
    /// The breakout closed.
    Closed,
    /// By own wish.
    Own,
}

/// Why the conciliator lets in somebody who was not convened (R-MEET-47).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SeatReason {
    /// Assists a party.
    Lawyer,
    /// Translates.
    Interpreter,
    /// Stands by a party.
    Companion,
    /// Knows the matter.
    Expert,
}

/// How the network of a participant does, as its own client measures it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Nothing to say.
    Good,
    /// Some loss or delay.
    Fair,
    /// Hardly to be understood.
    Poor,
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
