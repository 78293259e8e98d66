//! Where the media test meets the house: the media edge that meetings use, and what people agree
//! to keep of an outcome.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router, middleware};
use media_test::edge::{self, EdgeError, MediaEdge, Opened};
use media_test::verdict::{Item, Measurements, Thresholds, Tick, judge};
use portal::calendar;
use portal::media_tests::{self, Check};
use portal::portal::Portal;
use portal::web::{Answer, Visit, guard};
use serde::Serialize;
use signaling::media::{Media, MediaError};
use signaling::protocol::{ParticipantId, RoomId};
use signaling::turn::Relay;

use crate::settings::Settings;

/// Most bytes of a set of figures.
const MAX_FIGURES_BYTES: usize = 64 * 1024;

/// Everything under `/media-test`.
pub fn router(settings: &Settings, portal: Portal, media: Media, relay: Option<Relay>) -> Router {
    let thresholds = Thresholds {
        bits_per_second: settings.media_test.bits_per_second,
        round_trip_ms: settings.media_test.round_trip_ms,
        loss_percent: settings.media_test.loss_percent,
    };
    let keeping = Router::new()
        .route(
            "/media-test/esito",
            get(may_keep).post(move |State(portal): State<Portal>, visit: Visit, Json(m)| {
                keep(portal, visit, m, thresholds)
            }),
        )
        .layer(DefaultBodyLimit::max(MAX_FIGURES_BYTES))
        .layer(middleware::from_fn(guard::same_origin))
        .with_state(portal.clone());
    media_test::router(thresholds, Arc::new(Edge { portal, media, relay })).merge(keeping)
}

struct Edge {
    portal: Portal,
    media: Media,
    relay: Option<Relay>,
}

#[async_trait]
impl MediaEdge for Edge {
    /// In a room of its own that is nobody's: it has no door, no routes and no journal (R-TEST-08).
    async fn open(&self, offer: &str) -> Result<Opened, EdgeError> {
        let (room, alone) = (RoomId(self.portal.new_id()), ParticipantId(self.portal.new_id()));
        let answer = self.media.connect(room, alone, offer).await.map_err(|error| match error {
            MediaError::BadOffer(_) => EdgeError::Offer(error.to_string()),
            other => EdgeError::Failed(other.to_string()),
        })?;
        let media = self.media.clone();
        Ok(Opened { answer, end: Box::new(move || media.close(room)) })
    }

    /// With credentials of a seat that is in no room: good for reaching the media edge, as a
    /// meeting's are, and for nothing else.
    fn relays(&self) -> Vec<edge::Relay> {
        let seat = ParticipantId(self.portal.new_id());
        let server = |relay: &Relay| relay.ice_server(seat, self.portal.now());
        self.relay
            .iter()
            .map(server)
            .map(|s| edge::Relay { urls: s.urls, username: s.username, credential: s.credential })
            .collect()
    }
}

#[derive(Serialize)]
struct MayKeep {
    may_keep: bool,
    days: u16,
}

/// Whether the page offers to keep the outcome: only to people that we know.
async fn may_keep(State(portal): State<Portal>, visit: Option<Visit>) -> Json<MayKeep> {
    Json(MayKeep { may_keep: visit.is_some(), days: portal.settings.media_test_days })
}

#[derive(Serialize)]
struct Kept {
    until: String,
}

/// Keeps what the person agreed to keep. The verdict is ours, not the browser's.
async fn keep(portal: Portal, visit: Visit, m: Measurements, thresholds: Thresholds) -> Answer {
    let verdict = judge(&m, thresholds);
    let checks: Vec<Check> = verdict.ticks.into_iter().map(check).collect();
    let until = media_tests::keep(&portal, &visit.actor, verdict.ready, &checks).await?;
    Ok(Json(Kept { until: calendar::show_day(calendar::day_of(until)) }).into_response())
}

fn check(tick: Tick) -> Check {
    let label = match tick.item {
        Item::Browser => "Browser",
        Item::Bandwidth => "Rete",
        Item::Microphone => "Microfono",
        Item::Webcam => "Webcam",
    };
    Check { label: label.to_owned(), green: tick.green, words: tick.advice, figures: tick.details }
}
