//! What a participant knows of its room.

use crate::clock::now_us;
use crate::media::SlotCount;
use signaling::protocol::{
    Epoch, LeaveReason, ParticipantId, Person, ServerMessage, Session, Topic, VideoSource, View,
};
use std::time::Duration;

/// Everything the room told, newest state and what has to be counted.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The own seat.
    pub me: Option<ParticipantId>,
    /// The socket is open and welcomed.
    pub connected: bool,
    /// Why it is over: the hub's reason, or a refusal in words.
    pub ended: Option<Result<LeaveReason, String>>,
    /// The newest view.
    pub view: Option<View>,
    /// The newest own session.
    pub session: Option<Session>,
    /// The newest epoch.
    pub epoch: Epoch,
    /// When the hub last moved this participant, by the hub's clock.
    pub moved_at_ms: u64,
    /// Whom the receive slots carry.
    pub slots: (Vec<Option<ParticipantId>>, Vec<Option<VideoSource>>),
    /// All chat lines, in order.
    pub chat: Vec<Line>,
    /// How many times the minutes and the signatures were said to have changed.
    pub changed: (u32, u32),
    /// How many sockets were welcomed by token: each needs new media.
    pub fresh: u32,
    /// How many sockets were welcomed at all.
    pub welcomes: u32,
    /// The receive slots the hub asked for.
    pub slot_count: Option<SlotCount>,
    /// Every return of a lost socket.
    pub returns: Vec<Return>,
    /// Numbered messages that were missing or came twice.
    pub out_of_order: u32,
}

/// One chat line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who wrote it.
    pub from: ParticipantId,
    /// The words.
    pub text: String,
    /// When it arrived, µs since 1970.
    pub at_us: u64,
}

/// A lost socket that came back.
#[derive(Clone, Copy, Debug)]
pub struct Return {
    /// With the resume secret, nothing missed.
    pub resumed: bool,
    /// From the loss to the welcome.
    pub took: Duration,
}

impl Known {
    /// Takes what the room said, except for answers and the end.
    pub(super) fn learn(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::View(view) => {
                (self.epoch, self.session) = (view.epoch, Some(view.session));
                self.view = Some(view);
            }
            ServerMessage::Moved { epoch, session, at_ms, .. } => {
                (self.epoch, self.session) = (epoch, Some(session));
                self.moved_at_ms = at_ms;
                self.slots = Default::default();
            }
            ServerMessage::Slots { audio, video, .. } => self.slots = (audio, video),
            ServerMessage::Chat { from, text, .. } => {
                self.chat.push(Line { from, text, at_us: now_us() });
            }
            ServerMessage::Changed { topic: Topic::Minutes } => self.changed.0 += 1,
            ServerMessage::Changed { topic: Topic::Signatures } => self.changed.1 += 1,
            _ => {}
        }
    }

    /// Everybody in the own session but oneself, as the view says.
    pub fn others(&self) -> Vec<ParticipantId> {
        let here = |p: &&Person| Some(p.session) == self.session && Some(p.id) != self.me;
        let people = self.view.iter().flat_map(|view| &view.people);
        people.filter(|p| p.connected).filter(here).map(|p| p.id).collect()
    }

    /// How many are in `session`, as the view says.
    pub fn people_in(&self, session: Session) -> usize {
        let people = self.view.iter().flat_map(|view| &view.people);
        people.filter(|p| p.session == session && !p.removed).count()
    }

    /// How often a line was heard.
    pub fn heard(&self, text: &str) -> usize {
        self.chat.iter().filter(|line| line.text == text).count()
    }
}
