//! Writing and ending invitations, and the message that carries the link.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Invitation, rules, store};
use crate::accounts::{Person, UserId};
use crate::bodies::Body;
use crate::calendar;
use crate::cases::CaseId;
use crate::db::{DbError, Tx};
use crate::meetings::standing::StandingRoom;
use crate::meetings::store::MeetingRecord;
use crate::notifications::{self, Channel, Message};
use crate::portal::Parts;
use crate::procedures::{ProcedureProfile, SeatKind};
use crate::random::{self, Token};

/// Where an invitation leads and how long.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The room.
    pub room: Uuid,
    /// Its case.
    pub case: CaseId,
    /// When invitations to it end. After the meeting they open its minutes, as long as those can
    /// be signed.
    pub until: DateTime<Utc>,
}

impl Place {
    /// The room of a meeting, or the standing one that it is held in.
    pub fn of(
        profile: &ProcedureProfile,
        meeting: &MeetingRecord,
        standing: Option<&StandingRoom>,
    ) -> Self {
        let term = TimeDelta::days(profile.signatures.term_days.into());
        let signed_by = meeting.rules.slot.ends_at + term;
        match standing {
            Some(room) => {
                Self { room: room.id, case: room.case, until: room.ends_at.max(signed_by) }
            }
            None => Self { room: meeting.id.0, case: meeting.case, until: signed_by },
        }
    }
}

/// Who is invited as what.
#[derive(Clone, Copy, Debug)]
pub struct Invitee<'a> {
    /// The person.
    pub user: UserId,
    /// The seat.
    pub seat: SeatKind,
    /// The seat in words.
    pub label: &'a str,
    /// Why there is an extra seat.
    pub reason: &'a str,
}

/// Writes an invitation in the place of an earlier one to the same room. The token goes into the
/// link and is kept nowhere.
pub async fn issue_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    place: Place,
    invitee: Invitee<'_>,
) -> Result<(Invitation, Token), DbError> {
    let now = portal.now();
    store::end(tx, place.room, Some(invitee.user), now).await?;
    let token = Token::new(&*portal.random);
    let invitation = Invitation {
        id: portal.new_id(),
        body: body.id,
        room: place.room,
        case: place.case,
        user: invitee.user,
        seat: invitee.seat,
        label: invitee.label.to_owned(),
        reason: invitee.reason.to_owned(),
        created_at: now,
        expires_at: place.until,
        codes_sent: 0,
        last_code_at: None,
        code_failures: 0,
    };
    store::insert(tx, &invitation, token.hash()).await?;
    Ok((invitation, token))
}

/// Address of the page that a token opens.
pub fn link(portal: &Parts, body: &Body, secret: &str) -> String {
    portal.link(body, &format!("/invito/{secret}"))
}

/// Invites a person by mail: `what` is said of the meeting, the rest is the same for everybody.
pub async fn invite_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    (place, invitee, person): (Place, Invitee<'_>, &Person),
    (subject, what): (&str, &str),
) -> Result<Invitation, DbError> {
    let (invitation, token) = issue_in(tx, portal, body, place, invitee).await?;
    let message = Message {
        channel: Channel::Mail,
        to: person.email.clone(),
        subject: subject.to_owned(),
        text: format!(
            "Gentile {},\n\n{what}\n\nPer partecipare non serve un'utenza. Apri questo collegamento \
             personale:\n{}\n\nTi invieremo un codice per SMS al cellulare indicato nella pratica. \
             Il collegamento è riservato a te: non inoltrarlo. Sostituisce quelli inviati in \
             precedenza e vale fino al {}.\n\nPer assistenza: {}\n\n{}",
            person.name(),
            link(portal, body, token.reveal()),
            calendar::show_day(calendar::day_of(place.until)),
            portal.settings.help_phone,
            body.name,
        ),
        key: format!("invitation/{}", invitation.id),
    };
    notifications::send(tx, body.id.0, portal.new_id(), &message, portal.now()).await?;
    Ok(invitation)
}

/// Ends the invitations to the room of a meeting that is not held, and tells the people on extra
/// seats: they are nobody of the case, nobody else tells them.
pub async fn call_off_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    meeting: &MeetingRecord,
) -> Result<(), DbError> {
    let ended = store::end(tx, meeting.id.0, None, portal.now()).await?;
    for one in ended.into_iter().filter(|one| one.seat.is_extra()) {
        let person = crate::accounts::store::person_in(tx, body.id, one.user).await?;
        let Some(person) = person else { continue };
        let message = Message {
            channel: Channel::Sms,
            to: person.mobile.clone(),
            subject: String::new(),
            text: format!(
                "{}: l'incontro del {} a cui eri invitato non si svolge. Il collegamento ricevuto \
                 non vale più. Per informazioni: {}",
                body.name,
                calendar::show(meeting.rules.slot.starts_at),
                portal.settings.help_phone,
            ),
            key: format!("invitation-ended/{}", one.id),
        };
        notifications::send(tx, body.id.0, portal.new_id(), &message, portal.now()).await?;
    }
    Ok(())
}

/// Writes a code that opens an invitation and can be read from a letter or told on the telephone;
/// only its hash is kept, and an earlier code ends.
pub async fn code_in(tx: &mut Tx, portal: &Parts, invitation: Uuid) -> Result<String, DbError> {
    let code = rules::letter_code(&*portal.random);
    let kept = rules::typed_letter_code(&code).expect("a code that was just made");
    store::set_letter(tx, invitation, random::hash(&kept)).await?;
    Ok(code)
}

/// Address at which such a code is typed.
pub fn address(portal: &Parts, body: &Body) -> String {
    portal.link(body, "/invito")
}
