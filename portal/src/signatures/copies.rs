//! Minutes of which every recipient gets an own copy (R-SIGN-27, C-26): the same text, each with its
//! mark and number, its own process, evidence and signatures. All copies of a version begin
//! together and end each for itself; the minutes are complete when all of them are.

use signing::process::{Input, Status, Step};
use uuid::Uuid;

use super::steps::{advance_in, locked};
use super::store::{Locked, ProcessRow, Who};
use super::{SignatureError, rules};
use crate::accounts::{Person, UserId};
use crate::bodies::BodyId;
use crate::db::{Db, Tx};
use crate::on_db;
use crate::portal::Portal;

/// At most so many people get an own copy: each is signed by the neutral person too, one by one.
pub const MAX_RECIPIENTS: usize = 20;

/// One document of a version, as somebody sees it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Copy {
    /// Its process.
    #[sqlx(flatten)]
    pub process: ProcessRow,
    /// The visitor's own step in it, as a word; absent for who does not sign it.
    pub own: Option<String>,
    /// Who signs it first: of a copy, whose it is.
    pub recipient: String,
}

/// What was put to signature together: one document, or the copies. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Version(Vec<Copy>);

impl Version {
    /// The newest version of a meeting's minutes.
    pub async fn newest(
        db: &Db,
        body: Uuid,
        meeting: Uuid,
        visitor: UserId,
    ) -> Result<Option<Self>, SignatureError> {
        let copies: Vec<Copy> = on_db!(read db, |c| sqlx::query_as(
            "SELECT p.*, s.step AS own, r.name AS recipient
             FROM signature_processes p
             JOIN signature_signers r ON r.process = p.id AND r.position = 0
             LEFT JOIN signature_signers s ON s.process = p.id AND s.person = $3
             WHERE p.body = $1 AND p.meeting = $2 AND p.version = (
                 SELECT version FROM signature_processes WHERE body = $1 AND meeting = $2
                 ORDER BY started_at DESC LIMIT 1)
             ORDER BY p.copy"
        )
        .bind(body)
        .bind(meeting)
        .bind(visitor.0)
        .fetch_all(c)
        .await)?;
        Ok(Some(copies).filter(|copies| !copies.is_empty()).map(Self))
    }

    /// All documents, in order.
    pub fn copies(&self) -> &[Copy] {
        &self.0
    }

    /// One of them is not over.
    pub fn is_open(&self) -> bool {
        self.0.iter().any(|one| one.process.open)
    }

    /// The meeting needs no other version: this one is open, or all of it is signed.
    pub fn is_settled(&self) -> bool {
        let completed = rules::status_key(Status::Completed);
        self.is_open() || self.0.iter().all(|one| one.process.status == completed)
    }

    /// The document that the visitor asked for by its number, or the one that concerns the visitor:
    /// begun before others, then what its recipient has signed, then what is open at all, then what
    /// came to nothing. Who signs a copy sees no other one's; `watches`: may look at each.
    pub fn shown(mut self, asked: Option<i64>, watches: bool) -> ProcessRow {
        if !watches && self.0.iter().any(|one| one.own.is_some()) {
            self.0.retain(|one| one.own.is_some());
        }
        let is_asked = |one: &Copy| Some(one.process.copy) == asked;
        if self.0.iter().any(is_asked) {
            self.0.retain(is_asked);
        }
        let rank = |one: &Copy| {
            let status = rules::status_of(&one.process.status);
            let begun = one.own.as_deref().map_or(0, rank_of_step);
            let is_unfinished = status != Some(Status::Completed);
            (one.process.open, status == Some(Status::PartiallySigned), begun, is_unfinished)
        };
        // Of equals the first.
        let found = self.0.into_iter().rev().max_by_key(rank);
        found.expect("a version has a document").process
    }
}

fn rank_of_step(key: &str) -> usize {
    let steps = [Step::Opened, Step::Identified, Step::ConditionsAccepted, Step::ContactsConfirmed];
    let steps = steps.into_iter().chain([Step::CertificateIssued, Step::OtpSent]);
    steps.map(rules::step_key).position(|step| step == key).map_or(0, |place| place + 1)
}

const OF_VERSION: &str = "SELECT * FROM signature_processes \
     WHERE body = $1 AND version = $2 ORDER BY copy";

/// The documents of the version that `row` belongs to, in order.
pub(super) async fn of_version(
    db: &Db,
    row: &ProcessRow,
) -> Result<Vec<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| {
        sqlx::query_as(OF_VERSION).bind(row.body).bind(row.version).fetch_all(c).await?
    }))
}

/// The same in the caller's transaction.
pub(super) async fn of_version_in(
    tx: &mut Tx,
    row: &ProcessRow,
) -> Result<Vec<ProcessRow>, SignatureError> {
    Ok(on_db!(tx, |c| {
        sqlx::query_as(OF_VERSION).bind(row.body).bind(row.version).fetch_all(c).await
    })?)
}

/// Takes back what is open of a version; signatures given so far are void. A copy that ends at this
/// moment keeps its end.
pub(super) async fn take_back_in(
    tx: &mut Tx,
    portal: &Portal,
    row: &ProcessRow,
    reason: &str,
    who: Who,
) -> Result<Vec<Locked>, SignatureError> {
    let cancel = || Input::Cancel { reason: reason.to_owned() };
    let mut taken = Vec::new();
    for one in of_version_in(tx, row).await? {
        if !locked(tx, &one).await?.process.status().is_final() {
            taken.push(advance_in(tx, portal, &one, [cancel()], who).await?);
        }
    }
    if taken.is_empty() {
        // The process says why not.
        advance_in(tx, portal, row, [cancel()], who).await?;
    }
    Ok(taken)
}

