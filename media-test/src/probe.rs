//! The endpoints the browser measures against.

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use crate::verdict::{Measurements, Thresholds, Verdict, judge};

/// Most bytes of one probe, either way: about half a second at 32 Mbit/s.
pub const MAX_PROBE_BYTES: usize = 2 * 1024 * 1024;

#[derive(RustEmbed)]
#[folder = "web/dist/"]
struct Assets;

/// Page, assets and endpoints, all under `/media-test`. Stateless; needs no sign-in (R-TEST-09).
pub fn router(thresholds: Thresholds) -> Router {
    Router::new()
        .route("/media-test", get(|| async { asset("media-test.html") }))
        .route("/media-test/static/{file}", get(|Path(f): Path<String>| async move { asset(&f) }))
        .route("/media-test/down", get(down))
        .route("/media-test/up", post(up).layer(DefaultBodyLimit::max(MAX_PROBE_BYTES)))
        .route(
            "/media-test/verdict",
            post(move |Json(m): Json<Measurements>| async move {
                Json::<Verdict>(judge(&m, thresholds))
            }),
        )
}

fn asset(name: &str) -> Response {
    match Assets::get(name) {
        Some(file) => {
            let mime = mime_guess::from_path(name).first_or_octet_stream();
            ([(header::CONTENT_TYPE, mime.to_string())], file.data.into_owned()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Deserialize)]
struct Amount {
    bytes: usize,
}

/// That many bytes which no proxy can compress.
async fn down(Query(amount): Query<Amount>) -> Response {
    let size = amount.bytes.min(MAX_PROBE_BYTES);
    let mut noise = Vec::with_capacity(size);
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    while noise.len() < size {
        // xorshift64: incompressible is all that is needed
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        noise.extend_from_slice(&x.to_le_bytes());
    }
    noise.truncate(size);
    (
        [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")],
        Body::from(noise),
    )
        .into_response()
}

#[derive(Serialize)]
struct Received {
    bytes: usize,
}

async fn up(body: Bytes) -> Json<Received> {
    Json(Received { bytes: body.len() })
}
