//! The agenda, the page of one meeting, and the form that fixes one.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::agenda::{self, AgendaColumn, AgendaLine, View};
use super::commands::{self, MeetingError, Proposal};
use super::rules::Door;
use super::store::{self, MeetingRecord};
use super::{MeetingId, MeetingState, Mode, attendance};
use crate::accounts::{self, Role, UserId};
use crate::calendar;
use crate::cases::access::{self, Action, Relation};
use crate::cases::commands::CaseError;
use crate::cases::rules::Refusal;
use crate::cases::store::{self as cases, CaseRecord};
use crate::cases::supply::Service;
use crate::cases::{CaseId, Outcome};
use crate::lists::{Heading, ListQuery, Listing, Pager};
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Visit, done, html, html_with};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/agenda", get(all))
        .route("/pratiche/{id}/incontri/nuovo", get(show_new).post(convene))
        .route("/incontri/{id}", get(show))
        .route("/incontri/{id}/presenze.json", get(attendance))
        .route("/incontri/{id}/spostamento", post(move_to))
        .route("/incontri/{id}/annullamento", post(cancel))
}

/// Colour of a state.
pub(crate) fn colour(state: MeetingState) -> &'static str {
    match state {
        MeetingState::Convened | MeetingState::InProgress => "state-open",
        MeetingState::Interrupted | MeetingState::Postponed => "state-wait",
        MeetingState::Held | MeetingState::Adjourned => "state-good",
        MeetingState::Cancelled | MeetingState::NoShow => "state-bad",
    }
}

/// Roles that have a seat at meetings (C-47).
pub(crate) fn takes_part(role: Role) -> bool {
    matches!(role, Role::Conciliator | Role::Client | Role::ClientDelegate | Role::OperatorDelegate)
}

/// One line of the agenda, as shown.
pub(crate) struct Row {
    pub id: MeetingId,
    pub case_id: Uuid,
    pub case_number: String,
    pub machine_time: String,
    pub time: String,
    pub room_open: bool,
    pub client: String,
    pub operator: String,
    pub delegate: String,
    pub service: &'static str,
    pub state: &'static str,
    pub state_class: &'static str,
    pub mode: &'static str,
    pub first: bool,
}

impl Row {
    pub(crate) fn of(portal: &Portal, line: AgendaLine, role: Role) -> Result<Self, PageError> {
        let (rules, now) = (line.rules()?, portal.now());
        let room = portal.profile(&line.procedure).room;
        Ok(Self {
            id: line.id(),
            machine_time: rules.slot.starts_at.to_rfc3339(),
            time: calendar::show(rules.slot.starts_at),
            room_open: takes_part(role) && rules.door(&room, now) == Door::Open,
            service: line.service.parse::<Service>()?.label(),
            state: rules.shown(&room, now),
            state_class: colour(rules.state),
            mode: rules.mode.label(),
            case_id: line.case_id,
            case_number: line.number,
            client: line.client_name,
            operator: line.operator_name,
            delegate: line.delegate_name,
            first: line.is_first,
        })
    }
}

#[derive(Template)]
#[template(path = "meetings/agenda.html")]
struct AgendaPage {
    chrome: Chrome,
    order_key: &'static str,
    views: &'static [View],
    view: View,
    listing: Listing<AgendaColumn>,
    headings: Vec<Heading>,
    rows: Vec<Row>,
    pager: Pager,
}

async fn all(State(portal): State<Portal>, visit: Visit, Query(query): Query<ListQuery>) -> Answer {
    let role = visit.actor.role;
    if matches!(role, Role::Administrator | Role::ContactOfficer) {
        return Err(PageError::Forbidden);
    }
    let view = View::ALL.iter().copied().find(|view| view.key() == query.visualizza);
    let view = view.unwrap_or(View::Ahead);
    let mut listing = Listing::of(&query, (AgendaColumn::Time, view == View::Past));
    listing.view = view.key().to_owned();
    let (lines, total) = agenda::page(&portal.db, &visit.actor, view, &listing).await?;
    let rows = lines.into_iter().map(|line| Row::of(&portal, line, role));
    html(&AgendaPage {
        chrome: visit.chrome,
        order_key: listing.order_key(),
        views: View::ALL,
        view,
        headings: listing.headings("/agenda"),
        pager: listing.pager("/agenda", total),
        rows: rows.collect::<Result<_, _>>()?,
        listing,
    })
}

