//! Files shared in rooms: the room says who may see what at this moment, the portal keeps the bytes
//! and knows the case. Neither knows the other.

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Query, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, RequestExt as _, Router, middleware};
use futures::StreamExt as _;
use portal::bodies::BodyId;
use portal::cases::commands::CaseError;
use portal::cases::store::CaseRecord;
use portal::db::DbError;
use portal::documents::DocumentId;
use portal::documents::export::disposition;
use portal::documents::form::{self, FileForm};
use portal::meetings::MeetingId;
use portal::meetings::files::{self, Card, Occupant, Origin};
use portal::minutes::pages::draft_pdf;
use portal::minutes::table::Table;
use portal::portal::{Parts, Portal};
use portal::web::{Answer, PageError, Path, Visit, guard};
use serde::{Deserialize, Serialize};
use signaling::edge::{Rooms, Shelf};
use signaling::protocol::{
    Epoch, ErrorCode, FileId, FileKind, FileOrigin, ParticipantId, RoomId, Session, SharedFile,
};
use signaling::room::Refused;
use signaling::room::files::{FileCard, Grant, Readers};
use uuid::Uuid;

use super::{Meetings, side_as_told};

/// What a file from a room may do in a browser: nothing (R-TECH-09).
const HARMLESS: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// Name of the minutes' draft as people see it.
const DRAFT: &str = "Bozza del verbale.pdf";
/// Longest description of a document, in characters.
const MAX_DESCRIPTION: usize = 200;

/// Everything under `/api/rooms/{meeting}/` that has to do with files.
pub(super) fn router(meetings: &Meetings) -> Router {
    Router::new()
        .route("/api/rooms/{meeting}/files", post(upload).layer(form::limit()))
        .route("/api/rooms/{meeting}/files/{file}", get(open))
        .route("/api/rooms/{meeting}/files/{file}/case", post(into_case))
        .route("/api/rooms/{meeting}/documents", get(documents))
        .route("/api/rooms/{meeting}/documents/{document}", post(share_document))
        .route("/api/rooms/{meeting}/draft", post(share_draft))
        .layer(middleware::from_fn(guard::same_origin))
        .layer(Extension(meetings.clone()))
        .with_state(meetings.portal.clone())
}

/// Somebody in a room that this node serves.
struct Here {
    meetings: Meetings,
    rooms: Rooms,
    occupant: Occupant,
}

impl Here {
    async fn of(meetings: Meetings, visit: &Visit, room: Uuid) -> Result<Self, PageError> {
        let found = files::occupant(&meetings.portal, visit.body.id, &visit.actor, room).await?;
        let occupant = found.ok_or_else(|| answer(not_here()))?;
        let rooms = meetings.rooms.get().cloned().ok_or_else(|| answer(not_here()))?;
        Ok(Self { meetings, rooms, occupant })
    }

    fn room(&self) -> RoomId {
        RoomId(self.occupant.room.0)
    }

    fn seat(&self) -> ParticipantId {
        ParticipantId(self.occupant.seat)
    }

    async fn granted(&self, asked: &Asked, size_bytes: u64) -> Result<Grant, Refused> {
        self.rooms.grant_file(self.room(), self.seat(), Epoch(asked.epoch), size_bytes).await
    }

    /// The card of a file that this person may see at this moment.
    async fn seen(&self, file: Uuid) -> Result<(SharedFile, Card), PageError> {
        let seen = self.rooms.file(self.room(), self.seat(), FileId(file)).await;
        // A room that is over, or open elsewhere, shows nothing here.
        let seen = seen.map_err(|_| answer(not_here()))?;
        let card = files::card(&self.meetings.portal, self.occupant.shelf, file).await?;
        Ok((seen.file, card.ok_or_else(|| answer(not_here()))?))
    }

