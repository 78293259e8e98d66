//! "Poteri di firma": the service secretariat records and ends powers, for the delegates of an
//! operator and for the people of a case.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use chrono::{Days, NaiveDate};
use signing::Digest;
use uuid::Uuid;

use super::commands::{self, Candidate, NewPower, PowerError, Scope};
use super::views::Line;
use super::{Power, PowerId, PowerKind, notices, store};
use crate::accounts::{self, Role, UserId};
use crate::calendar;
use crate::cases::CaseId;
use crate::cases::store as cases;
use crate::documents::form::{self, Faults, Fields, FileForm, Returned};
use crate::documents::pages::download_named;
use crate::documents::upload::{FileType, Upload, UploadRefusal};
use crate::organisations::{self, OperatorId};
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, html_with};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/poteri", get(overview))
        .route(
            "/poteri/operatori/{id}",
            get(show_operator).post(record_for_operator).layer(form::limit()),
        )
        .route("/pratiche/{id}/poteri", get(show_case).post(record_in_case).layer(form::limit()))
        .route("/poteri/{id}/documento", get(document))
        .route("/poteri/{id}/chiusura", post(end))
}

/// Days ahead that the overview shows.
const AHEAD: Days = Days::new(30);
/// Days back.
const BACK: Days = Days::new(60);

#[derive(Template)]
#[template(path = "powers/overview.html")]
struct Overview {
    chrome: Chrome,
    operators: Vec<(OperatorId, String)>,
    ending: Vec<Line>,
}

async fn overview(State(portal): State<Portal>, visit: Visit) -> Answer {
    visit.require(&[Role::ServiceSecretariat])?;
    let (body, now) = (visit.body.id, portal.now());
    let today = calendar::day_of(now);
    let mut ending = Vec::new();
    for (of, power) in store::ending(&portal.db, today - BACK, today + AHEAD).await? {
        if of == body {
            ending.push(line(&portal, &visit, &power).await?);
        }
    }
    let operators = organisations::store::all(&portal.db, body).await?;
    let operators = operators.into_iter().map(|one| (one.id, one.name)).collect();
    html(&Overview { chrome: visit.chrome, operators, ending })
}

async fn line(portal: &Portal, visit: &Visit, power: &Power) -> Result<Line, PageError> {
    let person = accounts::store::person(&portal.db, visit.body.id, power.person).await?;
    let name = person.map(|person| person.name()).unwrap_or_default();
    let mut scope = notices::operator_name(portal, visit.body.id, power.operator).await?;
    if let Some(case) = power.case {
        let case = cases::read(&portal.db, visit.body.id, case).await?;
        let number = case.map(|case| case.shown_number().to_owned()).unwrap_or_default();
        let before = if scope.is_empty() { String::new() } else { format!("{scope}, ") };
        scope = format!("{before}solo pratica {number}");
    }
    Ok(Line::of(power, name, scope, portal.now()))
}

/// What a person holds or held.
pub(crate) async fn of_person(
    portal: &Portal,
    visit: &Visit,
    person: UserId,
) -> Result<Vec<Line>, PageError> {
    let mut lines = Vec::new();
    for power in store::of_person(&portal.db, visit.body.id, person).await? {
        lines.push(line(portal, visit, &power).await?);
    }
    Ok(lines)
}

/// What the visitor holds and is to be renewed now (R-NOTIFY-18).
pub(crate) async fn running_out(portal: &Portal, visit: &Visit) -> Result<Vec<Line>, PageError> {
    let all = store::of_person(&portal.db, visit.body.id, visit.actor.user).await?;
    let mut lines = Vec::new();
    for power in &all {
        let due = power.until.and_then(|until| notices::due(until, portal.now()));
        let counts = power.ended_at.is_none() && !power.kind.is_aid_only();
        if counts && due.is_some() && !notices::is_followed(power, &all) {
            lines.push(line(portal, visit, power).await?);
        }
    }
    Ok(lines)
}

