//! The rows of documents and who has read them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    accounts::UserId,
    bodies::BodyId,
    cases::CaseId,
    db::{Db, DbError, Tx, kept},
    documents::{
        DocumentId,
        filing::StoredFile,
        rules::{Viewer, Visibility},
    },
    meetings::MeetingId,
    on_db,
    organisations::OperatorId,
    words::UnknownWord,
};

/// A document of a case. Its bytes are in the object store under the body and `sha256`.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Which.
    pub id: DocumentId,
    /// Whose.
    pub body: BodyId,
    /// Of which case.
    pub case: CaseId,
    /// Of which meeting, if of one.
    pub meeting: Option<MeetingId>,
    /// Kind, sender and who may see it.
    pub visibility: Visibility,
    /// The sender's words; may be empty.
    pub description: String,
    /// Who sent it; `None` for the system.
    pub sent_by: Option<UserId>,
    /// When.
    pub sent_at: DateTime<Utc>,
    /// Nothing is missing from it.
    pub complete: bool,
    /// Original file name.
    pub name: String,
    /// Size.
    pub size_bytes: i64,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// A document as one person sees it in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The document.
    pub document: Document,
    /// That person has opened it.
    pub read: bool,
}

#[derive(sqlx::FromRow)]
struct DocumentRow {
    id: Uuid,
    body: Uuid,
    case_id: Uuid,
    meeting_id: Option<Uuid>,
    kind: String,
    description: String,
    sender: String,
    operator: Option<Uuid>,
    sent_by: Option<Uuid>,
    sent_at: DateTime<Utc>,
    confidential: bool,
    complete: bool,
    name: String,
    size_bytes: i64,
    sha256: String,
    read_at: Option<DateTime<Utc>>,
}

impl DocumentRow {
    fn into_listed(self) -> Result<Listed, DbError> {
        let visibility = visibility(&self.kind, &self.sender, self.operator, self.confidential)?;
        let document = Document {
            id: DocumentId(self.id),
            body: BodyId(self.body),
            case: CaseId(self.case_id),
            meeting: self.meeting_id.map(MeetingId),
            visibility,
            description: self.description,
            sent_by: self.sent_by.map(UserId),
            sent_at: self.sent_at,
            complete: self.complete,
            name: self.name,
            size_bytes: self.size_bytes,
            sha256: self.sha256,
        };
        Ok(Listed { document, read: self.read_at.is_some() })
    }
}

fn visibility(
    kind: &str,
    sender: &str,
    operator: Option<Uuid>,
    confidential: bool,
) -> Result<Visibility, DbError> {
    let damaged = |e: UnknownWord| DbError::Sqlx(sqlx::Error::Decode(Box::new(e)));
    let (kind, sender) = (kind.parse().map_err(damaged)?, sender.parse().map_err(damaged)?);
    Ok(Visibility::new(kind, sender, operator.map(OperatorId), confidential))
}

/// Writes the row of a document whose bytes are stored already.
pub async fn insert(tx: &mut Tx, document: &Document) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO documents (id, body, case_id, meeting_id, kind, description, \
        sender, operator, sent_by, sent_at, confidential, complete, name, size_bytes, sha256) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    let seen = &document.visibility;
    on_db!(&mut *tx, |c| sqlx::query(INSERT)
        .bind(document.id.0)
        .bind(document.body.0)
        .bind(document.case.0)
        .bind(document.meeting.map(|m| m.0))
        .bind(seen.kind.key())
        .bind(&document.description)
        .bind(seen.sender.key())
        .bind(seen.operator.map(|o| o.0))
        .bind(document.sent_by.map(|u| u.0))
        .bind(kept(document.sent_at))
        .bind(seen.confidential)
        .bind(document.complete)
        .bind(&document.name)
        .bind(document.size_bytes)
        .bind(&document.sha256)
        .execute(c)
        .await
        .map(|_| ())?);
    // Nobody has to read what he sent.
    match document.sent_by {
        Some(user) => {
            mark_read(tx, document.body, document.id, user, document.sent_at).await.map(drop)
        }
        None => Ok(()),
    }
}

