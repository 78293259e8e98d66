//! What went wrong with a signature, in words for the person.

use signing::pades::DocumentError;
use signing::ports::{QtspError, TsaError, TypesetError};
use signing::process::{Refusal, Status};

use signing::returned::Unacceptable;
use signing::verify::SubIndication;

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
            Self::Craft(CraftError::Typeset(
                error @ (TypesetError::NoTemplate(_) | TypesetError::Template(_)),
            )) => {
                tracing::error!(%error, "a template of the minutes cannot be used");
                "Il modello di questo verbale ha un errore e il testo non può essere impaginato: il \
                 testo è salvato. Contatta l'assistenza."
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
            Self::Unacceptable(fault) => return Ok(not_taken(&fault)),
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

/// Why a document from the signer's own device is not taken, and what helps.
fn not_taken(fault: &Unacceptable) -> String {
    match fault {
        Unacceptable::OtherFormat => {
            "Questo documento si firma in formato PAdES: il file firmato deve essere un PDF, non un \
             P7M. Scegli «firma PAdES» nel tuo programma di firma."
        }
        Unacceptable::NoSignedFile => {
            "Questo documento si firma in formato CAdES: il file firmato deve essere un P7M, non un PDF. \
             Scegli «firma CAdES» nel tuo programma di firma."
        }
        Unacceptable::OtherDocument => {
            "Il file non è il documento da firmare: scaricalo da questa pagina, firmalo senza \
             modificarlo e caricalo di nuovo."
        }
        Unacceptable::Wrapped => {
            "Hai firmato il file P7M, non il documento che contiene: nel tuo programma scegli «aggiungi \
             firma» (firma parallela), oppure firma il documento PDF scaricato da questa pagina."
        }
        Unacceptable::Outdated => {
            "Nel frattempo un altro firmatario ha firmato: scarica di nuovo il documento, firmalo e \
             caricalo."
        }
        Unacceptable::NotSigned => {
            "Il file non contiene la tua firma: firmalo con il tuo dispositivo e caricalo di nuovo."
        }
        Unacceptable::TooLarge => {
            "Il file è molto più grande del documento da firmare: aggiungi solo la tua firma."
        }
        Unacceptable::Changed(_) => {
            "Oltre alla firma il documento è stato modificato: scaricalo di nuovo, firmalo senza \
             altre modifiche e caricalo."
        }
        Unacceptable::SeveralSignatures(_) => {
            "Il file contiene più firme aggiunte: deve contenere solo la tua."
        }
        Unacceptable::OtherField(_) => {
            "La firma è nel riquadro di un altro firmatario: firma nel riquadro con il tuo nome."
        }
        Unacceptable::OtherPerson { name } => {
            return format!(
                "Il certificato di firma è intestato a «{name}»: il codice fiscale non è quello del \
                 tuo profilo."
            );
        }
        Unacceptable::NotQualified => {
            "Il certificato non è qualificato: serve una firma digitale o una firma elettronica \
             qualificata."
        }
        Unacceptable::NotValid { why, .. } => match why {
            Some(SubIndication::OutOfBoundsNoPoe | SubIndication::NotYetValid) => {
                "Il certificato di firma è scaduto o non è ancora valido."
            }
            Some(SubIndication::Revoked | SubIndication::RevokedNoPoe) => {
                "Il certificato di firma è stato revocato."
            }
            Some(
                SubIndication::NoCertificateChainFound
                | SubIndication::NoCertificateChainFoundNoPoe,
            ) => {
                "Il certificato non è di un prestatore di servizi fiduciari riconosciuto."
            }
            Some(SubIndication::HashFailure | SubIndication::SigCryptoFailure) => {
                "La firma non corrisponde al documento: il file è danneggiato o modificato."
            }
            _ => "La firma non è valida: ripeti la firma con un certificato qualificato.",
        },
    }
    .to_owned()
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
        Refusal::OtherForm => "Questo verbale si firma in un'altra forma.",
        Refusal::Held => "È in corso un'altra firma: riprova tra qualche secondo.",
        Refusal::Stale => "Il documento è cambiato: rileggilo e ripeti la firma.",
        Refusal::NoSuchAttempt => "Il tentativo è scaduto: chiedi un nuovo codice.",
        Refusal::TooManyCodes | Refusal::UsedCredential => {
            "Hai esaurito i codici disponibili: dillo a chi conduce l'incontro."
        }
        Refusal::BadPlan => "Il verbale non ha firmatari.",
    }
}
