//! People and their accounts (R-ACC-01: always natural persons).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bodies::BodyId;
use crate::cases::supply::Sector;
use crate::organisations::OperatorId;
use crate::words::words;

/// One account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

/// What a person acts as (REQUIREMENTS §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Service staff: admits, assigns, convenes.
    ServiceSecretariat,
    /// The neutral person.
    Conciliator,
    /// Technical administrator.
    Administrator,
    /// First enabled person of an operator.
    ContactOfficer,
    /// Sees an operator's cases, adheres, assigns.
    OperatorSecretariat,
    /// Handles assigned cases, attends, signs.
    OperatorDelegate,
    /// The activating party.
    Client,
    /// Acts for a client.
    ClientDelegate,
}

words!(Role {
    ServiceSecretariat = "service_secretariat", "Segreteria del servizio";
    Conciliator = "conciliator", "Conciliatore";
    Administrator = "administrator", "Amministratore di sistema";
    ContactOfficer = "contact_officer", "Referente";
    OperatorSecretariat = "operator_secretariat", "Segreteria operatore";
    OperatorDelegate = "operator_delegate", "Delegato operatore";
    Client = "client", "Cliente";
    ClientDelegate = "client_delegate", "Delegato del cliente";
});

/// A signed-in person with the acting profile (R-LOG-17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Where.
    pub body: BodyId,
    /// Who.
    pub user: UserId,
    /// Full name, as pages show it.
    pub name: String,
    /// Acting as.
    pub role: Role,
    /// For which operator.
    pub operator: Option<OperatorId>,
    /// Sectors of an operator secretariat; empty for all (R-ROLE-13).
    pub sectors: Vec<Sector>,
}
