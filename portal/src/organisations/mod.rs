//! The companies that cases are opened against.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One operator (operatore, gestore).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorId(pub Uuid);
