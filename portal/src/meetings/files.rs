//! Files shared in a room: who asks, what lies on the room's shelf, and the way into the case.
//!
//! A shared file is content and a card beside it, both under its id. The card is written once the
//! room took the file, so content without a card was never shared and is cleared away. No name and
//! no content is in the database or in a log (R-MEET-24); adding to the case is an act of its own
//! (R-MEET-26).

use std::collections::BTreeSet;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{MeetingId, MeetingState, door, standing, store};
use crate::accounts::{Actor, UserId};
use crate::bodies::BodyId;
use crate::cases::Adhesion;
use crate::cases::access::{self, Relation};
use crate::cases::commands::CaseError;
use crate::cases::rules::Participation;
use crate::cases::store::{self as cases, CaseRecord};
use crate::db::DbError;
use crate::documents::filing::{self, Sent, SharedIn};
use crate::documents::rules::Viewer;
use crate::documents::store::{self as documents, Document};
use crate::documents::upload::{FileType, Upload};
use crate::documents::{DocumentId, Kind};
use crate::files::FileError;
use crate::files::shelf::Shelf;
use crate::on_db;
use crate::portal::{Parts, Portal};
use crate::procedures::{SeatKind, Side};

/// Names of cards end so.
const CARD: &str = ".json";

/// What a room keeps of a file beside its content. Rooms give `session`, the portal only keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Of the file.
    pub id: Uuid,
    /// Name with extension.
    pub name: String,
    /// Size.
    pub size_bytes: u64,
    /// Who shared it. Seats are of one room, and a standing room's meetings have their own.
    pub owner: UserId,
    /// Where in the room.
    pub session: String,
    /// What it is.
    pub origin: Origin,
    /// Its owner added it to the case.
    pub filed: bool,
    /// When it was shared.
    pub at: DateTime<Utc>,
}

/// Where a shared file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A participant's computer; the content lies on the shelf.
    Upload,
    /// A document of the case, which stays where it is (R-MEET-20).
    Document(DocumentId),
    /// The draft of the minutes as it was (R-MEET-37); the content lies on the shelf.
    Draft,
}

/// Somebody in a room.
#[derive(Clone, Debug)]
pub struct Occupant {
    /// Which room.
    pub room: MeetingId,
    /// Where its files lie.
    pub shelf: Shelf,
    /// The id of the seat that the room knows.
    pub seat: Uuid,
    /// Who.
    pub user: UserId,
    /// The case of the room.
    pub case: CaseRecord,
    /// What the person is to the case; nothing for somebody who only sits there.
    pub relation: Option<Relation>,
}

/// Who asks, as the room knows it: whoever took a seat there and accepted the notice of
/// confidentiality. Whether the person is inside at this moment, the room says.
pub async fn occupant(
    portal: &Portal,
    body: BodyId,
    actor: &Actor,
    address: Uuid,
) -> Result<Option<Occupant>, DbError> {
    let Some((room, case)) = door::room_at(portal, body, address).await? else { return Ok(None) };
    let Some(shelf) = shelf_of(portal, room).await? else { return Ok(None) };
    let Some(seat) = seat_of(portal, room, actor.user).await? else { return Ok(None) };
    let relation = access::relation(actor, &case);
    Ok(Some(Occupant { room, shelf, seat, user: actor.user, case, relation }))
}

/// The id of the seat that a person took in a room.
pub async fn seat_of(
    portal: &Parts,
    room: MeetingId,
    user: UserId,
) -> Result<Option<Uuid>, DbError> {
    let seat: Option<(Uuid,)> = on_db!(read & portal.db, |c| sqlx::query_as(
        "SELECT id FROM room_seats WHERE room = $1 AND user_id = $2 AND accepted_at IS NOT NULL"
    )
    .bind(room.0)
    .bind(user.0)
    .fetch_optional(c)
    .await)?;
    Ok(seat.map(|(seat,)| seat))
}

/// Puts the content of a file on the shelf. Nobody sees it before its card is there.
pub async fn keep(
    portal: &Parts,
    shelf: Shelf,
    file: Uuid,
    content: Bytes,
) -> Result<(), FileError> {
    portal.files.lay(shelf, &file.to_string(), content).await
}

