//! What authorised operators see: the queue, and the panel of a session.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::{self, Action, Relation};
use super::document::{self, Complaints, DocumentForm, DocumentKind};
use super::notices::QUEUE_PAGE;
use super::person_pages::{SessionPage, told};
use super::rules::{Cause, Contact, Refusal, Statement};
use super::store::{self, VideoRecord};
use super::{State as Stage, VideoError, VideoId, commands};
use crate::accounts::{self, Person};
use crate::calendar;
use crate::journal::Entry;
use crate::portal::Portal;
use crate::signatures::rules::masked;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, html_with, see_other};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/identificazioni", get(queue))
        .route("/identificazioni/{id}", get(show))
        .route("/identificazioni/{id}/stato", get(version))
        .route("/identificazioni/{id}/sessione", get(session))
        .route("/identificazioni/{id}/evidenze.json", get(evidence))
        .route("/identificazioni/{id}/appuntamento", post(appoint))
        .route("/identificazioni/{id}/inizio", post(take))
        .route("/identificazioni/{id}/documento", post(write_document))
        .route("/identificazioni/{id}/approvazione", post(approve))
        .route("/identificazioni/{id}/rifiuto", post(refuse))
        .route("/identificazioni/{id}/sospensione", post(put_back))
}

struct Line {
    id: VideoId,
    name: String,
    state: Stage,
    class: &'static str,
    requested: String,
    appointment: Option<String>,
    preference: String,
    operator: String,
    mine: bool,
    oneself: bool,
    ended: String,
    cause: &'static str,
}

#[derive(Template)]
#[template(path = "identification/queue.html")]
struct QueuePage {
    chrome: Chrome,
    lines: Vec<Line>,
    ended: Vec<Line>,
    /// Which appointment was refused, and why.
    fault: Option<(VideoId, String)>,
}

async fn line(portal: &Portal, visit: &Visit, record: VideoRecord) -> Result<Line, PageError> {
    let video = &record.video;
    let operator = match video.operator {
        Some(operator) => commands::name_of(portal, &record, operator).await.map_err(told)?,
        None => String::new(),
    };
    Ok(Line {
        id: record.id,
        name: commands::name_of(portal, &record, video.person).await.map_err(told)?,
        state: video.state,
        class: colour(video.state),
        requested: calendar::show(video.requested_at),
        appointment: video.appointment_at.map(calendar::show),
        preference: video.details.preference.clone(),
        operator,
        mine: video.operator == Some(visit.actor.user),
        oneself: video.person == visit.actor.user,
        ended: video.ended_at.map(calendar::show).unwrap_or_default(),
        cause: video.details.cause.map_or("", Cause::label),
    })
}

fn colour(state: Stage) -> &'static str {
    match state {
        Stage::Waiting => "state-wait",
        Stage::InSession => "state-open",
        Stage::Approved => "state-good",
        Stage::Refused | Stage::Withdrawn | Stage::Lapsed => "state-bad",
    }
}

async fn queue_page(portal: &Portal, visit: Visit, fault: Option<(VideoId, String)>) -> Answer {
    if !commands::is_operator(portal, &visit.actor).await.map_err(told)? {
        return Err(PageError::Forbidden);
    }
    let (mut lines, mut ended) = (Vec::new(), Vec::new());
    for record in store::queue(&portal.db, visit.body.id).await? {
        lines.push(line(portal, &visit, record).await?);
    }
    for record in store::ended(&portal.db, visit.body.id, 20).await? {
        ended.push(line(portal, &visit, record).await?);
    }
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html_with(status, &QueuePage { chrome: visit.chrome, lines, ended, fault })
}

