//! What went wrong with a signature, in words for the person.

use signing::pades::DocumentError;
use signing::ports::{QtspError, TsaError, TypesetError};
use signing::process::{Refusal, Status};

use super::SignatureError;
use super::craft::CraftError;
use crate::meetings::commands::MeetingError;
use crate::web::PageError;

impl SignatureError {
    /// A sentence for the person, or the page that says that it is our fault.
    pub fn explained(self) -> Result<String, PageError> {
        let sentence = match self {
            Self::NotFound => return Err(PageError::NotFound),
            Self::NotAllowed => return Err(PageError::Forbidden),
            Self::Unfit(sentence) => return Ok(sentence),
            Self::Refused(refusal) => words(&refusal),
            Self::Meeting(MeetingError::Case(error)) | Self::Case(error) => {
                return error.explained();
            }
            Self::Meeting(MeetingError::NotFound) => return Err(PageError::NotFound),
            Self::Meeting(MeetingError::Db(error)) => return Err(error.into()),
            Self::Meeting(error) => return Ok(error.to_string()),
            Self::Craft(CraftError::Typeset(TypesetError::Character(character))) => {
                return Ok(format!("Il carattere «{character}» non può essere stampato."));
            }
            Self::Craft(CraftError::Busy) => {
                "In questo momento ci sono troppe anteprime in preparazione: riprova tra poco."
            }
            Self::Craft(
                CraftError::Timestamp(TsaError::Unreachable(_))
                | CraftError::Document(DocumentError::Timestamp(_)),
            ) => {
                "Il servizio di marca temporale non risponde: la firma è al sicuro e sarà \
                 completata appena possibile."
            }
            Self::Qtsp(QtspError::WrongOtp) => {
                "Il codice non è corretto. Dopo tre errori occorre chiederne uno nuovo."
            }
            Self::Qtsp(QtspError::OtpBlocked | QtspError::CredentialUsed) => {
                "Il codice è bloccato o scaduto: chiedine uno nuovo."
            }
            Self::Qtsp(QtspError::Refused(_)) => {
                "Il servizio di firma ha rifiutato la richiesta: chiedi un nuovo codice."
            }
            Self::Qtsp(QtspError::Unreachable(_)) => {
                "Il servizio di firma non risponde. Riprova tra qualche istante."
            }
            Self::Identification(_) => {
                "Il gestore di identità non risponde. Riprova tra qualche istante."
            }
            Self::NotValid(fault) => {
                tracing::error!(%fault, "a document at signature is not valid");
                "La verifica delle firme non è riuscita: il documento non può essere firmato. \
                 Contatta l'assistenza."
            }
            error => return Err(error.into()),
        };
        Ok(sentence.to_owned())
    }
}

fn words(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Over => "Il termine per firmare è scaduto.",
        Refusal::Status(Status::Completed) => "Il documento è già firmato da tutti.",
        Refusal::Status(Status::Refused) => "Un firmatario ha rifiutato: la firma è interrotta.",
        Refusal::Status(Status::Expired) => "Il termine per firmare è scaduto.",
        Refusal::Status(_) => "La raccolta delle firme è stata annullata.",
        Refusal::UnknownSigner => "Non sei tra i firmatari di questo documento.",
        Refusal::AlreadySigned => "Hai già firmato questo documento.",
        Refusal::StepMissing => "Completa prima i passi precedenti.",
        Refusal::NothingAccepted => "Per proseguire occorre accettare tutte le condizioni.",
        Refusal::NotYourTurn => "Prima devono firmare gli altri firmatari.",
        Refusal::NotChecked => "Prima di firmare occorre verificare le firme degli altri.",
        Refusal::Held => "È in corso un'altra firma: riprova tra qualche secondo.",
        Refusal::Stale => "Il documento è cambiato: rileggilo e ripeti la firma.",
        Refusal::NoSuchAttempt => "Il tentativo è scaduto: chiedi un nuovo codice.",
        Refusal::TooManyCodes | Refusal::UsedCredential => {
            "Hai esaurito i codici disponibili: contatta il conciliatore."
        }
        Refusal::BadPlan => "Il verbale non ha firmatari.",
    }
}
