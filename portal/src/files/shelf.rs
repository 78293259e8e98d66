//! What is shared in rooms: under the body and the room, by names that the caller gives, deleted
//! with the room. It is in no backup: an archive would outlive what was promised to end.

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::{Error, ObjectStoreExt as _, path::Path as Key};
use uuid::Uuid;

use super::{FileError, Files};

/// Beside the folders of stored files, which have two characters.
const ROOMS: &str = "rooms";

/// Whether an object lies on the shelf of a room.
pub(super) fn is_of_a_room(key: &Key) -> bool {
    key.as_ref().split('/').nth(1) == Some(ROOMS)
}

/// The shelf of one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shelf {
    /// Whose.
    pub body: Uuid,
    /// Which room.
    pub room: Uuid,
}

impl Shelf {
    fn key(self, name: &str) -> Key {
        Key::from_iter([&self.body.to_string(), ROOMS, &self.room.to_string(), name])
    }

    fn prefix(self) -> Key {
        Key::from_iter([&self.body.to_string(), ROOMS, &self.room.to_string()])
    }
}

impl Files {
    /// Puts something on a room's shelf.
    pub async fn lay(&self, shelf: Shelf, name: &str, content: Bytes) -> Result<(), FileError> {
        self.store.put(&shelf.key(name), content.into()).await?;
        Ok(())
    }

    /// What lies on a room's shelf under this name.
    pub async fn lift(&self, shelf: Shelf, name: &str) -> Result<Option<Bytes>, FileError> {
        match self.store.get(&shelf.key(name)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The names on a room's shelf.
    pub async fn on_shelf(&self, shelf: Shelf) -> Result<Vec<String>, FileError> {
        let found: Vec<_> = self.store.list(Some(&shelf.prefix())).try_collect().await?;
        let names = found.iter().filter_map(|object| object.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    /// Takes something away; it need not be there.
    pub async fn take_away(&self, shelf: Shelf, name: &str) -> Result<(), FileError> {
        match self.store.delete(&shelf.key(name)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a whole shelf away, with what a killed process left half-written on it.
    pub async fn clear(&self, shelf: Shelf) -> Result<(), FileError> {
        for name in self.on_shelf(shelf).await? {
            self.take_away(shelf, &name).await?;
        }
        // The local store does not list its half-written files.
        let place = self.folder.join(shelf.prefix().as_ref());
        match tokio::fs::remove_dir_all(&place).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FileError::Folder(place.display().to_string(), error))
            }
            _ => Ok(()),
        }
    }

    /// All shelves that there are.
    pub async fn shelves(&self) -> Result<Vec<Shelf>, FileError> {
        let mut shelves = Vec::new();
        for of_body in self.store.list_with_delimiter(None).await?.common_prefixes {
            let Some(Ok(body)) = of_body.filename().map(str::parse) else { continue };
            let rooms = Key::from_iter([of_body.as_ref(), ROOMS]);
            let rooms = self.store.list_with_delimiter(Some(&rooms)).await?.common_prefixes;
            let rooms = rooms.iter().filter_map(|key| key.filename()?.parse().ok());
            shelves.extend(rooms.map(|room| Shelf { body, room }));
        }
        Ok(shelves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn r_meet_24_a_shelf_goes_as_a_whole_and_is_no_stored_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::local(folder.path()).unwrap();
        let shelf = Shelf { body: Uuid::from_u128(1), room: Uuid::from_u128(2) };
        let other = Shelf { room: Uuid::from_u128(3), ..shelf };
        let foreign = Shelf { body: Uuid::from_u128(4), ..shelf };
        let content = Bytes::from_static(b"bolletta");
        for shelf in [shelf, other, foreign] {
            files.lay(shelf, "a", content.clone()).await.unwrap();
        }
        files.lay(shelf, "b", content.clone()).await.unwrap();
        let mut names = files.on_shelf(shelf).await.unwrap();
        names.sort();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(files.lift(shelf, "a").await.unwrap(), Some(content.clone()));
        assert_eq!(files.lift(other, "b").await.unwrap(), None);
        assert_eq!(files.all().await.unwrap(), [], "backups do not know of it");
        files.take_away(shelf, "a").await.unwrap();
        files.take_away(shelf, "a").await.unwrap();
        assert_eq!(files.on_shelf(shelf).await.unwrap(), ["b"]);

        // A process that was killed while it wrote.
        let half = folder.path().join(shelf.prefix().as_ref()).join("c#1");
        std::fs::write(&half, "bollet").unwrap();
        files.clear(shelf).await.unwrap();
        assert!(!half.exists());
        let mut left = files.shelves().await.unwrap();
        left.sort();
        assert_eq!(left, [other, foreign]);
        files.clear(shelf).await.unwrap();
    }
}
