//! The files of a process whose signatures stand beside the document (R-SIGN-29), and all files of a
//! completed one for its conservation (R-SIGN-32).

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use uuid::Uuid;

use super::pages::{Caller, file, latest, newest, to_be_read};
use super::{SignatureError, conservation, steps, store, view};
use crate::documents::export::disposition;
use crate::minutes::pages::at_table;
use crate::portal::Portal;
use crate::web::{Answer, PageError, Path, Visit};

/// The routes.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/incontri/{id}/verbale/documento.pdf.p7m", get(signed_file))
        .route("/incontri/{id}/verbale/firme/{field}", get(handed_in))
        .route("/incontri/{id}/verbale/conservazione.zip", get(package))
}

/// The signed file with the signatures so far, where they stand beside the document.
async fn signed_file(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let (table, seen) = to_be_read(&portal, &visit, caller, id).await?;
    if !view::has_signed_file(&seen.process) {
        return Err(PageError::NotFound);
    }
    let p7m = steps::document(&portal, &seen.row, seen.process.document()).await?;
    let name = format!("Verbale {}.pdf.p7m", table.case.shown_number().replace('/', "-"));
    Ok(file("application/pkcs7-mime", &disposition(false, &name), p7m))
}

/// What came from a signer's own device, as it came (R-SIGN-29).
async fn handed_in(
    State(portal): State<Portal>,
    visit: Visit,
    Path((id, field)): Path<(Uuid, String)>,
) -> Answer {
    let table = at_table(&portal, &visit, id).await?;
    let row = latest(&portal, &visit, &table).await?;
    let process = store::replay(&portal.db, &row).await?;
    let state = process.signer(&field).ok_or(PageError::NotFound)?;
    if !view::may_have_file(state, visit.actor.user, table.watches) {
        return Err(PageError::NotFound);
    }
    let digest = state.file.ok_or(PageError::NotFound)?;
    let p7m = steps::document(&portal, &row, digest).await?;
    let number = table.case.shown_number().replace('/', "-");
    let name = format!("Verbale {number} - firma {field}.pdf.p7m");
    Ok(file("application/pkcs7-mime", &disposition(false, &name), p7m))
}

/// What goes to conservation, for who watches over the signatures.
async fn package(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let table = at_table(&portal, &visit, id).await?;
    if !table.watches {
        return Err(PageError::Forbidden);
    }
    let version = newest(&portal, &visit, &table).await?;
    if !version.is_settled() {
        // As long as one of several copies is not signed, none is the minutes.
        return Err(PageError::NotFound);
    }
    let row = version.shown(table.copy, table.watches);
    let process = store::replay(&portal.db, &row).await?;
    let zip = match conservation::package(&portal, &table, &row, &process).await {
        Ok(zip) => zip,
        Err(SignatureError::NotFound) => return Err(PageError::NotFound),
        Err(error) => return Err(PageError::Refused(error.explained()?)),
    };
    let name = format!("Conservazione {}.zip", table.case.shown_number().replace('/', "-"));
    Ok(file("application/zip", &disposition(false, &name), zip))
}
