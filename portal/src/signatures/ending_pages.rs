//! What the conciliator does to end a collection of signatures (R-SIGN-33).

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use uuid::Uuid;

use super::ending;
use super::pages::{Caller, answer, latest};
use crate::cases::Outcome;
use crate::minutes::pages::at_table;
use crate::portal::Portal;
use crate::web::{Answer, Path, Visit};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/incontri/{id}/verbale/annulla", post(cancel))
        .route("/incontri/{id}/verbale/abbandona", post(abandon))
}

async fn cancel(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    let row = latest(&portal, &visit, &table).await?;
    let outcome = ending::cancel(&portal, &table, &row, who).await;
    let told = "La raccolta delle firme è annullata: puoi correggere il testo.";
    answer(&portal, visit, table, who, outcome, Some(told)).await
}

async fn abandon(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    let row = latest(&portal, &visit, &table).await?;
    let outcome = ending::abandon(&portal, &table, &row, who).await;
    let told = match table.at_signature().and_then(Outcome::unsigned) {
        Some(_) => "La pratica è chiusa senza accordo: ora puoi scrivere il verbale.",
        None => "La rinuncia non ha effetto: ora puoi scegliere un altro esito.",
    };
    answer(&portal, visit, table, who, outcome, Some(told)).await
}
