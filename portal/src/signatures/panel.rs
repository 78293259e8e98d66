//! The monitoring panel: every process that its viewer watches, with what each signer has done and
//! when (R-SIGN-28).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use signing::process::{Event, Recorded};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::store::{ProcessRow, SignerRow, signers};
use super::{SignatureError, copies};
use crate::accounts::Actor;
use crate::cases::list::scope;
use crate::db::Db;
use crate::lists::{Column, Listing};
use crate::{journal, on_db};

/// What the panel can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelColumn {
    /// When it was put to signature.
    Started,
    /// When its term ends.
    Expires,
    /// Number of the case.
    Number,
}

impl Column for PanelColumn {
    const ALL: &'static [Self] = &[Self::Started, Self::Expires, Self::Number];

    fn key(self) -> &'static str {
        match self {
            Self::Started => "inviato",
            Self::Expires => "scadenza",
            Self::Number => "numero",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Started => "Data di invio",
            Self::Expires => "Scadenza",
            Self::Number => "Numero di pratica",
        }
    }

    fn sql(self) -> String {
        match self {
            Self::Started => "started_at",
            Self::Expires => "expires_at",
            Self::Number => "number",
        }
        .to_owned()
    }
}

/// Which processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelView {
    /// At signature.
    Open,
    /// Ended in whatever way.
    Ended,
}

impl PanelView {
    /// Both; the first is the default.
    pub const ALL: &[Self] = &[Self::Open, Self::Ended];

    /// The word in the address.
    pub fn key(self) -> &'static str {
        match self {
            Self::Open => "corso",
            Self::Ended => "concluse",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "Alla firma",
            Self::Ended => "Concluse",
        }
    }
}

/// When a signer passed each point; absent for points that were not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// The document was sent to the signer.
    pub sent: Option<DateTime<Utc>>,
    /// Opened.
    pub opened: Option<DateTime<Utc>>,
    /// Identified; by the certificate, if it was signed on an own device.
    pub identified: Option<DateTime<Utc>>,
    /// Signed.
    pub signed: Option<DateTime<Utc>>,
    /// Refused.
    pub refused: Option<DateTime<Utc>>,
    /// The term ended without this signature.
    pub expired: Option<DateTime<Utc>>,
    /// Reminded for the last time.
    pub reminded: Option<DateTime<Utc>>,
}

/// What the evidence log tells of every signer, by field. Who takes over a field begins anew.
pub fn milestones(events: &[Recorded]) -> BTreeMap<String, Milestones> {
    let mut all: BTreeMap<String, Milestones> = BTreeMap::new();
    for Recorded { at, event, .. } in events {
        let at = Some(*at);
        match event {
            Event::Frozen { plan } => {
                let fields = plan.groups.iter().flatten().map(|signer| signer.field.clone());
                all.extend(fields.map(|field| (field, Milestones::default())));
            }
            Event::Sent => all.values_mut().for_each(|one| one.sent = at),
            Event::Opened { field } => set(&mut all, field, |one| one.opened = at),
            Event::Identified { field, .. } => set(&mut all, field, |one| one.identified = at),
            Event::Signed { field, .. } => set(&mut all, field, |one| one.signed = at),
            Event::SignedElsewhere { field, .. } => set(&mut all, field, |one| {
                one.identified = one.identified.or(at);
                one.signed = at;
            }),
            Event::SignedOnPaper { .. } => all.values_mut().for_each(|one| one.signed = at),
            Event::Refused { field, .. } => set(&mut all, field, |one| one.refused = at),
            Event::Reminded { field } => set(&mut all, field, |one| one.reminded = at),
            Event::Replaced { field, .. } => {
                set(&mut all, field, |one| *one = Milestones { sent: at, ..Milestones::default() });
            }
            Event::Expired => {
                for one in all.values_mut().filter(|one| one.signed.is_none()) {
                    one.expired = at;
                }
            }
            _ => {}
        }
    }
    all
}

fn set(all: &mut BTreeMap<String, Milestones>, field: &str, act: impl FnOnce(&mut Milestones)) {
    if let Some(one) = all.get_mut(field) {
        act(one);
    }
}

