//! The task behind a [`super::Room`].

use super::{Ask, Known, NoTicket, RequestError, Return, Ticket, Tickets};
use crate::clock::now_ms;
use crate::isolation::Isolation;
use crate::media::{Place, SlotCount};
use futures::{SinkExt as _, StreamExt as _};
use signaling::protocol::{
    ClientEnvelope, ClientMessage, ErrorCode, LeaveAction, LeaveReason, Retry, SUBPROTOCOL,
    ServerEnvelope, ServerMessage,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const ACK_DELAY: Duration = Duration::from_millis(200);
/// As often as the browser: an unanswered one means that the path is dead.
const HEARTBEAT: Duration = Duration::from_secs(10);
const OPENING_TAKES_AT_MOST: Duration = Duration::from_secs(20);
const BACKOFF: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(600),
    Duration::from_millis(1_200),
];
/// The default of 128 KiB a socket would be most of a participant's memory.
const READ_BUFFER: usize = 4 * 1024;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Reply = oneshot::Sender<Result<ServerMessage, RequestError>>;

pub(super) struct Connection {
    tickets: Tickets,
    place: watch::Sender<Place>,
    isolation: Arc<Isolation>,
    known: watch::Sender<Known>,
    inbox: mpsc::Receiver<Ask>,
    address: String,
    resume: Option<String>,
    last_seq: u64,
    next_id: u64,
    lost_at: Option<Instant>,
}

/// What follows a socket's end.
enum After {
    Resume,
    Rejoin,
    Stop(Result<LeaveReason, String>),
}

impl Connection {
    pub(super) fn new(
        tickets: Tickets,
        place: watch::Sender<Place>,
        isolation: Arc<Isolation>,
        known: watch::Sender<Known>,
        inbox: mpsc::Receiver<Ask>,
    ) -> Self {
        Self {
            tickets,
            place,
            isolation,
            known,
            inbox,
            address: String::new(),
            resume: None,
            last_seq: 0,
            next_id: 1,
            lost_at: None,
        }
    }

    pub(super) async fn run(mut self) {
        let mut attempts = 0;
        let end = loop {
            let welcomes = self.known.borrow().welcomes;
            let after = match self.open().await {
                Ok(socket) => self.serve(socket).await,
                Err(after) => after,
            };
            self.known.send_modify(|known| known.connected = false);
            match after {
                After::Stop(end) => break end,
                After::Rejoin => self.resume = None,
                After::Resume => {}
            }
            attempts = if self.known.borrow().welcomes > welcomes { 0 } else { attempts + 1 };
            self.lost_at.get_or_insert_with(Instant::now);
            sleep(BACKOFF[attempts.min(BACKOFF.len() - 1)]).await;
        };
        self.known.send_modify(|known| known.ended = Some(end));
        self.place.send_modify(|place| place.on = false);
    }

    /// Opens a socket and says hello.
    async fn open(&mut self) -> Result<Socket, After> {
        let hello = match self.resume.clone() {
            Some(resume) => {
                ClientMessage::Hello { token: None, resume: Some(resume), last_seq: self.last_seq }
            }
            None => {
                let Ticket { address, token } = self.ticket().await?;
                self.address = address;
                ClientMessage::Hello { token: Some(token), resume: None, last_seq: 0 }
            }
        };
        let opening = async {
            let mut socket = open(&self.address).await?;
            let json = envelope(self.next_id, hello);
            socket.send(json).await?;
            Ok::<_, tungstenite::Error>(socket)
        };
        match timeout(OPENING_TAKES_AT_MOST, opening).await {
            Ok(Ok(socket)) => {
                self.next_id += 1;
                Ok(socket)
            }
            // A token that may have been used is not tried again; a secret is.
            Ok(Err(_)) | Err(_) => Err(After::Resume),
        }
    }

    async fn ticket(&self) -> Result<Ticket, After> {
        loop {
            match (self.tickets)().await {
                Ok(ticket) => return Ok(ticket),
                Err(NoTicket::Later(wait)) => sleep(wait).await,
                Err(NoTicket::Over) => return Err(After::Stop(Ok(LeaveReason::Ended))),
                Err(NoTicket::Refused(why)) => return Err(After::Stop(Err(why))),
            }
        }
    }

