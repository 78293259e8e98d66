//! Where rooms meet cases: the door, the attendance log, and the endpoint that gives out seats.
//! Rooms know seats, the portal knows people; the translation is here and nowhere else.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use axum::{Json, Router, middleware};
use chrono::{DateTime, TimeDelta, Utc};
use portal::meetings::MeetingId;
use portal::meetings::attendance::{self, AttendanceError, Lease, Turn};
use portal::meetings::door::{self, DoorError, EntryError};
use portal::portal::Portal;
use portal::procedures::{SeatKind, Side as SeatSide};
use portal::web::{Answer, Visit, guard};
use serde::{Deserialize, Serialize};
use signaling::edge::{Admission, Door, Journal, JournalError, Rooms};
use signaling::protocol::{ErrorCode, ParticipantId, Retry, Role, RoomId, Side};
use signaling::room::journal::{JournalEntry, JournalEvent};
use signaling::room::{Refused, RoomSpec, Seat};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Path of the room socket.
const SOCKET: &str = "/ws/room";

/// This node's view of meetings.
#[derive(Clone)]
pub struct Meetings {
    portal: Portal,
    /// Name of this process in leases; no two processes share one.
    node: Arc<str>,
    lease: TimeDelta,
    rooms: Arc<OnceLock<Rooms>>,
}

impl Meetings {
    /// `lease`: how long a room stays this node's without renewal.
    pub fn new(portal: Portal, lease: TimeDelta) -> Self {
        let node = portal.new_id().to_string().into();
        Self { portal, node, lease, rooms: Arc::default() }
    }

    /// The rooms that this node serves, once they are there.
    pub fn attach(&self, rooms: Rooms) {
        // Attached once, by the composition.
        let _ = self.rooms.set(rooms);
    }

    /// `POST /api/rooms/{meeting}/join` and the room socket.
    pub fn router(&self) -> Router {
        let join = Router::new()
            .route("/api/rooms/{meeting}/join", post(join))
            .layer(middleware::from_fn(guard::same_origin))
            .with_state(self.portal.clone());
        let socket = Router::new().route(SOCKET, any(socket)).with_state(self.clone());
        join.merge(socket)
    }

    /// Renews the leases of open rooms, and keeps their people signed in, until `stop`.
    pub async fn keep_leases(self, stop: CancellationToken) {
        let third = (self.lease / 3).to_std().unwrap_or(Duration::from_secs(1));
        let mut round = tokio::time::interval(third);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = round.tick() => {}
            }
            let Some(rooms) = self.rooms.get() else { continue };
            let open = rooms.open();
            for (room, generation) in &open {
                let meeting = MeetingId(room.0);
                let (db, now) = (&self.portal.db, self.portal.now());
                let renewed =
                    door::renew_lease(db, meeting, &self.node, *generation, now, self.lease).await;
                if let Err(error) = renewed {
                    tracing::error!(%meeting, %error, "renewing a lease");
                }
            }
            let meetings: Vec<_> = open.iter().map(|(room, _)| MeetingId(room.0)).collect();
            let idle = self.portal.settings.idle;
            if let Err(error) = attendance::keep_signed_in(&self.portal, &meetings, idle).await {
                tracing::error!(%error, "keeping people signed in");
            }
        }
    }
}

