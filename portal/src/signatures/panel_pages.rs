//! The page of the monitoring panel (R-SIGN-28), and reminders sent from it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::json;
use signing::process::Status;
use uuid::Uuid;

use super::pages::Caller;
use super::panel::{self, Bulk, Milestones, PanelColumn, PanelView, Watched, Written};
use super::store::{ProcessRow, SignerRow};
use super::{copies, powers, reminders, rules, store};
use crate::accounts::Role;
use crate::calendar;
use crate::cases::Outcome;
use crate::lists::{Column as _, ListQuery, Listing, Pager};
use crate::minutes::compose;
use crate::portal::Portal;
use crate::powers::views::StandingView;
use crate::procedures::Starter;
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
    /// What the visitor can put to signature.
    written: Vec<Written>,
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
    /// The copies, if every recipient has an own one (R-SIGN-27).
    copies: Option<PanelCopies>,
}

/// Copies of one text: how many came how far, and each of them.
struct PanelCopies {
    count: usize,
    /// "2 completate, 1 inviata".
    summary: String,
    all: Vec<PanelCopy>,
}

struct PanelCopy {
    number: i64,
    status_key: String,
    status: &'static str,
    status_class: &'static str,
    recipient: PanelSigner,
    /// Whether and when the neutral person signed.
    neutral: Option<PanelSigner>,
}

struct PanelSigner {
    field: String,
    name: String,
    role: String,
    /// By what the signer acts for another, where that is needed (R-SIGN-05).
    powers: Option<StandingView>,
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
    watched: Vec<Bulk>,
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
    let starters = &portal.profile(&visit.body.procedure).signatures.may_start;
    let starts = visit.actor.role == Role::ServiceSecretariat
        && view == PanelView::Open
        && starters.contains(&Starter::Secretariat);
    let written = match starts {
        true => panel::written(&portal.db, visit.body.id.0).await?,
        false => Vec::new(),
    };
    let version = panel::version(&watched);
    let mut processes = Vec::with_capacity(watched.len());
    for one in watched {
        processes.push(row(&portal, one).await?);
    }
    html(&PanelPage {
        version,
        query: address(&query),
        written,
        processes,
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
    let mut reminded = Ok(0);
    for one in copies::of_version(&portal.db, &row).await?.into_iter().filter(|one| one.open) {
        let more = reminders::remind(&portal, &one, who).await;
        reminded = reminded.and_then(|sum| more.map(|more| sum + more));
    }
    match reminded {
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

async fn row(portal: &Portal, bulk: Bulk) -> Result<PanelRow, PageError> {
    let Bulk { number, mut documents } = bulk;
    let is_one = documents.first().is_some_and(|one| one.row.copy == 0);
    let open = documents.iter().any(|one| one.row.open);
    let all: Vec<ProcessRow> = documents.iter().map(|one| one.row.clone()).collect();
    let Watched { row, signers, on_paper } = documents.remove(0);
    let mut standings = match row.open {
        true => powers::of_signers(portal, &row).await?,
        false => BTreeMap::new(),
    };
    let with_powers =
        |one: PanelSigner| PanelSigner { powers: standings.remove(&one.field), ..one };
    let signers: Vec<PanelSigner> = signers.into_iter().map(signer).map(with_powers).collect();
    let status = together(&all);
    let title = match row.outcome.parse::<Outcome>() {
        Ok(outcome) if !is_one => compose::title(outcome, &number),
        _ => row.title.clone(),
    };
    let mut entry = PanelRow {
        id: row.id,
        number,
        case: row.case_id,
        meeting: row.meeting,
        title,
        status: rules::status_label(status),
        status_class: super::view::colour(status),
        status_key: rules::status_key(status).to_owned(),
        expires: calendar::show(row.expires_at),
        open,
        on_paper,
        signers,
        copies: None,
    };
    if !is_one {
        let first = copy(&row, std::mem::take(&mut entry.signers));
        let others = documents
            .into_iter()
            .map(|one| copy(&one.row, one.signers.into_iter().map(signer).collect()));
        entry.copies = Some(PanelCopies {
            count: all.len(),
            summary: summary(&all),
            all: first.into_iter().chain(others.flatten()).collect(),
        });
    }
    Ok(entry)
}

fn copy(row: &ProcessRow, signers: Vec<PanelSigner>) -> Option<PanelCopy> {
    let status = rules::status_of(&row.status);
    let mut signers = signers.into_iter();
    Some(PanelCopy {
        number: row.copy,
        status_key: row.status.clone(),
        status: status.map_or("", rules::status_label),
        status_class: status.map_or("", super::view::colour),
        recipient: signers.next()?,
        neutral: signers.next(),
    })
}

/// One word for documents that were put to signature together: complete when all are, and as long as
/// one is open, open.
fn together(rows: &[ProcessRow]) -> Status {
    let all: Vec<Status> = rows.iter().filter_map(|row| rules::status_of(&row.status)).collect();
    let open = all.iter().any(|status| !status.is_final());
    match all.as_slice() {
        [one] => *one,
        all if all.iter().all(|one| *one == Status::Completed) => Status::Completed,
        all if open && all.iter().all(|one| *one == Status::Sent) => Status::Sent,
        _ if open => Status::PartiallySigned,
        all => {
            let ends = [Status::Refused, Status::Expired, Status::Cancelled];
            ends.into_iter().find(|end| all.contains(end)).unwrap_or(Status::Cancelled)
        }
    }
}

/// How many copies came how far.
fn summary(rows: &[ProcessRow]) -> String {
    let statuses = [
        (Status::Completed, "completate"),
        (Status::PartiallySigned, "firmate in parte"),
        (Status::Sent, "da firmare"),
        (Status::Refused, "rifiutate"),
        (Status::Expired, "scadute"),
        (Status::Cancelled, "annullate"),
    ];
    let count = |status| {
        let key = rules::status_key(status);
        rows.iter().filter(|row| row.status == key).count()
    };
    let parts: Vec<String> = statuses
        .into_iter()
        .map(|(status, words)| (count(status), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{words} {count}"))
        .collect();
    parts.join(", ")
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
        powers: None,
        points,
        reminded: passed.reminded.map(calendar::show),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(statuses: &[Status]) -> Vec<ProcessRow> {
        let row = |(status, copy): (&Status, i64)| copies::samples::row(copy, *status);
        statuses.iter().zip(1..).map(row).collect()
    }

    #[test]
    fn r_sign_27_copies_are_one_entry_with_one_word_and_a_count() {
        use Status::{Cancelled, Completed, Expired, PartiallySigned, Refused, Sent};
        for (statuses, word, counted) in [
            (&[Sent, Sent][..], Sent, "da firmare 2"),
            (&[Sent, Completed], PartiallySigned, "completate 1, da firmare 1"),
            (&[Refused, Sent], PartiallySigned, "da firmare 1, rifiutate 1"),
            (&[Completed, Completed], Completed, "completate 2"),
            (&[Completed, Refused, Expired], Refused, "completate 1, rifiutate 1, scadute 1"),
            (&[Completed, Cancelled], Cancelled, "completate 1, annullate 1"),
        ] {
            let rows = rows(statuses);
            assert_eq!(together(&rows), word, "{statuses:?}");
            assert_eq!(summary(&rows), counted, "{statuses:?}");
        }
    }
}