    /// Content first, then the room's word, then the card; what the room refuses is deleted again.
    async fn share(
        &self,
        grant: Grant,
        name: String,
        origin: Origin,
        (size_bytes, content): (u64, Option<Bytes>),
    ) -> Answer {
        let (portal, shelf) = (&self.meetings.portal, self.occupant.shelf);
        let (id, at) = (portal.new_id(), portal.now());
        let (owner, session) = (self.occupant.user, grant.session().to_string());
        let card = Card { id, name, size_bytes, owner, session, origin, filed: false, at };
        let readers = readers(portal, &self.occupant.case, self.occupant.room, origin).await?;
        if let Some(content) = content {
            files::keep(portal, shelf, id, content).await?;
        }
        let file = wire(&card, self.seat());
        if let Err(refused) = self.rooms.share_file(self.room(), grant, file, readers).await {
            files::discard(portal, shelf, id).await?;
            return Ok(refusal(&refused));
        }
        if let Err(error) = files::keep_card(portal, shelf, &card).await {
            // A room that closed meanwhile has let go of it already.
            let _ = self.rooms.retract_file(self.room(), FileId(id)).await;
            return Err(error.into());
        }
        Ok(Json(Shared { id }).into_response())
    }
}

/// Who among the members of a session may know of a file.
async fn readers(
    portal: &Parts,
    case: &CaseRecord,
    room: MeetingId,
    origin: Origin,
) -> Result<Readers, DbError> {
    let Origin::Document(document) = origin else { return Ok(Readers::Everybody) };
    let readers = files::readers(portal, case, room, document).await?;
    Ok(Readers::Only {
        sides: readers.sides.into_iter().map(side_as_told).collect(),
        seats: readers.seats.into_iter().map(ParticipantId).collect(),
    })
}

/// As the room knows it.
fn wire(card: &Card, owner: ParticipantId) -> SharedFile {
    SharedFile {
        id: FileId(card.id),
        name: card.name.clone(),
        size_bytes: card.size_bytes,
        kind: match files::served_as(&card.name) {
            ("application/pdf", _) => FileKind::Pdf,
            (kind, true) if kind.starts_with("image/") => FileKind::Image,
            _ => FileKind::Other,
        },
        origin: match card.origin {
            Origin::Upload => FileOrigin::Upload,
            Origin::Document(_) => FileOrigin::Case,
            Origin::Draft => FileOrigin::Draft,
        },
        owner,
        filed: card.filed,
        at_ms: card.at.timestamp_millis().unsigned_abs(),
    }
}

#[derive(Serialize)]
struct Shared {
    id: Uuid,
}

/// In which epoch somebody decided to share.
#[derive(Deserialize)]
struct Asked {
    epoch: u64,
}

