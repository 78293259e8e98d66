//! Consent of the parties to a fully digital procedure (R-SIGN-37, d.lgs. 28/2010 art. 8-ter): who
//! must give it is data of the procedure profile, and minutes are signed digitally only once everybody
//! has. A party answers on the page, also in the room; or the neutral person records what was said
//! or written, for a party that has not answered itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ending::{Letter, tell};
use super::{SignatureError, store};
use crate::accounts::{Actor, Person, UserId};
use crate::cases::commands::note_in;
use crate::cases::rules::CaseEvent;
use crate::db::{Db, DbError, Tx, kept};
use crate::minutes::table::Table;
use crate::on_db;
use crate::portal::Portal;
use crate::procedures::SeatKind;
use crate::signatures::ports::LiveTopic;
use crate::words::words;

/// How an answer was given.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// By the party itself, on the page.
    Portal,
    /// Aloud, recorded by the neutral person.
    Spoken,
    /// In writing, recorded by the neutral person.
    Written,
}

words! { Given {
    Portal = "portal", "nel portale";
    Spoken = "spoken", "a voce, nell'incontro";
    Written = "written", "per iscritto";
} }

/// What a party answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// It consents.
    pub consents: bool,
    /// How.
    pub given: Given,
    /// Who recorded it: the party, or the neutral person.
    pub recorded_by: UserId,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// Answers so far, by seat.
pub type Answers = BTreeMap<SeatKind, Answer>;

/// The seats whose consent minutes with these signers need. `choices`: of each inner list of the
/// profile the first seat that somebody has answers for its party. A party that signs nothing is not
/// asked.
pub fn needed(
    choices: &[Vec<SeatKind>],
    present: impl Fn(SeatKind) -> bool,
    signers: &[SeatKind],
) -> Vec<SeatKind> {
    let speaker = |choice: &Vec<SeatKind>| choice.iter().copied().find(|seat| present(*seat));
    let signs = |seat: &SeatKind| signers.iter().any(|signer| signer.side() == seat.side());
    choices.iter().filter_map(speaker).filter(signs).collect()
}

/// Everybody asked has consented.
pub fn unanimous(needed: &[SeatKind], answers: &Answers) -> bool {
    needed.iter().all(|seat| answers.get(seat).is_some_and(|answer| answer.consents))
}

/// Everybody at this table whom the profile asks, whatever the outcome of the meeting.
pub fn asked(portal: &Portal, table: &Table) -> Vec<SeatKind> {
    let choices = &portal.profile(&table.case.procedure).signatures.digital_consent;
    let everybody: Vec<SeatKind> = table.sitting.iter().map(|one| one.seat).collect();
    needed(choices, |seat| everybody.contains(&seat), &everybody)
}

#[derive(sqlx::FromRow)]
struct Row {
    seat: String,
    consents: bool,
    given: String,
    recorded_by: Uuid,
    recorded_at: DateTime<Utc>,
}

const ANSWERS: &str = "SELECT seat, consents, given, recorded_by, recorded_at
     FROM digital_consents WHERE body = $1 AND case_id = $2";

/// The answers in a case.
pub async fn answers(db: &Db, table: &Table) -> Result<Answers, DbError> {
    let rows: Vec<Row> = on_db!(read db, |c| sqlx::query_as(ANSWERS)
        .bind(table.body.id.0)
        .bind(table.case.id.0)
        .fetch_all(c)
        .await)?;
    Ok(read(rows))
}

/// The same in the caller's transaction.
pub(super) async fn answers_in(tx: &mut Tx, table: &Table) -> Result<Answers, DbError> {
    let rows: Vec<Row> = on_db!(tx, |c| sqlx::query_as(ANSWERS)
        .bind(table.body.id.0)
        .bind(table.case.id.0)
        .fetch_all(c)
        .await)?;
    Ok(read(rows))
}

fn read(rows: Vec<Row>) -> Answers {
    let answer = |row: Row| {
        let answer = Answer {
            consents: row.consents,
            given: row.given.parse().ok()?,
            recorded_by: UserId(row.recorded_by),
            recorded_at: row.recorded_at,
        };
        Some((row.seat.parse().ok()?, answer))
    };
    rows.into_iter().filter_map(answer).collect()
}

