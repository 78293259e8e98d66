//! The form that lets another person sign (R-SIGN-33).

use axum::extract::State;
use axum::routing::post;
use axum::{Form, Router};
use serde::Deserialize;
use uuid::Uuid;

use super::pages::Caller;
use super::replacing::{self, Substitute};
use super::view::Seen;
use super::{SignatureError, store};
use crate::accounts::UserId;
use crate::minutes::commands::Written;
use crate::minutes::pages::{at_table, refused};
use crate::minutes::store as drafts;
use crate::minutes::table::Table;
use crate::minutes::view::Refused;
use crate::portal::Portal;
use crate::procedures::SeatKind;
use crate::web::{Answer, PageError, Path, Visit, done};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new().route("/incontri/{id}/verbale/sostituisci", post(replace))
}

/// One signer, and who could sign instead.
pub(crate) struct Group {
    pub(crate) signer: String,
    pub(crate) choices: Vec<Choice>,
    /// Who cannot sign, and why.
    pub(crate) hindered: Vec<(String, String)>,
}

/// One who could sign.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) name: String,
    pub(crate) role: String,
}

/// What the form offers; nothing where nobody can take over.
pub(crate) async fn groups(
    portal: &Portal,
    table: &Table,
    seen: Option<&Seen>,
) -> Result<Vec<Group>, SignatureError> {
    let Some(seen) = seen else { return Ok(Vec::new()) };
    let offered = replacing::offered(portal, table, &seen.row).await?;
    let labels = &portal.profile(&table.case.procedure).seats;
    let mut groups = Vec::new();
    for signer in store::signers(&portal.db, seen.row.id).await? {
        let of_signer = |one: &&Substitute| one.field.key() == signer.field;
        let hindered: Vec<(String, String)> = offered
            .iter()
            .filter(of_signer)
            .filter_map(|one| Some((one.person.name(), one.hindrance.clone()?)))
            .collect();
        let choices: Vec<Choice> = offered
            .iter()
            .filter(of_signer)
            .filter(|one| one.hindrance.is_none())
            .map(|one| Choice {
                value: format!("{}/{}", one.field.key(), one.person.id.0),
                name: one.person.name(),
                role: labels.of(one.seat).to_owned(),
            })
            .collect();
        if !choices.is_empty() || !hindered.is_empty() {
            let signer = format!("{} ({})", signer.name, signer.role);
            groups.push(Group { signer, choices, hindered });
        }
    }
    Ok(groups)
}

#[derive(Deserialize)]
struct ReplaceForm {
    #[serde(default)]
    firmatario: String,
}

impl ReplaceForm {
    fn chosen(&self) -> Option<(SeatKind, UserId)> {
        let (field, person) = self.firmatario.split_once('/')?;
        Some((field.parse().ok()?, UserId(person.parse().ok()?)))
    }
}

async fn replace(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<ReplaceForm>,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    if !table.leads {
        return Err(PageError::Forbidden);
    }
    let (body, meeting) = (table.body.id.0, table.meeting.id.0);
    let row = store::latest(&portal.db, body, meeting).await?.ok_or(PageError::NotFound)?;
    let draft = drafts::find(&portal.db, body, meeting).await?.ok_or(PageError::NotFound)?;
    let written = Written::from(draft);
    let outcome = match form.chosen() {
        Some(chosen) => replacing::replace(&portal, &table, &row, &written, chosen, who).await,
        None => Err(SignatureError::Unfit("Scegli chi firma al posto di chi.".to_owned())),
    };
    match outcome {
        Ok(_) => {
            let told = "Il firmatario è sostituito: la nuova versione è alla firma e tutti sono \
                        stati avvisati.";
            Ok(done(&format!("/incontri/{}/verbale", table.meeting.id), told))
        }
        Err(error) => {
            let refusal = Refused { substitute: Some(error.explained()?), ..Refused::default() };
            refused(&portal, visit, table, who, refusal).await
        }
    }
}
