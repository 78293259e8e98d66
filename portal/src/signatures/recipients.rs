//! People who were typed in to get an own copy of minutes (R-SIGN-26, R-SIGN-27): they have no account
//! and no seat, come by a personal link like any guest (R-MEET-46), and see their copy alone.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::copies::MAX_RECIPIENTS;
use super::store::ProcessRow;
use super::{SignatureError, store};
use crate::accounts::personal::{Email, PersonalComplaints, PersonalData};
use crate::accounts::{self, Person, UserId};
use crate::bodies::BodyId;
use crate::calendar;
use crate::db::{Tx, kept};
use crate::guests::invitations::{self, Invitee, Place};
use crate::guests::{persons, store as guests};
use crate::meetings::people::Sitting;
use crate::minutes::table::Table;
use crate::notifications::{self, Channel, Message};
use crate::on_db;
use crate::portal::Portal;
use crate::procedures::SeatKind;

/// So long after the term a recipient can still open the link, to keep the signed copy.
const AFTERWARDS: TimeDelta = TimeDelta::days(30);

/// Why somebody is no recipient.
#[derive(Debug, thiserror::Error)]
pub enum RecipientError {
    /// Fields to put right.
    #[error("fields to put right")]
    Fields(Box<PersonalComplaints>),
    /// Anything else.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl From<crate::db::DbError> for RecipientError {
    fn from(error: crate::db::DbError) -> Self {
        Self::Signature(error.into())
    }
}

/// Everybody who was typed in, in that order.
pub async fn of_meeting(portal: &Portal, table: &Table) -> Result<Vec<Sitting>, SignatureError> {
    let users: Vec<Uuid> = on_db!(read & portal.db, |c| sqlx::query_scalar(
        "SELECT user_id FROM minutes_recipients WHERE body = $1 AND meeting = $2
         ORDER BY added_at, user_id"
    )
    .bind(table.body.id.0)
    .bind(table.meeting.id.0)
    .fetch_all(c)
    .await)?;
    let label = portal.profile(&table.case.procedure).seats.of(SeatKind::Recipient);
    let mut people = Vec::new();
    for user in users {
        let person = accounts::store::person(&portal.db, table.body.id, UserId(user)).await?;
        people.extend(person.map(|person| Sitting {
            seat: SeatKind::Recipient,
            label: label.to_owned(),
            person,
        }));
    }
    Ok(people)
}

/// Who was typed in among the signers of a version.
pub(super) async fn of_version_in(
    tx: &mut Tx,
    row: &ProcessRow,
) -> Result<Vec<Person>, SignatureError> {
    let users: Vec<Uuid> = on_db!(&mut *tx, |c| {
        sqlx::query_scalar(
        "SELECT s.person FROM signature_signers s JOIN signature_processes p ON p.id = s.process
         WHERE p.body = $1 AND p.version = $2 AND s.field = $3 ORDER BY p.copy"
    )
    .bind(row.body)
    .bind(row.version)
    .bind(SeatKind::Recipient.key())
    .fetch_all(c)
    .await
    })?;
    let mut people = Vec::new();
    for user in users {
        people.extend(accounts::store::person_in(tx, BodyId(row.body), UserId(user)).await?);
    }
    Ok(people)
}

/// Whether recipients can be chosen at this moment.
async fn may_choose(tx: &mut Tx, table: &Table) -> Result<(), SignatureError> {
    let (body, meeting) = (table.body.id, table.meeting.id);
    // One after the other: recipients are counted.
    let locked = crate::meetings::store::lock(tx, body, meeting).await?;
    locked.ok_or(SignatureError::NotFound)?;
    if store::is_open_in(tx, body.0, meeting.0).await? {
        let words = "Il verbale è già alla firma: i destinatari non si possono più cambiare.";
        return Err(SignatureError::Unfit(words.to_owned()));
    }
    Ok(())
}

