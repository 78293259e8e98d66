//! The rows of a case. The case history is the journal's; both are written in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    accounts::UserId,
    bodies::BodyId,
    calendar::{self, Deadline},
    cases::{
        CaseId, CaseNumber, Part,
        application::Application,
        rules::{Asker, Case, Participation},
        supply::{Service, Utility},
    },
    db::{DbError, Tx, kept},
    on_db,
    organisations::OperatorId,
    procedures::ProcedureProfile,
    words::UnknownWord,
};

/// The client side of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientSide {
    /// The client, if it has an account (R-CLAIM-02: others file by post).
    pub user: Option<UserId>,
    /// Acts for the client.
    pub delegate: Option<UserId>,
    /// The client's name as lists show it.
    pub name: String,
}

/// A case with everything its pages and rules need.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseRecord {
    /// Which.
    pub id: CaseId,
    /// Whose.
    pub body: BodyId,
    /// `N/2026/000123`; `None` until the application is sent.
    pub number: Option<String>,
    /// Key of the procedure profile.
    pub procedure: String,
    /// When the draft was made.
    pub created_at: DateTime<Utc>,
    /// When the application was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When the case was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// The activating party.
    pub client: ClientSide,
    /// What the client states.
    pub application: Application,
    /// State and attributes.
    pub rules: Case,
}

impl CaseRecord {
    /// The number, or what stands in its place on a draft.
    pub fn shown_number(&self) -> &str {
        self.number.as_deref().unwrap_or("(bozza)")
    }
}

/// Why a stored case could not be read: the database holds a word of another version.
fn damaged(error: UnknownWord) -> DbError {
    DbError::Sqlx(sqlx::Error::Decode(Box::new(error)))
}

#[derive(sqlx::FromRow)]
struct CaseRow {
    id: Uuid,
    body: Uuid,
    number: Option<String>,
    procedure: String,
    state: String,
    sector: String,
    urgent: bool,
    created_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
    complete_on: Option<NaiveDate>,
    integration_by: Option<NaiveDate>,
    admitted_at: Option<DateTime<Utc>>,
    extension_days: i32,
    conciliator: Option<Uuid>,
    next_meeting: Option<DateTime<Utc>>,
    first_meeting_on: Option<NaiveDate>,
    meeting_started: bool,
    meetings_held: i32,
    postponed: Json<Vec<Asker>>,
    outcome: Option<String>,
    overdue: bool,
    closed_at: Option<DateTime<Utc>>,
    client_user: Option<Uuid>,
    client_delegate: Option<Uuid>,
    client_name: String,
    application: Json<Application>,
}

#[derive(sqlx::FromRow)]
struct OperatorRow {
    operator: Uuid,
    part: String,
    compulsory: bool,
    convened: bool,
    adhesion: String,
    delegate: Option<Uuid>,
}

impl CaseRow {
    fn into_record(self, operators: Vec<OperatorRow>) -> Result<CaseRecord, DbError> {
        let operators: Result<_, UnknownWord> = operators
            .into_iter()
            .map(|row| {
                Ok(Participation {
                    operator: OperatorId(row.operator),
                    part: row.part.parse()?,
                    compulsory: row.compulsory,
                    convened: row.convened,
                    adhesion: row.adhesion.parse()?,
                    delegate: row.delegate.map(UserId),
                })
            })
            .collect();
        let rules = Case {
            state: self.state.parse().map_err(damaged)?,
            sector: self.sector.parse().map_err(damaged)?,
            urgent: self.urgent,
            complete_on: self.complete_on,
            integration_by: self.integration_by.map(Deadline),
            admitted_at: self.admitted_at,
            extension_days: u16::try_from(self.extension_days).unwrap_or(u16::MAX),
            conciliator: self.conciliator.map(UserId),
            operators: operators.map_err(damaged)?,
            next_meeting: self.next_meeting,
            first_meeting_on: self.first_meeting_on,
            meeting_started: self.meeting_started,
            meetings_held: u32::try_from(self.meetings_held).unwrap_or(0),
            postponed: self.postponed.0,
            outcome: self.outcome.map(|o| o.parse()).transpose().map_err(damaged)?,
            overdue: self.overdue,
        };
        Ok(CaseRecord {
            id: CaseId(self.id),
            body: BodyId(self.body),
            number: self.number,
            procedure: self.procedure,
            created_at: self.created_at,
            sent_at: self.sent_at,
            closed_at: self.closed_at,
            client: ClientSide {
                user: self.client_user.map(UserId),
                delegate: self.client_delegate.map(UserId),
                name: self.client_name,
            },
            application: self.application.0,
            rules,
        })
    }
}

