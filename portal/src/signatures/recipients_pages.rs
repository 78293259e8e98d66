//! The list of those who get an own copy, on the page of the minutes (R-SIGN-26).

use axum::extract::State;
use axum::routing::post;
use axum::{Form, Router};
use uuid::Uuid;

use super::SignatureError;
use super::copies::MAX_RECIPIENTS;
use super::pages::Caller;
use super::recipients::{self, RecipientError};
use crate::accounts::UserId;
use crate::accounts::personal::PersonalData;
use crate::minutes::pages::{at_table, refused};
use crate::minutes::table::Table;
use crate::minutes::view::Refused;
use crate::portal::Portal;
use crate::procedures::SeatKind;
use crate::web::{Answer, PageError, Path, Visit, done};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/incontri/{id}/verbale/destinatari", post(add))
        .route("/incontri/{id}/verbale/destinatari/{user}/togli", post(remove))
}

/// Who would get a copy.
pub(crate) struct RecipientsView {
    /// The parties that sign, by name and role.
    pub(crate) parties: Vec<(String, String)>,
    /// Who was typed in: id and name.
    pub(crate) typed_in: Vec<(Uuid, String)>,
    /// Somebody can be added.
    pub(crate) has_room: bool,
    pub(crate) max: usize,
    /// Of the form for somebody more.
    pub(crate) fields: Vec<Field>,
}

/// A field of the form, with what was typed and what is wrong with it.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) wrong: Option<&'static str>,
}

fn fields(errors: &Refused) -> Vec<Field> {
    let (data, wrong) = (errors.typed.clone().unwrap_or_default(), &errors.person);
    let all = [
        ("nome", "Nome", "text", data.given_name, wrong.given_name),
        ("cognome", "Cognome", "text", data.surname, wrong.surname),
        ("codice_fiscale", "Codice fiscale", "text", data.fiscal_code, wrong.fiscal_code),
        ("cellulare", "Cellulare", "tel", data.mobile, wrong.mobile),
        ("email", "Posta elettronica", "email", data.email, wrong.email),
    ];
    all.into_iter()
        .map(|(name, label, kind, value, wrong)| Field { name, label, kind, value, wrong })
        .collect()
}

impl RecipientsView {
    /// The recipients of minutes that these seats sign; `errors` of the form for somebody more.
    pub(crate) async fn of(
        portal: &Portal,
        table: &Table,
        signers: &[SeatKind],
        errors: &Refused,
    ) -> Result<Self, SignatureError> {
        let typed_in = recipients::of_meeting(portal, table).await?;
        let parties: Vec<(String, String)> = table
            .sitting
            .iter()
            .filter(|one| one.seat != SeatKind::Neutral && signers.contains(&one.seat))
            .map(|one| (one.person.name(), one.label.clone()))
            .collect();
        Ok(Self {
            has_room: parties.len() + typed_in.len() < MAX_RECIPIENTS,
            typed_in: typed_in
                .into_iter()
                .map(|one| (one.person.id.0, one.person.name()))
                .collect(),
            parties,
            max: MAX_RECIPIENTS,
            fields: fields(errors),
        })
    }

    /// How many copies that makes.
    pub(crate) fn count(&self) -> usize {
        self.parties.len() + self.typed_in.len()
    }
}

fn page_of(table: &Table) -> String {
    format!("/incontri/{}/verbale", table.meeting.id)
}

async fn add(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(typed): Form<PersonalData>,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    let refusal = match recipients::add(&portal, &table, &typed).await {
        Ok(()) => return Ok(done(&page_of(&table), "Il destinatario è aggiunto.")),
        Err(RecipientError::Fields(wrong)) => {
            Refused { person: *wrong, typed: Some(typed), ..Refused::default() }
        }
        Err(RecipientError::Signature(error)) => {
            let recipients = Some(error.explained()?);
            Refused { recipients, typed: Some(typed), ..Refused::default() }
        }
    };
    refused(&portal, visit, table, who, refusal).await
}

async fn remove(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path((id, user)): Path<(Uuid, Uuid)>,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    match recipients::remove(&portal, &table, UserId(user)).await {
        Ok(()) => Ok(done(&page_of(&table), "Il destinatario è tolto.")),
        Err(SignatureError::NotFound) => Err(PageError::NotFound),
        Err(error) => {
            let refusal = Refused { recipients: Some(error.explained()?), ..Refused::default() };
            refused(&portal, visit, table, who, refusal).await
        }
    }
}
