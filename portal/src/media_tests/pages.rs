//! What is kept of a person's media tests: the person's own page, and the service staff's.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use uuid::Uuid;

use super::MediaTest;
use crate::accounts::{self, Role, UserId};
use crate::calendar;
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/profilo/prove", get(own))
        .route("/profilo/prove/{id}/cancella", post(delete))
        .route("/persone/{id}/prove", get(of_person))
}

impl MediaTest {
    fn taken(&self) -> String {
        calendar::show(self.taken_at)
    }

    fn until(&self) -> String {
        calendar::show_day(calendar::day_of(self.expires_at))
    }
}

#[derive(Template)]
#[template(path = "media_tests/list.html")]
struct ListPage {
    chrome: Chrome,
    /// Whose; empty for one's own.
    name: String,
    tests: Vec<MediaTest>,
    own: bool,
}

async fn own(State(portal): State<Portal>, visit: Visit) -> Answer {
    let actor = &visit.actor;
    let tests = super::of(&portal.db, actor.body, actor.user, portal.now()).await?;
    html(&ListPage { chrome: visit.chrome, name: String::new(), tests, own: true })
}

async fn of_person(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    visit.require(&[Role::ServiceSecretariat])?;
    let (db, body, user) = (&portal.db, visit.body.id, UserId(id));
    let person = accounts::store::person(db, body, user).await?.ok_or(PageError::NotFound)?;
    let tests = super::of(db, body, user, portal.now()).await?;
    html(&ListPage { chrome: visit.chrome, name: person.name(), tests, own: false })
}

async fn delete(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    if !super::delete(&portal, &visit.actor, id).await? {
        return Err(PageError::NotFound);
    }
    Ok(done("/profilo/prove", "L'esito della prova è cancellato."))
}