/// Reads a case and holds its row until the transaction ends.
pub async fn lock(tx: &mut Tx, body: BodyId, id: CaseId) -> Result<Option<CaseRecord>, DbError> {
    const LOCK: &str = "UPDATE cases SET version = version + 1 WHERE body = $1 AND id = $2";
    on_db!(&mut *tx, |c| sqlx::query(LOCK)
        .bind(body.0)
        .bind(id.0)
        .execute(c)
        .await?
        .rows_affected());
    load(tx, body, id).await
}

/// Reads a case within a transaction.
pub async fn load(tx: &mut Tx, body: BodyId, id: CaseId) -> Result<Option<CaseRecord>, DbError> {
    let row: Option<CaseRow> = on_db!(&mut *tx, |c| {
        sqlx::query_as(SELECT).bind(body.0).bind(id.0).fetch_optional(c).await?
    });
    let Some(row) = row else { return Ok(None) };
    let operators: Vec<OperatorRow> =
        on_db!(tx, |c| sqlx::query_as(OPERATORS).bind(id.0).fetch_all(c).await?);
    row.into_record(operators).map(Some)
}

/// Reads a case for a page.
pub async fn read(
    db: &crate::db::Db,
    body: BodyId,
    id: CaseId,
) -> Result<Option<CaseRecord>, DbError> {
    let row: Option<CaseRow> = on_db!(read db, |c| {
        sqlx::query_as(SELECT).bind(body.0).bind(id.0).fetch_optional(c).await?
    });
    let Some(row) = row else { return Ok(None) };
    let operators: Vec<OperatorRow> =
        on_db!(read db, |c| sqlx::query_as(OPERATORS).bind(id.0).fetch_all(c).await?);
    row.into_record(operators).map(Some)
}

/// Cases to which time may have something to say on `today`: the rules decide.
pub async fn waiting_for_time(
    db: &crate::db::Db,
    today: NaiveDate,
) -> Result<Vec<(BodyId, CaseId)>, DbError> {
    const WAITING: &str = "SELECT body, id FROM cases WHERE (state = 'regularising' \
        AND integration_by < $1) OR (NOT overdue AND deadline < $1 AND state IN ('admitted', \
        'assigned', 'convened', 'reconvened', 'held', 'signing')) ORDER BY id";
    let rows: Vec<(Uuid, Uuid)> =
        on_db!(read db, |c| sqlx::query_as(WAITING).bind(today).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(body, id)| (BodyId(body), CaseId(id))).collect())
}

/// How many running cases each conciliator has (R-CASE-66).
pub async fn running_by_conciliator(
    db: &crate::db::Db,
    body: BodyId,
) -> Result<BTreeMap<UserId, i64>, DbError> {
    const RUNNING: &str = "SELECT conciliator, COUNT(*) FROM cases WHERE body = $1 \
        AND conciliator IS NOT NULL AND state IN ('admitted', 'assigned', 'convened', \
        'reconvened', 'held', 'signing') GROUP BY conciliator";
    let rows: Vec<(Uuid, i64)> =
        on_db!(read db, |c| sqlx::query_as(RUNNING).bind(body.0).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(user, count)| (UserId(user), count)).collect())
}

