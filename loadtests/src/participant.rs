//! A person at a meeting: a seat in the room, and media that follow it.

use crate::isolation::Isolation;
use crate::media::{Ears, MediaError, Peer, Place};
use crate::room::{Known, RequestError, Room, Tickets};
use crate::stamp::Canary;
use signaling::protocol::{
    ClientMessage, Epoch, ErrorCode, ParticipantId, RoomId, ServerMessage, Session,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use uuid::Uuid;

/// Between two tries of what did not work.
const PAUSE: Duration = Duration::from_millis(200);
/// What a room carried out shows in the view at once; after this it is asked for again.
const SHOWS_WITHIN: Duration = Duration::from_secs(5);

/// Why a participant's step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// It did not happen in time.
    #[error("{who}: {what} did not happen within {within_s} s; knows {known}")]
    Late {
        /// The participant's part in the story.
        who: String,
        /// What was waited for.
        what: String,
        /// How long.
        within_s: u64,
        /// A short account of what the participant knew.
        known: String,
    },
    /// The room refused.
    #[error("{who}: {what}: {error}")]
    Request {
        /// The participant's part in the story.
        who: String,
        /// What was asked.
        what: String,
        /// The refusal.
        error: RequestError,
    },
}

/// What a participant needs to come in.
pub struct Entrance {
    /// Its part in the story.
    pub name: String,
    /// The meeting's room.
    pub room: RoomId,
    /// Where its media come from.
    pub from: IpAddr,
    /// The run's canary.
    pub canary: Canary,
    /// The meeting's check.
    pub isolation: Arc<Isolation>,
    /// How it gets in.
    pub tickets: Tickets,
    /// How long it waits for anything.
    pub patience: Duration,
}

/// Somebody at a meeting. Leaves when dropped.
pub struct Participant {
    /// Its part in the story.
    pub name: String,
    /// Its seat.
    pub room: Arc<Room>,
    /// What it hears.
    pub ears: Arc<Ears>,
    /// Where it is: what its stamps say.
    pub place: watch::Receiver<Place>,
    known: watch::Receiver<Known>,
    patience: Duration,
    media: Option<JoinHandle<()>>,
}

impl Participant {
    /// Joins the room, and sends and hears media from then on.
    ///
    /// # Errors
    /// [`StepError::Late`] when the room does not say welcome.
    pub async fn enter(entrance: Entrance) -> Result<Self, StepError> {
        let from = entrance.from;
        let mut participant = Self::attend(entrance).await?;
        let (room, place) = (Arc::clone(&participant.room), participant.place.clone());
        let keeper = keep_media(from, room, place, Arc::clone(&participant.ears));
        participant.media = Some(tokio::spawn(keeper));
        Ok(participant)
    }

    /// Joins the room and leaves media to somebody else.
    ///
    /// # Errors
    /// [`StepError::Late`] when the room does not say welcome.
    pub async fn attend(entrance: Entrance) -> Result<Self, StepError> {
        let Entrance { name, room, from: _, canary, isolation, tickets, patience } = entrance;
        let by = ParticipantId(Uuid::nil());
        let place =
            Place { room, by, session: Session::Lobby, epoch: Epoch::default(), on: true, canary };
        let (place, placed) = watch::channel(place);
        let room = Arc::new(Room::enter(tickets, place, Arc::clone(&isolation)));
        let mut known = room.known();
        let inside = |known: &Known| known.me.is_some() && known.view.is_some();
        let me = within(&mut known, patience, |k| inside(k) || k.ended.is_some())
            .await
            .and_then(|known| known.me);
        let Some(me) = me else {
            return Err(late(&name, "the welcome", patience, &known.borrow()));
        };
        let ears = Arc::new(Ears::new(me, canary, isolation));
        Ok(Self { name, room, ears, place: placed, known, patience, media: None })
    }

    /// What the room told so far.
    pub fn known(&self) -> Known {
        self.known.borrow().clone()
    }

    /// The own seat.
    pub fn me(&self) -> ParticipantId {
        self.known.borrow().me.expect("set before a participant exists")
    }

    /// Waits until what is known is so; what is known then.
    ///
    /// # Errors
    /// [`StepError::Late`].
    pub async fn until(&self, what: &str, so: impl Fn(&Known) -> bool) -> Result<Known, StepError> {
        let mut known = self.known.clone();
        let then = within(&mut known, self.patience, so).await;
        then.ok_or_else(|| late(&self.name, what, self.patience, &known.borrow()))
    }