/// What was put to signature together, as the panel shows it.
pub struct Bulk {
    /// Number of the case.
    pub number: String,
    /// One document that all share, or the copies, in order. Never empty.
    pub documents: Vec<Watched>,
}

/// One process on the panel.
pub struct Watched {
    /// The process.
    pub row: ProcessRow,
    /// It is signed by hand (R-SIGN-37).
    pub on_paper: bool,
    /// Its signers in order, with what they have done.
    pub signers: Vec<(SignerRow, Milestones)>,
}

#[derive(sqlx::FromRow)]
struct Row {
    number: String,
    #[sqlx(flatten)]
    process: ProcessRow,
}

/// One page of what `actor` watches, and how much there is in all. Copies are one entry (R-SIGN-27),
/// which ends with the last of them.
pub async fn page(
    db: &Db,
    actor: &Actor,
    view: PanelView,
    listing: &mut Listing<PanelColumn>,
) -> Result<(Vec<Bulk>, u64), SignatureError> {
    let open = match view {
        PanelView::Open => "EXISTS",
        PanelView::Ended => "NOT EXISTS",
    };
    let from = format!(
        "FROM signature_processes p JOIN cases ON cases.id = p.case_id
         WHERE p.body = $1 AND p.copy <= 1 AND {open} (
                 SELECT 1 FROM signature_processes o WHERE o.version = p.version AND o.open)
             AND ({}) AND ($2 = $2)
             AND (cases.search LIKE $3 ESCAPE '\\' OR LOWER(p.title) LIKE $3 ESCAPE '\\')",
        scope(actor.role)
    );
    let count = format!("SELECT COUNT(*) {from}");
    let rows = format!(
        "SELECT * FROM (SELECT COALESCE(cases.number, '') AS number, p.* {from}) AS found ORDER BY {} LIMIT $4 OFFSET $5",
        listing.order()
    );
    let pattern = listing.pattern();
    // Only constants of the program are put into the text: scope, view and column.
    let (total, found): (i64, Vec<Row>) = on_db!(read db, |c| {
        let total = sqlx::query_scalar(AssertSqlSafe(count))
            .bind(actor.body.0)
            .bind(actor.user.0)
            .bind(&pattern)
            .fetch_one(c)
            .await?;
        listing.within(total);
        let rows = sqlx::query_as(AssertSqlSafe(rows))
            .bind(actor.body.0)
            .bind(actor.user.0)
            .bind(&pattern)
            .bind(i64::from(listing.size))
            .bind(listing.offset())
            .fetch_all(c)
            .await?;
        (total, rows)
    });
    let mut watched = Vec::with_capacity(found.len());
    for Row { number, process } in found {
        let mut documents = Vec::new();
        for row in copies::of_version(db, &process).await? {
            documents.push(watch(db, row).await?);
        }
        watched.push(Bulk { number, documents });
    }
    Ok((watched, u64::try_from(total).unwrap_or(0)))
}

/// Minutes that were written, of a meeting that is over, and not put to signature.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Written {
    /// The meeting.
    pub meeting: Uuid,
    /// Number of its case.
    pub number: String,
}

/// What the secretariat of a body can put to signature (R-SIGN-25), oldest meeting first.
pub async fn written(db: &Db, body: Uuid) -> Result<Vec<Written>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT t.id AS meeting, COALESCE(cases.number, '') AS number
         FROM minutes m JOIN meetings t ON t.id = m.meeting JOIN cases ON cases.id = t.case_id
         WHERE m.body = $1 AND t.state = 'held' AND cases.state = 'held' AND m.text <> ''
             AND NOT EXISTS (SELECT 1 FROM signature_processes p WHERE p.meeting = t.id)
         ORDER BY t.starts_at LIMIT 50"
    )
    .bind(body)
    .fetch_all(c)
    .await)?)
}

