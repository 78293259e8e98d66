//! The agenda and the page of one meeting.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::agenda::{self, AgendaColumn, AgendaLine, View};
use super::convening::{self, explained, instant, unexplained};
use super::people::Sitting;
use super::rules::Door;
use super::store::{self, MeetingRecord};
use super::{MeetingId, MeetingState, attendance, commands, standing};
use crate::accounts::Role;
use crate::bodies::BodyId;
use crate::calendar;
use crate::cases::access::{self, Action, Relation};
use crate::cases::rules::Asker;
use crate::cases::store::{self as cases, CaseRecord};
use crate::cases::supply::Service;
use crate::cases::{CaseId, Outcome};
use crate::guests;
use crate::lists::{Heading, ListQuery, Listing, Pager};
use crate::media_tests;
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, html_with};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/agenda", get(all))
        .route("/pratiche/{id}/incontri/nuovo", get(convening::show_new).post(convening::convene))
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
    let (lines, total) = agenda::page(&portal.db, &visit.actor, view, &mut listing).await?;
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
    /// The standing room, for whom it is open besides the meeting: its address and last day.
    standing: Option<(Uuid, String)>,
    people: Vec<(String, String)>,
    /// For the service staff: who tried microphone, webcam and network, and how it went.
    trials: Vec<Trial>,
    may_see_minutes: bool,
    may_read_attendance: bool,
    may_change: bool,
    /// Who can have asked for a postponement.
    askers: Vec<(&'static str, &'static str)>,
    refusal: Option<String>,
}

/// The last media test that a person kept.
struct Trial {
    person: Uuid,
    name: String,
    last: Option<(bool, String)>,
}

/// The service staff helps whose devices fail (R-TEST-09).
async fn trials(
    portal: &Portal,
    body: BodyId,
    relation: Relation,
    sitting: &[Sitting],
) -> Result<Vec<Trial>, PageError> {
    let mut trials = Vec::new();
    if relation == Relation::Service {
        for one in sitting {
            let person = &one.person;
            let kept = media_tests::of(&portal.db, body, person.id, portal.now()).await?;
            let last = kept.first().map(|test| (test.ready, calendar::show(test.taken_at)));
            trials.push(Trial { person: person.id.0, name: person.name(), last });
        }
    }
    Ok(trials)
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
                words: calendar::duration(seconds),
            })
        }
    };
    let standing = match notice {
        // While the meeting's door is open, the standing room leads there.
        RoomNotice::Open | RoomNotice::NoSeat => None,
        _ if !seat => None,
        _ => standing::live(&portal.db, case.id, now).await?,
    };
    let standing = standing.map(|one| (one.id, calendar::show_day(calendar::day_of(one.ends_at))));
    let trials = trials(portal, visit.body.id, relation, &sitting).await?;
    let mut people: Vec<_> =
        sitting.into_iter().map(|one| (one.label, one.person.name())).collect();
    people.extend(guests::extra::of_meeting(portal, &meeting).await?);
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
        standing,
        trials,
        people,
        may_see_minutes: seat || staff,
        may_read_attendance: access::may(relation, Action::ReadAttendance),
        may_change: access::may(relation, Action::Convene) && rules.state == MeetingState::Convened,
        askers: askers(&case),
        refusal,
    };
    html_with(status, &page)
}

/// Who can ask for a postponement (R-CASE-50): the client and the operators that take part.
fn askers(case: &CaseRecord) -> Vec<(&'static str, &'static str)> {
    let operators = case.rules.operators.iter().filter(|p| p.convened);
    let operators = operators.map(|p| (p.part.key(), p.part.label()));
    std::iter::once(("cliente", "Cliente")).chain(operators).collect()
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

#[derive(Deserialize)]
struct MoveForm {
    #[serde(default)]
    data: String,
    #[serde(default)]
    ora: String,
    /// Who asked: `cliente`, or the word of a part; empty if the Service moves it of its own.
    #[serde(default)]
    richiesta: String,
    /// Day of the request.
    #[serde(default)]
    richiesta_il: String,
}

impl MoveForm {
    /// Who asked for the postponement, and when: the whole day counts for who asked.
    fn asked(&self) -> Result<Option<(Asker, DateTime<Utc>)>, &'static str> {
        let asker = match self.richiesta.as_str() {
            "" => return Ok(None),
            "cliente" => Asker::Client,
            part => Asker::Operator(
                part.parse().map_err(|_| "Scegli dall'elenco chi ha chiesto il differimento.")?,
            ),
        };
        let day = self.richiesta_il.parse::<NaiveDate>();
        let day = day.map_err(|_| "Scrivi il giorno in cui è stato chiesto il differimento.")?;
        Ok(Some((asker, calendar::start_of(day))))
    }
}

async fn move_to(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<MoveForm>,
) -> Answer {
    let refusal = match instant(&form.data, &form.ora) {
        Err(errors) => errors.date.or(errors.time),
        Ok(at) => match form.asked() {
            Err(text) => Some(text.to_owned()),
            Ok(asked) => {
                let moved = commands::move_to(&portal, &visit.actor, MeetingId(id), at, asked);
                match moved.await {
                    Ok(new) => {
                        let text =
                            "L'incontro è spostato. Tutti i partecipanti sono stati avvisati.";
                        return Ok(done(&format!("/incontri/{new}"), text));
                    }
                    Err(error) => match explained(&error) {
                        Some(text) => Some(text),
                        None => return Err(unexplained(error)),
                    },
                }
            }
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
