//! What the person sees: how to be identified, the queue, the session, the outcome.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde::Deserialize;
use uuid::Uuid;

use super::commands::{self, Entered};
use super::rules::{CODES, Contact, Refusal, WRONG_CODES};
use super::store::{self, VideoRecord};
use super::{State as Stage, VideoError, consent, notices::OWN_PAGE};
use crate::accounts;
use crate::calendar;
use crate::guests;
use crate::portal::Portal;
use crate::signatures::identity::{self, Standing};
use crate::signatures::rules::masked;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, html_with, see_other};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/identificazione", get(show).post(request))
        .route("/identificazione/stato", get(version))
        .route("/identificazione/sessione", get(session))
        .route("/identificazione/ritiro", post(withdraw))
        .route("/identificazione/codici/{contact}", post(send_code))
        .route("/identificazione/codici/{contact}/verifica", post(enter_code))
}

/// What a page answers when something was not done.
pub(crate) fn told(error: VideoError) -> PageError {
    match error {
        VideoError::NotFound => PageError::NotFound,
        VideoError::NotAllowed => PageError::Forbidden,
        VideoError::Changed | VideoError::Refused(_) => PageError::Refused(error.to_string()),
        other => other.into(),
    }
}

/// How far one contact is.
struct ContactView {
    key: &'static str,
    title: &'static str,
    field: &'static str,
    masked: String,
    confirmed: bool,
    sent: bool,
    /// Nothing can be sent or typed any more in this session.
    used_up: bool,
    too_many_wrong: bool,
    error: Option<String>,
}

/// A request as the person sees it.
struct OwnRequest {
    state: Stage,
    ahead: usize,
    appointment: Option<String>,
    operator: String,
    contacts: Vec<ContactView>,
    ended: String,
    cause: &'static str,
    note: String,
}

#[derive(Template)]
#[template(path = "identification/own.html")]
struct OwnPage {
    chrome: Chrome,
    version: String,
    identified: Option<Standing>,
    request: Option<OwnRequest>,
    consent: Vec<&'static str>,
    consent_digest: String,
    consent_missing: bool,
    preference: String,
    meeting: String,
    refusal: Option<String>,
    /// Where the person came from.
    home: &'static str,
}

impl OwnPage {
    /// A request is under way: no other one can be made.
    fn in_progress(&self) -> bool {
        self.request.as_ref().is_some_and(|own| own.state.open())
    }
}

/// What a form came to that is shown beside it.
#[derive(Default)]
struct Faults {
    consent_missing: bool,
    preference: String,
    meeting: String,
    code: Option<(Contact, String)>,
    refusal: Option<String>,
}

/// What the page shows, to see whether it is still so.
fn version_of(record: Option<&VideoRecord>) -> String {
    record.map_or_else(|| "0".to_owned(), |one| format!("{}-{}", one.id, one.version))
}

async fn page(portal: &Portal, visit: Visit, faults: Faults) -> Answer {
    let actor = &visit.actor;
    let standing = identity::standing(&portal.db, actor.body.0, actor.user, portal.now()).await?;
    let record = store::newest(&portal.db, actor.body, actor.user).await?;
    let meeting = record.as_ref().and_then(|one| one.meeting).map(|id| id.to_string());
    let wrong = [faults.consent_missing, faults.code.is_some(), faults.refusal.is_some()];
    let status = match wrong.contains(&true) {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    let own = match &record {
        Some(record) => Some(own_request(portal, record, faults.code).await?),
        None => None,
    };
    let page = OwnPage {
        version: version_of(record.as_ref()),
        identified: standing,
        request: own,
        consent: consent::paragraphs(),
        consent_digest: consent::digest(),
        consent_missing: faults.consent_missing,
        preference: faults.preference,
        meeting: if faults.meeting.is_empty() {
            meeting.unwrap_or_default()
        } else {
            faults.meeting
        },
        refusal: faults.refusal,
        home: if actor.guest.is_some() { guests::pages::OWN } else { "/profilo" },
        chrome: visit.chrome,
    };
    html_with(status, &page)
}

async fn own_request(
    portal: &Portal,
    record: &VideoRecord,
    wrong: Option<(Contact, String)>,
) -> Result<OwnRequest, PageError> {
    let video = &record.video;
    let person = accounts::store::person(&portal.db, record.body, video.person).await?;
    let person = person.ok_or(PageError::NotFound)?;
    let contact = |contact: Contact| {
        let one = video.details.confirmation(contact);
        let (title, field, to) = match contact {
            Contact::Mobile => ("Cellulare", "Codice ricevuto per SMS", &person.mobile),
            Contact::Email => ("Posta elettronica", "Codice ricevuto per posta", &person.email),
        };
        let error = wrong.as_ref().filter(|(which, _)| *which == contact);
        ContactView {
            key: contact.key(),
            title,
            field,
            masked: masked(to),
            confirmed: one.confirmed_at.is_some(),
            sent: one.code.is_some(),
            too_many_wrong: one.wrong >= WRONG_CODES,
            used_up: one.wrong >= WRONG_CODES || one.sent >= CODES && one.code.is_none(),
            error: error.map(|(_, text)| text.clone()),
        }
    };
    let operator = match video.operator {
        Some(operator) => commands::name_of(portal, record, operator).await.map_err(told)?,
        None => String::new(),
    };
    Ok(OwnRequest {
        state: video.state,
        ahead: commands::ahead(portal, record).await.map_err(told)?,
        appointment: video.appointment_at.map(calendar::show),
        operator,
        contacts: vec![contact(Contact::Mobile), contact(Contact::Email)],
        ended: video.ended_at.map(calendar::show).unwrap_or_default(),
        cause: video.details.cause.map_or("", super::rules::Cause::label),
        note: video.details.note.clone(),
    })
}

/// The meeting whose minutes are to be signed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Origin {
    incontro: String,
}

