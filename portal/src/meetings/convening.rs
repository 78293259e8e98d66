//! The form that fixes a meeting, and what its fields are told.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::Mode;
use super::commands::{self, MeetingError, Proposal};
use crate::accounts::{self, Role, UserId};
use crate::calendar;
use crate::cases::CaseId;
use crate::cases::access::{self, Action};
use crate::cases::commands::CaseError;
use crate::cases::rules::Refusal;
use crate::cases::store::{self as cases, CaseRecord};
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, html_with};

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct NewForm {
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
pub(super) struct NewErrors {
    general: Option<String>,
    pub(super) date: Option<String>,
    pub(super) time: Option<String>,
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

pub(super) async fn show_new(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
) -> Answer {
    let case = case_to_convene(&portal, &visit, id).await?;
    let state = case.rules.state;
    if !access::takes_meeting(&case.rules) {
        return Err(PageError::Refused(format!(
            "Non è possibile convocare un incontro: lo stato della pratica è «{}».",
            state.label()
        )));
    }
    if case.rules.next_meeting.is_some() {
        return Err(PageError::Refused(
            "La pratica ha già un incontro convocato: puoi spostarlo o annullarlo dalla sua pagina."
                .to_owned(),
        ));
    }
    let (form, errors) = (NewForm::default(), NewErrors::default());
    html(&new_page(&portal, visit, case, form, errors).await?)
}

/// Date and time as the fields send them, by the clocks in Rome.
pub(super) fn instant(date: &str, time: &str) -> Result<DateTime<Utc>, Box<NewErrors>> {
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

pub(super) async fn convene(
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
        MeetingError::ByTelephone(_) => NewErrors { mode: text, ..none },
        MeetingError::Case(CaseError::Unfit(_)) => NewErrors { conciliator: text, ..none },
        _ => NewErrors { general: text, ..none },
    })
}

/// The sentence for the person; nothing if it is no refusal.
pub(super) fn explained(error: &MeetingError) -> Option<String> {
    match error {
        MeetingError::Refused(_)
        | MeetingError::Conflict(_)
        | MeetingError::Length
        | MeetingError::ByTelephone(_)
        | MeetingError::Case(CaseError::Refused(_) | CaseError::Unfit(_)) => {
            Some(error.to_string())
        }
        _ => None,
    }
}

/// The page that takes the place of the one asked for.
pub(super) fn unexplained(error: MeetingError) -> PageError {
    match error {
        MeetingError::NotFound | MeetingError::Case(CaseError::NotFound) => PageError::NotFound,
        MeetingError::Case(CaseError::NotAllowed) => PageError::Forbidden,
        other => other.into(),
    }
}
