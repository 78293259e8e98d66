//! The first page after signing in, by role.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::{Answer, Chrome, Visit, html};
use crate::portal::Portal;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/", get(home))
}

#[derive(Template)]
#[template(path = "web/home.html")]
struct HomePage {
    chrome: Chrome,
}

async fn home(State(_portal): State<Portal>, visit: Visit) -> Answer {
    html(&HomePage { chrome: visit.chrome })
}