/// What a page is about.
struct Place {
    scope: Scope,
    /// Its own address.
    address: String,
    /// What it is about, in the heading.
    title: String,
    back: (String, &'static str),
}

#[derive(Template)]
#[template(path = "powers/page.html")]
struct PowersPage {
    chrome: Chrome,
    place: Place,
    lines: Vec<Line>,
    candidates: Vec<Candidate>,
    kinds: Vec<PowerKind>,
    accepted: String,
    returned: Returned,
}

async fn operator_place(
    portal: &Portal,
    visit: &Visit,
    id: OperatorId,
) -> Result<Place, PageError> {
    let operator = organisations::store::find(&portal.db, visit.body.id, id).await?;
    Ok(Place {
        scope: Scope::Operator(id),
        address: format!("/poteri/operatori/{}", id.0),
        title: operator.ok_or(PageError::NotFound)?.name,
        back: ("/poteri".to_owned(), "Poteri di firma"),
    })
}

async fn case_place(portal: &Portal, visit: &Visit, id: CaseId) -> Result<Place, PageError> {
    let case = cases::read(&portal.db, visit.body.id, id).await?.ok_or(PageError::NotFound)?;
    let number = case.shown_number();
    Ok(Place {
        scope: Scope::Case(id),
        address: format!("/pratiche/{id}/poteri"),
        title: format!("pratica {number}"),
        back: (format!("/pratiche/{id}?scheda=incontri"), "Pratica"),
    })
}

async fn page(
    portal: &Portal,
    visit: Visit,
    place: Place,
    status: StatusCode,
    returned: Returned,
) -> Answer {
    let body = visit.body.id;
    let candidates = commands::candidates(portal, &visit.actor, place.scope).await.map_err(told)?;
    let powers = match place.scope {
        Scope::Operator(operator) => store::of_operator(&portal.db, body, operator).await?,
        Scope::Case(case) => store::of_case(&portal.db, body, case).await?,
    };
    let mut lines = Vec::new();
    for power in &powers {
        lines.push(line(portal, &visit, power).await?);
    }
    let offered = |kind: &&PowerKind| candidates.iter().any(|one| one.kinds.contains(kind));
    let kinds = PowerKind::ALL.iter().filter(offered).copied().collect();
    let accepted = FileType::accepted();
    let chrome = visit.chrome;
    html_with(status, &PowersPage { chrome, place, lines, candidates, kinds, accepted, returned })
}

async fn show_operator(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    visit.require(&[Role::ServiceSecretariat])?;
    let place = operator_place(&portal, &visit, OperatorId(id)).await?;
    page(&portal, visit, place, StatusCode::OK, Returned::default()).await
}

async fn show_case(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    visit.require(&[Role::ServiceSecretariat])?;
    let place = case_place(&portal, &visit, CaseId(id)).await?;
    page(&portal, visit, place, StatusCode::OK, Returned::default()).await
}

async fn record_for_operator(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    form: FileForm,
) -> Answer {
    visit.require(&[Role::ServiceSecretariat])?;
    let place = operator_place(&portal, &visit, OperatorId(id)).await?;
    record(&portal, visit, place, form).await
}

async fn record_in_case(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    form: FileForm,
) -> Answer {
    visit.require(&[Role::ServiceSecretariat])?;
    let place = case_place(&portal, &visit, CaseId(id)).await?;
    record(&portal, visit, place, form).await
}

async fn record(portal: &Portal, visit: Visit, place: Place, form: FileForm) -> Answer {
    let FileForm { fields, file } = form;
    let status = form::status(&file);
    let new = match read(&fields, file, place.scope) {
        Ok(new) => new,
        Err(faults) => {
            let returned = Returned::faulty(fields, faults);
            return page(portal, visit, place, status, returned).await;
        }
    };
    match commands::record(portal, &visit.actor, new).await {
        Ok(_) => Ok(done(&place.address, "I poteri di firma sono registrati.")),
        Err(PowerError::Field(field, sentence)) => {
            let returned = Returned::faulty(fields, vec![(field, sentence.to_owned())]);
            page(portal, visit, place, StatusCode::UNPROCESSABLE_ENTITY, returned).await
        }
        Err(error) => Err(told(error)),
    }
}

fn read(
    fields: &Fields,
    file: Result<Upload, UploadRefusal>,
    scope: Scope,
) -> Result<NewPower, Faults> {
    let mut faults = Faults::new();
    let mut wrong = |field, sentence: &str| faults.push((field, sentence.to_owned()));
    let person = fields.text("persona").parse().ok().map(UserId);
    if person.is_none() {
        wrong("persona", "Scegli la persona.");
    }
    let kind = fields.text("documento").parse::<PowerKind>().ok();
    if kind.is_none() {
        wrong("documento", "Scegli il tipo di documento.");
    }
    let dated = fields.text("data").parse::<NaiveDate>().ok();
    if dated.is_none() {
        wrong("data", "Scrivi la data del documento.");
    }
    let until = match fields.text("fine") {
        "" => None,
        text => {
            let until = text.parse::<NaiveDate>().ok();
            if until.is_none() {
                wrong("fine", "Scrivi una data, o lascia vuoto.");
            }
            until
        }
    };
    if fields.text("verificato") != "si" {
        wrong("verificato", "Prima di registrarlo occorre verificare il documento.");
    }
    if let Err(refusal) = &file {
        wrong("file", &refusal.to_string());
    }
    match (person, kind, dated, file) {
        (Some(person), Some(kind), Some(dated), Ok(file)) if faults.is_empty() => {
            Ok(NewPower { person, scope, kind, dated, until, file })
        }
        _ => Err(faults),
    }
}

async fn end(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let power = commands::end(&portal, &visit.actor, PowerId(id)).await.map_err(told)?;
    let back = match (power.case, power.operator) {
        (Some(case), _) => format!("/pratiche/{case}/poteri"),
        (None, Some(operator)) => format!("/poteri/operatori/{}", operator.0),
        (None, None) => "/poteri".to_owned(),
    };
    Ok(done(&back, "I poteri sono chiusi: da ora non permettono di firmare."))
}

/// The document itself, for the service secretariat and for who holds the powers.
async fn document(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let power = store::find(&portal.db, visit.body.id, PowerId(id)).await?;
    let may = |power: &Power| {
        visit.actor.role == Role::ServiceSecretariat || power.person == visit.actor.user
    };
    let power = power.filter(may).ok_or(PageError::NotFound)?;
    let digest: Digest = power.sha256.parse()?;
    let content = portal.files.get(visit.body.id.0, digest).await?.ok_or(PageError::NotFound)?;
    Ok(download_named(&power.name, content))
}

fn told(error: PowerError) -> PageError {
    match error {
        PowerError::NotFound => PageError::NotFound,
        PowerError::NotAllowed => PageError::Forbidden,
        PowerError::Field(_, sentence) => PageError::Refused(sentence.to_owned()),
        PowerError::File(error) => error.into(),
        PowerError::Journal(error) => error.into(),
        PowerError::Db(error) => error.into(),
    }
}
