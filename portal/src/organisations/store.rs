//! Operators in the database.

use uuid::Uuid;

use super::{Operator, OperatorId};
use crate::bodies::BodyId;
use crate::db::{Db, DbError, Tx};
use crate::on_db;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    kind: String,
    compulsory: bool,
}

impl Row {
    fn into_operator(self) -> Result<Operator, DbError> {
        let kind = self.kind.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        let Self { id, name, compulsory, .. } = self;
        Ok(Operator { id: OperatorId(id), name, kind, compulsory })
    }
}

/// Adds an operator.
pub async fn create(tx: &mut Tx, body: BodyId, operator: &Operator) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "INSERT INTO operators (id, body, name, kind, compulsory) VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(operator.id.0)
    .bind(body.0)
    .bind(&operator.name)
    .bind(operator.kind.key())
    .bind(operator.compulsory)
    .execute(c)
    .await
    .map(drop))?)
}

/// All operators of a body, by name.
pub async fn all(db: &Db, body: BodyId) -> Result<Vec<Operator>, DbError> {
    let rows: Vec<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT id, name, kind, compulsory FROM operators WHERE body = $1 ORDER BY name"
    )
    .bind(body.0)
    .fetch_all(c)
    .await)?;
    rows.into_iter().map(Row::into_operator).collect()
}

/// One operator; nothing if it is another body's.
pub async fn find(db: &Db, body: BodyId, id: OperatorId) -> Result<Option<Operator>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT id, name, kind, compulsory FROM operators WHERE body = $1 AND id = $2"
    )
    .bind(body.0)
    .bind(id.0)
    .fetch_optional(c)
    .await)?;
    row.map(Row::into_operator).transpose()
}