const SELECT: &str = "SELECT id, body, number, procedure, state, sector, urgent, created_at, \
    sent_at, complete_on, integration_by, admitted_at, extension_days, conciliator, next_meeting, \
    first_meeting_on, meeting_started, meetings_held, postponed, outcome, overdue, closed_at, \
    client_user, client_delegate, client_name, application \
    FROM cases WHERE body = $1 AND id = $2";
const OPERATORS: &str = "SELECT operator, part, compulsory, convened, adhesion, delegate \
    FROM case_operators WHERE case_id = $1 ORDER BY position";

/// The next case number of a body: without gaps, because it is taken in the transaction that uses
/// it, and the counter's row stays locked until then.
pub async fn next_number(tx: &mut Tx, body: BodyId, year: i32) -> Result<CaseNumber, DbError> {
    let last = count(tx, body, &format!("case/{year}")).await?;
    let progressive = u32::try_from(last).expect("a body has fewer than 4 billion cases a year");
    Ok(CaseNumber { year, progressive })
}

/// Raises a counter of the body and returns it; its row stays locked until the transaction ends.
pub(crate) async fn count(tx: &mut Tx, body: BodyId, name: &str) -> Result<i64, DbError> {
    const NEXT: &str = "INSERT INTO counters (body, name, last) VALUES ($1, $2, 1) \
        ON CONFLICT (body, name) DO UPDATE SET last = counters.last + 1 RETURNING last";
    Ok(on_db!(tx, |c| sqlx::query_scalar(NEXT).bind(body.0).bind(name).fetch_one(c).await?))
}

/// Writes a new case.
pub async fn insert(
    tx: &mut Tx,
    case: &CaseRecord,
    profile: &ProcedureProfile,
) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO cases (id, body, procedure, version, state, sector, service, \
        utility, urgent, created_at, extension_days, meeting_started, meetings_held, postponed, \
        overdue, client_user, client_delegate, application, client_name, operator_name, aid_name, \
        second_aid_name, delegate_name, search) VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, 0, \
        $10, 0, $11, $12, $13, $14, $15, $16, '', '', '', '', '')";
    let rules = &case.rules;
    on_db!(&mut *tx, |c| sqlx::query(INSERT)
        .bind(case.id.0)
        .bind(case.body.0)
        .bind(&case.procedure)
        .bind(rules.state.key())
        .bind(rules.sector.key())
        .bind(case.application.service.key())
        .bind(case.application.utility.key())
        .bind(rules.urgent)
        .bind(kept(case.created_at))
        .bind(false)
        .bind(Json(Vec::<Asker>::new()))
        .bind(false)
        .bind(case.client.user.map(|u| u.0))
        .bind(case.client.delegate.map(|u| u.0))
        .bind(Json(&case.application))
        .bind(&case.client.name)
        .execute(c)
        .await
        .map(|_| ())?);
    save(tx, case, profile).await
}

/// Writes a changed case and what lists show of it.
pub async fn save(
    tx: &mut Tx,
    case: &CaseRecord,
    profile: &ProcedureProfile,
) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE cases SET number = $3, state = $4, urgent = $5, sent_at = $6, \
        complete_on = $7, integration_by = $8, admitted_at = $9, deadline = $10, \
        extension_days = $11, conciliator = $12, next_meeting = $13, first_meeting_on = $14, \
        meeting_started = $15, meetings_held = $16, postponed = $17, outcome = $18, overdue = $19, \
        closed_at = $20, operator_name = $21, aid_name = $22, second_aid_name = $23, \
        delegate_name = $24, search = $25 WHERE body = $1 AND id = $2";
    save_operators(tx, case).await?;
    let shown = Shown::of(tx, case).await?;
    let rules = &case.rules;
    on_db!(tx, |c| sqlx::query(UPDATE)
        .bind(case.body.0)
        .bind(case.id.0)
        .bind(&case.number)
        .bind(rules.state.key())
        .bind(rules.urgent)
        .bind(case.sent_at.map(kept))
        .bind(rules.complete_on)
        .bind(rules.integration_by.map(|d| d.0))
        .bind(rules.admitted_at.map(kept))
        .bind(rules.deadline(profile).map(|d| d.0))
        .bind(i32::from(rules.extension_days))
        .bind(rules.conciliator.map(|u| u.0))
        .bind(rules.next_meeting.map(kept))
        .bind(rules.first_meeting_on)
        .bind(rules.meeting_started)
        .bind(i32::try_from(rules.meetings_held).unwrap_or(i32::MAX))
        .bind(Json(&rules.postponed))
        .bind(rules.outcome.map(|o| o.key()))
        .bind(rules.overdue)
        .bind(case.closed_at.map(kept))
        .bind(&shown.operator)
        .bind(&shown.aid)
        .bind(&shown.second_aid)
        .bind(&shown.delegate)
        .bind(&shown.search)
        .execute(c)
        .await
        .map(|_| ())?);
    Ok(())
}

