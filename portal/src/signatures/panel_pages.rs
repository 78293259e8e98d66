//! The page of the monitoring panel (R-SIGN-28), and reminders sent from it.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::pages::Caller;
use super::panel::{self, Milestones, PanelColumn, PanelView, Watched};
use super::store::SignerRow;
use super::{reminders, rules, store};
use crate::accounts::Role;
use crate::calendar;
use crate::lists::{Column as _, ListQuery, Listing, Pager};
use crate::portal::Portal;
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/firme", get(show))
        .route("/firme/versione", get(version))
        .route("/firme/{process}/sollecito", post(remind))
}

#[derive(Template)]
#[template(path = "signatures/panel.html")]
struct PanelPage {
    chrome: Chrome,
    listing: Listing<PanelColumn>,
    view: PanelView,
    processes: Vec<PanelRow>,
    pager: Pager,
    version: String,
    /// What the address asked for, to be asked again.
    query: String,
}

struct PanelRow {
    id: Uuid,
    number: String,
    case: Uuid,
    meeting: Uuid,
    title: String,
    status_key: String,
    status: &'static str,
    status_class: &'static str,
    expires: String,
    open: bool,
    on_paper: bool,
    signers: Vec<PanelSigner>,
}

struct PanelSigner {
    field: String,
    name: String,
    role: String,
    /// Word and time of every point, in order.
    points: Vec<Point>,
    reminded: Option<String>,
}

struct Point {
    label: &'static str,
    key: &'static str,
    at: Option<(String, String)>,
}

struct Asked {
    view: PanelView,
    listing: Listing<PanelColumn>,
    watched: Vec<Watched>,
    total: u64,
}

async fn asked(portal: &Portal, visit: &Visit, query: &ListQuery) -> Result<Asked, PageError> {
    visit.require(&[Role::ServiceSecretariat, Role::Conciliator])?;
    let mut listing = Listing::of(query, (PanelColumn::Started, true));
    let view = PanelView::ALL.iter().copied().find(|view| view.key() == listing.view);
    let view = view.unwrap_or(PanelView::Open);
    let (watched, total) = panel::page(&portal.db, &visit.actor, view, &mut listing).await?;
    Ok(Asked { view, listing, watched, total })
}

async fn show(
    State(portal): State<Portal>,
    visit: Visit,
    Query(query): Query<ListQuery>,
) -> Answer {
    let Asked { view, listing, watched, total } = asked(&portal, &visit, &query).await?;
    let pager = listing.pager("/firme", total);
    html(&PanelPage {
        version: panel::version(&watched),
        query: address(&query),
        processes: watched.into_iter().map(row).collect(),
        pager,
        listing,
        view,
        chrome: visit.chrome,
    })
}

async fn version(
    State(portal): State<Portal>,
    visit: Visit,
    Query(query): Query<ListQuery>,
) -> Answer {
    let version = panel::version(&asked(&portal, &visit, &query).await?.watched);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(json!({ "version": version }))).into_response())
}

async fn remind(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    visit.require(&[Role::ServiceSecretariat, Role::Conciliator])?;
    let who = caller.of(&visit);
    let row = store::find(&portal.db, visit.body.id.0, id).await?.ok_or(PageError::NotFound)?;
    let watched = reminders::may_remind(&portal, &visit.actor, &row).await?;
    if !watched {
        return Err(PageError::NotFound);
    }
    match reminders::remind(&portal, &row, who).await {
        Ok(0) => Ok(done(
            "/firme",
            "Nessuno da sollecitare: chi può firmare è già stato avvisato \
                                    nelle ultime 24 ore.",
        )),
        Ok(1) => Ok(done("/firme", "Un sollecito è stato inviato.")),
        Ok(count) => Ok(done("/firme", &format!("{count} solleciti sono stati inviati."))),
        Err(error) => Err(PageError::Refused(error.explained()?)),
    }
}

fn address(query: &ListQuery) -> String {
    let pairs = [
        ("q", &query.q),
        ("ordina", &query.ordina),
        ("verso", &query.verso),
        ("pagina", &query.pagina),
        ("righe", &query.righe),
        ("visualizza", &query.visualizza),
    ];
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    pairs
        .map(|(key, value)| format!("{key}={}", urlencoding::encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

fn row(watched: Watched) -> PanelRow {
    let Watched { row, number, signers, on_paper } = watched;
    let status = rules::status_of(&row.status);
    PanelRow {
        id: row.id,
        number,
        case: row.case_id,
        meeting: row.meeting,
        title: row.title,
        status: status.map_or("", rules::status_label),
        status_class: status.map_or("", super::view::colour),
        status_key: row.status,
        expires: calendar::show(row.expires_at),
        open: row.open,
        on_paper,
        signers: signers.into_iter().map(signer).collect(),
    }
}

fn signer((row, passed): (SignerRow, Milestones)) -> PanelSigner {
    let moment = |at: DateTime<Utc>| (at.to_rfc3339(), calendar::show(at));
    let point = |key, label, at: Option<DateTime<Utc>>| Point { label, key, at: at.map(moment) };
    let end = match (passed.refused, passed.expired) {
        (Some(at), _) => point("refused", "Rifiutato", Some(at)),
        (None, Some(at)) => point("expired", "Scaduto", Some(at)),
        (None, None) => point("signed", "Firmato", passed.signed),
    };
    let points = vec![
        point("sent", "Inviato", passed.sent),
        point("opened", "Aperto", passed.opened),
        point("identified", "Identificato", passed.identified),
        end,
    ];
    PanelSigner {
        field: row.field,
        name: row.name,
        role: row.role,
        points,
        reminded: passed.reminded.map(calendar::show),
    }
}
