//! Where the rooms of video identifications meet the portal. They are served by the same engine as
//! a meeting's, and share nothing with one: own ids, own tokens, own journal (R-MEET-32).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::post;
use axum::{Json, Router, middleware};
use chrono::{DateTime, TimeDelta, Utc};
use portal::identification::access::Relation;
use portal::identification::door::{self, EntryError};
use portal::identification::{VideoError, VideoId};
use portal::leases::Lease;
use portal::portal::Portal;
use portal::web::{Answer, PageError, Path, Visit, guard};
use serde::Serialize;
use signaling::edge::{Admission, JournalError};
use signaling::protocol::{ErrorCode, ParticipantId, Retry, Role, RoomId, Side};
use signaling::room::journal::JournalEntry;
use signaling::room::{Refused, RoomSpec, Seat};
use uuid::Uuid;

use crate::meetings::SOCKET;

/// The operator and the person.
const CAPACITY: usize = 1;

/// The rooms of identifications that this node opened, kept for its life: an id is small.
#[derive(Clone, Debug, Default)]
pub struct IdentificationRooms(Arc<Mutex<HashSet<Uuid>>>);

impl IdentificationRooms {
    /// Whether a room is one of them.
    pub fn contains(&self, room: RoomId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&room.0)
    }

    /// Spends a token of an identification; nothing if it is not one.
    pub async fn admit(
        &self,
        portal: &Portal,
        token: &str,
        node: &str,
        lease: TimeDelta,
    ) -> Result<Option<Admission>, Refused> {
        let entered =
            door::enter(portal, token, node, lease).await.map_err(|error| match error {
                EntryError::Over => Refused::new(ErrorCode::Ended, error.to_string()),
                EntryError::Elsewhere => {
                    let wait = u64::try_from(lease.num_milliseconds()).unwrap_or(1_000);
                    Refused::new(ErrorCode::Internal, error.to_string()).retry(Retry::AfterMs(wait))
                }
                EntryError::Video(error) => {
                    tracing::error!(%error, "admitting to an identification");
                    Refused::new(ErrorCode::Internal, "the database failed").retry(Retry::Rejoin)
                }
            })?;
        let Some(entered) = entered else { return Ok(None) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(entered.room);
        let (role, side, label) = match entered.operator {
            true => (Role::Conciliator, Side::Neutral, "Operatore"),
            false => (Role::Party, Side::Activating, "Persona da identificare"),
        };
        Ok(Some(Admission {
            room: RoomSpec {
                room: RoomId(entered.room),
                generation: entered.generation,
                capacity: CAPACITY,
                grace: signaling::room::DEFAULT_GRACE,
                phones: Vec::new(),
                planned_end: None,
                standing: false,
            },
            seat: Seat {
                participant: ParticipantId(entered.user.0),
                name: entered.name,
                label: label.to_owned(),
                role,
                side,
                identified: false,
            },
        }))
    }

    /// Everything written for a room, oldest first.
    pub async fn load(
        &self,
        portal: &Portal,
        room: RoomId,
    ) -> Result<Vec<JournalEntry>, JournalError> {
        let failed = |e: &dyn std::fmt::Display| JournalError::Failed(e.to_string());
        let entries = door::attendance(&portal.db, room.0).await.map_err(|e| failed(&e))?;
        entries
            .unwrap_or_default()
            .into_iter()
            .map(|entry| {
                let event = serde_json::from_str(&entry.event).map_err(|e| failed(&e))?;
                Ok(JournalEntry { at: entry.at, event })
            })
            .collect()
    }

    /// Makes entries durable under the lease.
    pub async fn append(
        &self,
        portal: &Portal,
        room: RoomId,
        lease: Lease<'_>,
        entries: &[JournalEntry],
    ) -> Result<(), JournalError> {
        let told: Vec<(DateTime<Utc>, _)> = entries.iter().map(|e| (e.at, &e.event)).collect();
        match door::append(portal, room.0, lease, &told).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(JournalError::LeaseLost),
            Err(error) => Err(JournalError::Failed(error.to_string())),
        }
    }
}

/// `POST /api/identifications/{id}/join`.
pub fn router(portal: Portal) -> Router {
    Router::new()
        .route("/api/identifications/{id}/join", post(join))
        .layer(middleware::from_fn(guard::same_origin))
        .with_state(portal)
}

/// What the session's page needs before it opens its socket.
#[derive(Serialize)]
struct JoinAnswer {
    token: String,
    ws: &'static str,
    role: Role,
}

async fn join(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    match door::ask(&portal, &visit.actor, VideoId(id)).await {
        Ok((token, relation)) => {
            let role = match relation {
                Relation::Operator => Role::Conciliator,
                _ => Role::Party,
            };
            let token = token.reveal().to_owned();
            Ok(Json(JoinAnswer { token, ws: SOCKET, role }).into_response())
        }
        Err(VideoError::NotFound | VideoError::NotAllowed) => Ok(refused(StatusCode::NOT_FOUND)),
        Err(VideoError::Refused(_) | VideoError::Changed) => Ok(refused(StatusCode::GONE)),
        Err(error) => Err(PageError::from(error)),
    }
}

fn refused(status: StatusCode) -> axum::response::Response {
    let code = if status == StatusCode::GONE { "ended" } else { "unknown" };
    let body = serde_json::json!({ "code": code, "message": "La sessione non è aperta." });
    (status, Json(body)).into_response()
}
