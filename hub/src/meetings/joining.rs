//! The endpoint that gives out seats: `POST /api/rooms/{meeting}/join`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::post;
use axum::{Extension, Json, Router, middleware};
use portal::accounts::{self, Actor};
use portal::calendar;
use portal::cases::CaseId;
use portal::meetings::MeetingId;
use portal::meetings::door::{self, DoorError, Ticket};
use portal::portal::Portal;
use portal::procedures::SideNames;
use portal::web::{Answer, Visit, guard};
use serde::{Deserialize, Serialize};
use signaling::protocol::{ErrorCode, ParticipantId, Retry, Role, RoomId, Side};
use signaling::room::{Refused, Seat};
use uuid::Uuid;

use super::{Meetings, SOCKET, role, side};

/// Where to go from a room that is not one's own.
const HOME: &str = "/";

pub(super) fn router(meetings: Meetings) -> Router {
    let portal = meetings.portal.clone();
    Router::new()
        .route("/api/rooms/{meeting}/join", post(join))
        .layer(middleware::from_fn(guard::same_origin))
        .layer(Extension(meetings))
        .with_state(portal)
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
    back: String,
    /// Nobody is admitted there, and nothing is begun or ended (R-MEET-23).
    standing: bool,
    /// The day until which files shared with all stay, in words; empty: until the meeting ends.
    files_until: String,
    /// What the sides are called (R-SIGN-40).
    sides: SideNames,
}

#[derive(Serialize)]
struct JoinRefusal {
    code: &'static str,
    message: String,
    back: String,
    /// It was a standing room's address.
    standing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

async fn join(
    State(portal): State<Portal>,
    Extension(meetings): Extension<Meetings>,
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
        Err(DoorError::Over | DoorError::StandingOver { .. }) => (StatusCode::GONE, "ended", None),
        Err(DoorError::NoRoom) => (StatusCode::CONFLICT, "wrong_state", None),
        Err(DoorError::Db(_)) => (StatusCode::SERVICE_UNAVAILABLE, "internal", Some(5)),
    };
    let ticket = match asked {
        Ok(ticket) => ticket,
        Err(DoorError::Db(error)) => return Err(error.into()),
        Err(error) => {
            let back = match &error {
                DoorError::NoSeat => HOME.to_owned(),
                DoorError::StandingOver { case, .. } => of_case(*case),
                _ => of_meeting(meeting),
            };
            let back = way_back(&visit.actor, back);
            let standing = matches!(error, DoorError::StandingOver { .. });
            let message = error.to_string();
            let refusal = JoinRefusal { code, message, back, standing, retry_after_s };
            return Ok((status, Json(refusal)).into_response());
        }
    };
    let back = match ticket.meeting {
        Some(meeting) if !ticket.standing => of_meeting(meeting),
        _ => of_case(ticket.case),
    };
    if let Err(refused) = meetings.knock(&ticket).await {
        let refusal = JoinRefusal {
            code: code_word(refused.code),
            // The page has the words for its reader.
            message: String::new(),
            back: way_back(&visit.actor, back),
            standing: ticket.standing,
            retry_after_s: match refused.retry {
                Retry::AfterMs(ms) => Some(ms.div_ceil(1_000)),
                Retry::No | Retry::Now | Retry::Rejoin => None,
            },
        };
        return Ok((StatusCode::FORBIDDEN, Json(refusal)).into_response());
    }
    let answer = JoinAnswer {
        token: ticket.token.map(|token| token.reveal().to_owned()).unwrap_or_default(),
        ws: SOCKET,
        title: ticket.title,
        case_number: ticket.case_number,
        role: role(ticket.seat),
        side: side(ticket.seat),
        help_phone: portal.settings.help_phone.clone(),
        panel: ticket.meeting.map(|m| format!("/incontri/{m}/verbale")).unwrap_or_default(),
        back: way_back(&visit.actor, back),
        standing: ticket.standing,
        files_until: ticket
            .files_until
            .map(|until| calendar::show_day(calendar::day_of(until)))
            .unwrap_or_default(),
        sides: ticket.sides,
    };
    Ok(Json(answer).into_response())
}

impl Meetings {
    /// The room's own word, before anybody chooses devices: the door may be locked, or the room full.
    async fn knock(&self, ticket: &Ticket) -> Result<(), Refused> {
        let Some(rooms) = self.rooms.get() else { return Ok(()) };
        let seat = Seat {
            participant: ParticipantId(ticket.seat_id),
            name: ticket.name.clone(),
            label: ticket.label.clone(),
            role: role(ticket.seat),
            side: side(ticket.seat),
            identified: false,
        };
        rooms.knock(RoomId(ticket.room.0), seat).await
    }
}

/// As PROTOCOL.md §6.1 has it.
fn code_word(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Locked => "locked",
        ErrorCode::Full => "full",
        _ => "internal",
    }
}

fn of_meeting(meeting: MeetingId) -> String {
    format!("/incontri/{meeting}")
}

/// A standing room has no page of its own.
fn of_case(case: CaseId) -> String {
    format!("/pratiche/{case}?scheda=incontri")
}

/// The page to go to after the room. A guest has one page only.
fn way_back(actor: &Actor, page: String) -> String {
    if actor.role == accounts::Role::Guest { "/ospite".to_owned() } else { page }
}
