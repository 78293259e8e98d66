//! Pages of the administrator: the people of a body.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Router};
use uuid::Uuid;

use super::commands::{self, AccountError, Complaints, NewAccount};
use super::{AccountState, Person, Role, UserId, store};
use crate::identification::person_pages::told;
use crate::identification::{access::can_be_authorised, operators};
use crate::organisations::{self, Operator};
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html, html_with};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/amministrazione/utenti", get(list))
        .route("/amministrazione/utenti/nuovo", get(show_new).post(create))
        .route("/amministrazione/utenti/{id}/sblocca", post(unlock))
        .route("/amministrazione/utenti/{id}/identificazione", post(authorise))
}

struct Listed {
    person: Person,
    profiles: String,
    locked: bool,
    /// Whether the person is enabled to identify by video; nothing for those who cannot be.
    identifies: Option<bool>,
}

#[derive(Template)]
#[template(path = "accounts/users.html")]
struct UsersPage {
    chrome: Chrome,
    users: Vec<Listed>,
}

async fn list(State(portal): State<Portal>, visit: Visit) -> Answer {
    visit.require(&[Role::Administrator])?;
    let mut users = Vec::new();
    for person in store::everybody(&portal.db, visit.body.id).await? {
        let profiles = store::profiles(&portal.db, visit.body.id, person.id).await?;
        let labels: Vec<&str> = profiles.iter().map(|p| p.role.label()).collect();
        let locked = person.state != AccountState::Active;
        let identifies = match profiles.iter().any(|p| can_be_authorised(p.role)) {
            true => Some(operators::is_authorised(&portal.db, visit.body.id, person.id).await?),
            false => None,
        };
        users.push(Listed { person, profiles: labels.join(", "), locked, identifies });
    }
    html(&UsersPage { chrome: visit.chrome, users })
}

#[derive(Template)]
#[template(path = "accounts/new_user.html")]
struct NewUserPage {
    chrome: Chrome,
    operators: Vec<Operator>,
    form: NewAccount,
    wrong: Complaints,
    failed: bool,
}

async fn show_new(State(portal): State<Portal>, visit: Visit) -> Answer {
    visit.require(&[Role::Administrator])?;
    html(&NewUserPage {
        operators: organisations::store::all(&portal.db, visit.body.id).await?,
        chrome: visit.chrome,
        form: NewAccount::default(),
        wrong: Complaints::default(),
        failed: false,
    })
}

async fn create(
    State(portal): State<Portal>,
    visit: Visit,
    Form(form): Form<NewAccount>,
) -> Answer {
    visit.require(&[Role::Administrator])?;
    match commands::create(&portal, visit.body.id, &form).await {
        Ok(_) => Ok(done("/amministrazione/utenti", "L'utente è stato creato.")),
        Err(AccountError::Db(error)) => Err(error.into()),
        Err(AccountError::Fields(wrong)) => {
            let page = NewUserPage {
                operators: organisations::store::all(&portal.db, visit.body.id).await?,
                chrome: visit.chrome,
                form,
                wrong: *wrong,
                failed: true,
            };
            html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

async fn unlock(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    visit.require(&[Role::Administrator, Role::ServiceSecretariat])?;
    let mut tx = portal.db.begin().await?;
    if !store::unlock(&mut tx, visit.body.id, UserId(id)).await? {
        return Err(PageError::NotFound);
    }
    tx.commit().await?;
    Ok(done("/amministrazione/utenti", "L'utente può accedere di nuovo."))
}

#[derive(serde::Deserialize)]
struct Authorisation {
    #[serde(default)]
    abilita: String,
}

/// Enables or disables a person as operator of video identifications (R-MEET-31).
async fn authorise(
    State(portal): State<Portal>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<Authorisation>,
) -> Answer {
    visit.require(&[Role::Administrator])?;
    let enabled = form.abilita == "si";
    let authorised = operators::authorise(&portal, &visit.actor, UserId(id), enabled).await;
    authorised.map_err(told)?;
    let told = match enabled {
        true => "La persona può identificare in video.",
        false => "La persona non può più identificare in video.",
    };
    Ok(done("/amministrazione/utenti", told))
}
