//! The list of cases, the page of one case, and the forms on it.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use uuid::Uuid;

use super::access::{self, Relation};
use super::commands::{self, CaseError};
use super::list::{self, CaseColumn, CaseLine, View};
use super::rules::Act;
use super::store::{self, CaseRecord};
use super::supply::{Service, Utility};
use super::tabs::{self, Tab};
use super::{CaseId, CaseState, intake};
use crate::accounts::{Role, UserId};
use crate::documents::Kind;
use crate::documents::form::{self, Faults, FileForm, Returned};
use crate::documents::upload::FileType;
use crate::lists::{Heading, ListQuery, Listing, Pager};
use crate::organisations::{self, OperatorId};
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, html_with};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/pratiche", get(all))
        .route("/pratiche/nuova", get(intake::show).post(intake::create))
        .route("/pratiche/{id}", get(show))
        .route("/pratiche/{id}/ammissione", post(admit))
        .route("/pratiche/{id}/rifiuto", post(reject))
        .route("/pratiche/{id}/integrazione", post(ask_integration))
        .route("/pratiche/{id}/completamento", post(answer_integration))
        .route("/pratiche/{id}/conciliatore", post(assign_conciliator))
        .route("/pratiche/{id}/adesione", post(answer).layer(form::limit()))
        .route("/pratiche/{id}/delegato", post(assign_delegate))
        .route("/pratiche/{id}/ausilio", post(request_aid).layer(form::limit()))
        .route("/pratiche/{id}/ausilio/{operator}/convocazione", post(convene_aid))
        .route("/pratiche/{id}/rinuncia", post(withdraw))
        .route("/pratiche/{id}/chiusura", post(close))
}

/// Colour of a state.
pub(crate) fn colour(state: CaseState) -> &'static str {
    use CaseState as S;
    match state {
        S::Draft | S::Closed => "",
        S::Submitted | S::Regularising | S::Signing => "state-wait",
        S::Admitted | S::Assigned | S::Convened | S::Reconvened | S::Held => "state-open",
        S::Agreement => "state-good",
        S::NotAdmitted
        | S::Archived
        | S::NoAgreement
        | S::NoShow
        | S::Withdrawn
        | S::NotAdhered => "state-bad",
    }
}

struct Row {
    id: CaseId,
    line: CaseLine,
    admitted_on: String,
    state: CaseState,
    service: &'static str,
    utility: &'static str,
}

impl Row {
    fn of(line: CaseLine) -> Result<Self, PageError> {
        Ok(Self {
            id: line.id(),
            admitted_on: line.admitted_at.map(store::admitted_on).unwrap_or_default(),
            state: line.state.parse()?,
            service: line.service.parse::<Service>()?.label(),
            utility: line.utility.parse::<Utility>()?.label(),
            line,
        })
    }
}

#[derive(Template)]
#[template(path = "cases/list.html")]
struct ListPage {
    chrome: Chrome,
    may_open: bool,
    views: &'static [View],
    view: View,
    listing: Listing<CaseColumn>,
    headings: Vec<Heading>,
    rows: Vec<Row>,
    pager: Pager,
}

async fn all(State(portal): State<Portal>, visit: Visit, Query(query): Query<ListQuery>) -> Answer {
    let role = visit.actor.role;
    if matches!(role, Role::Administrator | Role::ContactOfficer) {
        return Err(PageError::Forbidden);
    }
    let views = View::of(role);
    let view = views.iter().copied().find(|view| view.key() == query.visualizza);
    let view = view.unwrap_or(views[0]);
    let mut listing = Listing::of(&query, (CaseColumn::Number, true));
    listing.view = view.key().to_owned();
    let (lines, total) = list::page(&portal.db, &visit.actor, view, &mut listing).await?;
    html(&ListPage {
        chrome: visit.chrome,
        may_open: role == Role::ServiceSecretariat,
        views,
        view,
        headings: listing.headings("/pratiche"),
        pager: listing.pager("/pratiche", total),
        listing,
        rows: lines.into_iter().map(Row::of).collect::<Result<_, _>>()?,
    })
}

/// The parts of a case's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TabKey {
    Data,
    Other,
    Documents,
    Meetings,
    Adhesion,
    History,
}

