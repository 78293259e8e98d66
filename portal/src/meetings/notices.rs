//! What people are told of meetings: by mail to everybody with a seat, with a personal link to who
//! has no account (R-MEET-22, R-MEET-46).

use super::people::Sitting;
use super::standing;
use super::store::{self, MeetingRecord};
use super::{Mode, Slot};
use crate::accounts::{AccountState, Person};
use crate::bodies::Body;
use crate::calendar;
use crate::cases::store::CaseRecord;
use crate::db::{DbError, Tx};
use crate::guests::invitations::{self, Invitee, Place};
use crate::notifications::{self, Channel, Message};
use crate::portal::Parts;
use crate::procedures::SeatKind;

/// What happened to a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Convened,
    Moved,
    Cancelled,
}

/// Where the invitations to a meeting lead.
pub(crate) async fn place_in(
    tx: &mut Tx,
    portal: &Parts,
    case: &CaseRecord,
    meeting: &MeetingRecord,
) -> Result<Place, DbError> {
    let standing = standing::live_in(tx, case.id, portal.now()).await?;
    Ok(Place::of(portal.profile(&case.procedure), meeting, standing.as_ref()))
}

/// Tells everybody with a seat.
pub(super) async fn tell(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    case: &CaseRecord,
    meeting: &MeetingRecord,
    sitting: &[Sitting],
    told: Told,
) -> Result<(), DbError> {
    let number = case.shown_number();
    let place = place_in(tx, portal, case, meeting).await?;
    let standing = place.room != meeting.id.0;
    let (key, subject) = match told {
        Told::Convened => ("convened", "Convocazione"),
        Told::Moved => ("moved", "Incontro spostato"),
        Told::Cancelled => ("cancelled", "Incontro annullato"),
    };
    let subject = format!("{subject} – pratica {number}");
    let what = what(number, meeting.rules.slot, told);
    let in_room = meeting.rules.mode == Mode::VirtualRoom && told != Told::Cancelled;
    let how = match (told, meeting.rules.mode) {
        (Told::Cancelled, _) => String::new(),
        (_, Mode::VirtualRoom) => in_the_room(standing),
        (_, Mode::CallConference) => " L'incontro si svolge in call conference.".to_owned(),
    };
    let trial = match told {
        Told::Convened | Told::Moved if in_room => format!(
            "\n\nPrima dell'incontro prova i tuoi dispositivi: {}",
            portal.link(body, "/media-test")
        ),
        _ => String::new(),
    };
    for one in sitting {
        let person = &one.person;
        let guest = person.state == AccountState::Guest;
        if guest && in_room {
            let invitee =
                Invitee { user: person.id, seat: one.seat, label: &one.label, reason: "" };
            let text = format!("{what}{how}{trial}");
            invitations::invite_in(tx, portal, body, (place, invitee, person), (&subject, &text))
                .await?;
            continue;
        }
        let details = if guest {
            format!("Per informazioni: {}", portal.settings.help_phone)
        } else {
            let details = portal.link(body, &format!("/incontri/{}", meeting.id));
            let room = portal.link(body, &format!("/stanza/{}", place.room));
            let room = if in_room {
                format!("\n\nPer entrare nella stanza: {room}")
            } else {
                String::new()
            };
            format!("Per i dettagli accedi alla tua area riservata: {details}{room}")
        };
        let message = Message {
            channel: Channel::Mail,
            to: person.email.clone(),
            subject: subject.clone(),
            text: format!(
                "Gentile {},\n\n{what}{how}\n\n{details}{trial}\n\n{}",
                person.name(),
                body.name
            ),
            key: format!("{key}/{}/{}", meeting.id, person.id.0),
        };
        notifications::send(tx, body.id.0, portal.new_id(), &message, portal.now()).await?;
    }
    Ok(())
}

fn what(number: &str, slot: Slot, told: Told) -> String {
    let when = calendar::show(slot.starts_at);
    let what = match told {
        Told::Convened => "è stato fissato un incontro per il",
        Told::Moved => "l'incontro è stato spostato al",
        Told::Cancelled => "è stato annullato l'incontro del",
    };
    format!("nella pratica {number} {what} {when} (ora italiana).")
}

fn in_the_room(standing: bool) -> String {
    let opens = " L'incontro si svolge nella stanza virtuale, che apre quindici minuti prima.";
    let stays = " La stessa stanza resta a disposizione delle parti e del mediatore anche fuori \
                 dagli incontri.";
    if standing { format!("{opens}{stays}") } else { opens.to_owned() }
}

/// Invites one more person of the case to the meeting that is fixed, or to the standing room. False
/// if there is neither.
pub(crate) async fn invite_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    case: &CaseRecord,
    (person, seat): (&Person, SeatKind),
) -> Result<bool, DbError> {
    let number = case.shown_number();
    let meeting = store::lock_pending(tx, body.id, case.id).await?;
    let meeting = meeting.filter(|meeting| meeting.rules.mode == Mode::VirtualRoom);
    let standing = standing::live_in(tx, case.id, portal.now()).await?;
    let (place, text) = match (&meeting, &standing) {
        (Some(meeting), _) => {
            let place = Place::of(portal.profile(&case.procedure), meeting, standing.as_ref());
            let what = what(number, meeting.rules.slot, Told::Convened);
            (place, format!("{what}{}", in_the_room(standing.is_some())))
        }
        (None, Some(room)) => {
            let place = Place { room: room.id, case: case.id, until: room.ends_at };
            let text = format!(
                "nella pratica {number} è a disposizione delle parti e del mediatore una stanza \
                 virtuale."
            );
            (place, text)
        }
        (None, None) => return Ok(false),
    };
    let label = portal.profile(&case.procedure).seats.of(seat);
    let invitee = Invitee { user: person.id, seat, label, reason: "" };
    let subject = format!("Invito – pratica {number}");
    invitations::invite_in(tx, portal, body, (place, invitee, person), (&subject, &text)).await?;
    Ok(true)
}
