//! Files shared in a session, and what a session looks at together.

use super::ParticipantId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// One file shared in one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
pub struct FileId(pub Uuid);

/// A file in the own session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SharedFile {
    /// Which.
    pub id: FileId,
    /// Name with extension.
    pub name: String,
    /// Size.
    #[ts(type = "number")]
    pub size_bytes: u64,
    /// What a browser can do with it.
    pub kind: FileKind,
    /// Where it comes from.
    pub origin: FileOrigin,
    /// Who shared it.
    pub owner: ParticipantId,
    /// Its owner added it to the case.
    pub filed: bool,
    /// The hub's clock, milliseconds since 1970.
    #[ts(type = "number")]
    pub at_ms: u64,
}

/// What a browser can do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Shown page by page.
    Pdf,
    /// Shown.
    Image,
    /// Downloaded.
    Other,
}

/// Where a shared file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FileOrigin {
    /// Sent by a participant from the own computer; ends with its session.
    Upload,
    /// A document of the case; only those see it who may see it there (R-MEET-20).
    Case,
    /// The draft of the minutes as it was when it was shared (R-MEET-37).
    Draft,
}

/// A page that a session looks at together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Showing {
    /// Of which file.
    pub file: FileId,
    /// From 1.
    pub page: u32,
    /// Who shows it.
    pub by: ParticipantId,
}
