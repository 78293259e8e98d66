//! What a participant hears, by sender, kind, session and epoch.

use crate::clock::now_ms;
use crate::isolation::{Arrival, Isolation};
use crate::stamp::{Canary, Stamp};
use signaling::protocol::{Epoch, ParticipantId, Session};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Packets that said the same of their origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard {
    /// The sender.
    pub by: ParticipantId,
    /// A picture, otherwise a voice.
    pub video: bool,
    /// The session it was sent in.
    pub session: Session,
    /// The epoch it was sent in.
    pub epoch: Epoch,
}

/// When the first of them came, and how many did.
#[derive(Clone, Copy, Debug)]
pub struct First {
    /// Arrival of the first, milliseconds since 1970.
    pub at_ms: u64,
    /// All of them.
    pub count: u64,
}

/// One participant's ears; they stay when the connection is replaced.
pub struct Ears {
    me: ParticipantId,
    canary: Canary,
    isolation: Arc<Isolation>,
    inner: Mutex<Inner>,
    /// Rises when somebody is heard in a new way.
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    heard: BTreeMap<Heard, First>,
    /// Since the connection was made or replaced.
    fresh: BTreeMap<(ParticipantId, bool), First>,
    packets: u64,
    foreign: u64,
}

impl Ears {
    /// The ears of `me`; every stamp goes to the meeting's isolation check.
    pub fn new(me: ParticipantId, canary: Canary, isolation: Arc<Isolation>) -> Self {
        let (news, _) = watch::channel(0);
        Self { me, canary, isolation, inner: Mutex::default(), news }
    }

    /// One packet came in.
    pub(super) fn hear(&self, video: bool, payload: &[u8]) {
        let at_ms = now_ms();
        let stamp = Stamp::find(payload).filter(|stamp| stamp.canary == self.canary);
        let Some(stamp) = stamp else {
            self.lock().foreign += 1;
            return;
        };
        self.isolation.arrived(Arrival { to: self.me, stamp, at_ms });
        let Stamp { by, session, epoch, .. } = stamp;
        let mut inner = self.lock();
        inner.packets += 1;
        let first = First { at_ms, count: 0 };
        let heard = inner.heard.entry(Heard { by, video, session, epoch }).or_insert(first);
        heard.count += 1;
        let new_words = heard.count == 1;
        let fresh = inner.fresh.entry((by, video)).or_insert(first);
        fresh.count += 1;
        let new_path = fresh.count == 1;
        drop(inner);
        if new_words || new_path {
            self.news.send_modify(|news| *news += 1);
        }
    }

    /// Forgets what a connection before this one brought, for [`Self::first_frame`].
    pub fn reconnected(&self) {
        self.lock().fresh.clear();
    }

    /// The first picture of anybody since the connection was made.
    pub fn first_frame(&self) -> Option<u64> {
        let inner = self.lock();
        inner.fresh.iter().filter(|((_, video), _)| *video).map(|(_, first)| first.at_ms).min()
    }

    /// When voice and picture of `by`, sent in `session` at `epoch` or later, were first heard;
    /// the later of the two. `None` while one is missing.
    pub fn both(&self, by: ParticipantId, session: Session, epoch: Epoch) -> Option<u64> {
        let first = |video| self.first(by, video, session, epoch);
        Some(first(false)?.max(first(true)?))
    }

    /// The same for one of the two.
    pub fn first(
        &self,
        by: ParticipantId,
        video: bool,
        session: Session,
        epoch: Epoch,
    ) -> Option<u64> {
        let inner = self.lock();
        let fits = |heard: &Heard| {
            (heard.by, heard.video, heard.session) == (by, video, session) && heard.epoch >= epoch
        };
        inner.heard.iter().filter(|(heard, _)| fits(heard)).map(|(_, first)| first.at_ms).min()
    }

    /// Told whenever somebody is heard in a new way.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Packets with a stamp of this run, and all others.
    pub fn packets(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.packets, inner.foreign)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing panics halfway through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
