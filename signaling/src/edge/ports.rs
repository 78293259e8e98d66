//! What the edge needs from outside: a door, a journal, media.

use crate::media::{Media, MediaError};
use crate::protocol::{ErrorCode, FileId, ParticipantId, Retry, RoomId, Watch};
use crate::room::files::FileCard;
use crate::room::journal::JournalEntry;
use crate::room::routes::Routes;
use crate::room::{AddedSeat, NewSeat, Refused, RoomSpec, Seat};
use async_trait::async_trait;

/// When to ask again if the media edge is full: somebody may have left.
const FULL_RETRY_MS: u64 = 15_000;

/// What a join token stands for.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The room, under this node's lease.
    pub room: RoomSpec,
    /// The seat in it.
    pub seat: Seat,
}

/// Decides who may come in. Spends join tokens (R-MEET-13).
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// Spends the token and takes or renews this node's lease of the room.
    async fn admit(&self, token: &str) -> Result<Admission, Refused>;

    /// Makes a seat for somebody who was not convened, and keeps the name beside the journal: a
    /// personal link (R-MEET-47), or a place at the telephone (R-MEET-29).
    async fn add_seat(&self, room: RoomId, seat: &NewSeat) -> Result<AddedSeat, Refused>;
}

/// Why the journal did not take what it was given.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another node serves the room, or this node's lease ran out.
    #[error("this node no longer holds the room's lease")]
    LeaseLost,
    /// The store failed.
    #[error("the journal failed: {0}")]
    Failed(String),
}

/// Keeps what outlives a room.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Everything written for this room, in order.
    async fn load(&self, room: RoomId) -> Result<Vec<JournalEntry>, JournalError>;

    /// Makes entries durable, all or none, if the lease is still of this generation.
    async fn append(
        &self,
        room: RoomId,
        generation: u32,
        entries: &[JournalEntry],
    ) -> Result<(), JournalError>;

    /// This node no longer serves the room; its lease of this generation may go.
    async fn release(&self, room: RoomId, generation: u32);
}

/// Where the content of shared files lies, out of the rooms' reach. Rooms say what may go.
#[async_trait]
pub trait Shelf: Send + Sync + 'static {
    /// The cards of the files that a room left here when it rested or its node stopped.
    async fn load(&self, room: RoomId) -> Vec<FileCard>;

    /// Deletes these files. What cannot be deleted now is deleted later.
    async fn discard(&self, room: RoomId, files: &[FileId]);

    /// The room is over: deletes all its files.
    async fn clear(&self, room: RoomId);
}

/// For rooms in which no files are shared.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoShelf;

#[async_trait]
impl Shelf for NoShelf {
    async fn load(&self, _: RoomId) -> Vec<FileCard> {
        Vec::new()
    }

    async fn discard(&self, _: RoomId, _: &[FileId]) {}

    async fn clear(&self, _: RoomId) {}
}

/// Carries the media. One implementation is [`Media`].
#[async_trait]
pub trait MediaPlane: Send + Sync + 'static {
    /// Answers an offer.
    async fn connect(
        &self,
        room: RoomId,
        participant: ParticipantId,
        offer: &str,
    ) -> Result<String, Refused>;

    /// Replaces the forwarding set; once this resolves, no packet leaves along an older one.
    async fn route(&self, room: RoomId, routes: Routes) -> Result<(), MediaError>;

    /// How much of each of its video slots a participant looks at, until a slot's source changes.
    fn watch(&self, room: RoomId, participant: ParticipantId, video: Vec<Watch>);

    /// Ends a participant's media.
    fn disconnect(&self, room: RoomId, participant: ParticipantId);

    /// Packets forwarded and withheld since the room opened.
    async fn count(&self, room: RoomId) -> Result<(u64, u64), MediaError>;

    /// Ends all media of a room.
    fn close(&self, room: RoomId);
}

#[async_trait]
impl MediaPlane for Media {
    async fn connect(
        &self,
        room: RoomId,
        participant: ParticipantId,
        offer: &str,
    ) -> Result<String, Refused> {
        Media::connect(self, room, participant, offer).await.map_err(|error| match error {
            MediaError::BadOffer(_) => Refused::new(ErrorCode::BadOffer, error.to_string()),
            MediaError::Full => Refused::new(ErrorCode::Full, error.to_string())
                .retry(Retry::AfterMs(FULL_RETRY_MS)),
            other => Refused::new(ErrorCode::Internal, other.to_string()).retry(Retry::Now),
        })
    }

    async fn route(&self, room: RoomId, routes: Routes) -> Result<(), MediaError> {
        Media::route(self, room, routes).await
    }

    fn watch(&self, room: RoomId, participant: ParticipantId, video: Vec<Watch>) {
        Media::watch(self, room, participant, video);
    }

    fn disconnect(&self, room: RoomId, participant: ParticipantId) {
        Media::disconnect(self, room, participant);
    }

    async fn count(&self, room: RoomId) -> Result<(u64, u64), MediaError> {
        let counters = Media::counters(self, room).await?;
        Ok((counters.forwarded, counters.withheld))
    }

    fn close(&self, room: RoomId) {
        Media::close(self, room);
    }
}
