//! One seat that is inside: its socket, its numbered messages, its devices.

use super::bucket::Bucket;
use super::outbox::Outbox;
use super::ports::{ConnectionId, PhoneSeat, Seat, Terms};
use super::routes::Slots;
use crate::protocol::{Quality, Role, Session, View};
use chrono::{DateTime, Utc};

/// What a participant sends at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Devices {
    pub(super) mic: bool,
    pub(super) cam: bool,
    pub(super) screen: bool,
}

#[derive(Debug)]
pub(super) struct Occupant {
    pub(super) seat: Seat,
    pub(super) link: Link,
    pub(super) secrets: Secrets,
    pub(super) outbox: Outbox,
    pub(super) devices: Devices,
    /// When the hand was raised.
    pub(super) hand: Option<DateTime<Utc>>,
    /// The network's mark, and when it was given.
    pub(super) quality: Option<(Quality, DateTime<Utc>)>,
    pub(super) bucket: Bucket,
    /// Last view put into the outbox.
    pub(super) told_view: Option<View>,
    /// Last slots put into the outbox, and the session they were for.
    pub(super) told_slots: Option<(Session, Slots)>,
}

/// The seat's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Open, but its `welcome` is not out yet: messages wait in the outbox.
    Opening(ConnectionId),
    /// Open.
    Open(ConnectionId),
    /// Broken since then; the grace time runs (R-MEET-27).
    Lost(DateTime<Utc>),
    /// There is none: the person is on the telephone, under this number (R-MEET-29).
    Phone(String),
}

impl Link {
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Opening(connection) | Self::Open(connection) => Some(*connection),
            Self::Lost(_) | Self::Phone(_) => None,
        }
    }

    pub(super) fn number(&self) -> Option<&str> {
        match self {
            Self::Phone(number) => Some(number),
            _ => None,
        }
    }
}

/// The resume secrets a client may hold.
#[derive(Debug)]
pub(super) struct Secrets {
    present: String,
    /// The one before stays good until the client has shown that the last welcome reached it.
    before: Option<String>,
}

impl Secrets {
    pub(super) fn new(present: String) -> Self {
        Self { present, before: None }
    }

    pub(super) fn accept(&self, shown: &str) -> bool {
        self.present == shown || self.before.as_deref() == Some(shown)
    }

    /// Hands out the next secret against an accepted one.
    pub(super) fn turn(&mut self, shown: String, next: String) {
        self.before = Some(shown);
        self.present = next;
    }

    /// A new join: older secrets are worth nothing.
    pub(super) fn reset(&mut self, present: String) {
        *self = Self::new(present);
    }

    /// The client answered on the socket that got the present secret.
    pub(super) fn confirm(&mut self) {
        self.before = None;
    }
}

impl Occupant {
    pub(super) fn new(
        seat: Seat,
        connection: ConnectionId,
        secret: String,
        terms: &Terms,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            seat,
            link: Link::Opening(connection),
            secrets: Secrets::new(secret),
            outbox: Outbox::new(terms.ring, terms.ring_bytes),
            devices: Devices::default(),
            hand: None,
            quality: None,
            bucket: Bucket::new(terms.burst, terms.per_second, now),
            told_view: None,
            told_slots: None,
        }
    }

    /// Somebody on the telephone, who is told nothing here.
    pub(super) fn on_phone(phone: PhoneSeat, terms: &Terms, now: DateTime<Utc>) -> Self {
        let PhoneSeat { participant, name, number, side } = phone;
        let (label, role, identified) = ("Telefono".to_owned(), Role::Party, false);
        let seat = Seat { participant, name, label, role, side, identified };
        let occupant = Self::new(seat, ConnectionId(0), String::new(), terms, now);
        Self { link: Link::Phone(number), ..occupant }
    }

    /// The next view and slots are sent whole; what was not acknowledged is dropped. Returns the
    /// number of the last message before the new start.
    pub(super) fn start_anew(&mut self) -> u64 {
        self.told_view = None;
        self.told_slots = None;
        self.outbox.clear()
    }
}
