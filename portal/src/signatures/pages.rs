//! What signers and the conciliator do on the page of the minutes. The page itself is
//! [`crate::minutes::pages`].

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use askama::Template;
use axum::extract::{ConnectInfo, FromRequestParts, Query, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use signing::ports::QtspError;
use signing::process::Format;
use uuid::Uuid;

use super::conditions::{self, Condition};
use super::copies::Version;
use super::own_view::Ticks;
use super::store::{ProcessRow, Who};
use super::view::{Seen, looked_at};
use super::{SignatureError, apply, codes, ending, evidence, own_device, steps, store};
use crate::accounts::{self, Person};
use crate::documents::export::disposition;
use crate::documents::form::{self, FileForm};
use crate::meetings::MeetingId;
use crate::minutes::pages::{at_table, refused};
use crate::minutes::table::Table;
use crate::minutes::view::Refused;
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, see_other};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/incontri/{id}/verbale/documento.pdf", get(document))
        .route("/incontri/{id}/verbale/evidenze.json", get(log_of))
        .route("/incontri/{id}/verbale/evidenze.pdf", get(printed_log))
        .route(
            "/incontri/{id}/verbale/firma/identificazione",
            post(ask_identity).get(identity_returns),
        )
        .route("/incontri/{id}/verbale/firma/condizioni", post(accept))
        .route("/incontri/{id}/verbale/firma/recapiti", post(confirm))
        .route("/incontri/{id}/verbale/firma/verifica", post(check))
        .route("/incontri/{id}/verbale/firma/codice", post(request_code))
        .route("/incontri/{id}/verbale/firma/rifiuto", post(refuse))
        .route("/incontri/{id}/verbale/firma/file", post(take_back).layer(form::limit()))
        .route("/incontri/{id}/verbale/firma", post(sign))
        .route("/firma/condizioni/{key}", get(condition))
}

/// Address of a request, if the server knows it.
pub struct Caller(Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(address.map(|ConnectInfo(address)| address.ip())))
    }
}

impl Caller {
    /// The visitor, at this address.
    pub fn of(self, visit: &Visit) -> Who {
        Who { user: Some(visit.actor.user), address: self.0 }
    }
}

/// Who signs what.
pub(super) struct Signer {
    pub(super) table: Table,
    pub(super) row: ProcessRow,
    pub(super) field: String,
    person: Person,
}

/// The document that the visitor asked for, or the one that concerns the visitor now.
pub(super) async fn latest(
    portal: &Portal,
    visit: &Visit,
    table: &Table,
) -> Result<ProcessRow, PageError> {
    Ok(newest(portal, visit, table).await?.shown(table.copy, table.watches))
}

/// The newest version of the minutes, for the visitor.
pub(super) async fn newest(
    portal: &Portal,
    visit: &Visit,
    table: &Table,
) -> Result<Version, PageError> {
    let (body, meeting) = (table.body.id.0, table.meeting.id.0);
    let version = Version::newest(&portal.db, body, meeting, visit.actor.user).await?;
    version.ok_or(PageError::NotFound)
}

pub(super) async fn signer(
    portal: &Portal,
    visit: &Visit,
    meeting: Uuid,
) -> Result<Signer, PageError> {
    let table = at_table(portal, visit, meeting).await?;
    let row = latest(portal, visit, &table).await?;
    let process = store::replay(&portal.db, &row).await?;
    let field = steps::field_of(&process, visit.actor.user).ok_or(PageError::Forbidden)?.to_owned();
    let person = accounts::store::person(&portal.db, visit.body.id, visit.actor.user).await?;
    Ok(Signer { table, row, field, person: person.ok_or(PageError::NotFound)? })
}

/// Back to the page: as it is now, or with the refusal on it.
pub(super) async fn answer(
    portal: &Portal,
    visit: Visit,
    table: Table,
    who: Who,
    outcome: Result<(), SignatureError>,
    told: Option<&str>,
) -> Answer {
    let copy = table.copy.map(|copy| format!("?copia={copy}")).unwrap_or_default();
    let path = format!("{}{copy}", page_of(table.meeting.id));
    match outcome {
        Ok(()) => Ok(told.map_or_else(|| see_other(&path), |text| done(&path, text))),
        Err(error) => {
            let refusal = Refused { own: Some(error.explained()?), ..Refused::default() };
            refused(portal, visit, table, who, refusal).await
        }
    }
}

