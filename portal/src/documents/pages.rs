//! Opening, describing, collecting and sending documents.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use bytes::Bytes;
use signing::Digest;
use uuid::Uuid;

use super::export::{self, Zip};
use super::filing::{self, Sent};
use super::form::{self, Faults, Fields, FileForm, Returned};
use super::rules::Viewer;
use super::store::{self, Document};
use super::upload::{FileType, Upload, UploadRefusal};
use super::{DocumentId, Kind};
use crate::cases::CaseId;
use crate::cases::access;
use crate::cases::pages::{TabKey, found, page};
use crate::cases::store::CaseRecord;
use crate::portal::Portal;
use crate::web::{Answer, PageError, Path, Visit, done};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/pratiche/{id}/documenti", post(send).layer(form::limit()))
        .route("/pratiche/{id}/documenti.zip", get(all))
        .route("/pratiche/{id}/documenti/{document}", get(open))
        .route("/pratiche/{id}/documenti/{document}/info.csv", get(info))
}

/// A stored file that a row names is not there.
#[derive(Debug, thiserror::Error)]
#[error("the file of document {0} is missing")]
struct Missing(DocumentId);

async fn seen(
    portal: &Portal,
    visit: &Visit,
    case: Uuid,
    document: Uuid,
) -> Result<(CaseRecord, Document), PageError> {
    let (case, relation) = found(portal, visit, CaseId(case)).await?;
    let viewer = access::viewer(relation, &case.rules);
    let document = store::read(&portal.db, visit.body.id, case.id, DocumentId(document)).await?;
    let document = document.filter(|document| document.visibility.visible_to(viewer));
    Ok((case, document.ok_or(PageError::NotFound)?))
}

async fn content(portal: &Portal, document: &Document) -> Result<Bytes, PageError> {
    let digest: Digest = document.sha256.parse()?;
    let content = portal.files.get(document.body.0, digest).await?;
    Ok(content.ok_or(Missing(document.id))?)
}

async fn open(
    State(portal): State<Portal>,
    visit: Visit,
    Path((case, document)): Path<(Uuid, Uuid)>,
) -> Answer {
    let (_, document) = seen(&portal, &visit, case, document).await?;
    let content = content(&portal, &document).await?;
    let mut tx = portal.db.begin().await?;
    let now = portal.now();
    store::mark_read(&mut tx, visit.body.id, document.id, visit.actor.user, now).await?;
    tx.commit().await?;
    Ok(download_named(&document.name, content))
}

async fn info(
    State(portal): State<Portal>,
    visit: Visit,
    Path((case, document)): Path<(Uuid, Uuid)>,
) -> Answer {
    let (_, document) = seen(&portal, &visit, case, document).await?;
    let disposition = export::disposition(false, "info.csv");
    Ok(download("text/csv; charset=utf-8", &disposition, export::csv(&document).into()))
}

async fn all(State(portal): State<Portal>, visit: Visit, Path(case): Path<Uuid>) -> Answer {
    let (case, relation) = found(&portal, &visit, CaseId(case)).await?;
    let viewer: Viewer = access::viewer(relation, &case.rules);
    let listed =
        store::of_case(&portal.db, visit.body.id, case.id, visit.actor.user, viewer).await?;
    let mut zip = Zip::default();
    for document in listed.iter().map(|listed| &listed.document) {
        zip.add(&document.name, &content(&portal, document).await?);
    }
    let name = format!("{}.zip", case.shown_number().replace('/', "-"));
    Ok(download("application/zip", &export::disposition(false, &name), zip.finish().into()))
}

/// What a person sent under this name: a browser shows what it may (R-TECH-09).
pub(crate) fn download_named(name: &str, content: Bytes) -> axum::response::Response {
    let kind = FileType::of_name(name);
    let media_type = kind.map_or("application/octet-stream", |kind| kind.media_type);
    let inline = kind.is_some_and(|kind| kind.inline);
    download(media_type, &export::disposition(inline, name), content)
}

/// What a person sent stays a file: no browser guesses another type or runs anything in it
/// (R-TECH-09).
fn download(media_type: &str, disposition: &str, content: Bytes) -> axum::response::Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (headers, content).into_response()
}

async fn send(
    State(portal): State<Portal>,
    visit: Visit,
    Path(case): Path<Uuid>,
    form: FileForm,
) -> Answer {
    let case = CaseId(case);
    let (record, relation) = found(&portal, &visit, case).await?;
    let asks = asks_visibility(access::viewer(relation, &record.rules));
    let FileForm { fields, file } = form;
    let status = form::status(&file);
    let sent = match read(&fields, file, asks) {
        Ok(sent) => sent,
        Err(faults) => {
            let returned = Returned::faulty(fields, faults);
            return page(&portal, visit, case, TabKey::Documents, status, returned).await;
        }
    };
    match filing::send(&portal, &visit.actor, case, sent).await {
        Ok(_) => Ok(done(
            &format!("/pratiche/{case}?scheda=documenti"),
            "Il documento è stato trasmesso.",
        )),
        Err(error) => {
            let returned = Returned::refused(error.explained()?, fields);
            let status = StatusCode::CONFLICT;
            page(&portal, visit, case, TabKey::Documents, status, returned).await
        }
    }
}

/// Parties say whether the counterparty may see what they send (R-CASE-40).
pub(crate) fn asks_visibility(viewer: Viewer) -> bool {
    viewer != Viewer::Service
}

fn read(
    fields: &Fields,
    file: Result<Upload, UploadRefusal>,
    asks_visibility: bool,
) -> Result<Sent, Faults> {
    let mut faults = Faults::new();
    let kind = fields.text("categoria").parse::<Kind>();
    if kind.is_err() {
        faults.push(("categoria", "Scegli la categoria del documento.".to_owned()));
    }
    let description = fields.text("descrizione").to_owned();
    if description.is_empty() || description.chars().count() > 200 {
        let told = "Scrivi la descrizione del documento, al massimo 200 caratteri.";
        faults.push(("descrizione", told.to_owned()));
    }
    let visible = fields.text("visibile");
    if asks_visibility && !matches!(visible, "si" | "no") {
        let told = "Indica se il documento è visibile alla controparte.";
        faults.push(("visibile", told.to_owned()));
    }
    if let Err(refusal) = &file {
        faults.push(("file", refusal.to_string()));
    }
    match (kind, file) {
        (Ok(kind), Ok(file)) if faults.is_empty() => {
            let confidential = visible == "no";
            Ok(Sent { kind, description, confidential, file, shared_in: None })
        }
        _ => Err(faults),
    }
}
