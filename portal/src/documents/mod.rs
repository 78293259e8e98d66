//! Documents of a case (fascicolo online): who sent them, who may see them, what may be uploaded.
//!
//! A file is stored under its SHA-256 before its row is written, and the row is what makes it a
//! document: a file without row is invisible.

pub mod export;
pub mod filing;
pub mod form;
pub mod pages;
pub mod rules;
pub mod store;
pub mod upload;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::words;

/// One document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentId(pub Uuid);

impl std::fmt::Display for DocumentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Category of a document (R-CASE-36).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The application's receipt.
    Application,
    /// The complaint.
    Complaint,
    /// The operator's reply to it.
    ComplaintReply,
    /// Identity document of the applicant.
    Identity,
    /// The client's delegation.
    Delegation,
    /// Start of the procedure.
    StartNotice,
    /// Convening with the conciliator's name.
    Convening,
    /// Convening of a technical aid.
    AidConvening,
    /// The operator adheres.
    AdhesionNotice,
    /// The operator does not.
    DeclineNotice,
    /// Request of technical aid.
    AidRequest,
    /// Minutes of an adjournment.
    AdjournmentMinutes,
    /// Final minutes.
    FinalMinutes,
    /// Request of a postponement.
    PostponementRequest,
    /// Request of an extension.
    ExtensionRequest,
    /// Anything a party adds.
    Attachment,
    /// A question to the Service.
    InformationRequest,
}

words! { Kind {
    Application = "application", "Domanda di Conciliazione";
    Complaint = "complaint", "Copia reclamo";
    ComplaintReply = "complaint_reply", "Copia risposta al reclamo";
    Identity = "identity", "Documento di identità";
    Delegation = "delegation", "Delega";
    StartNotice = "start_notice", "Avvio procedura";
    Convening = "convening", "Convocazione e comunicazione nominativo conciliatore";
    AidConvening = "aid_convening", "Convocazione ausilio tecnico";
    AdhesionNotice = "adhesion_notice", "Comunicazione di conferma adesione";
    DeclineNotice = "decline_notice", "Comunicazione di non adesione";
    AidRequest = "aid_request", "Richiesta di ausilio tecnico";
    AdjournmentMinutes = "adjournment_minutes", "Verbale aggiornamento";
    FinalMinutes = "final_minutes", "Verbale finale";
    PostponementRequest = "postponement_request", "Richiesta di rinvio incontro";
    ExtensionRequest = "extension_request", "Richiesta proroga";
    Attachment = "attachment", "Allegati liberi";
    InformationRequest = "information_request", "Richiesta di informazioni";
} }

impl Kind {
    /// What a party can add to a running case (R-CASE-41).
    pub const OF_PARTIES: [Self; 3] =
        [Self::Attachment, Self::InformationRequest, Self::PostponementRequest];

    /// Compulsory for the application: the confidentiality flag is not offered (R-CASE-33,
    /// R-CLAIM-12).
    pub fn compulsory(self) -> bool {
        matches!(
            self,
            Self::Application
                | Self::Complaint
                | Self::ComplaintReply
                | Self::Identity
                | Self::Delegation
        )
    }

    /// What somebody can add to a running case by hand.
    pub fn offered_to(sender: Sender) -> &'static [Self] {
        match sender {
            Sender::Service => {
                &[Self::Attachment, Self::StartNotice, Self::Convening, Self::AidConvening]
            }
            Sender::Conciliator => &[Self::Attachment],
            Sender::Activating | Sender::Convened | Sender::Aid => &Self::OF_PARTIES,
        }
    }

    /// An operator may open it before it adheres (C-13).
    pub fn before_adhesion(self) -> bool {
        matches!(self, Self::StartNotice | Self::Convening | Self::AidConvening)
    }
}

/// Who sent a document (R-CASE-30).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// The Service.
    Service,
    /// The conciliator.
    Conciliator,
    /// Client or client's delegate.
    Activating,
    /// The convened operator.
    Convened,
    /// A technical aid.
    Aid,
}

words! { Sender {
    Service = "service", "Segreteria del servizio";
    Conciliator = "conciliator", "Conciliatore del servizio";
    Activating = "activating", "Parte attivante";
    Convened = "convened", "Operatore/Gestore convenuto";
    Aid = "aid", "Ausilio tecnico";
} }