fn page_of(meeting: MeetingId) -> String {
    format!("/incontri/{meeting}/verbale")
}

async fn ask_identity(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let one = signer(&portal, &visit, id).await?;
    let back = format!("{}/firma/identificazione", page_of(one.table.meeting.id));
    match steps::ask_identity(&portal, &one.row, &one.person, &back).await {
        Ok(address) => Ok(see_other(&address)),
        Err(error) => {
            let who = Who { user: Some(visit.actor.user), address: None };
            answer(&portal, visit, one.table, who, Err(error), None).await
        }
    }
}

/// How the identity provider answers.
#[derive(Deserialize)]
struct Returned {
    #[serde(default)]
    state: String,
    code: Option<String>,
}

async fn identity_returns(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(returned): Query<Returned>,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    let outcome = match &returned.code {
        Some(code) => {
            let (state, person) = (&returned.state, &one.person);
            steps::identify(&portal, &one.row, &one.field, person, state, code, who).await
        }
        None => Err(SignatureError::Unfit(
            "L'identificazione è stata annullata: per firmare è necessaria.".to_owned(),
        )),
    };
    answer(&portal, visit, one.table, who, outcome, Some("L'identificazione è riuscita.")).await
}

async fn accept(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    let ticked: Vec<(String, String)> = form.into_iter().collect();
    let outcome = match steps::accept_conditions(&portal, &one.row, &one.field, &ticked, who).await
    {
        Ok(Err(missing)) => {
            let ticked = ticked.into_iter().map(|(key, _)| key).collect();
            let refusal = Refused { ticks: Ticks { ticked, missing }, ..Refused::default() };
            return refused(&portal, visit, one.table, who, refusal).await;
        }
        Ok(Ok(())) => Ok(()),
        Err(error) => Err(error),
    };
    answer(&portal, visit, one.table, who, outcome, None).await
}

async fn confirm(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    let outcome = steps::confirm_contacts(&portal, &one.row, &one.field, who).await;
    answer(&portal, visit, one.table, who, outcome, None).await
}

async fn check(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    let outcome = steps::check(&portal, &one.row, &one.field, who).await;
    let told = "Tutte le firme delle parti sono presenti, valide e integre.";
    answer(&portal, visit, one.table, who, outcome, Some(told)).await
}

async fn request_code(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    // A certificate that was asked for is kept also if the browser is closed meanwhile.
    let (asking, row, field) = (portal.clone(), one.row.clone(), one.field.clone());
    let work = async move { codes::request_code(&asking, &row, &field, who).await };
    let outcome = tokio::spawn(work).await?;
    let told = "Il codice di firma è stato inviato per SMS.";
    answer(&portal, visit, one.table, who, outcome, Some(told)).await
}

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    base: String,
    #[serde(default)]
    codice: String,
}

async fn sign(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<CodeForm>,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    let code: String = form.codice.chars().filter(|c| !c.is_whitespace()).collect();
    if code.is_empty() || code.chars().count() > 12 {
        let text = "Scrivi il codice ricevuto per SMS.".to_owned();
        let refusal = Refused { code: Some(text), ..Refused::default() };
        return refused(&portal, visit, one.table, who, refusal).await;
    }
    let outcome = match form.base.parse() {
        // What was begun is brought to its end also if the browser is closed meanwhile.
        Ok(base) => {
            let (portal, row, field) = (portal.clone(), one.row.clone(), one.field.clone());
            let work = async move { apply::sign(&portal, &row, &field, base, &code, who).await };
            tokio::spawn(work).await?
        }
        Err(_) => Err(signing::process::Refusal::Stale.into()),
    };
    match outcome {
        Err(error @ SignatureError::Qtsp(QtspError::WrongOtp)) => {
            let refusal = Refused { code: Some(error.explained()?), ..Refused::default() };
            refused(&portal, visit, one.table, who, refusal).await
        }
        outcome => {
            let table = one.table.with_copy_if(outcome.is_err());
            answer(&portal, visit, table, who, outcome, Some("Hai firmato il documento.")).await
        }
    }
}