async fn socket(State(meetings): State<Meetings>, request: WebSocketUpgrade) -> Response {
    match meetings.rooms.get() {
        Some(rooms) => rooms.upgrade(request),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

#[derive(Deserialize)]
struct JoinRequest {
    #[serde(default)]
    confidentiality_accepted: bool,
}

/// What the room's page needs before it opens its socket.
#[derive(Serialize)]
struct JoinAnswer {
    /// Empty until the notice of confidentiality was accepted.
    token: String,
    ws: &'static str,
    title: String,
    case_number: String,
    role: Role,
    side: Side,
    help_phone: String,
    panel: String,
}

#[derive(Serialize)]
struct JoinRefusal {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

async fn join(
    State(portal): State<Portal>,
    visit: Visit,
    Path(meeting): Path<Uuid>,
    Json(request): Json<JoinRequest>,
) -> Answer {
    let meeting = MeetingId(meeting);
    let accepted = request.confidentiality_accepted;
    let asked = door::ask(&portal, &visit.body, &visit.actor, meeting, accepted).await;
    let (status, code, retry_after_s) = match &asked {
        Ok(_) => (StatusCode::OK, "", None),
        Err(DoorError::NoSeat) => (StatusCode::NOT_FOUND, "unknown", None),
        Err(DoorError::TooEarly { seconds }) => {
            (StatusCode::FORBIDDEN, "too_early", Some(*seconds))
        }
        Err(DoorError::Over) => (StatusCode::GONE, "ended", None),
        Err(DoorError::NoRoom) => (StatusCode::CONFLICT, "wrong_state", None),
        Err(DoorError::Db(_)) => (StatusCode::SERVICE_UNAVAILABLE, "internal", Some(5)),
    };
    let ticket = match asked {
        Ok(ticket) => ticket,
        Err(DoorError::Db(error)) => return Err(error.into()),
        Err(error) => {
            let refusal = JoinRefusal { code, message: error.to_string(), retry_after_s };
            return Ok((status, Json(refusal)).into_response());
        }
    };
    let answer = JoinAnswer {
        token: ticket.token.map(|token| token.reveal().to_owned()).unwrap_or_default(),
        ws: SOCKET,
        title: ticket.title,
        case_number: ticket.case_number,
        role: role(ticket.seat),
        side: side(ticket.seat),
        help_phone: portal.settings.help_phone.clone(),
        panel: format!("/incontri/{meeting}/verbale"),
    };
    Ok(Json(answer).into_response())
}

fn role(seat: SeatKind) -> Role {
    if seat == SeatKind::Neutral { Role::Conciliator } else { Role::Party }
}

fn side(seat: SeatKind) -> Side {
    match seat.side() {
        SeatSide::Neutral => Side::Neutral,
        SeatSide::Activating => Side::Activating,
        SeatSide::Convened => Side::Convened,
        SeatSide::Aid => Side::Aid,
    }
}

#[async_trait]
impl Door for Meetings {
    async fn admit(&self, token: &str) -> Result<Admission, Refused> {
        let entered = door::enter(&self.portal, token, &self.node, self.lease).await;
        let entered = entered.map_err(|error| match error {
            EntryError::Token => {
                Refused::new(ErrorCode::BadToken, error.to_string()).retry(Retry::Rejoin)
            }
            EntryError::Over => Refused::new(ErrorCode::Ended, error.to_string()),
            EntryError::Elsewhere => {
                let wait = u64::try_from(self.lease.num_milliseconds()).unwrap_or(1_000);
                Refused::new(ErrorCode::Internal, error.to_string()).retry(Retry::AfterMs(wait))
            }
            EntryError::Db(_) => {
                tracing::error!(%error, "admitting to a room");
                Refused::new(ErrorCode::Internal, "the database failed").retry(Retry::Rejoin)
            }
        })?;
        Ok(Admission {
            room: RoomSpec {
                room: RoomId(entered.meeting.0),
                generation: entered.generation,
                capacity: entered.capacity.into(),
                grace: TimeDelta::seconds(entered.grace_seconds.into()),
            },
            seat: Seat {
                participant: ParticipantId(entered.seat_id),
                name: entered.name,
                label: entered.label,
                role: role(entered.seat),
                side: side(entered.seat),
            },
        })
    }
}

#[async_trait]
impl Journal for Meetings {
    async fn load(&self, room: RoomId) -> Result<Vec<JournalEntry>, JournalError> {
        let entries = attendance::load(&self.portal.db, MeetingId(room.0)).await.map_err(failed)?;
        entries
            .into_iter()
            .map(|entry| {
                let event: JournalEvent = serde_json::from_str(&entry.event)
                    .map_err(|e| JournalError::Failed(format!("attendance log: {e}")))?;
                Ok(JournalEntry { at: entry.at, event })
            })
            .collect()
    }

    async fn append(
        &self,
        room: RoomId,
        generation: u32,
        entries: &[JournalEntry],
    ) -> Result<(), JournalError> {
        let lease = Lease { node: &self.node, generation };
        let turns: Vec<Turn> = entries
            .iter()
            .filter_map(|entry| match entry.event {
                JournalEvent::Started => Some(Turn::Started),
                JournalEvent::Ended => Some(Turn::Ended),
                _ => None,
            })
            .collect();
        let told: Vec<(DateTime<Utc>, &JournalEvent)> =
            entries.iter().map(|entry| (entry.at, &entry.event)).collect();
        attendance::append(&self.portal, MeetingId(room.0), lease, &told, &turns)
            .await
            .map_err(failed)
    }

    async fn release(&self, room: RoomId, generation: u32) {
        let (db, now) = (&self.portal.db, self.portal.now());
        let meeting = MeetingId(room.0);
        if let Err(error) = door::release_lease(db, meeting, &self.node, generation, now).await {
            tracing::warn!(%meeting, %error, "giving a lease back");
        }
    }
}

fn failed(error: AttendanceError) -> JournalError {
    match error {
        AttendanceError::LeaseLost => JournalError::LeaseLost,
        other => JournalError::Failed(other.to_string()),
    }
}
