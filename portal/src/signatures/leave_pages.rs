//! The way to the trust service's page, where a signer gives leave, and back from there.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use signing::process::Refusal;
use uuid::Uuid;

use super::leave::{self, Answer as FromThere, Asker, RETURN, Returned};
use super::pages::{Caller, answer, signer};
use crate::meetings::MeetingId;
use crate::minutes::pages::at_table;
use crate::portal::Portal;
use crate::random;
use crate::web::{Answer, Chrome, Path, Visit, cookie_of, done, html};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/incontri/{id}/verbale/firma/autorizzazione", post(ask))
        .route(RETURN, get(come_back))
}

/// The last step before the other site: it is named, and the signer goes there by a link.
#[derive(Template)]
#[template(path = "signatures/leave.html")]
struct LeavePage {
    chrome: Chrome,
    meeting: MeetingId,
    title: String,
    address: String,
    /// Name of the other site.
    host: String,
}

#[derive(Deserialize)]
struct AskForm {
    #[serde(default)]
    base: String,
}

fn session(headers: &HeaderMap) -> [u8; 32] {
    random::hash(&cookie_of(headers).unwrap_or_default())
}

async fn ask(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<AskForm>,
) -> Answer {
    let who = caller.of(&visit);
    let one = signer(&portal, &visit, id).await?;
    let return_to = portal.link(&visit.body, RETURN);
    let asker = Asker { who, session: session(&headers), return_to };
    let outcome = match form.base.parse() {
        // A certificate that was asked for is kept also if the browser is closed meanwhile.
        Ok(base) => {
            let (portal, row, field) = (portal.clone(), one.row.clone(), one.field.clone());
            let work = async move { leave::ask(&portal, &row, &field, base, &asker).await };
            tokio::spawn(work).await?
        }
        Err(_) => Err(Refusal::Stale.into()),
    };
    match outcome {
        Ok(address) => {
            let rest = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
            let host = rest.split(['/', '?']).next().unwrap_or_default().to_owned();
            let (chrome, meeting) = (visit.chrome, one.table.meeting.id);
            html(&LeavePage { chrome, meeting, title: one.row.title, address, host })
        }
        Err(error) => answer(&portal, visit, one.table, who, Err(error), None).await,
    }
}

/// How the trust service answers.
#[derive(Deserialize)]
struct Brought {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

async fn come_back(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<Brought>,
) -> Answer {
    let who = caller.of(&visit);
    let (body, person, session) = (visit.body.id.0, visit.actor.user, session(&headers));
    // What was begun is brought to its end also if the browser is closed meanwhile.
    let back = portal.clone();
    let work = async move {
        let answer = match (&query.code, &query.error) {
            (Some(code), None) => FromThere::Code(code),
            (_, error) => FromThere::Error(error.as_deref().unwrap_or_default()),
        };
        leave::come_back(&back, body, person, session, &query.state, answer, who).await
    };
    match tokio::spawn(work).await?? {
        Some(Returned { meeting, copy, outcome }) => {
            let mut table = at_table(&portal, &visit, meeting.0).await?;
            // Whoever could not sign is back where it was tried.
            table.copy = Some(copy).filter(|number| *number > 0 && outcome.is_err());
            answer(&portal, visit, table, who, outcome, Some("Hai firmato il documento.")).await
        }
        None => Ok(done(
            "/",
            "L'autorizzazione a firmare è scaduta, o non è stata chiesta da qui: apri il verbale e \
             riprova.",
        )),
    }
}
