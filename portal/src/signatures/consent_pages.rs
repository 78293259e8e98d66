//! Consent to the digital form and the way on paper, on the page of the minutes (R-SIGN-37).

use axum::extract::State;
use axum::routing::post;
use axum::{Form, Router};
use serde::Deserialize;
use uuid::Uuid;

use super::consent::{self, Given};
use super::pages::Caller;
use super::{SignatureError, paper, store};
use crate::accounts;
use crate::calendar;
use crate::documents::form::{self, FileForm};
use crate::meetings::MeetingId;
use crate::minutes::commands::Written;
use crate::minutes::pages::{at_table, refused};
use crate::minutes::store as drafts;
use crate::minutes::table::Table;
use crate::minutes::view::Refused;
use crate::portal::Portal;
use crate::procedures::SeatKind;
use crate::web::{Answer, PageError, Path, Visit, done};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/incontri/{id}/verbale/consenso", post(answer))
        .route("/incontri/{id}/verbale/carta", post(begin))
        .route("/incontri/{id}/verbale/scansione", post(scan).layer(form::limit()))
}

/// What everybody at the table sees of the consent.
pub(crate) struct ConsentView {
    pub(crate) parties: Vec<PartyView>,
    /// The visitor's own seat, if its party is asked.
    pub(crate) own: Option<&'static str>,
    /// Not all have consented, and the visitor decides about the paper.
    pub(crate) may_go_on_paper: bool,
    /// Why the digital form is not possible, to begin with.
    pub(crate) reason: String,
}

/// One party.
pub(crate) struct PartyView {
    pub(crate) seat: &'static str,
    pub(crate) name: String,
    pub(crate) role: String,
    /// Absent: not answered yet.
    pub(crate) answer: Option<AnswerView>,
    /// The visitor may record what this party said.
    pub(crate) may_record: bool,
}

/// What a party answered.
pub(crate) struct AnswerView {
    pub(crate) consents: bool,
    pub(crate) given: &'static str,
    pub(crate) recorded_by: String,
    pub(crate) machine_time: String,
    pub(crate) time: String,
}

/// The consent as `table`'s visitor sees it; nothing where the profile asks nobody. `settled`:
/// signing has begun, and nothing changes any more.
pub(crate) async fn view(
    portal: &Portal,
    table: &Table,
    settled: bool,
) -> Result<Option<ConsentView>, SignatureError> {
    let asked = consent::asked(portal, table);
    if asked.is_empty() {
        return Ok(None);
    }
    let answers = consent::answers(&portal.db, table).await?;
    let mut parties = Vec::new();
    let mut without = Vec::new();
    for seat in &asked {
        let Some(sitting) = table.sitting.iter().find(|one| one.seat == *seat) else { continue };
        let given = answers.get(seat);
        let answer = match given {
            None => None,
            Some(one) => {
                let person =
                    accounts::store::person(&portal.db, table.body.id, one.recorded_by).await?;
                Some(AnswerView {
                    consents: one.consents,
                    given: one.given.label(),
                    recorded_by: person.map(|person| person.name()).unwrap_or_default(),
                    machine_time: one.recorded_at.to_rfc3339(),
                    time: calendar::show(one.recorded_at),
                })
            }
        };
        if !given.is_some_and(|one| one.consents) {
            without.push(sitting.label.clone());
        }
        let by_itself = given.is_some_and(|one| one.given == Given::Portal);
        parties.push(PartyView {
            seat: seat.key(),
            name: sitting.person.name(),
            role: sitting.label.clone(),
            answer,
            may_record: table.leads && !settled && !by_itself,
        });
    }
    let own = table.seat.filter(|seat| !settled && asked.contains(seat)).map(SeatKind::key);
    Ok(Some(ConsentView {
        parties,
        own,
        may_go_on_paper: table.leads && !settled && !without.is_empty(),
        reason: format!("Consenso alla forma digitale non prestato: {}.", without.join(", ")),
    }))
}

fn page_of(meeting: MeetingId) -> String {
    format!("/incontri/{meeting}/verbale")
}

#[derive(Deserialize)]
struct AnswerForm {
    #[serde(default)]
    parte: String,
    #[serde(default)]
    risposta: String,
    #[serde(default)]
    modo: String,
}

impl AnswerForm {
    fn read(&self) -> Option<(SeatKind, (bool, Given))> {
        let consents = match self.risposta.as_str() {
            "si" => true,
            "no" => false,
            _ => return None,
        };
        let given = if self.modo.is_empty() { Given::Portal } else { self.modo.parse().ok()? };
        Some((self.parte.parse().ok()?, (consents, given)))
    }
}

async fn answer(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<AnswerForm>,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    let outcome = match form.read() {
        Some((seat, answer)) => consent::record(&portal, &table, &visit.actor, seat, answer).await,
        None => Err(SignatureError::Unfit("Scegli una risposta.".to_owned())),
    };
    match outcome {
        Ok(()) => Ok(done(&page_of(table.meeting.id), "La risposta è registrata.")),
        Err(error) => {
            let refusal = Refused { consent: Some(error.explained()?), ..Refused::default() };
            refused(&portal, visit, table, who, refusal).await
        }
    }
}

#[derive(Deserialize)]
struct PaperForm {
    #[serde(default)]
    motivo: String,
}

async fn begin(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<PaperForm>,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    if !table.leads {
        return Err(PageError::Forbidden);
    }
    let draft = drafts::find(&portal.db, table.body.id.0, table.meeting.id.0).await?;
    let outcome = match draft {
        Some(draft) => {
            let written = Written::from(draft);
            paper::begin(&portal, &table, &written, &form.motivo, who).await.map(drop)
        }
        None => Err(SignatureError::Unfit("Prima scrivi e salva il testo del verbale.".to_owned())),
    };
    match outcome {
        Ok(()) => {
            let told = "Il verbale è pronto per la stampa e la firma a mano. I firmatari sono stati \
                        avvisati.";
            Ok(done(&page_of(table.meeting.id), told))
        }
        Err(error) => {
            let refusal = Refused { paper: Some(error.explained()?), ..Refused::default() };
            refused(&portal, visit, table, who, refusal).await
        }
    }
}

async fn scan(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    sent: FileForm,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    let (body, meeting) = (table.body.id.0, table.meeting.id);
    let row = store::latest(&portal.db, body, meeting.0).await?.ok_or(PageError::NotFound)?;
    let outcome = match sent.file {
        Ok(upload) => paper::take_scan(&portal, &table, &row, upload, who).await,
        Err(refusal) => Err(SignatureError::Unfit(refusal.to_string())),
    };
    match outcome {
        Ok(()) => {
            let told = "Il verbale firmato a mano è tra i documenti della pratica; tutti sono stati \
                        avvisati.";
            Ok(done(&page_of(meeting), told))
        }
        Err(error) => {
            let refusal = Refused { paper: Some(error.explained()?), ..Refused::default() };
            refused(&portal, visit, table, who, refusal).await
        }
    }
}