/// What the page of a meeting says of its room.
enum RoomNotice {
    Open,
    OpensIn(Opening),
    NoSeat,
    ByTelephone,
    Over,
}

struct Opening {
    time: String,
    day: String,
    seconds: u64,
    words: String,
}

#[derive(Template)]
#[template(path = "meetings/meeting.html")]
struct MeetingPage {
    chrome: Chrome,
    id: MeetingId,
    case_id: CaseId,
    case_number: String,
    time: String,
    ends: String,
    state: &'static str,
    state_key: &'static str,
    state_class: &'static str,
    mode: &'static str,
    service: &'static str,
    outcome: &'static str,
    room: RoomNotice,
    people: Vec<(String, String)>,
    may_see_minutes: bool,
    may_read_attendance: bool,
    may_change: bool,
    refusal: Option<String>,
}

/// A meeting, its case, and what the visitor is to it.
async fn seen(
    portal: &Portal,
    visit: &Visit,
    id: MeetingId,
) -> Result<(MeetingRecord, CaseRecord, Relation), PageError> {
    let (db, body) = (&portal.db, visit.body.id);
    let meeting = store::read(db, body, id).await?.ok_or(PageError::NotFound)?;
    let case = cases::read(db, body, meeting.case).await?.ok_or(PageError::NotFound)?;
    let relation = access::relation(&visit.actor, &case).ok_or(PageError::NotFound)?;
    Ok((meeting, case, relation))
}

async fn page(portal: &Portal, visit: Visit, id: MeetingId, refusal: Option<String>) -> Answer {
    let (meeting, case, relation) = seen(portal, &visit, id).await?;
    let sitting = commands::sitting(portal, &case).await?;
    let seat = sitting.iter().any(|one| one.person.id == visit.actor.user);
    let (now, rules) = (portal.now(), &meeting.rules);
    let room = portal.profile(&case.procedure).room;
    let notice = match rules.door(&room, now) {
        Door::NoRoom => RoomNotice::ByTelephone,
        Door::Over => RoomNotice::Over,
        _ if !seat => RoomNotice::NoSeat,
        Door::Open => RoomNotice::Open,
        Door::OpensIn { seconds } => {
            let opens_at = room.opens_at(rules.slot.starts_at);
            RoomNotice::OpensIn(Opening {
                time: calendar::show_time(opens_at),
                day: calendar::show_day(calendar::day_of(opens_at)),
                seconds,
                words: in_words(seconds),
            })
        }
    };
    let status = if refusal.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let staff = matches!(relation, Relation::Service | Relation::Conciliator);
    let page = MeetingPage {
        chrome: visit.chrome,
        id,
        case_id: case.id,
        case_number: case.shown_number().to_owned(),
        time: calendar::show(rules.slot.starts_at),
        ends: calendar::show_time(rules.slot.ends_at),
        state: rules.shown(&room, now),
        state_key: rules.state.key(),
        state_class: colour(rules.state),
        mode: rules.mode.label(),
        service: case.application.service.label(),
        outcome: rules.outcome.map_or("", Outcome::label),
        room: notice,
        people: sitting.into_iter().map(|one| (one.label, one.person.name())).collect(),
        may_see_minutes: seat || staff,
        may_read_attendance: access::may(relation, Action::ReadAttendance),
        may_change: access::may(relation, Action::Convene) && rules.state == MeetingState::Convened,
        refusal,
    };
    html_with(status, &page)
}

/// `840` as people say it.
fn in_words(seconds: u64) -> String {
    let (amount, one, many) = match seconds {
        0..120 => (seconds, "secondo", "secondi"),
        120..7200 => (seconds / 60, "minuto", "minuti"),
        7200..172_800 => (seconds / 3600, "ora", "ore"),
        _ => (seconds / 86_400, "giorno", "giorni"),
    };
    format!("{amount} {}", if amount == 1 { one } else { many })
}

async fn show(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    page(&portal, visit, MeetingId(id), None).await
}

async fn attendance(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let (meeting, _, relation) = seen(&portal, &visit, MeetingId(id)).await?;
    if !access::may(relation, Action::ReadAttendance) {
        return Err(PageError::Forbidden);
    }
    let export = attendance::export(&portal.db, visit.body.id, meeting.id).await?;
    Ok(Json(export).into_response())
}

