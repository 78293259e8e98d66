//! What goes into a room and what comes out of it.

use super::journal::JournalEntry;
use super::routes::Routes;
use crate::protocol::{
    ClientEnvelope, ErrorCode, FileId, LeaveReason, ParticipantId, Retry, Role, RoomId, SeatReason,
    ServerEnvelope, Side, Topic, Watch,
};
use crate::turn::Relay;
use chrono::{DateTime, TimeDelta, Utc};

/// The room itself, as decided outside (procedure profile, lease).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSpec {
    /// Which room.
    pub room: RoomId,
    /// Generation of the lease under which this node serves it; rises with every takeover.
    pub generation: u32,
    /// Most people at once, the conciliator apart (R-MEET-19).
    pub capacity: usize,
    /// How long a lost seat keeps its place before it counts as gone (R-MEET-27).
    pub grace: TimeDelta,
    /// When the meeting is planned to end. Shown, never enforced (R-MEET-09).
    pub planned_end: Option<DateTime<Utc>>,
    /// Who was added by telephone earlier: names and numbers are not in the journal (R-MEET-29).
    pub phones: Vec<PhoneSeat>,
    /// A standing room between its meetings (R-MEET-23): nobody is admitted, and nothing begins or
    /// ends in it.
    pub standing: bool,
}

/// Somebody who takes part by telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneSeat {
    /// Who.
    pub participant: ParticipantId,
    /// Name as the others see it.
    pub name: String,
    /// Telephone number, for the conciliator.
    pub number: String,
    /// Whose side the person is on.
    pub side: Side,
}

/// Grace time when the profile says nothing: 60 s (R-MEET-27).
pub const DEFAULT_GRACE: TimeDelta = TimeDelta::seconds(60);

/// One seat, as decided by the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Who; the same for every join of the same person to the same meeting.
    pub participant: ParticipantId,
    /// Name as the others see it.
    pub name: String,
    /// Role as the others see it, in words.
    pub label: String,
    /// What the seat may do.
    pub role: Role,
    /// Whose side it is on.
    pub side: Side,
    /// The person was identified, as far as is known outside.
    pub identified: bool,
}

/// Somebody whom the conciliator adds while the room is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSeat {
    /// Name as the others see it.
    pub name: String,
    /// Whose side the person is on.
    pub side: Side,
    /// How the person takes part.
    pub way: Way,
}

/// How somebody who is added takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through a personal link (R-MEET-47).
    Link {
        /// As what.
        reason: SeatReason,
        /// Where link and code go.
        mobile: String,
    },
    /// By telephone (R-MEET-29).
    Phone {
        /// Number.
        number: String,
    },
}

/// A seat that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedSeat {
    /// Which.
    pub participant: ParticipantId,
    /// How the person comes in; none for the telephone.
    pub link: Option<PersonalLink>,
}

/// The way of one person into a room. Secrets: they go to the conciliator alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonalLink {
    /// Opens the person's page.
    pub link: String,
    /// The same as a code that can be told on the telephone.
    pub code: String,
    /// Where the code is typed.
    pub address: String,
}

/// What the node offers every room.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Audio receive slots of every participant.
    pub audio_slots: u16,
    /// Video receive slots of every participant.
    pub video_slots: u16,
    /// The relay that clients may use, if there is one.
    pub relay: Option<Relay>,
    /// Messages kept per seat until acknowledged.
    pub ring: usize,
    /// About so many bytes of them at most.
    pub ring_bytes: usize,
    /// Messages a seat may send at once.
    pub burst: u32,
    /// Messages a second a seat may send for long.
    pub per_second: u32,
    /// How long those inside see a visit announced before the conciliator is there (R-MEET-39).
    pub visit_notice: TimeDelta,
    /// The same if somebody on the telephone comes along to whom the breakout does not belong: long
    /// enough to read who it is, and to stop talking (R-MEET-29).
    pub overhear_notice: TimeDelta,
    /// How long those inside a breakout see its end announced (R-MEET-40).
    pub closing_notice: TimeDelta,
    /// Least time between two changes of a seat's quality mark.
    pub quality_every: TimeDelta,
    /// An empty room leaves the node's memory after this time; its journal brings it back.
    pub idle: TimeDelta,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            audio_slots: 9,
            video_slots: 10,
            relay: None,
            ring: 256,
            ring_bytes: 128 * 1024,
            burst: 60,
            per_second: 20,
            visit_notice: TimeDelta::seconds(1),
            overhear_notice: TimeDelta::seconds(5),
            closing_notice: TimeDelta::seconds(10),
            quality_every: TimeDelta::seconds(3),
            idle: TimeDelta::minutes(5),
        }
    }
}

