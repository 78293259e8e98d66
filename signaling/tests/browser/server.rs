//! Rooms, media edge and room page on one loopback address, without a portal: who somebody is
//! stands in a cookie.

use crate::relay;
use async_trait::async_trait;
use axum::Json;
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use chrono::{DateTime, TimeDelta, Utc};
use impaired_link::{Conditions, Link};
use serde::Deserialize;
use serde_json::json;
use signaling::edge::{Admission, Door, Journal, JournalError, NoShelf, Rooms, RoomsConfig};
use signaling::media::{Media, MediaConfig};
use signaling::protocol::*;
use signaling::room::journal::JournalEntry;
use signaling::room::{
    AddedSeat, DEFAULT_GRACE, NewSeat, PersonalLink, Refused, RoomSpec, Seat, Way,
};
use signaling::turn::Turn;
use signaling::{Clock, SystemClock};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub const ROOM: RoomId = RoomId(Uuid::from_u128(1));

/// Until the planned end: over while the story goes on.
const PLANNED: TimeDelta = TimeDelta::seconds(40);

/// Of the losses on the way of the media.
const SEED: u64 = 20_260_101;

/// As the portal sends it.
const CSP: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'self'";

/// Name, label, role and side of every seat; the cookie `seat` names one by its number.
const SEATS: [(&str, &str, Role, Side); 7] = [
    ("Laura Bianchi", "Conciliatrice", Role::Conciliator, Side::Neutral),
    ("Giuseppe Verdi", "Cliente", Role::Party, Side::Activating),
    ("Maria Concetta Della Valle", "Delegata del cliente", Role::Party, Side::Activating),
    ("Paolo Neri", "Delegato dell’operatore", Role::Party, Side::Convened),
    ("Sara Conti", "Segreteria dell’operatore", Role::Party, Side::Convened),
    ("Anna Russo", "Ausilio tecnico", Role::Party, Side::Aid),
    ("Ugo Tardi", "Cliente", Role::Party, Side::Activating),
];

/// What the server and the test share.
pub struct World {
    pub rooms: Rooms,
    pub journal: Arc<Mutex<Vec<JournalEntry>>>,
    tokens: Arc<Mutex<HashMap<String, usize>>>,
    added: Arc<Mutex<Vec<NewSeat>>>,
    issued: AtomicUsize,
    link: Arc<Link>,
    _turn: Option<Turn>,
}

/// A token works once (R-MEET-13).
struct Tokens {
    issued: Arc<Mutex<HashMap<String, usize>>>,
    /// Whom the conciliator let in: seats after the fixed ones.
    added: Arc<Mutex<Vec<NewSeat>>>,
    planned_end: DateTime<Utc>,
}

fn seat_of(n: usize, added: Option<&NewSeat>) -> Seat {
    let (name, label, role, side) = match added {
        Some(seat) => (seat.name.as_str(), "Avvocata", Role::Party, seat.side),
        None => SEATS[n],
    };
    let (name, label) = (name.into(), label.into());
    let participant = ParticipantId(Uuid::from_u128(n as u128 + 10));
    Seat { participant, name, label, role, side, identified: side != Side::Convened }
}

#[async_trait]
impl Door for Tokens {
    async fn admit(&self, token: &str) -> Result<Admission, Refused> {
        let unknown = || Refused::new(ErrorCode::BadToken, "no such token").retry(Retry::Rejoin);
        let n = self.issued.lock().unwrap().remove(token).ok_or_else(unknown)?;
        let added = n.checked_sub(SEATS.len()).map(|n| self.added.lock().unwrap()[n].clone());
        Ok(Admission {
            room: RoomSpec {
                room: ROOM,
                generation: 1,
                capacity: 9,
                grace: DEFAULT_GRACE,
                planned_end: Some(self.planned_end),
                phones: Vec::new(),
                standing: false,
            },
            seat: seat_of(n, added.as_ref()),
        })
    }

    /// As the portal makes them, without keeping names.
    async fn add_seat(&self, _: RoomId, seat: &NewSeat) -> Result<AddedSeat, Refused> {
        let mut added = self.added.lock().unwrap();
        let link = matches!(seat.way, Way::Link { .. });
        let n = if link { SEATS.len() + added.len() } else { 900 };
        let participant = ParticipantId(Uuid::from_u128(n as u128 + 10));
        if link {
            added.push(seat.clone());
        }
        Ok(AddedSeat {
            participant,
            link: link.then(|| PersonalLink {
                link: "https://hub.example/invito/4GH7K2MXA2B3".to_owned(),
                code: "4GH7-K2MX-A2B3".to_owned(),
                address: "https://hub.example/invito".to_owned(),
            }),
        })
    }
}

struct Memory(Arc<Mutex<Vec<JournalEntry>>>);

#[async_trait]
impl Journal for Memory {
    async fn load(&self, _: RoomId) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn append(
        &self,
        _: RoomId,
        _: u32,
        entries: &[JournalEntry],
    ) -> Result<(), JournalError> {
        self.0.lock().unwrap().extend_from_slice(entries);
        Ok(())
    }

    async fn release(&self, _: RoomId, _: u32) {}
}

/// What differs between the stories.
pub struct Setting {
    /// The rooms have a relay.
    pub relay: bool,
    /// Where browsers send media.
    pub media: IpAddr,
}

impl Default for Setting {
    fn default() -> Self {
        Self { relay: false, media: Ipv4Addr::new(127, 0, 0, 2).into() }
    }
}