async fn watch(db: &Db, row: ProcessRow) -> Result<Watched, SignatureError> {
    let damaged = |_| SignatureError::Damaged("an event of the evidence log");
    let chain = journal::load(db, row.aggregate()).await?;
    let events: Result<Vec<Recorded>, _> =
        chain.iter().map(|link| serde_json::from_str(&link.event).map_err(damaged)).collect();
    let events = events?;
    let on_paper = matches!(
        events.first().map(|first| &first.event),
        Some(Event::Frozen { plan }) if plan.on_paper.is_some()
    );
    let passed = milestones(&events);
    let signers = signers(db, row.id).await?.into_iter().map(|signer| {
        let passed = passed.get(&signer.field).copied().unwrap_or_default();
        (signer, passed)
    });
    Ok(Watched { signers: signers.collect(), row, on_paper })
}

/// Ids of what is shown with how far it is, for the page's version.
pub fn version(watched: &[Bulk]) -> String {
    let shown: Vec<(Uuid, &str, Vec<Milestones>)> = watched
        .iter()
        .flat_map(|bulk| &bulk.documents)
        .map(|one| {
            let passed = one.signers.iter().map(|(_, passed)| *passed).collect();
            (one.row.id, one.row.status.as_str(), passed)
        })
        .collect();
    signing::Digest::of(format!("{shown:?}").as_bytes()).to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use signing::Digest;
    use signing::process::{
        AttemptId, Format, Identification, Method, Plan, ProcessId, Signer, Terms,
    };

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute)
    }

    fn told(minute: i64, event: Event) -> Recorded {
        Recorded { v: Recorded::VERSION, at: at(minute), event }
    }

    #[test]
    fn r_sign_28_every_point_of_every_signer_has_its_time() {
        let signer =
            |n: u128, field: &str| Signer { field: field.to_owned(), person: Uuid::from_u128(n) };
        let plan = Plan {
            process: ProcessId(Uuid::nil()),
            document: Digest::of(b"0"),
            groups: vec![
                vec![signer(1, "a"), signer(2, "b"), signer(3, "c")],
                vec![signer(4, "d")],
            ],
            terms: Terms::until(at(90)),
            on_paper: None,
            format: Format::default(),
        };
        let field = |name: &str| name.to_owned();
        let identification =
            Identification { method: Method::Spid, at: at(-9), reference: String::new() };
        let (base, revision) = (Digest::of(b"0"), Digest::of(b"1"));
        let events = [
            told(0, Event::Frozen { plan }),
            told(1, Event::Sent),
            told(2, Event::Opened { field: field("a") }),
            told(3, Event::Identified { field: field("a"), identification }),
            told(
                4,
                Event::Signed {
                    field: field("a"),
                    attempt: AttemptId(Uuid::nil()),
                    base,
                    revision,
                },
            ),
            told(5, Event::Opened { field: field("b") }),
            told(
                6,
                Event::SignedElsewhere {
                    field: field("b"),
                    base: revision,
                    revision: base,
                    certificate: base,
                    file: None,
                },
            ),
            told(7, Event::Opened { field: field("c") }),
            told(8, Event::Reminded { field: field("c") }),
            told(9, Event::Replaced { field: field("d"), person: Uuid::from_u128(5) }),
            told(10, Event::Expired),
        ];
        let all = milestones(&events);
        let sent = Milestones { sent: Some(at(1)), ..Milestones::default() };
        for (field, expected) in [
            (
                "a",
                Milestones {
                    opened: Some(at(2)),
                    identified: Some(at(3)),
                    signed: Some(at(4)),
                    ..sent
                },
            ),
            (
                "b",
                Milestones {
                    opened: Some(at(5)),
                    identified: Some(at(6)),
                    signed: Some(at(6)),
                    ..sent
                },
            ),
            (
                "c",
                Milestones {
                    opened: Some(at(7)),
                    reminded: Some(at(8)),
                    expired: Some(at(10)),
                    ..sent
                },
            ),
            ("d", Milestones { sent: Some(at(9)), expired: Some(at(10)), ..Milestones::default() }),
        ] {
            assert_eq!(all[field], expected, "{field}");
        }
        assert_eq!(all.len(), 4);
    }
}