/// Records what the party on `seat` answered, by the party itself or by the neutral person; the
/// other of the two is told. Until a document is at signature, a party may change its mind.
pub async fn record(
    portal: &Portal,
    table: &Table,
    actor: &Actor,
    seat: SeatKind,
    (consents, given): (bool, Given),
) -> Result<(), SignatureError> {
    let unfit = |words: &str| SignatureError::Unfit(words.to_owned());
    if !asked(portal, table).contains(&seat) {
        return Err(unfit("In questa procedura il consenso non è richiesto a questa parte."));
    }
    let own = table.seat == Some(seat);
    if own != (given == Given::Portal) || !(own || table.leads) {
        return Err(SignatureError::NotAllowed);
    }
    let (body, now) = (&table.body, portal.now());
    let mut tx = portal.db.begin().await?;
    let case = crate::cases::store::lock(&mut tx, body.id, table.case.id).await?;
    let case = case.ok_or(SignatureError::NotFound)?;
    if store::open_of_case_in(&mut tx, body.id.0, case.id.0).await?.is_some()
        || store::is_open_in(&mut tx, body.id.0, table.meeting.id.0).await?
    {
        return Err(unfit("Il verbale è già alla firma: il consenso non si può più cambiare."));
    }
    let before = answers_in(&mut tx, table).await?.remove(&seat);
    if !own && before.as_ref().is_some_and(|answer| answer.given == Given::Portal) {
        return Err(unfit("La parte ha già risposto personalmente: solo lei può cambiare."));
    }
    on_db!(&mut tx, |c| {
        sqlx::query(
        "INSERT INTO digital_consents (body, case_id, seat, consents, given, recorded_by, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (case_id, seat) DO UPDATE
         SET consents = $4, given = $5, recorded_by = $6, recorded_at = $7"
    )
    .bind(body.id.0)
    .bind(case.id.0)
    .bind(seat.key())
    .bind(consents)
    .bind(given.key())
    .bind(actor.user.0)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop)
    })?;
    let event = CaseEvent::DigitalConsent { seat, consents, given };
    note_in(&mut tx, portal, &case, event, actor).await?;
    let told = if own { SeatKind::Neutral } else { seat };
    let people = table.sitting.iter().filter(|one| one.seat == told);
    let people: Vec<Person> = people.map(|one| one.person.clone()).collect();
    let letter = Letter {
        subject: "Forma digitale della procedura",
        text: if own {
            "una parte ha risposto sulla forma digitale della procedura."
        } else {
            "è stata registrata la tua risposta sulla forma digitale della procedura: se non è \
             corretta, puoi darla tu stesso dal portale prima che il verbale vada alla firma."
        },
        key: &format!("consent/{}", portal.new_id()),
    };
    tell(&mut tx, portal, body, &case, table.meeting.id, &people, &letter).await?;
    tx.commit().await?;
    portal.signing.live.changed(table.meeting.id, LiveTopic::Minutes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procedures::Procedures;
    use SeatKind::{Client, ClientDelegate, Neutral, OperatorDelegate};

    fn answer(consents: bool) -> Answer {
        Answer {
            consents,
            given: Given::Portal,
            recorded_by: UserId(Uuid::nil()),
            recorded_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn r_sign_37_who_is_asked_is_data_of_the_profile_and_all_of_them_must_consent() {
        let procedures = Procedures::shipped();
        let choices = |key: &str| procedures.get(key).unwrap().signatures.digital_consent.clone();
        let everybody = [Neutral, Client, ClientDelegate, OperatorDelegate];
        for (key, present, signers, expected) in [
            ("conciliazione", &everybody[..], &everybody[..], &[][..]),
            ("mediazione", &everybody, &everybody, &[Client, OperatorDelegate]),
            ("mediazione", &everybody[2..], &everybody[2..], &[ClientDelegate, OperatorDelegate]),
            // Who did not come signs nothing.
            ("mediazione", &everybody, &[Client, Neutral], &[Client]),
        ] {
            let found = needed(&choices(key), |seat| present.contains(&seat), signers);
            assert_eq!(found, expected, "{key} {signers:?}");
        }
        let both = [Client, OperatorDelegate];
        for (client, operator, expected) in [
            (None, None, false),
            (Some(true), None, false),
            (Some(true), Some(false), false),
            (Some(true), Some(true), true),
        ] {
            let given = [(Client, client), (OperatorDelegate, operator)];
            let answers: Answers =
                given.into_iter().filter_map(|(seat, it)| Some((seat, answer(it?)))).collect();
            assert_eq!(unanimous(&both, &answers), expected, "{client:?} {operator:?}");
        }
        assert!(unanimous(&[], &Answers::new()));
    }
}