async fn show(State(portal): State<Portal>, visit: Visit, Query(from): Query<Origin>) -> Answer {
    let meeting = from.incontro.parse::<Uuid>().map(|id| id.to_string()).unwrap_or_default();
    page(&portal, visit, Faults { meeting, ..Faults::default() }).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RequestForm {
    consenso: String,
    preferenza: String,
    incontro: String,
}

async fn request(
    State(portal): State<Portal>,
    visit: Visit,
    Form(form): Form<RequestForm>,
) -> Answer {
    let meeting = form.incontro.parse::<Uuid>().ok();
    let asked =
        commands::request(&portal, &visit.actor, &form.consenso, &form.preferenza, meeting).await;
    match asked {
        Ok(_) => Ok(done(OWN_PAGE, "La richiesta è in coda: ti avviseremo.")),
        Err(VideoError::Refused(Refusal::NoConsent)) => {
            let (preference, meeting) = (form.preferenza, form.incontro);
            let faults = Faults { consent_missing: true, preference, meeting, ..Faults::default() };
            page(&portal, visit, faults).await
        }
        Err(VideoError::Refused(refusal)) => {
            let faults = Faults { refusal: Some(refusal.to_string()), ..Faults::default() };
            page(&portal, visit, faults).await
        }
        Err(error) => Err(told(error)),
    }
}

async fn open(portal: &Portal, visit: &Visit) -> Result<VideoRecord, PageError> {
    let found = commands::open_of(portal, &visit.actor).await.map_err(told)?;
    found.ok_or(PageError::NotFound)
}

async fn withdraw(State(portal): State<Portal>, visit: Visit) -> Answer {
    let record = open(&portal, &visit).await?;
    commands::withdraw(&portal, &visit.actor, record.id).await.map_err(told)?;
    Ok(done(OWN_PAGE, "La richiesta è ritirata."))
}

async fn send_code(State(portal): State<Portal>, visit: Visit, Path(word): Path<String>) -> Answer {
    let contact: Contact = word.parse().map_err(|_| PageError::NotFound)?;
    let record = open(&portal, &visit).await?;
    match commands::send_code(&portal, &visit.actor, record.id, contact).await {
        Ok(()) => Ok(see_other(OWN_PAGE)),
        Err(VideoError::Refused(refusal)) => {
            let faults = Faults { code: Some((contact, refusal.to_string())), ..Faults::default() };
            page(&portal, visit, faults).await
        }
        Err(error) => Err(told(error)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CodeForm {
    codice: String,
}

async fn enter_code(
    State(portal): State<Portal>,
    visit: Visit,
    Path(word): Path<String>,
    Form(form): Form<CodeForm>,
) -> Answer {
    let contact: Contact = word.parse().map_err(|_| PageError::NotFound)?;
    let record = open(&portal, &visit).await?;
    let code: String = form.codice.chars().filter(char::is_ascii_digit).take(12).collect();
    let fault = if code.is_empty() {
        Some("Scrivi il codice che hai ricevuto.".to_owned())
    } else {
        match commands::enter_code(&portal, &visit.actor, record.id, contact, &code).await {
            Ok(Entered::Confirmed) => None,
            Ok(Entered::Wrong(0)) => Some(Refusal::TooManyWrong.to_string()),
            Ok(Entered::Wrong(left)) => Some(format!(
                "Il codice è errato o scaduto. Puoi provare ancora {left} {}.",
                if left == 1 { "volta" } else { "volte" }
            )),
            Err(VideoError::Refused(refusal)) => Some(refusal.to_string()),
            Err(error) => return Err(told(error)),
        }
    };
    match fault {
        None => Ok(see_other(OWN_PAGE)),
        Some(text) => {
            page(&portal, visit, Faults { code: Some((contact, text)), ..Faults::default() }).await
        }
    }
}

async fn version(State(portal): State<Portal>, visit: Visit) -> Answer {
    let record = store::newest(&portal.db, visit.actor.body, visit.actor.user).await?;
    // The place in the queue changes with others' requests.
    let version = version_of(record.as_ref());
    Ok(Json(serde_json::json!({ "version": version })).into_response())
}

/// The room beside what is to be done.
#[derive(Template)]
#[template(path = "identification/session.html")]
pub(super) struct SessionPage {
    pub chrome: Chrome,
    pub id: String,
    pub panel: String,
    pub back: &'static str,
    pub operator: bool,
}

async fn session(State(portal): State<Portal>, visit: Visit) -> Answer {
    let Some(record) = commands::open_of(&portal, &visit.actor).await.map_err(told)? else {
        return Ok(see_other(OWN_PAGE));
    };
    if record.video.state != Stage::InSession {
        return Ok(see_other(OWN_PAGE));
    }
    html(&SessionPage {
        chrome: visit.chrome,
        id: record.id.to_string(),
        panel: OWN_PAGE.to_owned(),
        back: OWN_PAGE,
        operator: false,
    })
}
