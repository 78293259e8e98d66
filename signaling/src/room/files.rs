//! Files shared in the room: cards with a name and a size. Their content never comes here.
//!
//! A file belongs to the session it was shared in. Whoever is a member of that session at a moment
//! may see it at that moment, and nobody else (R-MEET-17, R-MEET-26); it goes with its session, its
//! owner's wish, the conciliator's, or the room.

use super::Room;
use super::journal::JournalEvent;
use super::membership::Place;
use super::ports::{Output, Refused};
use super::telling::Telling;
use crate::protocol::{
    Epoch, ErrorCode, FileId, ParticipantId, Retry, Session, SharedFile, Showing, Side,
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Most files in one room at a time, all sessions together.
pub const MAX_FILES: usize = 60;
/// Most bytes in one room at a time.
pub const MAX_TOTAL_BYTES: u64 = 200 * 1024 * 1024;
/// What sharing weighs against other messages: the hub checks and stores a whole file.
const SHARE_COST: u64 = 10;
/// No document has more pages.
const MAX_PAGE: u32 = 100_000;

/// A file in one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCard {
    /// As its readers see it.
    pub file: SharedFile,
    /// Where it was shared.
    pub session: Session,
    /// Who among the members may know of it.
    pub readers: Readers,
}

/// Who among the members of a session may know of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// All of them.
    Everybody,
    /// Those who may see this document of the case anyway (R-MEET-20).
    Only {
        /// Sides as a whole.
        sides: BTreeSet<Side>,
        /// Single seats of the other sides.
        seats: BTreeSet<ParticipantId>,
    },
}

/// The leave to share a file with those who are in the session now. It is worth nothing once
/// somebody else came in or the owner went elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    owner: ParticipantId,
    session: Session,
    members: BTreeSet<ParticipantId>,
}

impl Grant {
    /// Whose file it will be.
    pub fn owner(&self) -> ParticipantId {
        self.owner
    }

    /// For which session.
    pub fn session(&self) -> Session {
        self.session
    }
}

/// The files of a room and what each session looks at together.
#[derive(Debug, Default)]
pub(super) struct Files {
    cards: BTreeMap<FileId, FileCard>,
    showing: BTreeMap<Session, Showing>,
}

impl Files {
    /// What a member with this place sees, oldest first.
    pub(super) fn seen_by(&self, viewer: ParticipantId, place: &Place) -> Vec<SharedFile> {
        let mut seen: Vec<_> = self
            .cards
            .values()
            .filter(|card| card.readable(viewer, place))
            .map(|card| card.file.clone())
            .collect();
        seen.sort_by_key(|file| (file.at_ms, file.id));
        seen
    }

    /// What the viewer's session looks at together, if the viewer may see it.
    pub(super) fn shown_to(&self, viewer: ParticipantId, place: &Place) -> Option<Showing> {
        let showing = self.showing.get(&place.session)?;
        self.cards.get(&showing.file)?.readable(viewer, place).then(|| showing.clone())
    }

    fn total_bytes(&self) -> u64 {
        self.cards.values().map(|card| card.file.size_bytes).sum()
    }
}

impl FileCard {
    fn readable(&self, viewer: ParticipantId, place: &Place) -> bool {
        place.present
            && place.session == self.session
            && match &self.readers {
                Readers::Everybody => true,
                Readers::Only { sides, seats } => {
                    sides.contains(&place.side) || seats.contains(&viewer)
                }
            }
    }
}

impl Room {
    /// The files that an earlier life of this room left on its shelf. What belongs to a session that
    /// is closed by now goes.
    pub fn shelve(&mut self, cards: Vec<FileCard>) {
        let (kept, gone): (Vec<_>, Vec<_>) =
            cards.into_iter().partition(|card| self.membership.is_open(card.session));
        self.files.cards.extend(kept.into_iter().map(|card| (card.file.id, card)));
        self.discard(gone.iter().map(|card| card.file.id).collect());
    }

    /// Leave to share a file of this size, asked in this epoch, before its content is taken.
    pub fn grant(
        &mut self,
        owner: ParticipantId,
        epoch: Epoch,
        size_bytes: u64,
        now: DateTime<Utc>,
    ) -> Result<Grant, Refused> {
        let session = self.sharing_session(owner)?;
        self.same_epoch(epoch)?;
        self.allow(owner, SHARE_COST, now)?;
        self.takes(size_bytes)?;
        let members = self.membership.members(session).collect();
        Ok(Grant { owner, session, members })
    }

    /// Puts a file that is stored by now into the session it was granted for. Afterwards
    /// [`Self::poll_output`] has to be drained.
    pub fn share(
        &mut self,
        grant: &Grant,
        file: SharedFile,
        readers: Readers,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let session = self.sharing_session(grant.owner)?;
        // R-MEET-41: it was meant for other ears.
        let overheard = self.membership.members(session).any(|m| !grant.members.contains(&m));
        if session != grant.session || overheard {
            self.refused += 1;
            let why = "the session has changed since the file was sent";
            return Err(Refused::new(ErrorCode::StaleEpoch, why).retry(Retry::Now));
        }
        self.takes(file.size_bytes)?;
        self.files.cards.insert(file.id, FileCard { file, session, readers });
        self.changed = true;
        self.publish(now);
        Ok(())
    }

