//! One participant's socket: hello, then messages both ways until one side ends it.

use super::room_task::{Letter, Mailbox, Outgoing};
use super::{Rooms, RoomsConfig};
use crate::protocol::{
    ClientEnvelope, ClientMessage, ErrorCode, LeaveAction, LeaveReason, ParticipantId, Retry,
    RoomId, ServerEnvelope, ServerMessage,
};
use crate::room::{ConnectionId, Input, Refused};
use axum::extract::ws::{Message, WebSocket};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

/// For the last words to a socket that may not read.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);
/// A room may close between finding it and entering it; then it is opened anew.
const ATTEMPTS: usize = 3;

pub(super) async fn serve(rooms: &Rooms, mut socket: WebSocket) {
    let config = &rooms.0.config;
    let hello = match timeout(config.hello_within, hello(&mut socket)).await {
        Ok(Some(hello)) => hello,
        Ok(None) => return,
        Err(_) => Err((0, Refused::new(ErrorCode::BadHello, "no hello in time"))),
    };
    let (re, hello) = match hello {
        Ok(hello) => hello,
        Err((re, refused)) => return refuse(socket, re, refused).await,
    };
    let connection = rooms.next_connection();
    let (queue, queued) = mpsc::channel(config.queue);
    let stalled = Arc::new(Notify::new());
    let outgoing = Outgoing { queue, stalled: stalled.clone() };
    let mailbox = match enter(rooms, hello, connection, outgoing, re).await {
        Ok(mailbox) => mailbox,
        Err(refused) => return refuse(socket, re, refused).await,
    };
    let (sink, stream) = socket.split();
    let writing = tokio::spawn(write(sink, queued, stalled.clone(), config.clone()));
    read(stream, connection, &mailbox, &stalled, config.silence, &writing).await;
    // The room may be closed already: then it has forgotten the socket by itself.
    let _ = mailbox.send(Box::new(Letter::Input(Input::Lost { connection }))).await;
    let _ = writing.await;
}

enum Hello {
    Token(String),
    Resume { room: RoomId, participant: ParticipantId, secret: String, last_seq: u64 },
}

/// The first message. `None` if the socket closed before.
async fn hello(socket: &mut WebSocket) -> Option<Result<(u64, Hello), (u64, Refused)>> {
    loop {
        match socket.recv().await? {
            Ok(Message::Text(text)) => return Some(parse_hello(&text)),
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(Message::Binary(_)) => {
                return Some(Err((0, Refused::new(ErrorCode::BadHello, "hello is a text"))));
            }
            Ok(Message::Close(_)) | Err(_) => return None,
        }
    }
}

fn parse_hello(text: &str) -> Result<(u64, Hello), (u64, Refused)> {
    let bad = |why: &str| Refused::new(ErrorCode::BadHello, why);
    let envelope: ClientEnvelope = serde_json::from_str(text)
        .map_err(|_| (number_of(text), bad("the first message must be hello")))?;
    let re = envelope.id;
    match envelope.message {
        ClientMessage::Hello { token: Some(token), resume: None, .. } => {
            Ok((re, Hello::Token(token)))
        }
        ClientMessage::Hello { token: None, resume: Some(resume), last_seq } => {
            let unknown = Refused::new(ErrorCode::BadToken, "no seat waits for this secret");
            parse_resume(&resume, last_seq)
                .map(|hello| (re, hello))
                .ok_or_else(|| (re, unknown.retry(Retry::Rejoin)))
        }
        ClientMessage::Hello { .. } => {
            Err((re, bad("hello needs either a token or a resume secret")))
        }
        _ => Err((re, bad("the first message must be hello"))),
    }
}

/// `room.participant.secret`, as `welcome` gave it.
fn parse_resume(text: &str, last_seq: u64) -> Option<Hello> {
    let (room, rest) = text.split_once('.')?;
    let (participant, secret) = rest.split_once('.')?;
    Some(Hello::Resume {
        room: RoomId(room.parse().ok()?),
        participant: ParticipantId(participant.parse().ok()?),
        secret: secret.to_owned(),
        last_seq,
    })
}

/// The number of a message that could not be understood otherwise.
fn number_of(text: &str) -> u64 {
    #[derive(Deserialize)]
    struct Numbered {
        id: u64,
    }
    serde_json::from_str::<Numbered>(text).map_or(0, |numbered| numbered.id)
}

