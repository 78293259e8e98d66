//! Where written minutes are put to signature: by who leads the meeting, with what is on the page, or
//! by the secretariat, as they were written (R-SIGN-25).

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use axum_extra::extract::Form;
use serde::Deserialize;
use uuid::Uuid;

use super::pages::Caller;
use super::store::Who;
use super::{SignatureError, opening, rules};
use crate::minutes::commands::{self, DraftError, Written};
use crate::minutes::pages::{DraftForm, at_table, refused, saved_to_be_read};
use crate::minutes::store as drafts;
use crate::minutes::table::Table;
use crate::minutes::view::Refused;
use crate::portal::Portal;
use crate::web::{Answer, PageError, Path, Visit, done};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/incontri/{id}/verbale/congela", post(freeze))
        .route("/incontri/{id}/verbale/copie", post(freeze_copies))
        .route("/incontri/{id}/verbale/avvia", post(send))
}

/// What is on the page is saved, then frozen.
async fn freeze(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<DraftForm>,
) -> Answer {
    frozen(portal, visit, caller, id, form, false).await
}

/// The same with an own copy for each recipient.
async fn freeze_copies(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<DraftForm>,
) -> Answer {
    frozen(portal, visit, caller, id, form, true).await
}

async fn frozen(
    portal: Portal,
    visit: Visit,
    caller: Caller,
    id: Uuid,
    form: DraftForm,
    in_copies: bool,
) -> Answer {
    let (who, table) = (caller.of(&visit), at_table(&portal, &visit, id).await?);
    match saved_to_be_read(&portal, &table, &form, false).await? {
        Ok(written) => {
            let begun = begin(&portal, &table, &written, &form.formato, in_copies, who).await;
            told(&portal, visit, table, who, begun, in_copies).await
        }
        Err(errors) => refused(&portal, visit, table, who, *errors).await,
    }
}

async fn begin(
    portal: &Portal,
    table: &Table,
    written: &Written,
    format: &str,
    in_copies: bool,
    who: Who,
) -> Result<Uuid, SignatureError> {
    if in_copies {
        return opening::freeze_copies(portal, table, written, who).await;
    }
    let unfit = || SignatureError::Unfit("Scegli il formato della firma.".to_owned());
    let format = rules::format_of(format).ok_or_else(unfit)?;
    opening::freeze(portal, table, written, format, who).await
}

async fn told(
    portal: &Portal,
    visit: Visit,
    table: Table,
    who: Who,
    begun: Result<Uuid, SignatureError>,
    in_copies: bool,
) -> Answer {
    match begun {
        Ok(_) => {
            let text = if in_copies {
                "Ogni destinatario ha la propria copia del verbale ed è stato avvisato."
            } else {
                "Il verbale è alla firma. I firmatari sono stati avvisati."
            };
            Ok(done(&format!("/incontri/{}/verbale", table.meeting.id), text))
        }
        Err(error) => {
            let errors = Refused { draft: Some(error.explained()?), ..Refused::default() };
            refused(portal, visit, table, who, errors).await
        }
    }
}

#[derive(Deserialize)]
struct SendForm {
    /// The revision that was on the page.
    #[serde(default)]
    revision: i64,
    /// "copie" for an own copy for each recipient.
    #[serde(default)]
    modo: String,
    #[serde(default)]
    formato: String,
}

/// What was written goes to signature as it is.
async fn send(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<SendForm>,
) -> Answer {
    let (who, table) = (caller.of(&visit), at_table(&portal, &visit, id).await?);
    if !table.sends() {
        return Err(PageError::Forbidden);
    }
    let draft = drafts::find(&portal.db, table.body.id.0, table.meeting.id.0).await?;
    let written = Written::from(draft.ok_or(PageError::NotFound)?);
    let in_copies = form.modo == "copie";
    let begun = if written.revision == form.revision {
        match commands::check(&portal, &written, written.outcome) {
            Ok(()) if table.outcomes(&portal).contains(&written.outcome) => {
                begin(&portal, &table, &written, &form.formato, in_copies, who).await
            }
            Ok(()) => Err(SignatureError::Unfit(DraftError::Outcome.to_string())),
            Err(error) => Err(SignatureError::Unfit(error.to_string())),
        }
    } else {
        let words = "Il verbale è stato modificato nel frattempo: rileggilo, poi ripeti.";
        Err(SignatureError::Unfit(words.to_owned()))
    };
    told(&portal, visit, table, who, begun, in_copies).await
}
