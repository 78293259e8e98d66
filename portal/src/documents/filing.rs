//! Putting documents into a case: the file first, then the row that makes it a document.

use bytes::Bytes;

use crate::accounts::{Actor, UserId};
use crate::bodies::{Body, BodyId};
use crate::cases::access::{self, Action, Relation};
use crate::cases::commands::{self, CaseError};
use crate::cases::notices::{self, Mail, To};
use crate::cases::rules::CaseEvent;
use crate::cases::store::{self as cases, CaseRecord};
use crate::cases::{Adhesion, CaseId};
use crate::db::{DbError, Tx};
use crate::documents::rules::{Viewer, Visibility};
use crate::documents::store::{self, Document};
use crate::documents::upload::Upload;
use crate::documents::{DocumentId, Kind, Sender};
use crate::files::FileError;
use crate::meetings::MeetingId;
use crate::portal::{Parts, Portal};

/// A file in the store; a document once a row names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// SHA-256 in hex.
    pub sha256: String,
    /// Size.
    pub size_bytes: i64,
}

/// What the row of a document says beside its file.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Of which meeting, if of one.
    pub meeting: Option<MeetingId>,
    /// Kind, sender and who may see it.
    pub visibility: Visibility,
    /// The sender's words; may be empty.
    pub description: String,
    /// Who sent it; `None` for the system.
    pub sent_by: Option<UserId>,
    /// File name with extension.
    pub name: String,
}

/// Stores the content. To be done before the transaction that calls [`add_in`].
pub async fn keep(portal: &Parts, body: BodyId, content: Bytes) -> Result<StoredFile, FileError> {
    let size_bytes = i64::try_from(content.len()).expect("a file in memory is below 2^63 bytes");
    let digest = portal.files.put(body.0, content).await?;
    Ok(StoredFile { sha256: digest.to_string(), size_bytes })
}

/// Adds a document to a case in the caller's transaction. Who may is the caller's question; so is
/// telling people ([`tell_in`]).
pub async fn add_in(
    tx: &mut Tx,
    portal: &Parts,
    case: &CaseRecord,
    new: &NewDocument,
    file: &StoredFile,
) -> Result<DocumentId, DbError> {
    let document = Document {
        id: DocumentId(portal.new_id()),
        body: case.body,
        case: case.id,
        meeting: new.meeting,
        visibility: new.visibility,
        description: new.description.clone(),
        sent_by: new.sent_by,
        sent_at: portal.now(),
        complete: true,
        name: new.name.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
    };
    store::insert(tx, &document).await?;
    Ok(document.id)
}

/// Tells those who may see a new document and did not send it (R-NOTIFY-12, R-NOTIFY-14).
pub async fn tell_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    case: &CaseRecord,
    document: DocumentId,
    seen: Visibility,
) -> Result<(), DbError> {
    let mail = Mail {
        subject: "Nuova comunicazione",
        text: "è disponibile un nuovo documento.",
        key: &format!("document/{document}"),
    };
    notices::tell(tx, portal, body, case, &readers(case, seen), &mail).await
}

fn readers(case: &CaseRecord, seen: Visibility) -> Vec<To> {
    let mut readers = Vec::new();
    if seen.sender != Sender::Activating && seen.visible_to(Viewer::Activating) {
        readers.push(To::ClientSide);
    }
    for who in case.rules.operators.iter().filter(|_| case.rules.admitted_at.is_some()) {
        let (operator, adhered) = (who.operator, who.adhesion == Adhesion::Adhered);
        let visible = seen.visible_to(Viewer::Operator { operator, adhered });
        if who.convened && visible && seen.operator != Some(operator) {
            readers.push(To::Secretariat(operator));
        }
    }
    readers
}

/// Kind, sender and visibility of what somebody with this relation sends.
pub fn sent_by(relation: Relation, kind: Kind, confidential: bool) -> Visibility {
    let (sender, operator) = match relation {
        Relation::Service => (Sender::Service, None),
        Relation::Conciliator => (Sender::Conciliator, None),
        Relation::Client | Relation::ClientDelegate => (Sender::Activating, None),
        Relation::OperatorSecretariat { operator, part }
        | Relation::OperatorDelegate { operator, part } => {
            (if part.is_aid() { Sender::Aid } else { Sender::Convened }, Some(operator))
        }
    };
    Visibility::new(kind, sender, operator, confidential)
}

/// A document as somebody sends it into a case (R-CASE-40).
#[derive(Clone, Debug)]
pub struct Sent {
    /// Category.
    pub kind: Kind,
    /// The sender's words.
    pub description: String,
    /// Not visible to the counterparty (R-CASE-42).
    pub confidential: bool,
    /// The file.
    pub file: Upload,
    /// The room in which it was shared before, if it was (R-MEET-26).
    pub shared_in: Option<SharedIn>,
}

/// A room in which a file was shared.
#[derive(Clone, Copy, Debug)]
pub struct SharedIn {
    /// The meeting, unless it was a standing room between meetings.
    pub meeting: Option<MeetingId>,
}

/// Adds a document that a person sends to a case, and tells those who may see it.
pub async fn send(
    portal: &Portal,
    actor: &Actor,
    case: CaseId,
    sent: Sent,
) -> Result<DocumentId, CaseError> {
    let body = commands::body(portal, actor.body).await?;
    let record = cases::read(&portal.db, body.id, case).await?.ok_or(CaseError::NotFound)?;
    may_send(actor, &record, sent.kind)?; // before anything is stored
    let file = keep(portal, body.id, sent.file.bytes.into()).await?;
    let mut tx = portal.db.begin().await?;
    let record = cases::lock(&mut tx, body.id, case).await?.ok_or(CaseError::NotFound)?;
    let relation = may_send(actor, &record, sent.kind)?;
    let new = NewDocument {
        meeting: sent.shared_in.and_then(|room| room.meeting),
        visibility: sent_by(relation, sent.kind, sent.confidential),
        description: sent.description,
        sent_by: Some(actor.user),
        name: sent.file.name,
    };
    let document = add_in(&mut tx, portal, &record, &new, &file).await?;
    if sent.shared_in.is_some() {
        let filed = CaseEvent::FiledFromRoom { document };
        commands::note_in(&mut tx, portal, &record, filed, actor).await?;
    }
    tell_in(&mut tx, portal, &body, &record, document, new.visibility).await?;
    tx.commit().await?;
    Ok(document)
}

fn may_send(actor: &Actor, case: &CaseRecord, kind: Kind) -> Result<Relation, CaseError> {
    let relation = access::relation(actor, case).ok_or(CaseError::NotFound)?;
    let sender = sent_by(relation, kind, false).sender;
    if !access::may(relation, Action::Upload) || !Kind::offered_to(sender).contains(&kind) {
        return Err(CaseError::NotAllowed);
    }
    if !access::open_for_upload(relation, &case.rules) {
        return Err(CaseError::Unfit("In questo momento non si possono aggiungere documenti."));
    }
    Ok(relation)
}
