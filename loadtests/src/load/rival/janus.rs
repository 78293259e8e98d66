//! Participants of Janus' videoroom: one connection that publishes, one that subscribes to everybody
//! else (<https://janus.conf.meetecho.com/docs/videoroom>).

use super::lab::JANUS_ADDRESS;
use crate::crowd::{Crowd, CrowdError, Part, Peer};
use crate::load::forwarding::Shape;
use crate::media::Place;
use crate::stamp::Canary;
use futures::future::try_join_all;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use signaling::protocol::{Epoch, ParticipantId, RoomId, Session};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// Janus ends a session that is silent for a minute.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// Between two that come in.
const STAGGER: Duration = Duration::from_millis(40);
const PLUGIN: &str = "janus.plugin.videoroom";

/// Why a participant is not in.
#[derive(Debug, thiserror::Error)]
pub enum JanusError {
    /// The socket.
    #[error("socket: {0}")]
    Socket(#[from] tungstenite::Error),
    /// Media.
    #[error(transparent)]
    Crowd(#[from] CrowdError),
    /// It said no.
    #[error("refused: {0}")]
    Refused(String),
    /// It said nothing.
    #[error("no answer in time to {0}")]
    Silent(&'static str),
}

/// Somebody in a videoroom. Leaves when dropped.
pub(super) struct Guest {
    _publisher: Peer,
    _subscriber: Peer,
    socket: JoinHandle<()>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.socket.abort();
    }
}

/// Makes the rooms and fills them; who is in leaves when dropped.
pub(super) async fn fill(
    crowd: &Crowd,
    from: IpAddr,
    shape: Shape,
    canary: Canary,
) -> Result<Vec<Guest>, JanusError> {
    let mut control = Talk::open().await?;
    let handle = control.attach().await?;
    let mut coming = vec![];
    for _ in 0..shape.rooms {
        let made = json!({
            "request": "create", "publishers": shape.people, "audiocodec": "opus",
            "videocodec": "vp8", "bitrate": 0, "record": false, "notify_joining": false,
            "permanent": false,
        });
        let made = control.ask(handle, made, None, "create").await?;
        let number = made["plugindata"]["data"]["room"].clone();
        let room = RoomId(Uuid::from_u128(u128::from(number.as_u64().unwrap_or_default())));
        for _ in 0..shape.people {
            let by = ParticipantId(Uuid::from_u128(coming.len() as u128 + 1));
            let place = Place {
                room,
                by,
                session: Session::Plenary,
                epoch: Epoch::default(),
                on: true,
                canary,
            };
            let wait = STAGGER * coming.len() as u32;
            let number = number.clone();
            coming.push(async move {
                sleep(wait).await;
                enter(crowd, from, place, number, shape.people - 1).await
            });
        }
    }
    try_join_all(coming).await
}

async fn enter(
    crowd: &Crowd,
    from: IpAddr,
    place: Place,
    room: Value,
    others: usize,
) -> Result<Guest, JanusError> {
    let (_, place) = watch::channel(place);
    let mut talk = Talk::open().await?;
    let (publishing, subscribing) = (talk.attach().await?, talk.attach().await?);
    let join = json!({ "request": "join", "ptype": "publisher", "room": room });
    talk.ask(publishing, join, None, "join").await?;
    let publisher = crowd.offer(from, Part::Publisher, place.clone()).await?;
    let offer = json!({ "type": "offer", "sdp": publisher.sdp });
    let answer = talk.ask(publishing, json!({ "request": "publish" }), Some(offer), "publish");
    let answer = answer.await?;
    publisher.accept(sdp(&answer)?).await?;
    talk.until("everybody", |talk| talk.feeds.len() >= others).await?;
    let streams: Vec<Value> = talk.feeds.iter().map(|feed| json!({ "feed": feed })).collect();
    let join = json!({
        "request": "join", "ptype": "subscriber", "room": room, "use_msid": false,
        "streams": streams,
    });
    let offered = talk.ask(subscribing, join, None, "subscribe").await?;
    let subscriber = crowd.answer(from, sdp(&offered)?, place).await?;
    let answer = json!({ "type": "answer", "sdp": subscriber.sdp });
    talk.ask(subscribing, json!({ "request": "start" }), Some(answer), "start").await?;
    subscriber.connected().await?;
    let socket = tokio::spawn(talk.keep());
    Ok(Guest { _publisher: publisher, _subscriber: subscriber, socket })
}

fn sdp(message: &Value) -> Result<String, JanusError> {
    let sdp = message["jsep"]["sdp"].as_str().map(str::to_owned);
    sdp.ok_or_else(|| JanusError::Refused(message.to_string()))
}

/// One socket and session.
struct Talk {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: u64,
    asked: u64,
    /// Who publishes besides oneself.
    feeds: BTreeSet<u64>,
}

impl Talk {
    async fn open() -> Result<Self, JanusError> {
        let mut request = format!("ws://{JANUS_ADDRESS}/").into_client_request()?;
        let protocol = HeaderValue::from_static("janus-protocol");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        let mut talk = Self { socket, session: 0, asked: 0, feeds: BTreeSet::new() };
        let made = talk.request(json!({ "janus": "create" }), "create").await?;
        talk.session = made["data"]["id"].as_u64().unwrap_or_default();
        Ok(talk)
    }

    async fn attach(&mut self) -> Result<u64, JanusError> {
        let made = self.request(json!({ "janus": "attach", "plugin": PLUGIN }), "attach").await?;
        Ok(made["data"]["id"].as_u64().unwrap_or_default())
    }

    /// A request to the plugin, with SDP if there is some; its answer.
    async fn ask(
        &mut self,
        handle: u64,
        body: Value,
        jsep: Option<Value>,
        what: &'static str,
    ) -> Result<Value, JanusError> {
        let mut message = json!({ "janus": "message", "handle_id": handle, "body": body });
        if let Some(jsep) = jsep {
            message["jsep"] = jsep;
        }
        let answer = self.request(message, what).await?;
        match answer["plugindata"]["data"].get("error") {
            Some(_) => Err(JanusError::Refused(format!("{what}: {answer}"))),
            None => Ok(answer),
        }
    }

    async fn request(
        &mut self,
        mut message: Value,
        what: &'static str,
    ) -> Result<Value, JanusError> {
        self.asked += 1;
        let transaction = self.asked.to_string();
        message["transaction"] = json!(transaction);
        if self.session != 0 {
            message["session_id"] = json!(self.session);
        }
        self.socket.send(Message::Text(message.to_string().into())).await?;
        let answer = async {
            loop {
                let message = self.next().await?;
                // An ack says that the answer comes later.
                if message["transaction"] == json!(transaction) && message["janus"] != "ack" {
                    return Ok::<_, JanusError>(message);
                }
            }
        };
        let answer =
            timeout(ANSWERS_WITHIN, answer).await.map_err(|_| JanusError::Silent(what))??;
        match answer["janus"].as_str() {
            Some("error") => Err(JanusError::Refused(format!("{what}: {answer}"))),
            _ => Ok(answer),
        }
    }

    async fn until(
        &mut self,
        what: &'static str,
        so: impl Fn(&Self) -> bool,
    ) -> Result<(), JanusError> {
        let waiting = async {
            while !so(self) {
                self.next().await?;
            }
            Ok(())
        };
        timeout(ANSWERS_WITHIN, waiting).await.map_err(|_| JanusError::Silent(what))?
    }

    /// The next message; publishers that it names are kept.
    async fn next(&mut self) -> Result<Value, JanusError> {
        loop {
            let message = match self.socket.next().await {
                Some(message) => message?,
                None => return Err(tungstenite::Error::ConnectionClosed.into()),
            };
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text)
                .map_err(|_| JanusError::Refused(format!("no JSON: {text}")))?;
            let named = message["plugindata"]["data"]["publishers"].as_array();
            let named = named.into_iter().flatten().filter_map(|one| one["id"].as_u64());
            self.feeds.extend(named);
            return Ok(message);
        }
    }

    /// Keeps the session for as long as it is let.
    async fn keep(mut self) {
        let mut beat = tokio::time::interval(KEEPALIVE);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => {
                    let message = json!({
                        "janus": "keepalive", "session_id": self.session, "transaction": "keepalive",
                    });
                    if self.socket.send(Message::Text(message.to_string().into())).await.is_err() {
                        return;
                    }
                }
                said = self.next() => {
                    if said.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
