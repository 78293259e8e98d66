//! The agenda (R-MEET-02, R-MEET-03): the meetings of an actor's cases.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::rules::Meeting;
use super::{MeetingId, MeetingState, Mode, Slot};
use crate::accounts::Actor;
use crate::cases::list::scope;
use crate::cases::supply::Service;
use crate::db::{Db, DbError, kept};
use crate::lists::{Column, Listing, by_label};
use crate::on_db;

/// Columns of R-MEET-02.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgendaColumn {
    /// Start.
    Time,
    /// Case number.
    Case,
    /// Operator delegate.
    Delegate,
    /// Client.
    Client,
    /// Service type.
    Service,
    /// Convened operator.
    Operator,
    /// State.
    State,
    /// Mode.
    Mode,
    /// First meeting of its case.
    First,
}

impl Column for AgendaColumn {
    const ALL: &'static [Self] = &[
        Self::Time,
        Self::Case,
        Self::Delegate,
        Self::Client,
        Self::Service,
        Self::Operator,
        Self::State,
        Self::Mode,
        Self::First,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::Time => "data",
            Self::Case => "pratica",
            Self::Delegate => "delegato",
            Self::Client => "cliente",
            Self::Service => "servizio",
            Self::Operator => "operatore",
            Self::State => "stato",
            Self::Mode => "modalita",
            Self::First => "primo",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Time => "Data",
            Self::Case => "Pratica",
            Self::Delegate => "Delegato",
            Self::Client => "Cliente",
            Self::Service => "Servizio",
            Self::Operator => "Operatore",
            Self::State => "Stato",
            Self::Mode => "Modalità",
            Self::First => "Primo incontro",
        }
    }

    fn sql(self) -> String {
        match self {
            Self::Time => "starts_at".into(),
            Self::Case => "number".into(),
            Self::Delegate => "LOWER(delegate_name)".into(),
            Self::Client => "LOWER(client_name)".into(),
            Self::Operator => "LOWER(operator_name)".into(),
            Self::First => "is_first".into(),
            Self::Service => {
                let words: Vec<_> = Service::ALL.iter().map(|s| (s.key(), s.label())).collect();
                by_label("service", &words)
            }
            Self::State => {
                let words: Vec<_> =
                    MeetingState::ALL.iter().map(|s| (s.key(), s.label())).collect();
                by_label("state", &words)
            }
            Self::Mode => {
                let words: Vec<_> = Mode::ALL.iter().map(|m| (m.key(), m.label())).collect();
                by_label("mode", &words)
            }
        }
    }
}

/// Which meetings to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Fixed or running.
    Ahead,
    /// Over, in whatever way.
    Past,
}

impl View {
    /// In the order of the pick-list; the first is the default.
    pub const ALL: &'static [Self] = &[Self::Ahead, Self::Past];

    /// The word in the address.
    pub fn key(self) -> &'static str {
        match self {
            Self::Ahead => "fissati",
            Self::Past => "passati",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ahead => "Incontri fissati",
            Self::Past => "Incontri passati",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Ahead => "m.state IN ('convened', 'in_progress', 'interrupted')",
            Self::Past => "m.state NOT IN ('convened', 'in_progress', 'interrupted')",
        }
    }
}

/// One line of the agenda.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct AgendaLine {
    id: Uuid,
    /// Its case.
    pub case_id: Uuid,
    /// Number of the case.
    pub number: String,
    state: String,
    mode: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    /// First of its case.
    pub is_first: bool,
    /// Client.
    pub client_name: String,
    /// Convened operator.
    pub operator_name: String,
    /// Operator delegate.
    pub delegate_name: String,
    /// Word of the service type.
    pub service: String,
    /// Key of the procedure profile.
    pub procedure: String,
}

impl AgendaLine {
    /// Which meeting.
    pub fn id(&self) -> MeetingId {
        MeetingId(self.id)
    }

    /// What the rules need to say how it stands.
    pub fn rules(&self) -> Result<Meeting, DbError> {
        let damaged = |e| DbError::Sqlx(sqlx::Error::Decode(Box::new(e)));
        let slot = Slot { starts_at: self.starts_at, ends_at: self.ends_at };
        let mode = self.mode.parse().map_err(damaged)?;
        let state = self.state.parse().map_err(damaged)?;
        Ok(Meeting { state, ..Meeting::convened(mode, slot) })
    }
}

/// The meetings of an actor's cases; `$1` is the body, `$2` the user, `$3` the operator.
fn lines(actor: &Actor) -> String {
    format!(
        "SELECT m.id AS id, m.case_id AS case_id, COALESCE(c.number, '') AS number,
             m.state AS state, m.mode AS mode, m.starts_at AS starts_at, m.ends_at AS ends_at,
             m.is_first AS is_first, c.client_name AS client_name,
             c.operator_name AS operator_name, c.delegate_name AS delegate_name,
             c.service AS service, c.procedure AS procedure
         FROM meetings m
         JOIN (SELECT * FROM cases WHERE body = $1 AND ({})) c ON c.id = m.case_id
         WHERE m.body = $1",
        scope(actor.role)
    )
}

/// Meetings that were not moved or taken off, beginning from `from` and before `to`, first ones
/// first.
pub async fn between(
    db: &Db,
    actor: &Actor,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<AgendaLine>, DbError> {
    let sql = format!(
        "{} AND m.state NOT IN ('postponed', 'cancelled') AND m.starts_at >= $4
             AND m.starts_at < $5 ORDER BY m.starts_at, m.id LIMIT $6",
        lines(actor)
    );
    Ok(on_db!(read db, |c| sqlx::query_as(AssertSqlSafe(sql))
        .bind(actor.body.0)
        .bind(actor.user.0)
        .bind(actor.operator.map(|o| o.0))
        .bind(kept(from))
        .bind(kept(to))
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// One page of the agenda, the last one if `listing` asks for more, and how many lines there are
/// in all.
pub async fn page(
    db: &Db,
    actor: &Actor,
    view: View,
    listing: &mut Listing<AgendaColumn>,
) -> Result<(Vec<AgendaLine>, u64), DbError> {
    // Only constants of the program are put into the text: scope, view and column.
    let lines = format!("{} AND {} AND c.search LIKE $4 ESCAPE '\\'", lines(actor), view.sql());
    let count = format!("SELECT COUNT(*) FROM ({lines}) AS found");
    let rows =
        format!("SELECT * FROM ({lines}) AS found ORDER BY {} LIMIT $5 OFFSET $6", listing.order());
    let operator = actor.operator.map(|o| o.0);
    let pattern = listing.pattern();
    let (total, found): (i64, Vec<AgendaLine>) = on_db!(read db, |c| {
        let total = sqlx::query_scalar(AssertSqlSafe(count))
            .bind(actor.body.0)
            .bind(actor.user.0)
            .bind(operator)
            .bind(&pattern)
            .fetch_one(c)
            .await?;
        listing.within(total);
        let found = sqlx::query_as(AssertSqlSafe(rows))
            .bind(actor.body.0)
            .bind(actor.user.0)
            .bind(operator)
            .bind(&pattern)
            .bind(i64::from(listing.size))
            .bind(listing.offset())
            .fetch_all(c)
            .await?;
        (total, found)
    });
    Ok((found, u64::try_from(total).unwrap_or(0)))
}
