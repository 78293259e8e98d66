//! The case history in words.

use serde::Deserialize;

use super::rules::CaseEvent;
use super::store::CaseRecord;
use super::{CaseId, Part};
use crate::accounts::Role;
use crate::bodies::BodyId;
use crate::calendar;
use crate::journal::{self, Aggregate, JournalError};
use crate::portal::Parts;
use crate::procedures::SeatLabels;

/// The chain of a case's history.
pub(super) fn aggregate(body: BodyId, case: CaseId) -> Aggregate {
    Aggregate { body: body.0, kind: "case", id: case.0 }
}

/// One entry as people read it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub machine_time: String,
    pub time: String,
    pub words: String,
}

/// What is read back of an entry; `commands` writes it.
#[derive(Deserialize)]
struct Told {
    role: Option<String>,
    #[serde(flatten)]
    event: CaseEvent,
}

/// The history of a case, oldest first.
pub(super) async fn of(portal: &Parts, case: &CaseRecord) -> Result<Vec<Line>, JournalError> {
    let entries = journal::load(&portal.db, aggregate(case.body, case.id)).await?;
    let seats = &portal.profile(&case.procedure).seats;
    entries
        .into_iter()
        .map(|entry| {
            let told: Told = serde_json::from_str(&entry.event)?;
            let role = told.role.and_then(|role| role.parse::<Role>().ok());
            let by = role.map(|role| format!(" ({})", role.label())).unwrap_or_default();
            Ok(Line {
                machine_time: entry.at.to_rfc3339(),
                time: calendar::show(entry.at),
                words: format!("{}{by}", words(&told.event, seats)),
            })
        })
        .collect()
}

fn words(event: &CaseEvent, seats: &SeatLabels) -> String {
    use CaseEvent as E;
    let day = calendar::show_day;
    let of = |part: &Part| part.label();
    match event {
        E::Sent { .. } => "Domanda inviata".into(),
        E::IntegrationAsked { by } => format!("Chiesta un'integrazione entro il {}", day(*by)),
        E::IntegrationAnswered { .. } => "Domanda completata".into(),
        E::CompleteDayCorrected { to, .. } => format!("Domanda completa dal {}", day(*to)),
        E::Admitted { deadline } => format!("Domanda ammessa; termine il {}", day(*deadline)),
        E::Rejected => "Domanda non ammessa".into(),
        E::ArchivedUnanswered => "Domanda archiviata: integrazione non pervenuta".into(),
        E::ConciliatorAssigned { replaced: None, .. } => "Conciliatore assegnato".into(),
        E::ConciliatorAssigned { .. } => "Conciliatore sostituito".into(),
        E::Adhered { part, .. } => format!("Adesione: {}", of(part)),
        E::Declined { part, .. } => format!("Mancata adesione: {}", of(part)),
        E::DelegateAssigned { .. } => "Delegato dell'operatore aggiornato".into(),
        E::AidRequested { part, .. } => format!("Ausilio tecnico richiesto: {}", of(part)),
        E::AidConvened { part, .. } => format!("Ausilio tecnico convocato: {}", of(part)),
        E::MeetingConvened { starts_at, .. } => {
            format!("Incontro convocato per il {}", calendar::show(*starts_at))
        }
        E::MeetingMoved { to, .. } | E::MeetingPostponed { to, .. } => {
            format!("Incontro spostato al {}", calendar::show(*to))
        }
        E::MeetingCancelled { .. } => "Incontro annullato".into(),
        E::MeetingStarted => "Incontro iniziato".into(),
        E::MeetingHeld => "Incontro svolto".into(),
        E::Concluded { outcome } => format!("Esito dell'incontro: {}", outcome.label()),
        E::SentToSignature => "Verbale avviato alla firma".into(),
        E::SignaturesCompleted => "Verbale firmato da tutti".into(),
        E::SignaturesAbandoned => "Firma del verbale non completata".into(),
        E::Withdrawn => "Rinuncia della parte attivante".into(),
        E::Extended { deadline, .. } => format!("Termine prorogato al {}", day(*deadline)),
        E::TermPassed { .. } => "Termine trascorso".into(),
        E::OverdueDecided { archived: true } => "Archiviata per decorrenza del termine".into(),
        E::OverdueDecided { .. } => "Conclusa per decorrenza del termine".into(),
        E::FiledFromRoom { .. } => "Documento aggiunto dalla stanza".into(),
        E::DigitalConsent { seat, consents, given } => format!(
            "Forma digitale: {} ({}, {})",
            if *consents { "consenso" } else { "consenso negato" },
            seats.of(*seat),
            given.label(),
        ),
        E::PutOnPaper => "Verbale da firmare a mano su carta".into(),
        E::Closed => "Pratica chiusa".into(),
    }
}