/// Everybody who signs one of these documents, once each.
pub(super) async fn people_in(
    tx: &mut Tx,
    body: BodyId,
    documents: &[Locked],
) -> Result<Vec<Person>, SignatureError> {
    let mut signers: Vec<Uuid> = Vec::new();
    for state in documents.iter().flat_map(|one| one.process.signers()) {
        if !signers.contains(&state.signer.person) {
            signers.push(state.signer.person);
        }
    }
    let mut people = Vec::new();
    for id in signers {
        people.extend(crate::accounts::store::person_in(tx, body, UserId(id)).await?);
    }
    Ok(people)
}

/// The number of the copy that an address asks for.
pub fn asked_for(query: &str) -> Option<i64> {
    query.split('&').find_map(|pair| pair.strip_prefix("copia=")?.parse().ok())
}

/// What an address needs behind it to ask for this document; empty for one that all share.
pub fn suffix(row: &ProcessRow) -> String {
    if row.copy > 0 { format!("?copia={}", row.copy) } else { String::new() }
}

/// What stands on a copy: which one it is, and whose.
pub(super) fn mark(number: usize, total: usize, recipient: &str, id: Uuid) -> String {
    let code = id.simple().to_string().to_uppercase();
    let code = &code[code.len() - 12..];
    format!("Copia n. {number} di {total}, per {recipient} – contrassegno {code}")
}

/// Rows for tests.
#[cfg(test)]
pub(super) mod samples {
    use chrono::DateTime;

    use super::*;

    /// A process at this status, with nothing else to tell.
    pub fn row(copy: i64, status: Status) -> ProcessRow {
        ProcessRow {
            id: Uuid::nil(),
            body: Uuid::nil(),
            meeting: Uuid::nil(),
            case_id: Uuid::nil(),
            title: String::new(),
            outcome: String::new(),
            document: String::new(),
            status: rules::status_key(status).to_owned(),
            open: !status.is_final(),
            expires_at: DateTime::UNIX_EPOCH,
            started_at: DateTime::UNIX_EPOCH,
            ended_at: None,
            version: Uuid::nil(),
            copy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(copy: i64, status: Status, own: Option<Step>) -> Copy {
        Copy {
            own: own.map(|step| rules::step_key(step).to_owned()),
            recipient: String::new(),
            process: samples::row(copy, status),
        }
    }

    #[test]
    fn r_sign_27_everybody_is_led_to_the_copy_that_concerns_them() {
        use Status::{Completed, PartiallySigned, Refused, Sent};
        let (invited, code, signed) =
            (Some(Step::Invited), Some(Step::OtpSent), Some(Step::Signed));
        for (copies, asked, watches, expected) in [
            // A recipient has one, whatever is asked for.
            (vec![copy(1, PartiallySigned, None), copy(2, Sent, invited)], Some(1), false, 2),
            (vec![copy(1, Completed, signed), copy(2, Sent, None)], None, false, 1),
            // Who signs all of them goes on where a recipient has signed, in order.
            (vec![copy(1, Sent, invited), copy(2, PartiallySigned, invited)], None, true, 2),
            (
                vec![copy(1, PartiallySigned, invited), copy(2, PartiallySigned, code)],
                None,
                true,
                2,
            ),
            (
                vec![copy(1, PartiallySigned, invited), copy(2, PartiallySigned, invited)],
                None,
                true,
                1,
            ),
            (vec![copy(1, Completed, signed), copy(2, Sent, invited)], None, true, 2),
            // Nothing is left but what was refused.
            (vec![copy(1, Completed, signed), copy(2, Refused, invited)], None, true, 2),
            // Who watches, and what is asked for.
            (
                vec![copy(1, Completed, None), copy(2, Sent, None), copy(3, Sent, None)],
                None,
                true,
                2,
            ),
            (vec![copy(1, Completed, None), copy(2, Sent, None)], Some(1), true, 1),
            (vec![copy(1, Completed, None), copy(2, Sent, None)], Some(9), true, 2),
            (vec![copy(0, Sent, None)], None, true, 0),
        ] {
            let found = Version(copies.clone()).shown(asked, watches).copy;
            assert_eq!(found, expected, "{asked:?} {copies:?}");
        }
    }

    #[test]
    fn r_sign_27_a_version_is_settled_while_one_copy_is_open_or_when_all_are_signed() {
        use Status::{Cancelled, Completed, Expired, PartiallySigned, Refused, Sent};
        for (statuses, open, settled) in [
            (&[Sent, Completed][..], true, true),
            (&[Refused, PartiallySigned], true, true),
            (&[Completed, Completed], false, true),
            (&[Completed, Refused], false, false),
            (&[Cancelled, Expired], false, false),
        ] {
            let copies = statuses.iter().zip(1..).map(|(one, number)| copy(number, *one, None));
            let version = Version(copies.collect());
            assert_eq!((version.is_open(), version.is_settled()), (open, settled), "{statuses:?}");
        }
    }

    #[test]
    fn r_sign_27_every_copy_has_its_own_mark() {
        let id = Uuid::from_u128(0x0123_4567_89ab);
        let mark = mark(2, 3, "Anna Rossi", id);
        assert_eq!(mark, "Copia n. 2 di 3, per Anna Rossi – contrassegno 0123456789AB");
    }
}
