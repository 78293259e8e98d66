//! Stored files: under their body and SHA-256, written through before the row that names them.
//!
//! A file without row is invisible; the same content is stored once per body.
//! What is shared in rooms and ends with them lies apart: [`shelf`].

pub mod shelf;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path as Key};
use signing::Digest;
use uuid::Uuid;

/// Why a file was not stored or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The store.
    #[error(transparent)]
    Store(#[from] object_store::Error),
    /// The folder of the local store.
    #[error("{0}: {1}")]
    Folder(String, std::io::Error),
    /// What is in the store is not what was put there.
    #[error("the stored content of {0} has changed")]
    Changed(Digest),
    /// Something else put it there.
    #[error("{0} in the store is no stored file")]
    Stray(String),
}

/// The file store of an installation.
#[derive(Clone, Debug)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// Of the local store.
    folder: PathBuf,
}

impl Files {
    /// A local folder, made if missing. Writes reach the disk before they are acknowledged.
    pub fn local(folder: &Path) -> Result<Self, FileError> {
        std::fs::create_dir_all(folder)
            .map_err(|e| FileError::Folder(folder.display().to_string(), e))?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: folder.to_owned() })
    }

    /// Stores `content`; the digest is its name from now on.
    pub async fn put(&self, body: Uuid, content: Bytes) -> Result<Digest, FileError> {
        let digest = Digest::of(&content);
        self.store.put(&key(body, digest), content.into()).await?;
        Ok(digest)
    }

    /// The content, checked against its name; nothing if there is none.
    pub async fn get(&self, body: Uuid, digest: Digest) -> Result<Option<Bytes>, FileError> {
        let content = match self.store.get(&key(body, digest)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if Digest::of(&content) != digest {
            return Err(FileError::Changed(digest));
        }
        Ok(Some(content))
    }

    /// Every stored file, in no order; nothing of what lies on the shelves of rooms.
    pub async fn all(&self) -> Result<Vec<(Uuid, Digest)>, FileError> {
        let found: Vec<_> = self.store.list(None).try_collect().await?;
        found
            .iter()
            .filter(|object| !shelf::is_of_a_room(&object.location))
            .map(|object| {
                parse(&object.location).ok_or_else(|| FileError::Stray(object.location.to_string()))
            })
            .collect()
    }
}

/// `BODY/ab/abcd…`: no folder grows without bound.
fn key(body: Uuid, digest: Digest) -> Key {
    let name = digest.to_string();
    Key::from_iter([body.to_string().as_str(), &name[..2], &name])
}

fn parse(key: &Key) -> Option<(Uuid, Digest)> {
    let mut parts = key.as_ref().split('/');
    let body = parts.next()?.parse().ok()?;
    let digest = parts.nth(1)?.parse().ok()?;
    Some((body, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn r_tech_19_a_file_is_read_back_in_its_body_only_and_a_changed_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::local(folder.path()).unwrap();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let content = Bytes::from_static(b"verbale");
        let digest = files.put(one, content.clone()).await.unwrap();
        assert_eq!(digest, files.put(one, content.clone()).await.unwrap());
        assert_eq!(files.get(one, digest).await.unwrap(), Some(content));
        assert_eq!(files.get(other, digest).await.unwrap(), None);
        assert_eq!(files.all().await.unwrap(), [(one, digest)]);

        let place = folder.path().join(key(one, digest).to_string());
        std::fs::write(place, "altro").unwrap();
        assert!(matches!(files.get(one, digest).await, Err(FileError::Changed(d)) if d == digest));
    }
}