/// Brings the socket to its room.
async fn enter(
    rooms: &Rooms,
    hello: Hello,
    connection: ConnectionId,
    outgoing: Outgoing,
    re: u64,
) -> Result<Mailbox, Refused> {
    match hello {
        Hello::Token(token) => {
            let admission = rooms.0.ports.door.admit(&token).await?;
            let seat = admission.seat;
            let mut letter = Box::new(Letter::Join { seat, connection, outgoing, re });
            for _ in 0..ATTEMPTS {
                let mailbox = rooms.mailbox(&admission.room).await?;
                match mailbox.send(letter).await {
                    Ok(()) => return Ok(mailbox),
                    Err(mpsc::error::SendError(returned)) => letter = returned,
                }
            }
            Err(Refused::new(ErrorCode::Internal, "the room does not open").retry(Retry::Rejoin))
        }
        Hello::Resume { room, participant, secret, last_seq } => {
            let gone = || {
                let refused = Refused::new(ErrorCode::BadToken, "the room is not served here");
                refused.retry(Retry::Rejoin)
            };
            let mailbox = rooms.served(room).ok_or_else(gone)?.mailbox;
            let letter = Letter::Resume { participant, secret, last_seq, connection, outgoing, re };
            mailbox.send(Box::new(letter)).await.map_err(|_| gone())?;
            Ok(mailbox)
        }
    }
}

async fn refuse(mut socket: WebSocket, re: u64, refused: Refused) {
    let envelope = ServerEnvelope { seq: 0, message: refused.into_message(re) };
    let farewell = async {
        let _ = socket.send(text(&envelope)).await;
        let _ = socket.send(Message::Close(None)).await;
    };
    // A peer that does not listen loses nothing.
    let _ = timeout(FAREWELL_WITHIN, farewell).await;
}

/// Reads until the peer or the room ends it, or nothing came for too long.
async fn read(
    mut stream: SplitStream<WebSocket>,
    connection: ConnectionId,
    mailbox: &Mailbox,
    stalled: &Notify,
    silence: Duration,
    writing: &tokio::task::JoinHandle<()>,
) {
    loop {
        let next = match timeout(silence, stream.next()).await {
            Ok(next) => next,
            Err(_) => {
                stalled.notify_one();
                return;
            }
        };
        let input = match next {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(envelope) => Input::Message { connection, envelope },
                Err(_) => Input::Garbled { connection, re: number_of(&text) },
            },
            Some(Ok(Message::Binary(_))) => Input::Garbled { connection, re: 0 },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
        };
        let letter = Box::new(Letter::Input(input));
        if writing.is_finished() || mailbox.send(letter).await.is_err() {
            return;
        }
    }
}

/// Writes what the room says until it says no more.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queued: mpsc::Receiver<Box<ServerEnvelope>>,
    stalled: Arc<Notify>,
    config: RoomsConfig,
) {
    let mut pings = tokio::time::interval(config.ping_every);
    pings.reset();
    let reads = loop {
        let ready = tokio::select! {
            biased;
            () = stalled.notified() => break false,
            envelope = queued.recv() => match envelope {
                Some(envelope) => text(&envelope),
                None => break true,
            },
            _ = pings.tick() => Message::Ping(Default::default()),
        };
        let written = async {
            sink.feed(ready).await?;
            while let Ok(envelope) = queued.try_recv() {
                sink.feed(text(&envelope)).await?;
            }
            sink.flush().await
        };
        tokio::select! {
            biased;
            () = stalled.notified() => break false,
            written = timeout(config.write_within, written) => match written {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => break false,
            },
        }
    };
    let farewell = async {
        if !reads {
            let (reason, action) = (LeaveReason::Stalled, LeaveAction::Resume);
            let message = ServerMessage::Leave { reason, action };
            let _ = sink.send(text(&ServerEnvelope { seq: 0, message })).await;
        }
        let _ = sink.close().await;
    };
    let _ = timeout(FAREWELL_WITHIN, farewell).await;
}

fn text(envelope: &ServerEnvelope) -> Message {
    let json = serde_json::to_string(envelope).expect("wire types always have a JSON form");
    Message::Text(json.into())
}