    /// The file, if this participant may see it at this moment.
    pub fn file_for(&self, viewer: ParticipantId, file: FileId) -> Option<&FileCard> {
        let place = self.membership.places.get(&viewer)?;
        self.files.cards.get(&file).filter(|card| card.readable(viewer, place))
    }

    /// Its owner added the file to the case; the log says that it happened, and no name.
    pub fn file_was_filed(&mut self, owner: ParticipantId, file: FileId, now: DateTime<Utc>) {
        if let Some(card) = self.files.cards.get_mut(&file) {
            card.file.filed = true;
        }
        self.record(JournalEvent::Filed { participant: owner }, now);
        self.publish(now);
    }

    /// What was shared a moment ago could not be kept.
    pub fn retract(&mut self, file: FileId, now: DateTime<Utc>) {
        self.forget_files(|card| card.file.id == file);
        self.publish(now);
    }

    /// By its owner or the conciliator, as far as they see it.
    pub(super) fn withdraw(&mut self, from: ParticipantId, file: FileId) -> Result<(), Refused> {
        let conciliator = self.is_conciliator(from);
        let card = self.file_for(from, file).ok_or_else(no_such_file)?;
        if card.file.owner != from && !conciliator {
            return Err(Refused::new(ErrorCode::NotAllowed, "this file is somebody else's"));
        }
        self.forget_files(|card| card.file.id == file);
        Ok(())
    }

    /// Shows a page to all of the session who may see the file. Who shows goes on showing, unless
    /// the conciliator takes over.
    pub(super) fn show(
        &mut self,
        from: ParticipantId,
        epoch: Epoch,
        file: FileId,
        page: u32,
    ) -> Result<(), Refused> {
        self.same_epoch(epoch)?;
        let session = self.file_for(from, file).ok_or_else(no_such_file)?.session;
        if page == 0 || page > MAX_PAGE {
            return Err(Refused::new(ErrorCode::BadMessage, "no such page"));
        }
        self.may_lead(from, session)?;
        let showing = Showing { file, page, by: from };
        if self.files.showing.insert(session, showing.clone()) != Some(showing) {
            self.changed = true;
        }
        Ok(())
    }

    /// Ends what the own session looks at together.
    pub(super) fn stop_showing(&mut self, from: ParticipantId) -> Result<(), Refused> {
        let session = self.sharing_session(from)?;
        self.may_lead(from, session)?;
        if self.files.showing.remove(&session).is_some() {
            self.changed = true;
        }
        Ok(())
    }

    /// Lets go what the present membership no longer carries: files of closed sessions, and pages
    /// shown by somebody who is no longer there.
    pub(super) fn tidy_files(&mut self) {
        let membership = &self.membership;
        let before = self.files.showing.len();
        self.files
            .showing
            .retain(|session, showing| membership.session_of(showing.by) == Some(*session));
        self.changed |= self.files.showing.len() != before;
        let open = |session| self.membership.is_open(session);
        if self.files.cards.values().any(|card| !open(card.session)) {
            let open: BTreeSet<Session> =
                self.files.cards.values().map(|card| card.session).filter(|s| open(*s)).collect();
            self.forget_files(|card| !open.contains(&card.session));
        }
    }

    fn forget_files(&mut self, gone: impl Fn(&FileCard) -> bool) {
        let ids: Vec<FileId> =
            self.files.cards.values().filter(|card| gone(card)).map(|card| card.file.id).collect();
        for id in &ids {
            self.files.cards.remove(id);
        }
        self.files.showing.retain(|_, showing| !ids.contains(&showing.file));
        self.changed = true;
        self.discard(ids);
    }

    fn discard(&mut self, files: Vec<FileId>) {
        if !files.is_empty() {
            self.telling.push_back(Telling::Discard(files));
        }
    }

    /// The room is over, and so is every file in it.
    pub(super) fn clear_files(&mut self) {
        self.files = Files::default();
        self.outputs.push_back(Output::ClearShelf);
    }

    fn may_lead(&self, from: ParticipantId, session: Session) -> Result<(), Refused> {
        match self.files.showing.get(&session) {
            Some(showing) if showing.by != from && !self.is_conciliator(from) => {
                Err(Refused::new(ErrorCode::WrongState, "somebody else is showing a document"))
            }
            _ => Ok(()),
        }
    }

    fn sharing_session(&self, participant: ParticipantId) -> Result<Session, Refused> {
        match self.membership.session_of(participant) {
            None => Err(Refused::new(ErrorCode::NotAllowed, "not in the room")),
            Some(Session::Lobby) => {
                Err(Refused::new(ErrorCode::WrongState, "there are no files in the lobby"))
            }
            Some(session) => Ok(session),
        }
    }

    fn takes(&self, size_bytes: u64) -> Result<(), Refused> {
        let bytes = self.files.total_bytes().saturating_add(size_bytes);
        if self.files.cards.len() >= MAX_FILES || bytes > MAX_TOTAL_BYTES {
            return Err(Refused::new(ErrorCode::Full, "no more files fit into this room"));
        }
        Ok(())
    }
}

fn no_such_file() -> Refused {
    Refused::new(ErrorCode::NoSuchTarget, "no such file here")
}