/// Puts a newer revision in the place of a case's file `sha256`: the same document, grown.
pub async fn replace_file(
    tx: &mut Tx,
    body: BodyId,
    case: CaseId,
    sha256: &str,
    file: &StoredFile,
) -> Result<(), DbError> {
    on_db!(tx, |c| sqlx::query(
        "UPDATE documents SET sha256 = $4, size_bytes = $5
         WHERE body = $1 AND case_id = $2 AND sha256 = $3"
    )
    .bind(body.0)
    .bind(case.0)
    .bind(sha256)
    .bind(&file.sha256)
    .bind(file.size_bytes)
    .execute(c)
    .await
    .map(drop)?);
    Ok(())
}

/// The documents of a case that `viewer` may see, newest first (R-CASE-29), with `user`'s marks.
pub async fn of_case(
    db: &Db,
    body: BodyId,
    case: CaseId,
    user: UserId,
    viewer: Viewer,
) -> Result<Vec<Listed>, DbError> {
    const OF_CASE: &str = "SELECT d.*, r.read_at AS read_at FROM documents d \
        LEFT JOIN document_reads r ON r.document_id = d.id AND r.user_id = $3 \
        WHERE d.body = $1 AND d.case_id = $2 ORDER BY d.sent_at DESC, d.id DESC";
    let rows: Vec<DocumentRow> = on_db!(read db, |c| {
        sqlx::query_as(OF_CASE).bind(body.0).bind(case.0).bind(user.0).fetch_all(c).await?
    });
    let all: Result<Vec<Listed>, DbError> =
        rows.into_iter().map(DocumentRow::into_listed).collect();
    Ok(all?.into_iter().filter(|l| l.document.visibility.visible_to(viewer)).collect())
}

/// One document of a case; `None` also when it is of another case.
pub async fn read(
    db: &Db,
    body: BodyId,
    case: CaseId,
    id: DocumentId,
) -> Result<Option<Document>, DbError> {
    const ONE: &str = "SELECT d.*, NULL AS read_at FROM documents d \
        WHERE d.body = $1 AND d.case_id = $2 AND d.id = $3";
    let row: Option<DocumentRow> = on_db!(read db, |c| {
        sqlx::query_as(ONE).bind(body.0).bind(case.0).bind(id.0).fetch_optional(c).await?
    });
    row.map(|row| row.into_listed().map(|listed| listed.document)).transpose()
}

/// Remembers that `user` opened a document; the first time counts (R-CASE-31). True if this was it.
pub async fn mark_read(
    tx: &mut Tx,
    body: BodyId,
    document: DocumentId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const MARK: &str = "INSERT INTO document_reads (document_id, user_id, body, read_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (document_id, user_id) DO NOTHING";
    let marked = on_db!(tx, |c| sqlx::query(MARK)
        .bind(document.0)
        .bind(user.0)
        .bind(body.0)
        .bind(kept(now))
        .execute(c)
        .await?
        .rows_affected());
    Ok(marked == 1)
}

/// How many documents of each case `user` may see and has not opened (R-CASE-05).
pub async fn unread_of_cases(
    db: &Db,
    body: BodyId,
    user: UserId,
    viewers: &BTreeMap<CaseId, Viewer>,
) -> Result<BTreeMap<CaseId, u32>, DbError> {
    if viewers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let places: Vec<String> = (0..viewers.len()).map(|n| format!("${}", n + 3)).collect();
    let sql = format!(
        "SELECT d.case_id, d.kind, d.sender, d.operator, d.confidential FROM documents d \
         WHERE d.body = $1 AND d.case_id IN ({}) AND NOT EXISTS (SELECT 1 FROM document_reads r \
         WHERE r.document_id = d.id AND r.user_id = $2)",
        places.join(", ")
    );
    // Only the numbers of parameters are put into the text.
    let rows: Vec<(Uuid, String, String, Option<Uuid>, bool)> = on_db!(read db, |c| {
        let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(body.0).bind(user.0);
        for case in viewers.keys() {
            query = query.bind(case.0);
        }
        query.fetch_all(c).await?
    });
    let mut unread = BTreeMap::new();
    for (case, kind, sender, operator, confidential) in rows {
        let case = CaseId(case);
        let document = visibility(&kind, &sender, operator, confidential)?;
        if viewers.get(&case).is_some_and(|viewer| document.visible_to(*viewer)) {
            *unread.entry(case).or_insert(0) += 1;
        }
    }
    Ok(unread)
}
