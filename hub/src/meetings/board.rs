//! The live board (R-MEET-09): what the rooms of this node tell, beside the portal's meetings.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Router};
use portal::meetings::board::{self, Live, Presence};
use portal::portal::Portal;
use portal::web::{Answer, PageError, Visit};
use signaling::edge::{Presence as There, RoomStatus};
use signaling::protocol::RoomId;

use super::Meetings;

/// `/servizio/stanze`.
pub(super) fn router(meetings: &Meetings) -> Router {
    Router::new()
        .route("/servizio/stanze", get(show))
        .layer(Extension(meetings.clone()))
        .with_state(meetings.portal.clone())
}

async fn show(
    State(portal): State<Portal>,
    Extension(meetings): Extension<Meetings>,
    visit: Visit,
) -> Answer {
    if !board::may(visit.actor.role) {
        return Err(PageError::Forbidden);
    }
    let lines = board::today(&portal, visit.body.id).await?;
    let mut live = BTreeMap::new();
    if let Some(rooms) = meetings.rooms.get() {
        for line in &lines {
            if let Some(status) = rooms.status(RoomId(line.room().0)).await {
                live.insert(line.room(), told(&status));
            }
        }
    }
    board::page(&portal, visit, lines, &live).await
}

fn told(status: &RoomStatus) -> Live {
    let there = |presence| match presence {
        There::Lobby => Some(Presence::Waiting),
        There::Inside => Some(Presence::Inside),
        There::Phone => Some(Presence::Phone),
        There::Lost => Some(Presence::Lost),
        There::Gone | There::Removed => None,
    };
    let seats = status.seats.iter();
    Live {
        seats: seats.filter_map(|s| Some((s.participant.0, there(s.presence)?))).collect(),
        locked: status.locked,
    }
}
