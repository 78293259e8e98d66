//! One participant's socket to a room, as `docs/PROTOCOL.md` wants it: numbers requests,
//! acknowledges what was processed, and comes back by itself after a loss or a restart of the hub.

mod connection;
mod known;

pub use known::{Known, Line, Return};

use crate::isolation::Isolation;
use crate::media::Place;
use connection::Connection;
use futures::future::BoxFuture;
use signaling::protocol::{ClientMessage, ErrorCode, ServerMessage};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Where to go with a join token.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Address of the socket, `ws://…`.
    pub address: String,
    /// Good once, for a short time.
    pub token: String,
}

/// Why there is no ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTicket {
    /// Ask again after this time: too early, or the hub does not answer.
    Later(Duration),
    /// The meeting ended while this participant was away.
    Over,
    /// The hub says no.
    Refused(String),
}

/// Asks for a ticket, as a page that was just opened does.
pub type Tickets = Box<dyn Fn() -> BoxFuture<'static, Result<Ticket, NoTicket>> + Send + Sync>;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The room refused.
    #[error("the room refused: {0:?}")]
    Refused(ErrorCode),
    /// The socket broke: nobody knows whether it was carried out.
    #[error("the socket was lost")]
    Lost,
    /// The room is over for this participant.
    #[error("the room is over")]
    Over,
}

/// What the room's task is asked.
enum Ask {
    Request {
        message: ClientMessage,
        reply: oneshot::Sender<Result<ServerMessage, RequestError>>,
    },
    /// Tear the socket without a word.
    Cut,
    /// Forget the socket and its secret: the page is loaded again.
    Reload,
}

/// A seat in a room. Its task ends with the last handle.
pub struct Room {
    asks: mpsc::Sender<Ask>,
    known: watch::Receiver<Known>,
    task: JoinHandle<()>,
}

impl Room {
    /// Joins, and stays until the room ends. What is sent by media follows `place`; every move is
    /// told to `isolation`.
    pub fn enter(tickets: Tickets, place: watch::Sender<Place>, isolation: Arc<Isolation>) -> Self {
        let (asks, inbox) = mpsc::channel(16);
        let (told, known) = watch::channel(Known::default());
        let connection = Connection::new(tickets, place, isolation, told, inbox);
        let task = tokio::spawn(connection.run());
        Self { asks, known, task }
    }

    /// What the room has told so far.
    pub fn known(&self) -> watch::Receiver<Known> {
        self.known.clone()
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`RequestError`], as the room answers.
    pub async fn request(&self, message: ClientMessage) -> Result<ServerMessage, RequestError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.asks.send(Ask::Request { message, reply }).await;
        sent.map_err(|_| RequestError::Over)?;
        answer.await.unwrap_or(Err(RequestError::Lost))
    }

    /// The network tears the socket; the participant resumes by itself.
    pub async fn cut(&self) {
        // A room that is over has no socket.
        let _ = self.asks.send(Ask::Cut).await;
    }

    /// The page is loaded again: a new ticket, a new socket, new media.
    pub async fn reload(&self) {
        let _ = self.asks.send(Ask::Reload).await;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.task.abort();
    }
}