    /// Asks until it shows: over lost sockets, restarts of the hub and epochs that rose meanwhile.
    ///
    /// # Errors
    /// [`StepError`] when the room refuses for good, or it never shows.
    pub async fn bring_about(
        &self,
        what: &str,
        ask: impl Fn(&Known) -> ClientMessage,
        so: impl Fn(&Known) -> bool,
    ) -> Result<Known, StepError> {
        let end = Instant::now() + self.patience;
        let mut known = self.known.clone();
        loop {
            if let Some(then) = Some(known.borrow().clone()).filter(&so) {
                return Ok(then);
            }
            let request = ask(&known.borrow().clone());
            match timeout_at(end, self.room.request(request)).await {
                Err(_) => return Err(late(&self.name, what, self.patience, &known.borrow())),
                Ok(Ok(_)) => {
                    if let Some(then) = within(&mut known, SHOWS_WITHIN, &so).await {
                        return Ok(then);
                    }
                }
                // Asked at the wrong moment: look again, the view of now is there or coming.
                Ok(Err(
                    RequestError::Lost
                    | RequestError::Refused(
                        ErrorCode::StaleEpoch
                        | ErrorCode::WrongState
                        | ErrorCode::NoSuchTarget
                        | ErrorCode::TooFast
                        | ErrorCode::Internal,
                    ),
                )) => sleep(PAUSE).await,
                Ok(Err(error)) => {
                    let (who, what) = (self.name.clone(), what.to_owned());
                    return Err(StepError::Request { who, what, error });
                }
            }
        }
    }

    /// Waits until something is heard; when it was first heard.
    ///
    /// # Errors
    /// [`StepError::Late`].
    pub async fn hears<T>(
        &self,
        what: &str,
        heard: impl Fn(&Ears) -> Option<T>,
    ) -> Result<T, StepError> {
        let mut news = self.ears.news();
        let end = Instant::now() + self.patience;
        loop {
            news.borrow_and_update();
            if let Some(at) = heard(&self.ears) {
                return Ok(at);
            }
            if timeout_at(end, news.changed()).await.is_err() {
                return Err(late(&self.name, what, self.patience, &self.known.borrow()));
            }
        }
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        if let Some(media) = &self.media {
            media.abort();
        }
    }
}

async fn within(
    known: &mut watch::Receiver<Known>,
    patience: Duration,
    so: impl Fn(&Known) -> bool,
) -> Option<Known> {
    let then = timeout(patience, known.wait_for(so)).await.ok()?.ok()?;
    Some(then.clone())
}

fn late(who: &str, what: &str, patience: Duration, known: &Known) -> StepError {
    let people: Vec<String> = known
        .view
        .iter()
        .flat_map(|view| &view.people)
        .map(|p| format!("{} {}{}", p.label, p.session, if p.connected { "" } else { " away" }))
        .collect();
    StepError::Late {
        who: who.to_owned(),
        what: what.to_owned(),
        within_s: patience.as_secs(),
        known: format!(
            "session {:?}, epoch {}, connected {}, ended {:?}, people [{}]",
            known.session.map(|s| s.to_string()),
            known.epoch.0,
            known.connected,
            known.ended,
            people.join(", ")
        ),
    }
}

/// Makes media for every socket that came in by token, and a new path for every one that resumed
/// without one.
async fn keep_media(from: IpAddr, room: Arc<Room>, place: watch::Receiver<Place>, ears: Arc<Ears>) {
    let mut known = room.known();
    let mut peer: Option<Peer> = None;
    let mut served = (0, 0);
    loop {
        let next = known.wait_for(|known| {
            known.connected && (known.fresh, known.welcomes) != served && known.ended.is_none()
        });
        let Ok((fresh, welcomes, slots)) =
            next.await.map(|known| (known.fresh, known.welcomes, known.slot_count))
        else {
            return;
        };
        let Some(slots) = slots else { continue };
        let done = if fresh != served.0 || peer.is_none() {
            if let Some(old) = peer.take() {
                old.close().await;
            }
            ears.reconnected();
            match Peer::new(from, slots, place.clone(), Arc::clone(&ears)).await {
                Ok(new) => offer(&room, peer.insert(new)).await,
                Err(error) => Err(MediaTrouble::Media(error)),
            }
        } else {
            match peer.as_ref().filter(|peer| !peer.connected()) {
                Some(peer) => match peer.restart().await {
                    Ok(()) => offer(&room, peer).await,
                    Err(error) => Err(MediaTrouble::Media(error)),
                },
                None => Ok(()),
            }
        };
        match done {
            Ok(()) => served = (fresh, welcomes),
            Err(MediaTrouble::Request(RequestError::Lost)) => {
                // The socket that comes next is offered a connection of its own.
                peer = None;
            }
            Err(trouble) => {
                tracing::warn!(%trouble, "media");
                peer = None;
                sleep(PAUSE).await;
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum MediaTrouble {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Request(#[from] RequestError),
}

async fn offer(room: &Room, peer: &Peer) -> Result<(), MediaTrouble> {
    let sdp = peer.offer().await?;
    if let ServerMessage::Answer { sdp, .. } = room.request(ClientMessage::Offer { sdp }).await? {
        peer.answer(sdp).await?;
    }
    room.request(ClientMessage::Devices { mic: true, cam: true, screen: false }).await?;
    Ok(())
}
