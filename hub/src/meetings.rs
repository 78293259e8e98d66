//! Where rooms meet cases: the door, the attendance log, and the endpoint that gives out seats.
//! Rooms know seats, the portal knows people; the translation is here and nowhere else.

mod board;
mod files;
mod joining;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use chrono::{DateTime, TimeDelta, Utc};
use portal::db::DbError;
use portal::guests::extra::{self, ExtraError, ExtraSeat, Quality};
use portal::leases::{self, Lease};
use portal::meetings::MeetingId;
use portal::meetings::attendance::{self, AttendanceError, Turn};
use portal::meetings::door::{self, EntryError};
use portal::meetings::phones::{self, Phone};
use portal::meetings::standing;
use portal::portal::Portal;
use portal::procedures::{SeatKind, Side as SeatSide};
use signaling::edge::{Admission, Door, Journal, JournalError, Rooms};
use signaling::protocol::{
    ErrorCode, LeaveReason, ParticipantId, Retry, Role, RoomId, SeatReason, Side,
};
use signaling::room::journal::{JournalEntry, JournalEvent};
use signaling::room::{AddedSeat, NewSeat, PersonalLink, PhoneSeat, Refused, RoomSpec, Seat, Way};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::identification::{self, IdentificationRooms};

/// Path of the room socket.
pub(crate) const SOCKET: &str = "/ws/room";
/// Between two rounds of what need not be done at once.
const CHORES: Duration = Duration::from_secs(60);

/// This node's view of meetings.
#[derive(Clone)]
pub struct Meetings {
    portal: Portal,
    /// Name of this process in leases; no two processes share one.
    node: Arc<str>,
    lease: TimeDelta,
    rooms: Arc<OnceLock<Rooms>>,
    identifications: IdentificationRooms,
}

impl Meetings {
    /// `lease`: how long a room stays this node's without renewal.
    pub fn new(portal: Portal, lease: TimeDelta) -> Self {
        let node = portal.new_id().to_string().into();
        Self {
            portal,
            node,
            lease,
            rooms: Arc::default(),
            identifications: IdentificationRooms::default(),
        }
    }

    /// The rooms that this node serves, once they are there.
    pub fn attach(&self, rooms: Rooms) {
        // Attached once, by the composition.
        let _ = self.rooms.set(rooms);
    }

    /// `POST /api/rooms/{meeting}/join` and the room socket.
    pub fn router(&self) -> Router {
        let socket = Router::new().route(SOCKET, any(socket)).with_state(self.clone());
        let identifications = identification::router(self.portal.clone());
        joining::router(self.clone())
            .merge(socket)
            .merge(files::router(self))
            .merge(board::router(self))
            .merge(identifications)
    }

