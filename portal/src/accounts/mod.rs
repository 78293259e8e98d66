//! People and their accounts (R-ACC-01: always natural persons).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);