#[derive(Clone, Debug, Default, Deserialize)]
struct NewForm {
    #[serde(default)]
    data: String,
    #[serde(default)]
    ora: String,
    #[serde(default)]
    durata: String,
    #[serde(default)]
    modalita: String,
    #[serde(default)]
    conciliatore: String,
}

#[derive(Default)]
struct NewErrors {
    general: Option<String>,
    date: Option<String>,
    time: Option<String>,
    duration: Option<String>,
    mode: Option<String>,
    conciliator: Option<String>,
}

struct Candidate {
    id: Uuid,
    name: String,
    load: i64,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "meetings/new.html")]
struct NewPage {
    chrome: Chrome,
    id: CaseId,
    number: String,
    availability: String,
    other_availability: String,
    earliest: String,
    earliest_machine: String,
    latest: String,
    latest_machine: String,
    durations: Vec<(u16, bool)>,
    modes: Vec<(&'static str, &'static str, bool)>,
    conciliators: Vec<Candidate>,
    form: NewForm,
    errors: NewErrors,
}

async fn case_to_convene(
    portal: &Portal,
    visit: &Visit,
    id: Uuid,
) -> Result<CaseRecord, PageError> {
    let case = cases::read(&portal.db, visit.body.id, CaseId(id)).await?;
    let case = case.ok_or(PageError::NotFound)?;
    let relation = access::relation(&visit.actor, &case).ok_or(PageError::NotFound)?;
    if access::may(relation, Action::Convene) { Ok(case) } else { Err(PageError::Forbidden) }
}

async fn new_page(
    portal: &Portal,
    visit: Visit,
    case: CaseRecord,
    form: NewForm,
    errors: NewErrors,
) -> Result<NewPage, PageError> {
    let profile = portal.profile(&case.procedure);
    let rules = &profile.meetings;
    let today = calendar::day_of(portal.now());
    let earliest = calendar::Term::Days(rules.earliest_days).from_day(today);
    let latest = case.rules.deadline(profile).map(|deadline| deadline.0);
    let minutes = form.durata.parse().unwrap_or(rules.default_minutes);
    let running = cases::running_by_conciliator(&portal.db, visit.body.id).await?;
    let people =
        accounts::store::persons_with_role(&portal.db, visit.body.id, Role::Conciliator).await?;
    let wanted = form.conciliatore.parse().ok().map(UserId).or(case.rules.conciliator);
    Ok(NewPage {
        chrome: visit.chrome,
        id: case.id,
        number: case.shown_number().to_owned(),
        availability: case.application.availability.clone(),
        other_availability: case.application.other_availability.clone(),
        earliest: calendar::show_day(earliest),
        earliest_machine: earliest.to_string(),
        latest: latest.map(calendar::show_day).unwrap_or_default(),
        latest_machine: latest.map(|day| day.to_string()).unwrap_or_default(),
        durations: rules.durations_minutes.iter().map(|m| (*m, *m == minutes)).collect(),
        modes: Mode::ALL.iter().map(|m| (m.key(), m.label(), m.key() == form.modalita)).collect(),
        conciliators: people
            .into_iter()
            .map(|person| Candidate {
                id: person.id.0,
                name: person.name(),
                load: running.get(&person.id).copied().unwrap_or(0),
                chosen: Some(person.id) == wanted,
            })
            .collect(),
        form,
        errors,
    })
}

async fn show_new(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let case = case_to_convene(&portal, &visit, id).await?;
    let (form, errors) = (NewForm::default(), NewErrors::default());
    html(&new_page(&portal, visit, case, form, errors).await?)
}

/// Date and time as the fields send them, by the clocks in Rome.
fn instant(date: &str, time: &str) -> Result<DateTime<Utc>, Box<NewErrors>> {
    let day = date.parse::<NaiveDate>().ok();
    let clock = NaiveTime::parse_from_str(time, "%H:%M")
        .or_else(|_| NaiveTime::parse_from_str(time, "%H:%M:%S"))
        .ok();
    match (day, clock) {
        (Some(day), Some(clock)) => calendar::instant(day, clock).ok_or_else(|| {
            let text = "Quell'ora non esiste: gli orologi passano all'ora legale.";
            Box::new(NewErrors { time: Some(text.to_owned()), ..NewErrors::default() })
        }),
        (day, clock) => Err(Box::new(NewErrors {
            date: day.is_none().then(|| "Scegli una data.".to_owned()),
            time: clock.is_none().then(|| "Scrivi l'ora, ad esempio 15:30.".to_owned()),
            ..NewErrors::default()
        })),
    }
}