/// One WebSocket, numbered by the edge and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// What happens to a room.
#[derive(Clone, Debug)]
pub enum Input {
    /// A join token was accepted by the door.
    Join {
        /// The seat it stands for.
        seat: Seat,
        /// The socket.
        connection: ConnectionId,
        /// Fresh resume secret.
        secret: String,
        /// `id` of the hello.
        re: u64,
    },
    /// A socket asks to go on where an earlier one stopped.
    Resume {
        /// The seat named by the secret.
        participant: ParticipantId,
        /// The socket.
        connection: ConnectionId,
        /// The secret that was shown.
        secret: String,
        /// Fresh resume secret.
        next_secret: String,
        /// Last `seq` the client processed.
        last_seq: u64,
        /// `id` of the hello.
        re: u64,
    },
    /// A well-formed message.
    Message {
        /// From which socket.
        connection: ConnectionId,
        /// What it says.
        envelope: ClientEnvelope,
    },
    /// A message that could not be understood.
    Garbled {
        /// From which socket.
        connection: ConnectionId,
        /// Its `id`, as far as it could be read.
        re: u64,
    },
    /// A socket is gone, for whatever reason.
    Lost {
        /// Which.
        connection: ConnectionId,
    },
    /// The media edge answered an offer.
    Answered {
        /// Whose offer.
        connection: ConnectionId,
        /// Its `id`.
        re: u64,
        /// SDP, or the refusal.
        answer: Result<String, Refused>,
    },
    /// The outside made a seat, or refused to ([`Output::AddSeat`]).
    SeatAdded {
        /// From which socket it was asked for.
        connection: ConnectionId,
        /// `id` of that message.
        re: u64,
        /// What was asked for.
        seat: NewSeat,
        /// The seat, or the refusal.
        result: Result<AddedSeat, Refused>,
    },
    /// The media edge forwards by the last [`Output::Routes`] now.
    Routed,
    /// Answer to [`Output::Count`].
    Counted {
        /// Packets forwarded since the room opened.
        forwarded: u64,
        /// Packets withheld from peers of other sessions (R-MEET-42).
        withheld: u64,
    },
    /// Something outside the room changed.
    Changed(Topic),
    /// The hub closes the room: `Ended` and `CalledOff` (R-MEET-28) for good, anything else on this
    /// node only.
    Close(LeaveReason),
    /// The time of [`super::Room::poll_timeout`] has come.
    Tick,
}

/// What the edge has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Give this to the media edge, wait until it holds, then say [`Input::Routed`]. The room holds
    /// everything else back until then, so that nobody hears of a change that is not yet in force.
    Routes(Routes),
    /// Ask the media edge for its counters and say [`Input::Counted`].
    Count,
    /// Make durable before going on.
    Journal(Vec<JournalEntry>),
    /// Send to one socket.
    Send {
        /// Which.
        connection: ConnectionId,
        /// What.
        envelope: ServerEnvelope,
    },
    /// Answer an offer; the result comes back as [`Input::Answered`]. Not to be waited for.
    Offer {
        /// Whose.
        participant: ParticipantId,
        /// From which socket.
        connection: ConnectionId,
        /// Its `id`.
        re: u64,
        /// SDP.
        sdp: String,
    },
    /// Tell the media edge how much of each video slot a participant looks at.
    Watch(ParticipantId, Vec<Watch>),
    /// Have a seat made outside; it comes back as [`Input::SeatAdded`]. Not to be waited for.
    AddSeat {
        /// Who asks.
        connection: ConnectionId,
        /// Its `id`.
        re: u64,
        /// What for.
        seat: NewSeat,
    },
    /// These files are gone from the room: delete what is stored of them.
    Discard(Vec<FileId>),
    /// The room is over: delete all that is stored of its files.
    ClearShelf,
    /// End a participant's media.
    DisconnectMedia(ParticipantId),
    /// Close a socket after what was sent to it.
    CloseConnection(ConnectionId),
    /// Nothing more will come: forget the room.
    Closed,
}

/// Why something was refused. Becomes an `error` message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// From the closed list.
    pub code: ErrorCode,
    /// For logs, in English.
    pub message: String,
    /// What the client can do.
    pub retry: Retry,
}

impl Refused {
    /// A refusal that trying again does not change.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry: Retry::No }
    }

    /// The same refusal with other advice.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }
}