    /// Keeps this node's rooms its own until `stop`; rooms that it cannot keep stop here before
    /// another node may take them. `called_off` rings when rooms may have to close at once.
    pub async fn keep_leases(self, called_off: Arc<Notify>, stop: CancellationToken) {
        let third = (self.lease / 3).to_std().unwrap_or(Duration::from_secs(1));
        let mut round = tokio::time::interval(third);
        let mut chores = tokio::time::interval(CHORES);
        let mut renewed_at = self.portal.now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = chores.tick() => self.do_chores().await,
                () = called_off.notified() => {
                    if let Err(error) = self.close_called_off().await {
                        tracing::warn!(%error, "closing rooms; the next round tries again");
                    }
                }
                _ = round.tick() => match timeout(third, self.renew()).await {
                    Ok(Ok(())) => renewed_at = self.portal.now(),
                    failure => {
                        tracing::error!(?failure, "renewing leases");
                        if self.portal.now() - renewed_at >= self.lease / 3 * 2 {
                            self.stop_serving();
                        }
                    }
                },
            }
        }
    }

    /// Renews the leases of open rooms, once. Rooms whose lease was lost stop here, rooms whose
    /// meeting was moved or taken off are closed (R-MEET-28).
    pub async fn renew(&self) -> Result<(), DbError> {
        let Some(rooms) = self.rooms.get() else { return Ok(()) };
        let (db, now) = (&self.portal.db, self.portal.now());
        let open: Vec<_> = rooms.open().into_iter().map(|(r, g)| (MeetingId(r.0), g)).collect();
        for (meeting, generation) in leases::renew(db, &self.node, &open, now, self.lease).await? {
            let room = RoomId(meeting.0);
            // It may have closed meanwhile, or be served under a new lease.
            if rooms.open().contains(&(room, generation)) {
                tracing::warn!(%meeting, generation, "lease lost");
                close(rooms, room, LeaveReason::Closing);
            }
        }
        self.close_called_off().await?;
        for (room, turn) in standing::to_close(&self.portal, &self.node).await? {
            let reason = match turn {
                // Its people come back by the same address, into the lobby of the meeting.
                standing::Turn::Yields => LeaveReason::Closing,
                standing::Turn::Over => LeaveReason::Ended,
            };
            close(rooms, RoomId(room), reason);
        }
        for room in portal::identification::door::over(db, &self.node, now).await? {
            close(rooms, RoomId(room), LeaveReason::Ended);
        }
        Ok(())
    }

    /// Closes the rooms whose meeting was moved or taken off (R-MEET-28).
    async fn close_called_off(&self) -> Result<(), DbError> {
        let Some(rooms) = self.rooms.get() else { return Ok(()) };
        let (db, now) = (&self.portal.db, self.portal.now());
        for meeting in leases::called_off(db, &self.node, now).await? {
            close(rooms, RoomId(meeting.0), LeaveReason::CalledOff);
        }
        Ok(())
    }

    fn stop_serving(&self) {
        let Some(rooms) = self.rooms.get() else { return };
        for (room, _) in rooms.open() {
            close(rooms, room, LeaveReason::Closing);
        }
    }

    async fn do_chores(&self) {
        if let Err(error) = attendance::keep_signed_in(&self.portal, &self.node).await {
            tracing::error!(%error, "keeping people signed in");
        }
        if let Err(error) = door::sweep(&self.portal.db, self.portal.now()).await {
            tracing::error!(%error, "forgetting join tokens");
        }
        if let Err(error) = portal::meetings::files::sweep(&self.portal).await {
            tracing::error!(%error, "clearing the shelves of rooms that are over");
        }
        let (db, now) = (&self.portal.db, self.portal.now());
        if let Err(error) = portal::identification::door::sweep(db, now).await {
            tracing::error!(%error, "forgetting ways into identifications");
        }
    }
}

/// Not waited for: a room that hangs in the database must not hold up the others.
fn close(rooms: &Rooms, room: RoomId, reason: LeaveReason) {
    let rooms = rooms.clone();
    tokio::spawn(async move { rooms.close(room, reason).await });
}