async fn queue(State(portal): State<Portal>, visit: Visit) -> Answer {
    queue_page(&portal, visit, None).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AppointmentForm {
    data: String,
    ora: String,
}

async fn appoint(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<AppointmentForm>,
) -> Answer {
    let id = VideoId(id);
    let at = form.data.parse().ok().zip(form.ora.parse().ok());
    let Some(at) = at.and_then(|(day, time)| calendar::instant(day, time)) else {
        let fault = "Scegli data e ora dell'appuntamento.".to_owned();
        return queue_page(&portal, visit, Some((id, fault))).await;
    };
    match commands::appoint(&portal, &visit.actor, id, at).await {
        Ok(()) => Ok(done(QUEUE_PAGE, "L'appuntamento è fissato; la persona è avvisata.")),
        Err(error @ (VideoError::Refused(_) | VideoError::Changed)) => {
            queue_page(&portal, visit, Some((id, error.to_string()))).await
        }
        Err(error) => Err(told(error)),
    }
}

async fn take(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let id = VideoId(id);
    match commands::take(&portal, &visit.actor, id).await {
        Ok(()) => Ok(see_other(&format!("{QUEUE_PAGE}/{id}/sessione"))),
        Err(error @ (VideoError::Refused(_) | VideoError::Changed)) => {
            queue_page(&portal, visit, Some((id, error.to_string()))).await
        }
        Err(error) => Err(told(error)),
    }
}

struct ContactState {
    title: &'static str,
    masked: String,
    confirmed: bool,
    wrong: u8,
}

/// Faults of the panel's forms.
#[derive(Default)]
struct Faults {
    document: Option<(DocumentForm, Complaints)>,
    stated: Vec<Statement>,
    approval: Option<String>,
    refusal: Option<String>,
}

#[derive(Template)]
#[template(path = "identification/panel.html")]
struct PanelPage {
    chrome: Chrome,
    id: VideoId,
    version: i64,
    state: Stage,
    class: &'static str,
    person: Person,
    met: bool,
    contacts: Vec<ContactState>,
    kinds: &'static [DocumentKind],
    form: DocumentForm,
    wrong: Complaints,
    written: bool,
    statements: Vec<(&'static str, &'static str, bool)>,
    approval: Option<String>,
    causes: &'static [Cause],
    refusal: Option<String>,
    expires: String,
    cause: &'static str,
    note: String,
}

async fn panel(portal: &Portal, visit: Visit, id: VideoId, faults: Faults) -> Answer {
    let (record, relation) = commands::seen(portal, &visit.actor, id).await.map_err(told)?;
    if !access::may(relation, Action::SeePanel) {
        return Err(PageError::Forbidden);
    }
    let video = &record.video;
    let person = accounts::store::person(&portal.db, record.body, video.person).await?;
    let person = person.ok_or(PageError::NotFound)?;
    let contact = |contact: Contact, title, to: &str| {
        let one = video.details.confirmation(contact);
        let confirmed = one.confirmed_at.is_some();
        ContactState { title, masked: masked(to), confirmed, wrong: one.wrong }
    };
    let wrong = [faults.document.is_some(), faults.approval.is_some(), faults.refusal.is_some()];
    let status = match wrong.contains(&true) {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    let (form, wrong) = faults.document.unwrap_or_else(|| {
        let form = video.details.document.as_ref().map(DocumentForm::of).unwrap_or_default();
        (form, Complaints::default())
    });
    let page = PanelPage {
        id,
        version: record.version,
        state: video.state,
        class: colour(video.state),
        met: video.details.met_at.is_some(),
        contacts: vec![
            contact(Contact::Mobile, "Cellulare", &person.mobile),
            contact(Contact::Email, "Posta elettronica", &person.email),
        ],
        person,
        kinds: DocumentKind::ALL,
        form,
        wrong,
        written: video.details.document.is_some(),
        statements: Statement::ALL
            .iter()
            .map(|one| (one.key(), one.label(), faults.stated.contains(one)))
            .collect(),
        approval: faults.approval,
        causes: Cause::ALL,
        refusal: faults.refusal,
        expires: video
            .details
            .expires_at
            .map(|at| calendar::show_day(calendar::day_of(at)))
            .unwrap_or_default(),
        cause: video.details.cause.map_or("", Cause::label),
        note: video.details.note.clone(),
        chrome: visit.chrome,
    };
    html_with(status, &page)
}

fn page_of(id: VideoId) -> String {
    format!("{QUEUE_PAGE}/{id}")
}

async fn show(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    panel(&portal, visit, VideoId(id), Faults::default()).await
}

async fn version(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let (record, relation) =
        commands::seen(&portal, &visit.actor, VideoId(id)).await.map_err(told)?;
    if relation != Relation::Operator {
        return Err(PageError::Forbidden);
    }
    Ok(Json(serde_json::json!({ "version": record.version.to_string() })).into_response())
}

async fn session(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let id = VideoId(id);
    let (record, relation) = commands::seen(&portal, &visit.actor, id).await.map_err(told)?;
    if relation != Relation::Operator {
        return Err(PageError::Forbidden);
    }
    if record.video.state != Stage::InSession {
        return Ok(see_other(&page_of(id)));
    }
    html(&SessionPage {
        chrome: visit.chrome,
        id: id.to_string(),
        panel: page_of(id),
        back: QUEUE_PAGE,
        operator: true,
    })
}

async fn write_document(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<DocumentForm>,
) -> Answer {
    let id = VideoId(id);
    match document::read(&form, calendar::day_of(portal.now())) {
        Ok(read) => {
            commands::write_document(&portal, &visit.actor, id, read).await.map_err(told)?;
            Ok(done(&page_of(id), "I dati del documento sono salvati."))
        }
        Err(wrong) => {
            let faults = Faults { document: Some((form, wrong)), ..Faults::default() };
            panel(&portal, visit, id, faults).await
        }
    }
}

async fn approve(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let id = VideoId(id);
    let stated: Vec<Statement> =
        Statement::ALL.iter().copied().filter(|one| form.contains_key(one.key())).collect();
    match commands::approve(&portal, &visit.actor, id, stated.clone()).await {
        Ok(()) => Ok(done(&page_of(id), "L'identificazione è approvata; la persona è avvisata.")),
        Err(error @ (VideoError::Refused(_) | VideoError::Changed)) => {
            let approval = Some(error.to_string());
            panel(&portal, visit, id, Faults { stated, approval, ..Faults::default() }).await
        }
        Err(error) => Err(told(error)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RefusalForm {
    motivo: String,
    nota: String,
}

async fn refuse(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<RefusalForm>,
) -> Answer {
    let id = VideoId(id);
    let Ok(cause) = form.motivo.parse::<Cause>() else {
        let refusal = Some("Scegli il motivo dall'elenco.".to_owned());
        return panel(&portal, visit, id, Faults { refusal, ..Faults::default() }).await;
    };
    match commands::refuse(&portal, &visit.actor, id, cause, &form.nota).await {
        Ok(()) => Ok(done(&page_of(id), "L'identificazione è negata; la persona è avvisata.")),
        Err(error @ (VideoError::Refused(Refusal::WrongState) | VideoError::Changed)) => {
            let refusal = Some(error.to_string());
            panel(&portal, visit, id, Faults { refusal, ..Faults::default() }).await
        }
        Err(error) => Err(told(error)),
    }
}

async fn put_back(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    commands::put_back(&portal, &visit.actor, VideoId(id)).await.map_err(told)?;
    Ok(done(QUEUE_PAGE, "La sessione è interrotta: la persona è di nuovo in coda."))
}

/// The evidence as a file that anybody can check offline.
#[derive(Serialize)]
struct Evidence {
    identification: VideoId,
    person: Uuid,
    operator: Option<Uuid>,
    entries: Vec<Entry>,
}

async fn evidence(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let (record, relation) =
        commands::seen(&portal, &visit.actor, VideoId(id)).await.map_err(told)?;
    if !access::may(relation, Action::ReadEvidence) {
        return Err(PageError::Forbidden);
    }
    let export = Evidence {
        identification: record.id,
        person: record.video.person.0,
        operator: record.video.operator.map(|operator| operator.0),
        entries: store::evidence(&portal.db, record.body, record.id).await?,
    };
    Ok(([(header::CACHE_CONTROL, "private, no-store")], Json(export)).into_response())
}
