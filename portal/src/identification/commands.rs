//! What people do: row, journal and messages in one transaction.

use chrono::{DateTime, Utc};
use signing::process::{Identification, Method};
use uuid::Uuid;

use super::access::{self, Action, Relation};
use super::document::IdentityDocument;
use super::rules::{Act, Cause, Contact, Event, Refusal, Statement, Video, WRONG_CODES};
use super::store::{self, VideoRecord};
use super::{State, Terms, VideoError, VideoId, consent, notices, operators};
use crate::accounts::{Actor, UserId};
use crate::portal::Portal;
use crate::random::{self, Token};
use crate::signatures::identity;

/// Longest note of an operator or a person.
pub const NOTE: usize = 300;

/// Asks to be identified. `consent`: the digest that the form's ticked box carried.
pub async fn request(
    portal: &Portal,
    actor: &Actor,
    ticked: &str,
    preference: &str,
    meeting: Option<Uuid>,
) -> Result<VideoId, VideoError> {
    if !consent::given(ticked) {
        return Err(Refusal::NoConsent.into());
    }
    let (now, body) = (portal.now(), actor.body);
    if identity::of(&portal.db, body.0, actor.user, now).await?.is_some() {
        return Err(Refusal::IdentifiedAlready.into());
    }
    let given = (consent::VERSION.to_owned(), consent::digest());
    let preference = preference.trim().chars().take(NOTE).collect();
    let (video, event) = Video::request(actor.user, given, preference, now);
    let id = VideoId(portal.new_id());
    let record = VideoRecord { id, body, meeting, version: 1, video };
    let mut tx = portal.db.begin().await?;
    if !store::insert(&mut tx, &record, &event).await? {
        return Err(Refusal::OpenAlready.into());
    }
    notices::tell(&mut tx, portal, &record, &event).await?;
    tx.commit().await?;
    Ok(id)
}

/// An identification, and what `actor` is to it. Strangers are told that there is none.
pub async fn seen(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
) -> Result<(VideoRecord, Relation), VideoError> {
    let record = store::read(&portal.db, actor.body, id).await?.ok_or(VideoError::NotFound)?;
    let authorised = operators::is_authorised(&portal.db, actor.body, actor.user).await?;
    match access::relation(actor, authorised, &record.video) {
        Relation::Stranger => Err(VideoError::NotFound),
        relation => Ok((record, relation)),
    }
}

async fn allowed(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
    action: Action,
) -> Result<VideoRecord, VideoError> {
    let (record, relation) = seen(portal, actor, id).await?;
    if access::may(relation, action) { Ok(record) } else { Err(VideoError::NotAllowed) }
}

/// Does one act, tells people, and commits.
async fn act(portal: &Portal, mut record: VideoRecord, act: Act) -> Result<Event, VideoError> {
    let now = portal.now();
    let event = record.video.handle(act, now)?;
    let mut tx = portal.db.begin().await?;
    store::update(&mut tx, &record, &event, now).await?;
    notices::tell(&mut tx, portal, &record, &event).await?;
    tx.commit().await?;
    Ok(event)
}

/// Fixes when the person is expected.
pub async fn appoint(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
    at: DateTime<Utc>,
) -> Result<(), VideoError> {
    let record = allowed(portal, actor, id, Action::Appoint).await?;
    act(portal, record, Act::Appoint { operator: actor.user, at }).await.map(drop)
}

/// Begins a session: the person is called.
pub async fn take(portal: &Portal, actor: &Actor, id: VideoId) -> Result<(), VideoError> {
    let record = allowed(portal, actor, id, Action::Take).await?;
    let room = portal.new_id();
    act(portal, record, Act::Take { operator: actor.user, room }).await.map(drop)
}

/// Writes down the document that is shown.
pub async fn write_document(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
    document: IdentityDocument,
) -> Result<(), VideoError> {
    let mut record = allowed(portal, actor, id, Action::WriteDocument).await?;
    let salt = Token::new(&*portal.random).reveal().to_owned();
    let digest = document.digest(&salt);
    record.video.details.salt = salt;
    act(portal, record, Act::Document { document, digest }).await.map(drop)
}

/// Sends a code to one of the person's contacts.
pub async fn send_code(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
    contact: Contact,
) -> Result<(), VideoError> {
    let mut record = allowed(portal, actor, id, Action::Codes).await?;
    let now = portal.now();
    let code = random::code(&*portal.random);
    let expires_at = now + portal.settings.code_life;
    let send = Act::Send { contact, code: hashed(id, contact, &code), expires_at };
    let event = record.video.handle(send, now)?;
    let mut tx = portal.db.begin().await?;
    store::update(&mut tx, &record, &event, now).await?;
    notices::send_code(&mut tx, portal, &record, contact, &code).await?;
    Ok(tx.commit().await?)
}