/// The document comes back signed (R-SIGN-29).
async fn take_back(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    sent: FileForm,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    let outcome = match sent.file {
        Ok(upload) => own_device::take_back(&portal, &one.row, &one.field, upload.bytes, who).await,
        Err(refusal) => Err(SignatureError::Unfit(refusal.to_string())),
    };
    match outcome {
        Err(error) => {
            let refusal = Refused { device: Some(error.explained()?), ..Refused::default() };
            refused(&portal, visit, one.table, who, refusal).await
        }
        Ok(()) => {
            let told = Some("La tua firma è verificata e il documento è acquisito.");
            let table = one.table.with_copy_if(false);
            answer(&portal, visit, table, who, Ok(()), told).await
        }
    }
}

#[derive(Deserialize)]
struct RefusalForm {
    #[serde(default)]
    motivo: String,
}

async fn refuse(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<RefusalForm>,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    match ending::refuse(&portal, &one.row, &one.field, &form.motivo, who).await {
        Err(error @ SignatureError::Unfit(_)) => {
            let refusal = Refused { reason: Some(error.explained()?), ..Refused::default() };
            refused(&portal, visit, one.table, who, refusal).await
        }
        outcome => {
            let told = "Il rifiuto è registrato; chi conduce l'incontro è stato avvisato.";
            answer(&portal, visit, one.table, who, outcome, Some(told)).await
        }
    }
}

/// The newest revision, for everybody at the table; where signatures stand beside it, the document that
/// they sign.
async fn document(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let (table, seen) = to_be_read(&portal, &visit, caller, id).await?;
    let revision = match seen.process.plan().format {
        Format::Pades => seen.process.document(),
        Format::Cades => seen.process.plan().document,
    };
    let pdf = steps::document(&portal, &seen.row, revision).await?;
    let name = format!("Verbale {}.pdf", table.case.shown_number().replace('/', "-"));
    Ok(file("application/pdf", &disposition(seen.row.open, &name), pdf))
}

/// The process whose document the visitor may read.
pub(super) async fn to_be_read(
    portal: &Portal,
    visit: &Visit,
    caller: Caller,
    meeting: Uuid,
) -> Result<(Table, Seen), PageError> {
    let table = at_table(portal, visit, meeting).await?;
    let version = newest(portal, visit, &table).await?;
    let counts = version.is_settled();
    // Whoever reads the document has opened it, also without the page around it.
    let row = version.shown(table.copy, table.watches);
    let seen = looked_at(portal, row, visit.actor.user, caller.of(visit)).await?;
    if !counts && !table.watches {
        // Half-signed and void: nobody shall take it for the minutes.
        return Err(PageError::NotFound);
    }
    Ok((table, seen))
}

/// The evidence log (R-SIGN-38).
async fn log_of(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let table = at_table(&portal, &visit, id).await?;
    if !table.watches {
        return Err(PageError::Forbidden);
    }
    let row = latest(&portal, &visit, &table).await?;
    let log = evidence::load(&portal.db, &row).await?.to_json();
    Ok(file("application/json", &disposition(false, "evidenze.json"), log.into_bytes()))
}

/// The evidence log on paper, with the log itself inside (R-SIGN-38).
async fn printed_log(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let table = at_table(&portal, &visit, id).await?;
    if !table.watches {
        return Err(PageError::Forbidden);
    }
    let row = latest(&portal, &visit, &table).await?;
    let pdf = match evidence::printed(&portal, &row, &table.body.name).await {
        Ok(pdf) => pdf,
        Err(error) => return Err(PageError::Refused(error.explained()?)),
    };
    Ok(file("application/pdf", &disposition(false, "evidenze.pdf"), pdf))
}

/// A file of a case: nothing of it stays in the browser's cache.
pub(crate) fn file(media_type: &str, disposition: &str, content: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (headers, content).into_response()
}

#[derive(Template)]
#[template(path = "signatures/condition.html")]
struct ConditionPage {
    chrome: Chrome,
    condition: &'static Condition,
}

async fn condition(visit: Visit, Path(key): Path<String>) -> Answer {
    let condition = conditions::find(&key).ok_or(PageError::NotFound)?;
    html(&ConditionPage { chrome: visit.chrome, condition })
}