async fn save_operators(tx: &mut Tx, case: &CaseRecord) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO case_operators (case_id, operator, body, part, position, \
        compulsory, convened, adhesion, delegate) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (case_id, operator) DO UPDATE SET convened = excluded.convened, \
        adhesion = excluded.adhesion, delegate = excluded.delegate";
    for (position, who) in case.rules.operators.iter().enumerate() {
        on_db!(&mut *tx, |c| sqlx::query(UPSERT)
            .bind(case.id.0)
            .bind(who.operator.0)
            .bind(case.body.0)
            .bind(who.part.key())
            .bind(i32::try_from(position).expect("a case has at most five operators"))
            .bind(who.compulsory)
            .bind(who.convened)
            .bind(who.adhesion.key())
            .bind(who.delegate.map(|u| u.0))
            .execute(c)
            .await
            .map(|_| ())?);
    }
    Ok(())
}

/// What lists show of a case beside its own columns (R-CASE-02), and the text they search in: every
/// column as people read it, in lower case (R-CASE-04).
struct Shown {
    operator: String,
    aid: String,
    second_aid: String,
    delegate: String,
    search: String,
}

impl Shown {
    async fn of(tx: &mut Tx, case: &CaseRecord) -> Result<Self, DbError> {
        const NAMES: &str = "SELECT p.part AS part, o.name AS operator, \
            COALESCE(u.given_name || ' ' || u.surname, '') AS delegate FROM case_operators p \
            JOIN operators o ON o.id = p.operator LEFT JOIN users u ON u.id = p.delegate \
            WHERE p.case_id = $1";
        let names: Vec<(String, String, String)> =
            on_db!(tx, |c| sqlx::query_as(NAMES).bind(case.id.0).fetch_all(c).await?);
        let named = |parts: &[Part]| {
            names.iter().find(|(part, ..)| parts.iter().any(|p| p.key() == part)).cloned()
        };
        let operator = |parts: &[Part]| named(parts).map(|n| n.1).unwrap_or_default();
        let mut shown = Self {
            operator: operator(&[Part::Convened]),
            aid: operator(&[Part::Distributor, Part::Sewerage]),
            second_aid: operator(&[Part::SecondDistributor, Part::Treatment]),
            delegate: named(&[Part::Convened]).map(|n| n.2).unwrap_or_default(),
            search: String::new(),
        };
        let Application { service, utility, .. } = &case.application;
        let (service, utility): (&Service, &Utility) = (service, utility);
        shown.search = [
            case.shown_number(),
            &case.rules.admitted_at.map(admitted_on).unwrap_or_default(),
            &case.client.name,
            &shown.operator,
            &shown.aid,
            &shown.second_aid,
            case.rules.state.label(),
            service.label(),
            utility.label(),
            &shown.delegate,
        ]
        .join("\n")
        .to_lowercase();
        Ok(shown)
    }
}

/// The admission date as lists show it.
pub fn admitted_on(at: DateTime<Utc>) -> String {
    calendar::show_day(calendar::day_of(at))
}