async fn upload(
    Extension(meetings): Extension<Meetings>,
    visit: Visit,
    Path(room): Path<Uuid>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Answer {
    let here = Here::of(meetings, &visit, room).await?;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    // Who does not say how much comes may fill the room, and no more.
    let grant = match here.granted(&asked, length.unwrap_or_default()).await {
        Ok(grant) => grant,
        Err(refused) => {
            read_to_its_end(request).await;
            return Ok(refusal(&refused));
        }
    };
    let form = FileForm::from_request(request, &here.meetings.portal).await?;
    match form.file {
        Ok(file) => {
            let size = file.bytes.len() as u64;
            here.share(grant, file.name, Origin::Upload, (size, Some(file.bytes.into()))).await
        }
        Err(refused) => Ok(told(form::status(&Err(refused.clone())), refused.to_string())),
    }
}

/// A browser that is still sending would never see the answer otherwise.
async fn read_to_its_end(request: Request) {
    let mut rest = request.with_limited_body().into_body().into_data_stream();
    while let Some(Ok(_)) = rest.next().await {}
}

/// A document of the case as somebody can choose it.
#[derive(Serialize)]
struct Choice {
    id: DocumentId,
    name: String,
    kind: &'static str,
    description: String,
    size_bytes: i64,
    confidential: bool,
}

async fn documents(
    Extension(meetings): Extension<Meetings>,
    visit: Visit,
    Path(room): Path<Uuid>,
) -> Answer {
    let here = Here::of(meetings, &visit, room).await?;
    let portal = &here.meetings.portal;
    let found = files::documents_of(portal, &visit.actor, &here.occupant).await?;
    let choices = found.into_iter().map(|document| Choice {
        id: document.id,
        name: document.name,
        kind: document.visibility.kind.label(),
        description: document.description,
        size_bytes: document.size_bytes,
        confidential: document.visibility.confidential,
    });
    Ok(Json(choices.collect::<Vec<_>>()).into_response())
}

async fn share_document(
    Extension(meetings): Extension<Meetings>,
    visit: Visit,
    Path((room, document)): Path<(Uuid, Uuid)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let here = Here::of(meetings, &visit, room).await?;
    let portal = &here.meetings.portal;
    let found = files::document_for(portal, &here.occupant, DocumentId(document)).await?;
    let Some(document) = found else { return Ok(not_here()) };
    // Nothing more is stored of it.
    match here.granted(&asked, 0).await {
        Ok(grant) => {
            let size = document.size_bytes.unsigned_abs();
            here.share(grant, document.name, Origin::Document(document.id), (size, None)).await
        }
        Err(refused) => Ok(refusal(&refused)),
    }
}

/// The conciliator's draft, as it is now (R-MEET-37).
async fn share_draft(
    Extension(meetings): Extension<Meetings>,
    visit: Visit,
    Path(room): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> Answer {
    let here = Here::of(meetings, &visit, room).await?;
    let portal = &here.meetings.portal;
    let table = Table::seen(portal, &visit.body, &visit.actor, here.occupant.room).await?;
    let Some(table) = table.filter(|table| table.leads) else { return Ok(not_here()) };
    let grant = match here.granted(&asked, 0).await {
        Ok(grant) => grant,
        Err(refused) => return Ok(refusal(&refused)),
    };
    let pdf = match draft_pdf(portal, &table).await {
        Ok(pdf) => pdf,
        Err(PageError::Refused(text)) => return Ok(told(StatusCode::CONFLICT, text)),
        Err(error) => return Err(error),
    };
    let size = pdf.len() as u64;
    here.share(grant, DRAFT.to_owned(), Origin::Draft, (size, Some(pdf.into()))).await
}

async fn open(
    Extension(meetings): Extension<Meetings>,
    visit: Visit,
    Path((room, file)): Path<(Uuid, Uuid)>,
) -> Answer {
    let here = Here::of(meetings, &visit, room).await?;
    let (_, card) = here.seen(file).await?;
    let portal = &here.meetings.portal;
    let content = match card.origin {
        Origin::Upload | Origin::Draft => files::content(portal, here.occupant.shelf, file).await?,
        Origin::Document(document) => {
            // The room's readers are sides; the case knows each person.
            match files::document_for(portal, &here.occupant, document).await? {
                Some(document) => files::document_content(portal, &document).await?,
                None => {
                    let text = "Questo documento del fascicolo non è visibile al tuo ruolo.";
                    return Ok(told(StatusCode::FORBIDDEN, text.to_owned()));
                }
            }
        }
    };
    let Some(content) = content else { return Ok(not_here()) };
    let (media_type, _) = files::served_as(&card.name);
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, disposition(false, &card.name)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_SECURITY_POLICY, HARMLESS.to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, content).into_response())
}

/// The explicit act that makes a shared file a document, with the choice who may see it.
#[derive(Deserialize)]
struct Filing {
    description: String,
    visible: bool,
}

async fn into_case(
    Extension(meetings): Extension<Meetings>,
    visit: Visit,
    Path((room, file)): Path<(Uuid, Uuid)>,
    Json(filing): Json<Filing>,
) -> Answer {
    let here = Here::of(meetings, &visit, room).await?;
    let (shared, card) = here.seen(file).await?;
    let refused = |text: &str| Ok(told(StatusCode::CONFLICT, text.to_owned()));
    if shared.owner != here.seat() {
        return refused("Può aggiungerlo al fascicolo solo chi lo ha condiviso.");
    }
    if shared.filed || card.origin != Origin::Upload {
        return refused("Questo file è già nel fascicolo, o ci entra con le firme.");
    }
    let description = filing.description.trim().to_owned();
    if description.is_empty() || description.chars().count() > MAX_DESCRIPTION {
        return refused("Scrivi la descrizione del documento, al massimo 200 caratteri.");
    }
    let (portal, confidential) = (&here.meetings.portal, !filing.visible);
    let (actor, occupant) = (&visit.actor, &here.occupant);
    match files::file_into_case(portal, actor, occupant, &card, description, confidential).await {
        Ok(_) => {}
        Err(CaseError::NotAllowed | CaseError::NotFound) => {
            return refused("Il tuo ruolo non può aggiungere documenti al fascicolo.");
        }
        Err(error) => return Ok(told(StatusCode::CONFLICT, error.explained()?)),
    }
    files::keep_card(portal, here.occupant.shelf, &Card { filed: true, ..card }).await?;
    // A room that closed at this moment has nobody to tell.
    let _ = here.rooms.file_was_filed(here.room(), here.seat(), FileId(file)).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Serialize)]