async fn socket(State(meetings): State<Meetings>, request: WebSocketUpgrade) -> Response {
    match meetings.rooms.get() {
        Some(rooms) => rooms.upgrade(request),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// As `meeting_phones` has it.
const SIDES: [(Side, &str); 4] = [
    (Side::Neutral, "neutral"),
    (Side::Activating, "activating"),
    (Side::Convened, "convened"),
    (Side::Aid, "aid"),
];

fn side_word(side: Side) -> &'static str {
    SIDES.iter().find(|(s, _)| *s == side).map_or("activating", |(_, word)| word)
}

fn phone_seat(phone: Phone) -> PhoneSeat {
    let Phone { id, name, number, side } = phone;
    let side = SIDES.iter().find(|(_, word)| *word == side).map_or(Side::Activating, |(s, _)| *s);
    PhoneSeat { participant: ParticipantId(id), name, number, side }
}

fn quality(reason: SeatReason) -> Quality {
    match reason {
        SeatReason::Lawyer => Quality::Lawyer,
        SeatReason::Interpreter => Quality::Interpreter,
        SeatReason::Companion => Quality::Companion,
        SeatReason::Expert => Quality::Expert,
    }
}

fn portal_side(side: Side) -> SeatSide {
    match side {
        Side::Neutral => SeatSide::Neutral,
        Side::Activating => SeatSide::Activating,
        Side::Convened => SeatSide::Convened,
        Side::Aid => SeatSide::Aid,
    }
}

fn no_extra_seat(error: ExtraError) -> Refused {
    let code = match &error {
        ExtraError::NotFound | ExtraError::Closed => ErrorCode::WrongState,
        ExtraError::Full(_) => ErrorCode::Full,
        ExtraError::Field(..) => ErrorCode::BadMessage,
        ExtraError::Db(_) => {
            tracing::error!(%error, "giving out an extra seat");
            ErrorCode::Internal
        }
    };
    Refused::new(code, error.to_string())
}

fn role(seat: SeatKind) -> Role {
    if seat == SeatKind::Neutral { Role::Conciliator } else { Role::Party }
}

fn side(seat: SeatKind) -> Side {
    side_as_told(seat.side())
}

fn side_as_told(side: SeatSide) -> Side {
    match side {
        SeatSide::Neutral => Side::Neutral,
        SeatSide::Activating => Side::Activating,
        SeatSide::Convened => Side::Convened,
        SeatSide::Aid => Side::Aid,
    }
}

#[async_trait]
impl Door for Meetings {
    async fn admit(&self, token: &str) -> Result<Admission, Refused> {
        let (portal, node) = (&self.portal, &self.node);
        if let Some(one) = self.identifications.admit(portal, token, node, self.lease).await? {
            return Ok(one);
        }
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
                planned_end: entered.planned_end,
                phones: entered.phones.into_iter().map(phone_seat).collect(),
                standing: entered.standing,
            },
            seat: Seat {
                participant: ParticipantId(entered.seat_id),
                name: entered.name,
                label: entered.label,
                role: role(entered.seat),
                side: side(entered.seat),
                identified: entered.identified,
            },
        })
    }

    async fn add_seat(&self, room: RoomId, seat: &NewSeat) -> Result<AddedSeat, Refused> {
        if self.identifications.contains(room) {
            return Err(Refused::new(ErrorCode::NotAllowed, "the session is for two people"));
        }
        let meeting = MeetingId(room.0);
        match &seat.way {
            Way::Phone { number } => {
                let side = side_word(seat.side);
                let added = phones::add(&self.portal, meeting, &seat.name, number, side).await;
                let id = added.map_err(|error| {
                    tracing::error!(%meeting, %error, "adding somebody by telephone");
                    Refused::new(ErrorCode::Internal, "the seat was not kept").retry(Retry::Now)
                })?;
                Ok(AddedSeat { participant: ParticipantId(id), link: None })
            }
            Way::Link { reason, mobile } => {
                let new = extra::NewSeat {
                    name: seat.name.clone(),
                    quality: quality(*reason),
                    side: portal_side(seat.side),
                    mobile: mobile.clone(),
                };
                let added = extra::add(&self.portal, meeting, &new).await;
                let added = added.map_err(no_extra_seat)?;
                let ExtraSeat { seat_id, link, code, address } = added;
                let link = Some(PersonalLink { link, code, address });
                Ok(AddedSeat { participant: ParticipantId(seat_id), link })
            }
        }
    }
}

#[async_trait]
impl Journal for Meetings {
    async fn load(&self, room: RoomId) -> Result<Vec<JournalEntry>, JournalError> {
        if self.identifications.contains(room) {
            return self.identifications.load(&self.portal, room).await;
        }
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
        if self.identifications.contains(room) {
            return self.identifications.append(&self.portal, room, lease, entries).await;
        }
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
        let lease = Lease { node: &self.node, generation };
        if let Err(error) = leases::release(db, meeting, lease, now).await {
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
