//! What the machines that watch a hub ask: does it live, is it ready, how is it doing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use portal::db::Db;
use signaling::edge::Rooms;
use signaling::turn::Turn;
use tokio::time::Instant;

use crate::error::HubError;

/// Answers, by `status` (`2xx`, `3xx`, …).
const REQUESTS: &str = "accordo_http_requests_total";
/// From a request's headers to its answer's, in seconds.
const SECONDS: &str = "accordo_http_request_duration_seconds";
const BOUNDS: [f64; 9] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Rooms open on this node.
const ROOMS: &str = "accordo_rooms_open";
/// People in them, those who lost their connection and are awaited included.
const INSIDE: &str = "accordo_rooms_people";
/// Their open sockets.
const SOCKETS: &str = "accordo_rooms_sockets";

/// Allocations of the relay.
const ALLOCATIONS: &str = "accordo_turn_allocations";
/// Payload that it carried, both ways together.
const RELAYED: &str = "accordo_turn_bytes_total";

/// Starts counting; once in a process.
pub fn record() -> Result<PrometheusHandle, HubError> {
    PrometheusBuilder::new()
        .set_buckets(&BOUNDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|e| HubError::Failed(format!("metrics: {e}")))
}

/// `/healthz` (the process answers), `/readyz` (the database does, and what is to be there at the
/// start is `complete`), `/metrics` (Prometheus).
pub fn router(
    db: Db,
    rooms: Rooms,
    turn: Option<Arc<Turn>>,
    metrics: PrometheusHandle,
    complete: Arc<AtomicBool>,
) -> Router {
    let ready = move |State(db): State<Db>| async move {
        if !complete.load(Ordering::Relaxed) {
            return (StatusCode::SERVICE_UNAVAILABLE, "the demo world is being made\n");
        }
        match portal::bodies::all(&db).await {
            Ok(_) => (StatusCode::OK, "ready\n"),
            Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
        }
    };
    let render = move || async move {
        let (mut inside, mut sockets, mut open) = (0, 0, 0_u32);
        for (room, _) in rooms.open() {
            if let Some(status) = rooms.status(room).await {
                open += 1;
                inside += status.inside;
                sockets += status.connected;
            }
        }
        gauge!(ROOMS).set(open);
        gauge!(INSIDE).set(inside as f64);
        gauge!(SOCKETS).set(sockets as f64);
        if let Some(turn) = &turn {
            gauge!(ALLOCATIONS).set(turn.allocations() as f64);
            counter!(RELAYED).absolute(turn.relayed_bytes());
        }
        metrics.render()
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(db)
        .route("/metrics", get(render))
}

/// Counts an answer and the time it took.
pub async fn measured(request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let answer = next.run(request).await;
    histogram!(SECONDS).record(begin.elapsed());
    counter!(REQUESTS, "status" => format!("{}xx", answer.status().as_u16() / 100)).increment(1);
    answer
}