    /// One socket, from hello to its end.
    async fn serve(&mut self, mut socket: Socket) -> After {
        let hello = self.next_id - 1;
        let mut pending: HashMap<u64, Option<Reply>> = HashMap::new();
        let mut ack_at: Option<Instant> = None;
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.reset();
        let mut unanswered = false;
        let after = loop {
            let welcomed = self.known.borrow().connected;
            let ack = async {
                match ack_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                next = socket.next() => {
                    let text = match next {
                        Some(Ok(Message::Text(text))) => text,
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break After::Resume,
                        Some(Ok(_)) => continue,
                    };
                    let Ok(envelope) = serde_json::from_str::<ServerEnvelope>(&text) else {
                        break After::Stop(Err(format!("the room said what is not in the protocol: {text}")));
                    };
                    unanswered = false;
                    if envelope.seq > 0 {
                        ack_at.get_or_insert(Instant::now() + ACK_DELAY);
                    }
                    if let Some(after) = self.take(envelope, hello, &mut pending) {
                        break after;
                    }
                }
                // Before the welcome only hello may be sent: what is asked waits.
                ask = self.inbox.recv(), if welcomed => match ask {
                    Some(Ask::Request { message, reply }) => {
                        let id = self.number();
                        pending.insert(id, Some(reply));
                        if socket.send(envelope(id, message)).await.is_err() {
                            break After::Resume;
                        }
                    }
                    Some(Ask::Cut) => break After::Resume,
                    Some(Ask::Reload) => break After::Rejoin,
                    None => break After::Stop(Ok(LeaveReason::Bye)),
                },
                () = ack, if welcomed => {
                    ack_at = None;
                    if socket.send(envelope(0, ClientMessage::Ack { seq: self.last_seq })).await.is_err() {
                        break After::Resume;
                    }
                }
                _ = heartbeat.tick() => {
                    if std::mem::replace(&mut unanswered, true) {
                        break After::Resume;
                    }
                    let id = self.number();
                    pending.insert(id, None);
                    if socket.send(envelope(id, ClientMessage::Ack { seq: self.last_seq })).await.is_err() {
                        break After::Resume;
                    }
                }
            }
        };
        for reply in pending.into_values().flatten() {
            // Whoever asked may have gone.
            let _ = reply.send(Err(RequestError::Lost));
        }
        self.lost_at = Some(Instant::now());
        after
    }

    /// One message of the room. What follows, if it was the last one.
    fn take(
        &mut self,
        ServerEnvelope { seq, message }: ServerEnvelope,
        hello: u64,
        pending: &mut HashMap<u64, Option<Reply>>,
    ) -> Option<After> {
        if seq > 0 {
            if self.last_seq > 0 && seq != self.last_seq + 1 {
                self.known.send_modify(|known| known.out_of_order += 1);
                if seq <= self.last_seq {
                    return None;
                }
            }
            self.last_seq = seq;
        }
        let mut settle = |re: u64, answer: Result<ServerMessage, RequestError>| {
            if let Some(Some(reply)) = pending.remove(&re) {
                // Whoever asked may have gone.
                let _ = reply.send(answer);
            }
        };
        match message {
            ServerMessage::Welcome { .. } => self.welcomed(message),
            ServerMessage::Ok { re }
            | ServerMessage::Answer { re, .. }
            | ServerMessage::IceServers { re, .. }
            | ServerMessage::Invited { re, .. } => settle(re, Ok(message)),
            ServerMessage::Error { re, code, message, retry }
                if re == hello || code == ErrorCode::BadHello =>
            {
                return Some(match retry {
                    Retry::Rejoin | Retry::Now => After::Rejoin,
                    Retry::AfterMs(_) => After::Rejoin,
                    // A secret that is refused is replaced by a token; a token's refusal is final.
                    Retry::No if self.resume.is_some() => After::Rejoin,
                    // It ended while this participant was away.
                    Retry::No if code == ErrorCode::Ended => After::Stop(Ok(LeaveReason::Ended)),
                    Retry::No => After::Stop(Err(format!("{code:?}: {message}"))),
                });
            }
            ServerMessage::Error { re, code, .. } => settle(re, Err(RequestError::Refused(code))),
            ServerMessage::Leave { reason, action } => {
                return Some(match action {
                    LeaveAction::Stop => After::Stop(Ok(reason)),
                    LeaveAction::Resume => After::Resume,
                    LeaveAction::Rejoin => After::Rejoin,
                });
            }
            message => self.learn(message),
        }
        None
    }

    fn welcomed(&mut self, welcome: ServerMessage) {
        let ServerMessage::Welcome { me, resume, resumed, audio_slots, video_slots, .. } = welcome
        else {
            return;
        };
        let fresh = self.resume.is_none();
        self.resume = Some(resume);
        if !resumed {
            self.last_seq = 0;
        }
        self.place.send_modify(|place| place.by = me);
        let took = self.lost_at.take().map(|at| at.elapsed());
        self.known.send_modify(|known| {
            known.me = Some(me);
            known.connected = true;
            known.welcomes += 1;
            known.fresh += u32::from(fresh);
            known.slot_count = Some(SlotCount { audio: audio_slots, video: video_slots });
            known.returns.extend(took.map(|took| Return { resumed, took }));
        });
    }

    fn learn(&mut self, message: ServerMessage) {
        let me = self.place.borrow().by;
        let told = match &message {
            ServerMessage::Moved { epoch, session, at_ms, .. } => Some((*epoch, *session, *at_ms)),
            ServerMessage::View(view) => Some((view.epoch, view.session, now_ms())),
            _ => None,
        };
        if let Some((epoch, session, at_ms)) = told {
            self.isolation.moved(me, epoch, session, at_ms);
            self.place.send_modify(|place| (place.epoch, place.session) = (epoch, session));
        }
        self.known.send_modify(|known| known.learn(message));
    }

    fn number(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

async fn open(address: &str) -> Result<Socket, tungstenite::Error> {
    let mut request = address.into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
    let origin = address.replacen("ws", "http", 1);
    let origin = origin.split('/').take(3).collect::<Vec<_>>().join("/");
    headers.insert("origin", HeaderValue::try_from(origin)?);
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let (socket, _) =
        tokio_tungstenite::connect_async_with_config(request, Some(config), true).await?;
    Ok(socket)
}

fn envelope(id: u64, message: ClientMessage) -> Message {
    let json = serde_json::to_string(&ClientEnvelope { id, message });
    Message::Text(json.expect("a message of the protocol is JSON").into())
}
