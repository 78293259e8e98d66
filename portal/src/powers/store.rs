//! Powers in the database.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Power, PowerId};
use crate::accounts::UserId;
use crate::bodies::BodyId;
use crate::calendar::Deadline;
use crate::cases::CaseId;
use crate::db::{Db, DbError, Tx, kept};
use crate::on_db;
use crate::organisations::OperatorId;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    body: Uuid,
    person: Uuid,
    operator: Option<Uuid>,
    case_id: Option<Uuid>,
    kind: String,
    dated: NaiveDate,
    until: Option<NaiveDate>,
    name: String,
    sha256: String,
    recorded_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl Row {
    fn into_power(self) -> Result<Power, DbError> {
        let kind = self.kind.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        Ok(Power {
            id: PowerId(self.id),
            person: UserId(self.person),
            operator: self.operator.map(OperatorId),
            case: self.case_id.map(CaseId),
            kind,
            dated: self.dated,
            until: self.until.map(Deadline),
            name: self.name,
            sha256: self.sha256,
            recorded_at: self.recorded_at,
            ended_at: self.ended_at,
        })
    }
}

fn all(rows: Vec<Row>) -> Result<Vec<Power>, DbError> {
    rows.into_iter().map(Row::into_power).collect()
}

/// Writes what was recorded.
pub(super) async fn insert(tx: &mut Tx, body: BodyId, power: &Power) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "INSERT INTO signing_powers (id, body, person, operator, case_id, kind, dated, until, name,
             sha256, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    )
    .bind(power.id.0)
    .bind(body.0)
    .bind(power.person.0)
    .bind(power.operator.map(|operator| operator.0))
    .bind(power.case.map(|case| case.0))
    .bind(power.kind.key())
    .bind(power.dated)
    .bind(power.until.map(|until| until.0))
    .bind(&power.name)
    .bind(&power.sha256)
    .bind(kept(power.recorded_at))
    .execute(c)
    .await
    .map(drop))?)
}

/// Ends powers; false if they are over already.
pub(super) async fn end(
    tx: &mut Tx,
    body: BodyId,
    id: PowerId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let ended = on_db!(tx, |c| {
        sqlx::query(
        "UPDATE signing_powers SET ended_at = $3 WHERE body = $1 AND id = $2 AND ended_at IS NULL"
    )
    .bind(body.0)
    .bind(id.0)
    .bind(kept(now))
    .execute(c)
    .await
    .map(|done| done.rows_affected())
    })?;
    Ok(ended > 0)
}

/// One of a body.
pub async fn find(db: &Db, body: BodyId, id: PowerId) -> Result<Option<Power>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM signing_powers WHERE body = $1 AND id = $2"
    )
    .bind(body.0)
    .bind(id.0)
    .fetch_optional(c)
    .await)?;
    row.map(Row::into_power).transpose()
}

/// Whatever meets one condition on `$2`, the newest first.
async fn which(
    db: &Db,
    body: BodyId,
    condition: &'static str,
    id: Uuid,
) -> Result<Vec<Power>, DbError> {
    let sql = format!(
        "SELECT * FROM signing_powers WHERE body = $1 AND ({condition})
         ORDER BY recorded_at DESC, id DESC"
    );
    // Only constants of the program are put into the text.
    all(on_db!(read db, |c| sqlx::query_as(AssertSqlSafe(sql))
        .bind(body.0)
        .bind(id)
        .fetch_all(c)
        .await)?)
}

/// Everything that was recorded for an operator, in whatever case.
pub async fn of_operator(
    db: &Db,
    body: BodyId,
    operator: OperatorId,
) -> Result<Vec<Power>, DbError> {
    which(db, body, "operator = $2", operator.0).await
}

/// Everything that a person holds or held.
pub async fn of_person(db: &Db, body: BodyId, person: UserId) -> Result<Vec<Power>, DbError> {
    which(db, body, "person = $2", person.0).await
}

const OF_CASE: &str = "case_id = $2 OR (case_id IS NULL AND operator IN \
     (SELECT o.operator FROM case_operators o WHERE o.case_id = $2))";

/// What may count in a case: its own, and those of its operators that are of no other case.
pub async fn of_case(db: &Db, body: BodyId, case: CaseId) -> Result<Vec<Power>, DbError> {
    which(db, body, OF_CASE, case.0).await
}

/// The same within a transaction.
pub(super) async fn of_case_in(
    tx: &mut Tx,
    body: BodyId,
    case: CaseId,
) -> Result<Vec<Power>, DbError> {
    let sql = format!("SELECT * FROM signing_powers WHERE body = $1 AND ({OF_CASE})");
    // Only constants of the program are put into the text.
    all(on_db!(tx, |c| sqlx::query_as(AssertSqlSafe(sql))
        .bind(body.0)
        .bind(case.0)
        .fetch_all(c)
        .await)?)
}

/// Powers of every body whose last day is from `first` to `last` and that nobody ended, the nearest
/// first.
pub(super) async fn ending(
    db: &Db,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<(BodyId, Power)>, DbError> {
    let rows: Vec<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM signing_powers WHERE ended_at IS NULL AND until >= $1 AND until <= $2
         ORDER BY until, id"
    )
    .bind(first)
    .bind(last)
    .fetch_all(c)
    .await)?;
    rows.into_iter().map(|row| Ok((BodyId(row.body), row.into_power()?))).collect()
}
