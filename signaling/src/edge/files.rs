//! What the hub asks a room about shared files.

use super::Rooms;
use super::room_task::Letter;
use crate::protocol::{Epoch, ErrorCode, FileId, ParticipantId, Retry, RoomId, SharedFile};
use crate::room::files::{FileCard, Grant, Readers};
use crate::room::{Refused, Room};
use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

/// A question to the pure room, with the way back for its answer.
pub(super) type Question = Box<dyn FnOnce(&mut Room, DateTime<Utc>) + Send>;

impl Rooms {
    /// Leave to share a file, asked before its content is taken.
    pub async fn grant_file(
        &self,
        room: RoomId,
        owner: ParticipantId,
        epoch: Epoch,
        size_bytes: u64,
    ) -> Result<Grant, Refused> {
        self.ask(room, move |room, now| room.grant(owner, epoch, size_bytes, now)).await?
    }

    /// Shares a file whose content is stored.
    pub async fn share_file(
        &self,
        room: RoomId,
        grant: Grant,
        file: SharedFile,
        readers: Readers,
    ) -> Result<(), Refused> {
        self.ask(room, move |room, now| room.share(&grant, file, readers, now)).await?
    }

    /// The file, if this participant may see it at this moment.
    pub async fn file(
        &self,
        room: RoomId,
        viewer: ParticipantId,
        file: FileId,
    ) -> Result<FileCard, Refused> {
        let card = self.ask(room, move |room, _| room.file_for(viewer, file).cloned()).await?;
        card.ok_or_else(|| Refused::new(ErrorCode::NoSuchTarget, "no such file here"))
    }

    /// The owner added the file to the case.
    pub async fn file_was_filed(
        &self,
        room: RoomId,
        owner: ParticipantId,
        file: FileId,
    ) -> Result<(), Refused> {
        self.ask(room, move |room, now| room.file_was_filed(owner, file, now)).await
    }

    /// A file that was shared a moment ago could not be kept: it goes again.
    pub async fn retract_file(&self, room: RoomId, file: FileId) -> Result<(), Refused> {
        self.ask(room, move |room, now| room.retract(file, now)).await
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        room: RoomId,
        question: impl FnOnce(&mut Room, DateTime<Utc>) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let gone = || {
            Refused::new(ErrorCode::WrongState, "the room is not open here").retry(Retry::Rejoin)
        };
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |room, now| {
            // Whoever asked may have gone.
            let _ = reply.send(question(room, now));
        });
        let served = self.served(room).ok_or_else(gone)?;
        served.mailbox.send(Box::new(Letter::Question(question))).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}
