//! The demo's letter box: every message that would have left the house. Served in demo mode only.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use super::{Answer, Chrome, html};
use crate::bodies::Body;
use crate::notifications::{self, Sent};
use crate::portal::Portal;

/// Messages shown at once.
const SHOWN: i64 = 100;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/dev/outbox", get(page)).route("/dev/outbox.json", get(json))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    to: String,
}

#[derive(Template)]
#[template(path = "web/outbox.html")]
struct OutboxPage {
    chrome: Chrome,
    to: String,
    messages: Vec<Sent>,
}

async fn page(State(portal): State<Portal>, body: Body, Query(wanted): Query<Wanted>) -> Answer {
    let messages = notifications::newest(&portal.db, body.id, &wanted.to, SHOWN).await?;
    html(&OutboxPage { chrome: Chrome::outside(&body, true), to: wanted.to, messages })
}

async fn json(State(portal): State<Portal>, body: Body, Query(wanted): Query<Wanted>) -> Answer {
    let messages = notifications::newest(&portal.db, body.id, &wanted.to, SHOWN).await?;
    Ok(Json(messages).into_response())
}
