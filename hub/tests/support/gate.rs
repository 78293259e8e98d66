//! A proxy between the hub and its outside parties that can stop one request, or its answer. The hub
//! is told of it as every program is: by its environment.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// What is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The request: nobody hears it.
    Request,
    /// The answer: what was asked for is done.
    Answer,
}

/// A gate that listens until its runtime ends.
#[derive(Clone)]
pub struct Gate {
    pub address: SocketAddr,
    client: reqwest::Client,
    wanted: Arc<Mutex<Option<Wanted>>>,
    go: Arc<Mutex<Option<oneshot::Sender<()>>>>,
}

struct Wanted {
    ending: &'static str,
    side: Side,
    reached: oneshot::Sender<()>,
}

impl Gate {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self {
            address: listener.local_addr().unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            wanted: Arc::default(),
            go: Arc::default(),
        };
        let router = Router::new().fallback(pass).with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        gate
    }

    /// Stops the next call of an address that ends like this; tells when it is there.
    pub fn stop(&self, ending: &'static str, side: Side) -> oneshot::Receiver<()> {
        let (reached, there) = oneshot::channel();
        *self.wanted.lock().unwrap() = Some(Wanted { ending, side, reached });
        there
    }

    /// Lets go what was stopped.
    pub fn let_go(&self) {
        if let Some(go) = self.go.lock().unwrap().take() {
            // Whoever stood there may be dead.
            let _ = go.send(());
        }
    }

    async fn turn(&self, path: &str, side: Side) {
        let it = |wanted: &mut Wanted| wanted.side == side && path.ends_with(wanted.ending);
        let Some(wanted) = self.wanted.lock().unwrap().take_if(it) else { return };
        let (go, told) = oneshot::channel();
        *self.go.lock().unwrap() = Some(go);
        wanted.reached.send(()).unwrap();
        told.await.unwrap();
    }
}

async fn pass(State(gate): State<Gate>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    gate.turn(parts.uri.path(), Side::Request).await;
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let onward = gate.client.request(parts.method, parts.uri.to_string());
    let Ok(answer) = onward.headers(parts.headers.clone()).body(body).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    let Ok(body) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    gate.turn(parts.uri.path(), Side::Answer).await;
    (status, headers, Body::from(body)).into_response()
}