/// Adds somebody, as typed: each person gets one copy.
pub async fn add(
    portal: &Portal,
    table: &Table,
    typed: &PersonalData,
) -> Result<(), RecipientError> {
    if !table.chooses() {
        return Err(SignatureError::NotAllowed.into());
    }
    let before = of_meeting(portal, table).await?;
    let data = typed.checked(Email::Needed);
    let data = data.map_err(|wrong| RecipientError::Fields(Box::new(wrong)))?;
    let mut known = table.sitting.iter().chain(&before);
    if known.any(|one| one.person.fiscal_code == data.fiscal_code) {
        let fiscal_code = Some("La persona è già nella pratica o tra i destinatari.");
        let wrong = PersonalComplaints { fiscal_code, ..PersonalComplaints::default() };
        return Err(RecipientError::Fields(Box::new(wrong)));
    }
    let mut tx = portal.db.begin().await?;
    may_choose(&mut tx, table).await?;
    let count: i64 = on_db!(&mut tx, |c| sqlx::query_scalar(
        "SELECT COUNT(*) FROM minutes_recipients WHERE meeting = $1"
    )
    .bind(table.meeting.id.0)
    .fetch_one(c)
    .await)
    .map_err(SignatureError::from)?;
    if usize::try_from(count).unwrap_or(MAX_RECIPIENTS) >= MAX_RECIPIENTS {
        let words = format!("I destinatari sono al massimo {MAX_RECIPIENTS}.");
        return Err(SignatureError::Unfit(words).into());
    }
    let person = persons::without_account(portal, data);
    accounts::store::insert(&mut tx, table.body.id, &person, "").await?;
    on_db!(&mut tx, |c| sqlx::query(
        "INSERT INTO minutes_recipients (body, meeting, user_id, added_at)
         VALUES ($1, $2, $3, $4)"
    )
    .bind(table.body.id.0)
    .bind(table.meeting.id.0)
    .bind(person.id.0)
    .bind(kept(portal.now()))
    .execute(c)
    .await
    .map(drop))
    .map_err(SignatureError::from)?;
    Ok(tx.commit().await?)
}

/// Takes somebody off; a link from an earlier version ends.
pub async fn remove(portal: &Portal, table: &Table, user: UserId) -> Result<(), SignatureError> {
    if !table.chooses() {
        return Err(SignatureError::NotAllowed);
    }
    let mut tx = portal.db.begin().await?;
    may_choose(&mut tx, table).await?;
    let removed = on_db!(&mut tx, |c| sqlx::query(
        "DELETE FROM minutes_recipients WHERE body = $1 AND meeting = $2 AND user_id = $3"
    )
    .bind(table.body.id.0)
    .bind(table.meeting.id.0)
    .bind(user.0)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    if removed == 0 {
        return Err(SignatureError::NotFound);
    }
    guests::end(&mut tx, table.meeting.id.0, Some(user), portal.now()).await?;
    Ok(tx.commit().await?)
}

/// Sends everybody who was typed in the personal link to their copy, good until some time after its
/// term.
pub(super) async fn invite_in(
    tx: &mut Tx,
    portal: &Portal,
    table: &Table,
    typed_in: &[Sitting],
    term: DateTime<Utc>,
) -> Result<(), SignatureError> {
    let (body, number) = (&table.body, table.case.shown_number());
    let (room, case, until) = (table.meeting.id.0, table.case.id, term + AFTERWARDS);
    for one in typed_in {
        let place = Place { room, case, until };
        let (seat, label) = (one.seat, one.label.as_str());
        let invitee = Invitee { user: one.person.id, seat, label, reason: "" };
        let (invitation, token) = invitations::issue_in(tx, portal, body, place, invitee).await?;
        let message = Message {
            channel: Channel::Mail,
            to: one.person.email.clone(),
            subject: format!("Una copia del verbale per la tua firma – pratica {number}"),
            text: format!(
                "Gentile {},\n\nnella pratica {number} una copia del verbale, solo tua, è pronta per \
                 la tua firma. Si può firmare fino al {}.\n\nNon serve un'utenza. Apri questo \
                 collegamento personale:\n{}\n\nTi invieremo un codice per SMS al tuo cellulare. Il \
                 collegamento è riservato a te: non inoltrarlo.\n\nPer assistenza: {}\n\n{}",
                one.person.name(),
                calendar::show(term),
                invitations::link(portal, body, token.reveal()),
                portal.settings.help_phone,
                body.name,
            ),
            key: format!("invitation/{}", invitation.id),
        };
        notifications::send(tx, body.id.0, portal.new_id(), &message, portal.now()).await?;
    }
    Ok(())
}
