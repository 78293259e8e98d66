//! What the room tells the media edge: who is where, and what each viewer's receive slots show.

use crate::protocol::{Epoch, ParticipantId, Session, VideoSource};
use std::collections::BTreeMap;

/// The complete forwarding set of one room in one epoch. It replaces the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Membership version this was computed from.
    pub epoch: Epoch,
    /// Where everybody is.
    pub sessions: BTreeMap<ParticipantId, Session>,
    /// What each viewer receives.
    pub viewers: BTreeMap<ParticipantId, Slots>,
}

/// The receive slots of one viewer, in the order of the m-lines of the viewer's offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// Whose microphone each audio slot carries.
    pub audio: Vec<Option<ParticipantId>>,
    /// Which picture each video slot carries.
    pub video: Vec<Option<VideoSource>>,
}
