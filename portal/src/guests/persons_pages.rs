//! The secretariat's page of the people of a case who have no account.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Router};
use uuid::Uuid;

use super::persons::{self, Complaints, Letter, NewPerson, PersonError};
use super::{rules, store};
use crate::accounts::{self, Person};
use crate::bodies::Body;
use crate::calendar;
use crate::cases::CaseId;
use crate::cases::commands::CaseError;
use crate::cases::store::CaseRecord;
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, html_with};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/pratiche/{id}/persone", get(show).post(add))
        .route("/pratiche/{id}/persone/{user}/invito", post(invite))
        .route("/pratiche/{id}/persone/{user}/lettera", post(letter))
        .route("/pratiche/{id}/persone/{user}/rimozione", post(remove))
}

struct Listed {
    person: Person,
    label: String,
    blocked: bool,
}

#[derive(Template)]
#[template(path = "guests/persons.html")]
struct PersonsPage {
    chrome: Chrome,
    id: CaseId,
    number: String,
    people: Vec<Listed>,
    seats: Vec<(&'static str, String, bool)>,
    form: NewPerson,
    wrong: Complaints,
    refusal: Option<String>,
}

async fn page(
    portal: &Portal,
    visit: Visit,
    case: CaseRecord,
    form: NewPerson,
    wrong: Complaints,
    refusal: Option<String>,
) -> Answer {
    let (db, body) = (&portal.db, visit.body.id);
    let labels = &portal.profile(&case.procedure).seats;
    let mut people = Vec::new();
    for one in store::persons(db, case.id).await? {
        let Some(person) = accounts::store::person(db, body, one.user).await? else { continue };
        let blocked = store::blocked(db, case.id, one.user, portal.now()).await?;
        people.push(Listed { person, label: labels.of(one.seat).to_owned(), blocked });
    }
    let free = persons::free_seats(portal, &case).await?;
    let seat = |seat: crate::procedures::SeatKind| {
        (seat.key(), labels.of(seat).to_owned(), seat.key() == form.seat)
    };
    let failed = wrong != Complaints::default() || refusal.is_some();
    let page = PersonsPage {
        chrome: visit.chrome,
        id: case.id,
        number: case.shown_number().to_owned(),
        people,
        seats: free.into_iter().map(seat).collect(),
        form,
        wrong,
        refusal,
    };
    html_with(if failed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}

async fn case_of(portal: &Portal, visit: &Visit, id: Uuid) -> Result<CaseRecord, PageError> {
    match persons::case_of(portal, &visit.actor, CaseId(id)).await {
        Ok(case) => Ok(case),
        Err(error) => Err(error.explained().map_or_else(|page| page, PageError::Refused)),
    }
}

async fn show(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let case = case_of(&portal, &visit, id).await?;
    page(&portal, visit, case, NewPerson::default(), Complaints::default(), None).await
}

async fn add(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<NewPerson>,
) -> Answer {
    let case = case_of(&portal, &visit, id).await?;
    match persons::add(&portal, &visit.actor, case.id, &form).await {
        Ok(_) => Ok(done(&format!("/pratiche/{id}/persone"), "La persona è stata aggiunta.")),
        Err(PersonError::Fields(wrong)) => page(&portal, visit, case, form, *wrong, None).await,
        Err(error) => {
            let refusal = explained(error)?;
            page(&portal, visit, case, form, Complaints::default(), Some(refusal)).await
        }
    }
}

fn explained(error: PersonError) -> Result<String, PageError> {
    match error {
        PersonError::NoMeeting => Ok(error.to_string()),
        PersonError::Case(error) => error.explained(),
        PersonError::Fields(_) => Err(CaseError::NotFound.into()),
        PersonError::Db(error) => Err(error.into()),
    }
}

async fn told(
    portal: &Portal,
    visit: Visit,
    id: Uuid,
    outcome: Result<(), PersonError>,
    text: &str,
) -> Answer {
    match outcome {
        Ok(()) => Ok(done(&format!("/pratiche/{id}/persone"), text)),
        Err(error) => {
            let refusal = explained(error)?;
            let case = case_of(portal, &visit, id).await?;
            let (form, wrong) = (NewPerson::default(), Complaints::default());
            page(portal, visit, case, form, wrong, Some(refusal)).await
        }
    }
}

async fn invite(
    State(portal): State<Portal>,
    visit: Visit,
    Path((id, user)): Path<(Uuid, Uuid)>,
) -> Answer {
    let outcome = persons::invite_again(&portal, &visit.actor, CaseId(id), user).await;
    let text = "Il nuovo collegamento è stato inviato; quello precedente non vale più.";
    told(&portal, visit, id, outcome, text).await
}

async fn remove(
    State(portal): State<Portal>,
    visit: Visit,
    Path((id, user)): Path<(Uuid, Uuid)>,
) -> Answer {
    let outcome = persons::remove(&portal, &visit.actor, CaseId(id), user).await;
    told(&portal, visit, id, outcome, "La persona non fa più parte della pratica.").await
}

#[derive(Template)]
#[template(path = "guests/posted_letter.html")]
struct PostedLetter {
    chrome: Chrome,
    body: Body,
    id: Uuid,
    number: String,
    letter: Letter,
    time: String,
    mobile: String,
    help_phone: String,
    today: String,
}

async fn letter(
    State(portal): State<Portal>,
    visit: Visit,
    Path((id, user)): Path<(Uuid, Uuid)>,
) -> Answer {
    let case = case_of(&portal, &visit, id).await?;
    match persons::letter(&portal, &visit.actor, case.id, user).await {
        Ok(letter) => html(&PostedLetter {
            chrome: visit.chrome,
            body: visit.body,
            id,
            number: case.shown_number().to_owned(),
            time: calendar::show(letter.meeting.rules.slot.starts_at),
            mobile: rules::masked(&letter.person.mobile),
            letter,
            help_phone: portal.settings.help_phone.clone(),
            today: calendar::show_day(calendar::day_of(portal.now())),
        }),
        Err(error) => told(&portal, visit, id, Err(error), "").await,
    }
}