impl TabKey {
    const ALL: [Self; 6] =
        [Self::Data, Self::Other, Self::Documents, Self::Meetings, Self::Adhesion, Self::History];

    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Data => "dati",
            Self::Other => "altri",
            Self::Documents => "documenti",
            Self::Meetings => "incontri",
            Self::Adhesion => "adesione",
            Self::History => "storia",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Data => "Dati pratica",
            Self::Other => "Altri dati",
            Self::Documents => "Documenti",
            Self::Meetings => "Incontri",
            Self::Adhesion => "Adesione",
            Self::History => "Storia",
        }
    }

    fn shown_to(self, relation: Relation) -> bool {
        match self {
            Self::Adhesion => matches!(relation, Relation::OperatorSecretariat { .. }), // R-CASE-06
            Self::History => matches!(relation, Relation::Service | Relation::Conciliator),
            _ => true,
        }
    }
}

struct TabLink {
    key: TabKey,
    active: bool,
    /// Unread documents.
    count: usize,
}

#[derive(Template)]
#[template(path = "cases/case.html")]
struct CasePage {
    chrome: Chrome,
    id: CaseId,
    number: String,
    state: CaseState,
    tabs: Vec<TabLink>,
    content: Tab,
    returned: Returned,
    accepted: String,
}

/// The case that a signed-in person asks for, and what the person is to it; strangers are told that
/// there is none.
pub async fn found(
    portal: &Portal,
    visit: &Visit,
    id: CaseId,
) -> Result<(CaseRecord, Relation), PageError> {
    let case = store::read(&portal.db, visit.body.id, id).await?.ok_or(PageError::NotFound)?;
    let relation = access::relation(&visit.actor, &case).ok_or(PageError::NotFound)?;
    Ok((case, relation))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    scheda: String,
}

async fn show(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let tab = TabKey::ALL.into_iter().find(|tab| tab.key() == wanted.scheda);
    let tab = tab.unwrap_or(TabKey::Data);
    page(&portal, visit, CaseId(id), tab, StatusCode::OK, Returned::default()).await
}

/// A case's page, with a form on it that came back.
pub(crate) async fn page(
    portal: &Portal,
    visit: Visit,
    id: CaseId,
    tab: TabKey,
    status: StatusCode,
    returned: Returned,
) -> Answer {
    let (case, relation) = found(portal, &visit, id).await?;
    if !tab.shown_to(relation) {
        return Err(PageError::NotFound);
    }
    let documents = tabs::listed(portal, &visit.actor, &case, relation).await?;
    let unread = documents.iter().filter(|listed| !listed.read).count();
    let content = match tab {
        TabKey::Data => Tab::Data(tabs::data(portal, &visit.actor, &case, relation).await?),
        TabKey::Other => Tab::Other(tabs::facts(&case.application)),
        TabKey::Documents => Tab::Documents(tabs::documents(&case, relation, documents)),
        TabKey::Meetings => Tab::Meetings(tabs::meetings(portal, &case, relation).await?),
        TabKey::Adhesion => Tab::Adhesion(tabs::adhesion(portal, &case, relation)),
        TabKey::History => Tab::History(super::history::of(portal, &case).await?),
    };
    let link = |key: TabKey| TabLink {
        key,
        active: key == tab,
        count: if key == TabKey::Documents { unread } else { 0 },
    };
    let page = CasePage {
        chrome: visit.chrome,
        id,
        number: case.shown_number().to_owned(),
        state: case.rules.state,
        tabs: TabKey::ALL.into_iter().filter(|tab| tab.shown_to(relation)).map(link).collect(),
        content,
        returned,
        accepted: FileType::accepted(),
    };
    html_with(status, &page)
}

/// What follows a form: the case's page, with what was done or why it was not.
async fn after(
    portal: &Portal,
    visit: Visit,
    id: CaseId,
    tab: TabKey,
    result: Result<CaseRecord, CaseError>,
    sentence: &str,
) -> Answer {
    match result {
        Ok(_) => Ok(done(&format!("/pratiche/{id}?scheda={}", tab.key()), sentence)),
        Err(error) => {
            let returned = Returned::told(error.explained()?);
            page(portal, visit, id, tab, StatusCode::CONFLICT, returned).await
        }
    }
}

/// A form without fields.
async fn simple(portal: Portal, visit: Visit, id: Uuid, act: Act, sentence: &str) -> Answer {
    let id = CaseId(id);
    let result = commands::act(&portal, &visit.actor, id, act).await;
    after(&portal, visit, id, TabKey::Data, result, sentence).await
}

async fn admit(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    simple(portal, visit, id, Act::Admit, "La domanda è stata ammessa.").await
}