/// Writes the card of a file that the room took, or writes it anew.
pub async fn keep_card(portal: &Parts, shelf: Shelf, card: &Card) -> Result<(), FileError> {
    let text = serde_json::to_vec(card).expect("a card is plain data");
    portal.files.lay(shelf, &format!("{}{CARD}", card.id), text.into()).await
}

/// The card of a file.
pub async fn card(portal: &Parts, shelf: Shelf, file: Uuid) -> Result<Option<Card>, FileError> {
    let text = portal.files.lift(shelf, &format!("{file}{CARD}")).await?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}

/// Content of an upload or a draft.
pub async fn content(portal: &Parts, shelf: Shelf, file: Uuid) -> Result<Option<Bytes>, FileError> {
    portal.files.lift(shelf, &file.to_string()).await
}

/// Deletes a file. The card goes first: without it nobody sees the content.
pub async fn discard(portal: &Parts, shelf: Shelf, file: Uuid) -> Result<(), FileError> {
    portal.files.take_away(shelf, &format!("{file}{CARD}")).await?;
    portal.files.take_away(shelf, &file.to_string()).await
}

/// The cards on the shelf of a room that opens, and nothing else stays on it.
pub async fn cards(portal: &Parts, shelf: Shelf) -> Result<Vec<Card>, FileError> {
    let names = portal.files.on_shelf(shelf).await?;
    let mut found = Vec::new();
    for name in names.iter().filter(|name| name.ends_with(CARD)) {
        let text = portal.files.lift(shelf, name).await?;
        found.extend(text.and_then(|text| serde_json::from_slice::<Card>(&text).ok()));
    }
    let known: BTreeSet<String> = found.iter().map(|card| card.id.to_string()).collect();
    for name in names {
        if !known.contains(name.strip_suffix(CARD).unwrap_or(&name)) {
            portal.files.take_away(shelf, &name).await?;
        }
    }
    Ok(found)
}

/// Where the files of a room lie: a meeting that is held in a standing room uses that one's shelf,
/// so that they stay as long as it (R-MEET-23).
pub async fn shelf_of(portal: &Parts, room: MeetingId) -> Result<Option<Shelf>, DbError> {
    let (db, now) = (&portal.db, portal.now());
    if let Some(standing) = standing::find(db, room.0).await? {
        return Ok(Some(Shelf { body: standing.body.0, room: room.0 }));
    }
    let Some(body) = store::body_of(db, room).await? else { return Ok(None) };
    let standing = standing::of_meeting(db, body, room, now).await?;
    Ok(Some(Shelf { body: body.0, room: standing.map_or(room.0, |standing| standing.id) }))
}

/// The case of a room.
pub async fn case_of(
    portal: &Parts,
    body: BodyId,
    room: MeetingId,
) -> Result<Option<CaseRecord>, DbError> {
    let case = match store::read(&portal.db, body, room).await? {
        Some(meeting) => Some(meeting.case),
        None => standing::read(&portal.db, body, room.0).await?.map(|standing| standing.case),
    };
    match case {
        Some(case) => cases::read(&portal.db, body, case).await,
        None => Ok(None),
    }
}

/// Clears the shelves of rooms that are over: what a killed process or a failing store left behind.
/// Returns how many.
pub async fn sweep(portal: &Portal) -> Result<usize, CaseError> {
    let mut cleared = 0;
    for shelf in portal.files.shelves().await? {
        if !lives(portal, shelf).await? {
            portal.files.clear(shelf).await?;
            cleared += 1;
        }
    }
    Ok(cleared)
}

/// Whether anybody can still be in the room.
async fn lives(portal: &Portal, shelf: Shelf) -> Result<bool, DbError> {
    if let Some(standing) = standing::find(&portal.db, shelf.room).await? {
        return Ok(portal.now() < standing.ends_at);
    }
    let meeting = store::read(&portal.db, BodyId(shelf.body), MeetingId(shelf.room)).await?;
    let open = [MeetingState::Convened, MeetingState::InProgress, MeetingState::Interrupted];
    Ok(meeting.is_some_and(|meeting| open.contains(&meeting.rules.state)))
}