fn proposal(form: &NewForm) -> Result<Proposal, Box<NewErrors>> {
    let (when, mut errors) = match instant(&form.data, &form.ora) {
        Ok(when) => (Some(when), NewErrors::default()),
        Err(errors) => (None, *errors),
    };
    let minutes = form.durata.parse().ok();
    let mode = form.modalita.parse::<Mode>().ok();
    let conciliator = form.conciliatore.parse().ok().map(UserId);
    if let (Some(starts_at), Some(minutes), Some(mode), Some(conciliator)) =
        (when, minutes, mode, conciliator)
    {
        return Ok(Proposal { starts_at, minutes, mode, conciliator });
    }
    let missing = |absent: bool, text: &str| absent.then(|| text.to_owned());
    errors.duration = missing(minutes.is_none(), "Scegli una durata dall'elenco.");
    errors.mode = missing(mode.is_none(), "Scegli una modalità dall'elenco.");
    errors.conciliator = missing(conciliator.is_none(), "Scegli un conciliatore dall'elenco.");
    Err(Box::new(errors))
}

async fn convene(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<NewForm>,
) -> Answer {
    let case = case_to_convene(&portal, &visit, id).await?;
    let errors = match proposal(&form) {
        Err(errors) => *errors,
        Ok(proposal) => match commands::convene(&portal, &visit.actor, case.id, proposal).await {
            Ok(meeting) => {
                let text = "L'incontro è convocato. Tutti i partecipanti sono stati avvisati.";
                return Ok(done(&format!("/incontri/{meeting}"), text));
            }
            Err(error) => placed(error)?,
        },
    };
    let page = new_page(&portal, visit, case, form, errors).await?;
    html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// The refusal beside the field it is about.
fn placed(error: MeetingError) -> Result<NewErrors, PageError> {
    let Some(text) = explained(&error) else { return Err(unexplained(error)) };
    let text = Some(text);
    let none = NewErrors::default();
    Ok(match error {
        MeetingError::Case(CaseError::Refused(Refusal::TooSoon | Refusal::AfterDeadline)) => {
            NewErrors { date: text, ..none }
        }
        MeetingError::Length => NewErrors { duration: text, ..none },
        MeetingError::Case(CaseError::Unfit(_)) => NewErrors { conciliator: text, ..none },
        _ => NewErrors { general: text, ..none },
    })
}

/// The sentence for the person; nothing if it is no refusal.
fn explained(error: &MeetingError) -> Option<String> {
    match error {
        MeetingError::Refused(_)
        | MeetingError::Conflict(_)
        | MeetingError::Length
        | MeetingError::Case(CaseError::Refused(_) | CaseError::Unfit(_)) => {
            Some(error.to_string())
        }
        _ => None,
    }
}

fn unexplained(error: MeetingError) -> PageError {
    match error {
        MeetingError::NotFound | MeetingError::Case(CaseError::NotFound) => PageError::NotFound,
        MeetingError::Case(CaseError::NotAllowed) => PageError::Forbidden,
        other => other.into(),
    }
}

#[derive(Deserialize)]
struct MoveForm {
    #[serde(default)]
    data: String,
    #[serde(default)]
    ora: String,
}

async fn move_to(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<MoveForm>,
) -> Answer {
    let refusal = match instant(&form.data, &form.ora) {
        Err(errors) => errors.date.or(errors.time),
        Ok(at) => match commands::move_to(&portal, &visit.actor, MeetingId(id), at).await {
            Ok(new) => {
                let text = "L'incontro è spostato. Tutti i partecipanti sono stati avvisati.";
                return Ok(done(&format!("/incontri/{new}"), text));
            }
            Err(error) => match explained(&error) {
                Some(text) => Some(text),
                None => return Err(unexplained(error)),
            },
        },
    };
    page(&portal, visit, MeetingId(id), refusal).await
}

async fn cancel(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    match commands::cancel(&portal, &visit.actor, MeetingId(id)).await {
        Ok(case) => {
            let text = "L'incontro è annullato. Tutti i partecipanti sono stati avvisati.";
            Ok(done(&format!("/pratiche/{case}?scheda=incontri"), text))
        }
        Err(error) => {
            let Some(refusal) = explained(&error) else { return Err(unexplained(error)) };
            page(&portal, visit, MeetingId(id), Some(refusal)).await
        }
    }
}