struct Refusal {
    code: &'static str,
    message: String,
}

/// The room said no; the page has words for its codes.
fn refusal(refused: &Refused) -> Response {
    let (status, code) = match refused.code {
        ErrorCode::StaleEpoch => (StatusCode::CONFLICT, "stale_epoch"),
        ErrorCode::Full => (StatusCode::CONFLICT, "full"),
        ErrorCode::TooFast => (StatusCode::TOO_MANY_REQUESTS, "too_fast"),
        ErrorCode::NotAllowed => (StatusCode::FORBIDDEN, "not_allowed"),
        ErrorCode::NoSuchTarget => (StatusCode::NOT_FOUND, "no_such_target"),
        _ => (StatusCode::CONFLICT, "wrong_state"),
    };
    (status, Json(Refusal { code, message: refused.message.clone() })).into_response()
}

/// Refused with a sentence for the person.
fn told(status: StatusCode, message: String) -> Response {
    (status, Json(Refusal { code: "refused", message })).into_response()
}

/// No such room or file, or not for this person: the two are not told apart.
fn not_here() -> Response {
    let message = "no such room or file here".to_owned();
    (StatusCode::NOT_FOUND, Json(Refusal { code: "no_such_target", message })).into_response()
}

fn answer(response: Response) -> PageError {
    PageError::Answer(Box::new(response))
}

#[async_trait]
impl Shelf for Meetings {
    async fn load(&self, room: RoomId) -> Vec<FileCard> {
        match shelved(&self.portal, MeetingId(room.0)).await {
            Ok(cards) => cards,
            Err(error) => {
                tracing::error!(room = %room.0, ?error, "reading a room's shelf");
                Vec::new()
            }
        }
    }

    async fn discard(&self, room: RoomId, gone: &[FileId]) {
        for file in gone {
            let done = match files::shelf_of(&self.portal, MeetingId(room.0)).await {
                Ok(Some(shelf)) => {
                    files::discard(&self.portal, shelf, file.0).await.map_err(PageError::from)
                }
                Ok(None) => Ok(()),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = done {
                tracing::error!(room = %room.0, file = %file.0, ?error, "deleting a shared file");
            }
        }
    }

    async fn clear(&self, room: RoomId) {
        if let Err(error) = clear(&self.portal, MeetingId(room.0)).await {
            tracing::error!(room = %room.0, ?error, "clearing a room's shelf");
        }
    }
}

/// What was shared with all in a meeting that a standing room holds stays on that one's shelf.
async fn clear(portal: &Portal, room: MeetingId) -> Result<(), PageError> {
    let Some(shelf) = files::shelf_of(portal, room).await? else { return Ok(()) };
    if shelf.room == room.0 {
        return Ok(portal.files.clear(shelf).await?);
    }
    for card in files::cards(portal, shelf).await? {
        if card.session != Session::Plenary.to_string() {
            files::discard(portal, shelf, card.id).await?;
        }
    }
    Ok(())
}

async fn shelved(portal: &Portal, room: MeetingId) -> Result<Vec<FileCard>, PageError> {
    let Some(shelf) = files::shelf_of(portal, room).await? else { return Ok(Vec::new()) };
    let case = files::case_of(portal, BodyId(shelf.body), room).await?;
    let Some(case) = case else { return Ok(Vec::new()) };
    let mut cards = Vec::new();
    for card in files::cards(portal, shelf).await? {
        if let Ok(session) = card.session.parse() {
            // Whoever has not come in yet has no seat: nobody else's file is taken for theirs.
            let owner = files::seat_of(portal, room, card.owner).await?;
            let file = wire(&card, ParticipantId(owner.unwrap_or(card.owner.0)));
            let readers = readers(portal, &case, room, card.origin).await?;
            cards.push(FileCard { file, session, readers });
        }
    }
    Ok(cards)
}
