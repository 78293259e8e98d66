//! People and their accounts (R-ACC-01: always natural persons).
//!
//! [`passwords`], [`fields`] and [`personal`] say what may be typed, [`store`] keeps accounts, [`commands`] makes
//! them, [`sign_in`] leads from the password over the one-time code to a session.

pub mod commands;
pub mod fields;
pub mod pages;
pub mod passwords;
pub mod personal;
pub mod sessions;
pub mod sign_in;
pub mod staff_pages;
pub mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bodies::BodyId;
use crate::cases::supply::Sector;
use crate::guests::Guest;
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
    /// Came by a personal link, for one room (R-MEET-46).
    Guest,
}

impl Role {
    /// The profile belongs to an operator.
    pub fn of_operator(self) -> bool {
        matches!(self, Self::ContactOfficer | Self::OperatorSecretariat | Self::OperatorDelegate)
    }
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
    Guest = "guest", "Ospite";
});

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// Yes.
    Active,
    /// Too many wrong passwords (R-ACC-59).
    Suspended,
    /// Too many wrong codes (R-LOG-05).
    Blocked,
    /// There is none: a person who is known by name and comes by invitation only (R-MEET-46).
    Guest,
}

words!(AccountState {
    Active = "active", "Attivo";
    Suspended = "suspended", "Sospeso (password errate)";
    Blocked = "blocked", "Bloccato (codici errati)";
    Guest = "guest", "Senza utenza";
});

/// A person with an account, or known by name only ([`AccountState::Guest`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Which account.
    pub id: UserId,
    /// Matched case-sensitively (R-ACC-03).
    pub username: String,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub surname: String,
    /// Codice fiscale, upper case.
    pub fiscal_code: String,
    /// E-mail address.
    pub email: String,
    /// Mobile in E.164 form.
    pub mobile: String,
    /// Whether it can be used.
    pub state: AccountState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Person {
    /// First name and surname.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.surname)
    }
}

/// What a person may act as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Which.
    pub id: Uuid,
    /// As what.
    pub role: Role,
    /// For which operator.
    pub operator: Option<OperatorId>,
    /// Enabled for technical aid only (R-ROLE-26).
    pub aid_only: bool,
}

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
    /// What a guest is bound to; nobody else has it.
    pub guest: Option<Guest>,
}
