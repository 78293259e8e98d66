//! Powers to sign for another (R-SIGN-05, R-ROLE-21…28): by which document somebody acts for an
//! operator or a client, and until when.
//!
//! **Invariant:** whether somebody may sign is decided by [`rules`] alone, at the moment of the act,
//! from what the service secretariat recorded with the document; nothing else gives powers.
//!
//! [`commands`] records and ends powers, [`register`] gathers those of one case, [`pages`] shows them,
//! [`notices`] tells in time that they run out.

pub mod commands;
pub mod notices;
pub mod pages;
pub mod register;
pub mod rules;
pub mod store;
pub mod views;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::UserId;
use crate::calendar::{Deadline, Term};
use crate::cases::CaseId;
use crate::organisations::OperatorId;
use crate::words::words;

/// D-11, C-42: a commitment holds so long from the day of the request.
pub const COMMITMENT: Term = Term::Days(30);

/// One recorded document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PowerId(pub Uuid);

/// What kind of document gives the powers (R-ROLE-21), and what a client's people hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerKind {
    /// (d) Public deed or authenticated private deed with the power to conciliate and settle.
    Poa,
    /// (c) The same for the cases that it names.
    SpecialPoa,
    /// (f) Full extract of the company register that reports the powers.
    RegisterExtract,
    /// (e) Commitment to produce the power of attorney.
    Commitment,
    /// (a) For technical aid only.
    AidOnly,
    /// (b) The same for the cases that it names.
    SpecialAidOnly,
    /// The client lets somebody act in this case.
    ClientMandate,
    /// The client lets a lawyer assist.
    Assistance,
}

words!(PowerKind {
    Poa = "poa", "Procura";
    SpecialPoa = "special_poa", "Procura speciale";
    RegisterExtract = "register_extract", "Visura camerale";
    Commitment = "commitment", "Impegno a produrre la procura";
    AidOnly = "aid_only", "Delega per il solo ausilio tecnico";
    SpecialAidOnly = "special_aid_only", "Delega speciale per il solo ausilio tecnico";
    ClientMandate = "client_mandate", "Delega del cliente";
    Assistance = "assistance", "Mandato di assistenza al difensore";
});

impl PowerKind {
    /// Gives no power to bind anybody (R-ROLE-26).
    pub fn is_aid_only(self) -> bool {
        matches!(self, Self::AidOnly | Self::SpecialAidOnly)
    }

    /// Holds for the cases that it names only (R-ROLE-28).
    pub fn is_special(self) -> bool {
        matches!(self, Self::SpecialPoa | Self::SpecialAidOnly)
    }

    /// What the secretariat checks on the document before recording it (R-ROLE-22…27).
    pub fn check(self) -> &'static str {
        match self {
            Self::Poa | Self::SpecialPoa => {
                "atto pubblico o scrittura privata autenticata, con il potere espresso di conciliare e \
                 transigere"
            }
            Self::RegisterExtract => {
                "completa e aggiornata: la persona è amministratore o presidente con poteri, o \
                 procuratore la cui procura vi è riportata con quel potere"
            }
            Self::Commitment => {
                "su carta intestata con timbro; vale 30 giorni dalla data della richiesta"
            }
            Self::AidOnly | Self::SpecialAidOnly => {
                "su carta intestata, firmata da chi ne ha il potere, dice espressamente che vale solo \
                 per l'ausilio tecnico: non permette di firmare verbali"
            }
            Self::ClientMandate => "firmata dal cliente, nomina la persona e la pratica",
            Self::Assistance => "firmato dalla parte, nomina il difensore e la procedura",
        }
    }
}

/// A document that gives powers, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// Which.
    pub id: PowerId,
    /// Who holds them.
    pub person: UserId,
    /// For this operator; otherwise for the client of the case.
    pub operator: Option<OperatorId>,
    /// In this case only.
    pub case: Option<CaseId>,
    /// What kind of document.
    pub kind: PowerKind,
    /// Day of the document; of a commitment the day of the request (C-42).
    pub dated: NaiveDate,
    /// The last day on which they hold, if there is one.
    pub until: Option<Deadline>,
    /// Name of the file.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// When the secretariat ended them early.
    pub ended_at: Option<DateTime<Utc>>,
}