async fn reject(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    simple(portal, visit, id, Act::Reject, "La domanda non è stata ammessa.").await
}

async fn ask_integration(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
) -> Answer {
    simple(portal, visit, id, Act::AskIntegration, "L'integrazione è stata richiesta.").await
}

async fn answer_integration(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
) -> Answer {
    simple(portal, visit, id, Act::AnswerIntegration, "La domanda è stata completata.").await
}

async fn withdraw(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    simple(portal, visit, id, Act::Withdraw, "La rinuncia è stata registrata.").await
}

async fn close(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    simple(portal, visit, id, Act::Close, "La pratica è stata chiusa.").await
}

async fn convene_aid(
    State(portal): State<Portal>,
    visit: Visit,
    Path((id, operator)): Path<(Uuid, Uuid)>,
) -> Answer {
    let act = Act::ConveneAid { operator: OperatorId(operator) };
    simple(portal, visit, id, act, "L'ausilio tecnico è stato convocato.").await
}

/// A choice from a list; an id that is none names nobody.
#[derive(Deserialize)]
struct Chosen {
    #[serde(default, alias = "conciliatore", alias = "delegato")]
    user: String,
}

impl Chosen {
    fn user(&self) -> UserId {
        UserId(self.user.parse().unwrap_or_default())
    }
}

async fn assign_conciliator(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(chosen): Form<Chosen>,
) -> Answer {
    let act = Act::AssignConciliator { conciliator: chosen.user() };
    simple(portal, visit, id, act, "Il conciliatore è stato assegnato.").await
}

async fn assign_delegate(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(chosen): Form<Chosen>,
) -> Answer {
    let operator = visit.actor.operator.ok_or(PageError::Forbidden)?;
    let act = Act::AssignDelegate { operator, delegate: chosen.user() };
    simple(portal, visit, id, act, "Il delegato è stato aggiornato.").await
}

/// Adhesion and its letter (R-CASE-14, R-CASE-15).
async fn answer(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    form: FileForm,
) -> Answer {
    let (id, tab) = (CaseId(id), TabKey::Adhesion);
    let operator = visit.actor.operator.ok_or(PageError::Forbidden)?;
    let act = match form.fields.text("aderisce") {
        "si" => Some((Act::Adhere { operator }, Kind::AdhesionNotice)),
        "no" => Some((Act::Decline { operator }, Kind::DeclineNotice)),
        _ => None,
    };
    let status = form::status(&form.file);
    match (act, form.file) {
        (Some((act, kind)), Ok(file)) => {
            let result =
                commands::act_with_letter(&portal, &visit.actor, id, act, (kind, file)).await;
            after(&portal, visit, id, tab, result, "La comunicazione è stata trasmessa.").await
        }
        (act, file) => {
            let mut faults = Faults::new();
            if act.is_none() {
                faults.push(("aderisce", "Indica se l'operatore aderisce.".to_owned()));
            }
            faults.extend(file.err().map(|refusal| ("file", refusal.to_string())));
            let returned = Returned::faulty(form.fields, faults);
            page(&portal, visit, id, tab, status, returned).await
        }
    }
}

/// Request of technical aid and its letter (R-CASE-22, R-CASE-23).
async fn request_aid(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    form: FileForm,
) -> Answer {
    let (id, tab) = (CaseId(id), TabKey::Data);
    let operator = OperatorId(form.fields.text("operatore").parse().unwrap_or_default());
    let operator = organisations::store::find(&portal.db, visit.body.id, operator).await?;
    let part = form.fields.text("come").parse();
    let status = form::status(&form.file);
    match (operator, part, form.file) {
        (Some(operator), Ok(part), Ok(file)) => {
            let compulsory = operator.compulsory;
            let act = Act::RequestAid { operator: operator.id, part, compulsory };
            let letter = (Kind::AidRequest, file);
            let result = commands::act_with_letter(&portal, &visit.actor, id, act, letter).await;
            after(&portal, visit, id, tab, result, "La richiesta è stata trasmessa.").await
        }
        (operator, part, file) => {
            let mut faults = Faults::new();
            if operator.is_none() || part.is_err() {
                faults.push(("operatore", "Scegli la società dall'elenco.".to_owned()));
            }
            faults.extend(file.err().map(|refusal| ("file", refusal.to_string())));
            let returned = Returned::faulty(form.fields, faults);
            page(&portal, visit, id, tab, status, returned).await
        }
    }
}
