//! The endpoints the browser measures against.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use crate::edge::{EdgeError, MediaEdge, Relay};
use crate::limits::Limits;
use crate::verdict::{Measurements, Thresholds, Verdict, judge};

/// Most bytes of one probe, either way: about half a second at 32 Mbit/s.
pub const MAX_PROBE_BYTES: usize = 2 * 1024 * 1024;
/// What is written at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Most bytes of an offer or of a set of figures.
const MAX_WORDS_BYTES: usize = 64 * 1024;
/// A connection that tries the media path ends after so long.
pub const TRIAL: Duration = Duration::from_secs(20);

#[derive(RustEmbed)]
#[folder = "web/dist/"]
struct Assets;

#[derive(Clone)]
struct Service {
    thresholds: Thresholds,
    edge: Arc<dyn MediaEdge>,
    limits: Limits,
}

/// Page, assets and endpoints, all under `/media-test`. Stateless; needs no sign-in (R-TEST-09).
pub fn router(thresholds: Thresholds, edge: Arc<dyn MediaEdge>) -> Router {
    let service = Service { thresholds, edge, limits: Limits::default() };
    let limited = Router::new()
        .route("/media-test/down", get(down))
        .route("/media-test/up", post(up))
        .route("/media-test/relays", get(relays))
        .route("/media-test/media", post(media).layer(DefaultBodyLimit::max(MAX_WORDS_BYTES)))
        .route("/media-test/verdict", post(verdict).layer(DefaultBodyLimit::max(MAX_WORDS_BYTES)))
        .layer(middleware::from_fn_with_state(service.clone(), limit));
    Router::new()
        .route("/media-test", get(|| async { asset("media-test.html") }))
        .route("/media-test/static/{file}", get(|Path(f): Path<String>| async move { asset(&f) }))
        .merge(limited)
        .with_state(service)
}

fn asset(name: &str) -> Response {
    match Assets::get(name) {
        Some(file) => {
            let mime = mime_guess::from_path(name).first_or_octet_stream();
            let headers = [
                (header::CONTENT_TYPE, mime.to_string()),
                (header::CACHE_CONTROL, "no-cache".into()),
            ];
            (headers, file.data.into_owned()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// So many requests a minute from one address.
async fn limit(State(service): State<Service>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    if service.limits.allow(peer, clock()) { next.run(request).await } else { busy() }
}

/// The edge's own clock.
#[expect(clippy::disallowed_methods, reason = "requests are counted when they come")]
fn clock() -> Instant {
    Instant::now()
}

fn busy() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "30")]).into_response()
}

#[derive(Deserialize)]
struct Amount {
    bytes: usize,
}

/// That many bytes which no proxy can compress.
async fn down(State(service): State<Service>, Query(amount): Query<Amount>) -> Response {
    let Some(place) = service.limits.place() else { return busy() };
    let size = amount.bytes.min(MAX_PROBE_BYTES);
    let mut noise = Vec::with_capacity(size + 8);
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    while noise.len() < size {
        // xorshift64: incompressible is all that is needed
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        noise.extend_from_slice(&x.to_le_bytes());
    }
    noise.truncate(size);
    let noise = Bytes::from(noise);
    let chunks: Vec<Bytes> = (0..size)
        .step_by(CHUNK_BYTES)
        .map(|at| noise.slice(at..size.min(at + CHUNK_BYTES)))
        .collect();
    let chunks = chunks.into_iter().map(move |chunk| {
        // Taken until the last chunk was asked for.
        let _held = &place;
        Ok::<_, std::convert::Infallible>(chunk)
    });
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(futures::stream::iter(chunks))).into_response()
}

#[derive(Serialize)]
struct Received {
    bytes: usize,
}

async fn up(State(service): State<Service>, request: Request) -> Response {
    let Some(_place) = service.limits.place() else { return busy() };
    match axum::body::to_bytes(request.into_body(), MAX_PROBE_BYTES).await {
        Ok(body) => Json(Received { bytes: body.len() }).into_response(),
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

async fn relays(
    State(service): State<Service>,
) -> ([(header::HeaderName, &'static str); 1], Json<Vec<Relay>>) {
    // Credentials stay in nobody's cache.
    ([(header::CACHE_CONTROL, "no-store")], Json(service.edge.relays()))
}

#[derive(Deserialize)]
struct Offer {
    sdp: String,
}

#[derive(Serialize)]
struct Answer {
    sdp: String,
}

/// Tries the path of media: a connection that is alone and ends after [`TRIAL`].
async fn media(State(service): State<Service>, Json(offer): Json<Offer>) -> Response {
    let Some(place) = service.limits.place() else { return busy() };
    match service.edge.open(&offer.sdp).await {
        Ok(opened) => {
            tokio::spawn(async move {
                tokio::time::sleep(TRIAL).await;
                (opened.end)();
                drop(place);
            });
            Json(Answer { sdp: opened.answer }).into_response()
        }
        Err(EdgeError::Offer(_)) => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        Err(error @ EdgeError::Failed(_)) => {
            tracing::warn!(%error, "trying a media path");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn verdict(State(service): State<Service>, Json(m): Json<Measurements>) -> Json<Verdict> {
    Json(judge(&m, service.thresholds))
}