/// Serves until the runtime ends.
pub async fn start(setting: Setting) -> (SocketAddr, Arc<World>) {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut config = RoomsConfig::default();
    let (link, hub) = Link::start(setting.media, SEED).await.unwrap();
    let media = Media::start(MediaConfig {
        bind: vec![hub],
        advertise: vec![setting.media],
        workers: 1,
        audio_slots: config.terms.audio_slots.into(),
        video_slots: config.terms.video_slots.into(),
    })
    .unwrap();
    let mut turn = None;
    if setting.relay {
        let (started, relay) = relay::start(&media).await;
        config.terms.relay = Some(relay);
        turn = Some(started);
    }
    let (journal, tokens, added) = (Arc::default(), Arc::default(), Arc::default());
    let rooms = Rooms::start(
        config,
        Arc::new(media),
        Arc::new(Tokens {
            issued: Arc::clone(&tokens),
            added: Arc::clone(&added),
            planned_end: SystemClock.now() + PLANNED,
        }),
        Arc::new(Memory(Arc::clone(&journal))),
        Arc::new(NoShelf),
        Arc::new(SystemClock),
    );
    let issued = AtomicUsize::new(0);
    let world = Arc::new(World { rooms, journal, tokens, added, issued, link, _turn: turn });
    let app = Router::new()
        .route("/stanza/{meeting}", get(|| file("signaling/web/dist/room.html")))
        .route(
            "/static/room/{name}",
            get(|Path(name): Path<String>| async move {
                file(&format!("signaling/web/dist/{name}")).await
            }),
        )
        .route(
            "/static/fonts/{name}",
            get(|Path(name): Path<String>| async move {
                file(&format!("portal/web/dist/fonts/{name}")).await
            }),
        )
        .route("/api/rooms/{meeting}/join", post(join))
        .route("/ws/room", any(socket))
        .route("/incontri/{meeting}/verbale", get(panel))
        .route("/incontri/{meeting}/novita", post(news))
        .route("/rete/{state}", post(set_network))
        .route("/linea", post(shape))
        .with_state(Arc::clone(&world));
    let listener = tokio::net::TcpListener::bind(local).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, world)
}

async fn socket(State(world): State<Arc<World>>, request: WebSocketUpgrade) -> Response {
    world.rooms.upgrade(request)
}

#[derive(Deserialize)]
struct Wish {
    confidentiality_accepted: bool,
}

async fn join(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Response {
    let cookies = headers.get(header::COOKIE).and_then(|c| c.to_str().ok()).unwrap_or_default();
    let seat = cookies.split("; ").find_map(|c| c.strip_prefix("seat=")?.parse::<usize>().ok());
    let added = world.added.lock().unwrap().len();
    let Some(seat) = seat.filter(|n| *n < SEATS.len() + added) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    // As the portal asks the room before anybody prepares for it.
    let added = seat.checked_sub(SEATS.len()).map(|n| world.added.lock().unwrap()[n].clone());
    if world.rooms.knock(ROOM, seat_of(seat, added.as_ref())).await.is_err() {
        let refusal = json!({ "code": "locked", "message": "", "retry_after_s": 10 });
        return (StatusCode::FORBIDDEN, Json(refusal)).into_response();
    }
    let mut token = String::new();
    if wish.confidentiality_accepted {
        token = format!("token-{}", world.issued.fetch_add(1, Ordering::Relaxed));
        world.tokens.lock().unwrap().insert(token.clone(), seat);
    }
    let (_, _, role, side) = SEATS[seat.min(SEATS.len() - 1)];
    Json(json!({
        "token": token,
        "ws": "/ws/room",
        "title": "Tentativo di conciliazione Verdi – TeleItalia",
        "case_number": "2026/000123",
        "role": role,
        "side": side,
        "help_phone": "800 123 456",
        "panel": format!("/incontri/{}/verbale", ROOM.0),
        "back": format!("/incontri/{}", ROOM.0),
        "standing": false,
        "files_until": "",
        "sides": {
            "neutral": { "name": "Conciliatore", "the": "il conciliatore" },
            "activating": { "name": "Parte attivante", "the": "la parte attivante" },
            "convened": { "name": "Operatore convenuto", "the": "l’operatore" },
            "aid": { "name": "Ausilio tecnico", "the": "l’ausilio tecnico" },
        },
    }))
    .into_response()
}

async fn panel() -> impl IntoResponse {
    let page = "<!doctype html><html lang=\"it\"><title>Verbale</title><h1>Verbale e firme</h1>\
                <p>Qui la pagina del portale.</p></html>";
    ([(header::CONTENT_SECURITY_POLICY, CSP)], Html(page))
}

async fn news(State(world): State<Arc<World>>) {
    world.rooms.changed(ROOM, Topic::Minutes).await;
}

async fn set_network(State(world): State<Arc<World>>, Path(state): Path<String>) -> StatusCode {
    match state.as_str() {
        "giu" => world.link.cut(),
        "su" => world.link.mend(),
        _ => return StatusCode::NOT_FOUND,
    }
    StatusCode::NO_CONTENT
}

/// What everybody's line to the media edge is like.
#[derive(Deserialize)]
struct Lines {
    up: Conditions,
    down: Conditions,
}

async fn shape(State(world): State<Arc<World>>, Json(lines): Json<Lines>) -> StatusCode {
    world.link.shape(lines.up, lines.down);
    StatusCode::NO_CONTENT
}

/// A file of the repository, read at each request: the test sees the last build.
async fn file(path: &str) -> Response {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let kind = match path.extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "application/octet-stream",
    };
    match tokio::fs::read(&path).await {
        Ok(bytes) => {
            let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, CSP)];
            (headers, bytes).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