/// What a code that was entered came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// The contact is confirmed.
    Confirmed,
    /// Wrong or late; so many more may be tried.
    Wrong(u8),
}

/// The person enters a code.
pub async fn enter_code(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
    contact: Contact,
    code: &str,
) -> Result<Entered, VideoError> {
    let record = allowed(portal, actor, id, Action::Codes).await?;
    let enter = Act::Enter { contact, code: hashed(id, contact, code) };
    Ok(match act(portal, record, enter).await? {
        Event::CodeWrong { wrong, .. } => Entered::Wrong(WRONG_CODES.saturating_sub(wrong)),
        _ => Entered::Confirmed,
    })
}

fn hashed(id: VideoId, contact: Contact, code: &str) -> String {
    hex::encode(random::hash(&format!("{id}/{}/{code}", contact.key())))
}

/// Interrupts: the person is called again another time.
pub async fn put_back(portal: &Portal, actor: &Actor, id: VideoId) -> Result<(), VideoError> {
    let record = allowed(portal, actor, id, Action::PutBack).await?;
    act(portal, record, Act::PutBack).await.map(drop)
}

/// Identifies the person: from now on they can sign (R-MEET-33).
pub async fn approve(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
    statements: Vec<Statement>,
) -> Result<(), VideoError> {
    let mut record = allowed(portal, actor, id, Action::Decide).await?;
    let (now, terms) = (portal.now(), portal.settings.identification);
    let event = record.video.handle(Act::Approve { statements, terms }, now)?;
    let expires_at = record.video.details.expires_at;
    let identified = Identification { method: Method::Video, at: now, reference: id.to_string() };
    let (row, body, person) = (portal.new_id(), record.body.0, record.video.person);
    let mut tx = portal.db.begin().await?;
    store::update(&mut tx, &record, &event, now).await?;
    identity::keep(&mut tx, row, body, person, &identified, expires_at).await?;
    notices::tell(&mut tx, portal, &record, &event).await?;
    Ok(tx.commit().await?)
}

/// Does not identify the person, and says why.
pub async fn refuse(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
    cause: Cause,
    note: &str,
) -> Result<(), VideoError> {
    let record = allowed(portal, actor, id, Action::Decide).await?;
    let note = note.trim().chars().take(NOTE).collect();
    act(portal, record, Act::Refuse { cause, note }).await.map(drop)
}

/// The person does not want to any more.
pub async fn withdraw(portal: &Portal, actor: &Actor, id: VideoId) -> Result<(), VideoError> {
    let record = allowed(portal, actor, id, Action::Withdraw).await?;
    act(portal, record, Act::Withdraw).await.map(drop)
}

/// Sessions that stand still go back to the queue, forgotten requests lapse, documents are erased
/// at their term.
pub async fn pass_time(portal: &Portal) -> Result<(), VideoError> {
    let now = portal.now();
    for record in store::untouched(&portal.db, now - super::rules::IDLE).await? {
        match act(portal, record, Act::Pass).await {
            // Not yet, or somebody was faster.
            Ok(_) | Err(VideoError::Refused(_) | VideoError::Changed) => {}
            Err(error) => return Err(error),
        }
    }
    let term = now - Terms::days(portal.settings.identification.evidence_days);
    for mut record in store::to_erase(&portal.db, term).await? {
        let details = &mut record.video.details;
        (details.document, details.salt, details.note) = (None, String::new(), String::new());
        let mut tx = portal.db.begin().await?;
        store::update(&mut tx, &record, &Event::Erased, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The open identification of a person, if there is one.
pub async fn open_of(portal: &Portal, actor: &Actor) -> Result<Option<VideoRecord>, VideoError> {
    let newest = store::newest(&portal.db, actor.body, actor.user).await?;
    Ok(newest.filter(|record| record.video.state.open()))
}

/// How many wait before this one; 0 is next.
pub async fn ahead(portal: &Portal, record: &VideoRecord) -> Result<usize, VideoError> {
    let queue = store::queue(&portal.db, record.body).await?;
    let waiting = queue.iter().filter(|one| one.video.state == State::Waiting);
    Ok(waiting.take_while(|one| one.id != record.id).count())
}

/// Whether an account is an operator here at all.
pub async fn is_operator(portal: &Portal, actor: &Actor) -> Result<bool, VideoError> {
    let may = access::can_be_authorised(actor.role);
    Ok(may && operators::is_authorised(&portal.db, actor.body, actor.user).await?)
}

/// Whose name stands there.
pub async fn name_of(
    portal: &Portal,
    record: &VideoRecord,
    user: UserId,
) -> Result<String, VideoError> {
    let person = crate::accounts::store::person(&portal.db, record.body, user).await?;
    Ok(person.map(|p| p.name()).unwrap_or_default())
}
