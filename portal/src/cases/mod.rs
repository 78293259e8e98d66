//! Cases (pratiche): one conciliation procedure each, from the application to the end.
//!
//! [`rules`] decides, [`store`] writes the row, the case history and the messages in one
//! transaction, [`pages`] shows. Who may do what is decided by [`access::may`] alone.

pub mod access;
pub mod application;
pub mod commands;
mod history;
mod intake;
pub mod list;
pub mod notices;
pub mod pages;
pub mod rules;
pub mod store;
pub mod supply;
mod tabs;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::words;

/// One case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub Uuid);

impl std::fmt::Display for CaseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a case within its body: `N/2026/000123`. Given when the application is sent, without
/// gaps; sorts as text in the order it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseNumber {
    /// Year in Rome in which the application was sent.
    pub year: i32,
    /// From 1, per body and year.
    pub progressive: u32,
}

impl std::fmt::Display for CaseNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "N/{}/{:06}", self.year, self.progressive)
    }
}

/// State of a case (REQUIREMENTS §4.1). Adhesion, urgency and extension are attributes, not states
/// (C-39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Being filled in.
    Draft,
    /// Sent, waiting for the Service's decision.
    Submitted,
    /// Sent back for missing documents.
    Regularising,
    /// Refused.
    NotAdmitted,
    /// Ended without a procedure.
    Archived,
    /// The procedure runs.
    Admitted,
    /// Has a conciliator.
    Assigned,
    /// The first meeting is fixed.
    Convened,
    /// A further meeting is fixed.
    Reconvened,
    /// A meeting was held.
    Held,
    /// The agreement is being signed.
    Signing,
    /// Agreement, signed by all.
    Agreement,
    /// No agreement.
    NoAgreement,
    /// A side did not come.
    NoShow,
    /// Withdrawn by the client.
    Withdrawn,
    /// The convened operator does not take part.
    NotAdhered,
    /// Closed.
    Closed,
}

words! { CaseState {
    Draft = "draft", "Bozza";
    Submitted = "submitted", "Inviata";
    Regularising = "regularising", "In regolarizzazione";
    NotAdmitted = "not_admitted", "Non ammessa";
    Archived = "archived", "Archiviata";
    Admitted = "admitted", "Ammessa";
    Assigned = "assigned", "Assegnata";
    Convened = "convened", "Incontro convocato";
    Reconvened = "reconvened", "Incontro riconvocato";
    Held = "held", "Incontro svolto";
    Signing = "signing", "In firma";
    Agreement = "agreement", "Accordo";
    NoAgreement = "no_agreement", "Mancato accordo";
    NoShow = "no_show", "Mancata comparizione";
    Withdrawn = "withdrawn", "Rinuncia";
    NotAdhered = "not_adhered", "Non aderita";
    Closed = "closed", "Chiusa";
} }

impl CaseState {
    /// Pratica in corso: the procedure runs (§4.1).
    pub fn in_progress(self) -> bool {
        matches!(
            self,
            Self::Admitted
                | Self::Assigned
                | Self::Convened
                | Self::Reconvened
                | Self::Held
                | Self::Signing
        )
    }

    /// The application waits for the Service or for the client.
    pub fn before_admission(self) -> bool {
        matches!(self, Self::Draft | Self::Submitted | Self::Regularising)
    }
}

/// How a procedure ended, or what a meeting came to (R-CASE-62, R-MEET-34).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The parties agreed.
    Agreement,
    /// The neutral person proposes an agreement, which each party accepts by signing it, or refuses
    /// (R-MEET-37).
    Proposal,
    /// They did not.
    NoAgreement,
    /// They go on at another meeting.
    Adjourned,
    /// The activating party did not come.
    NoShowActivating,
    /// The convened operator did not come.
    NoShowConvened,
    /// The client withdrew.
    Withdrawal,
    /// The convened operator did not adhere.
    NotAdhered,
    /// The application was refused.
    Inadmissible,
    /// The term ended first.
    Expired,
}

impl Outcome {
    /// A side did not come.
    pub fn is_no_show(self) -> bool {
        matches!(self, Self::NoShowActivating | Self::NoShowConvened)
    }

    /// It is the parties' own, or becomes it: it holds only once they have signed it, and the case waits for that
    /// (§4.1).
    pub fn needs_signatures(self) -> bool {
        matches!(self, Self::Agreement | Self::Proposal | Self::Withdrawal)
    }

    /// What is left if its signatures are given up: no agreement was reached (§4.1), but who does
    /// not sign a withdrawal has not withdrawn, and the meeting has no outcome yet.
    pub fn unsigned(self) -> Option<Self> {
        match self {
            Self::Agreement | Self::Proposal => Some(Self::NoAgreement),
            Self::Withdrawal => None,
            other => Some(other),
        }
    }
}

words! { Outcome {
    Agreement = "agreement", "Accordo";
    Proposal = "proposal", "Proposta di accordo";
    NoAgreement = "no_agreement", "Mancato accordo";
    Adjourned = "adjourned", "Aggiornamento";
    NoShowActivating = "no_show_activating", "Mancata comparizione della parte attivante";
    NoShowConvened = "no_show_convened", "Mancata comparizione dell'operatore";
    Withdrawal = "withdrawal", "Rinuncia";
    NotAdhered = "not_adhered", "Mancata adesione";
    Inadmissible = "inadmissible", "Inammissibilità";
    Expired = "expired", "Decorrenza del termine";
} }

/// As what an operator takes part in a case (R-CASE-08).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The claim is directed against it.
    Convened,
    /// Network operator, technical aid.
    Distributor,
    /// A second one, e.g. dual fuel.
    SecondDistributor,
    /// Sewerage manager, technical aid.
    Sewerage,
    /// Treatment manager, technical aid.
    Treatment,
}

words! { Part {
    Convened = "convened", "Operatore convenuto";
    Distributor = "distributor", "Distributore";
    SecondDistributor = "second_distributor", "Secondo Distributore";
    Sewerage = "sewerage", "Gestore Servizio Fognatura";
    Treatment = "treatment", "Gestore Servizio Depurazione";
} }

impl Part {
    /// Takes part only for technical support.
    pub fn is_aid(self) -> bool {
        self != Self::Convened
    }
}

/// An operator's answer to a case (§4.1: an attribute).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adhesion {
    /// Not answered yet.
    Pending,
    /// Adheres.
    Adhered,
    /// Does not.
    Declined,
}

words! { Adhesion {
    Pending = "pending", "In attesa";
    Adhered = "adhered", "Aderito";
    Declined = "declined", "Non aderito";
} }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_number_sorts_as_text() {
        let number = |progressive| CaseNumber { year: 2026, progressive }.to_string();
        assert_eq!(number(123), "N/2026/000123");
        assert!(number(99) < number(100));
    }

    #[test]
    fn r_case_03_in_progress_is_from_admitted_to_signing() {
        for state in CaseState::ALL {
            let expected = (CaseState::Admitted..=CaseState::Signing).contains(state);
            assert_eq!(state.in_progress(), expected, "{state:?}");
        }
    }
}