/// The documents of the case that somebody can share in the room: those the person may see
/// (R-MEET-20), newest first.
pub async fn documents_of(
    portal: &Parts,
    actor: &Actor,
    occupant: &Occupant,
) -> Result<Vec<Document>, DbError> {
    let Some(relation) = occupant.relation else { return Ok(Vec::new()) };
    let (case, viewer) = (&occupant.case, access::viewer(relation, &occupant.case.rules));
    let listed = documents::of_case(&portal.db, case.body, case.id, actor.user, viewer).await?;
    Ok(listed.into_iter().map(|listed| listed.document).collect())
}

/// A document of the case, if the person may see it.
pub async fn document_for(
    portal: &Parts,
    occupant: &Occupant,
    id: DocumentId,
) -> Result<Option<Document>, DbError> {
    let Some(relation) = occupant.relation else { return Ok(None) };
    let case = &occupant.case;
    let viewer = access::viewer(relation, &case.rules);
    let document = documents::read(&portal.db, case.body, case.id, id).await?;
    Ok(document.filter(|document| document.visibility.visible_to(viewer)))
}

/// The bytes of a document of the case.
pub async fn document_content(
    portal: &Parts,
    document: &Document,
) -> Result<Option<Bytes>, FileError> {
    match document.sha256.parse() {
        Ok(digest) => portal.files.get(document.body.0, digest).await,
        Err(_) => Ok(None),
    }
}

/// Who in a room may see a document of its case: whole sides, and single seats of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentReaders {
    /// Everybody of these sides.
    pub sides: BTreeSet<Side>,
    /// These seats.
    pub seats: BTreeSet<Uuid>,
}

/// Who in the room may see a document of the case.
pub async fn readers(
    portal: &Parts,
    case: &CaseRecord,
    room: MeetingId,
    document: DocumentId,
) -> Result<DocumentReaders, DbError> {
    let found = documents::read(&portal.db, case.body, case.id, document).await?;
    let Some(document) = found else { return Ok(DocumentReaders::default()) };
    let seen = document.visibility;
    let mut sides = BTreeSet::from([Side::Neutral]); // R-CASE-34
    if seen.visible_to(Viewer::Activating) {
        sides.insert(Side::Activating);
    }
    let mut single = BTreeSet::new();
    for side in [Side::Convened, Side::Aid] {
        let of_side: Vec<_> = case
            .rules
            .operators
            .iter()
            .filter(|who| who.convened && SeatKind::of_delegate(who.part).side() == side)
            .collect();
        let sees = |who: &&Participation| {
            let adhered = who.adhesion == Adhesion::Adhered;
            seen.visible_to(Viewer::Operator { operator: who.operator, adhered })
        };
        if !of_side.is_empty() && of_side.iter().all(&sees) {
            sides.insert(side);
        } else {
            single.extend(of_side.iter().filter(|who| sees(who)).filter_map(|who| who.delegate));
        }
    }
    let mut seats = BTreeSet::new();
    for user in single {
        seats.extend(seat_of(portal, room, user).await?);
    }
    Ok(DocumentReaders { sides, seats })
}

/// Adds a shared file to the case as a document that its owner sends, with the choice who may see
/// it (R-MEET-26). The rules of every other document hold.
pub async fn file_into_case(
    portal: &Portal,
    actor: &Actor,
    occupant: &Occupant,
    card: &Card,
    description: String,
    confidential: bool,
) -> Result<DocumentId, CaseError> {
    let content = content(portal, occupant.shelf, card.id).await?.ok_or(CaseError::NotFound)?;
    let file = Upload::check(&card.name, content.to_vec())
        .map_err(|_| CaseError::Unfit("Questo file non può diventare un documento."))?;
    // A standing room belongs to no meeting.
    let meeting = store::read(&portal.db, occupant.case.body, occupant.room).await?;
    let shared_in = Some(SharedIn { meeting: meeting.map(|meeting| meeting.id) });
    let sent = Sent { kind: Kind::Attachment, description, confidential, file, shared_in };
    filing::send(portal, actor, occupant.case.id, sent).await
}

/// What a browser may do with a file of this name, and the type it is served with.
pub fn served_as(name: &str) -> (&'static str, bool) {
    FileType::of_name(name)
        .map_or(("application/octet-stream", false), |kind| (kind.media_type, kind.inline))
}
