//! What a guest may open, and the code of a posted letter. Pure.

use uuid::Uuid;

use super::Guest;
use crate::cases::CaseId;
use crate::cases::access::Relation;
use crate::cases::rules::Case;
use crate::meetings::MeetingId;
use crate::procedures::SeatKind;
use crate::random::Random;

/// Wrong codes in a row after which an invitation needs to be sent again.
pub const CODE_LIMIT: i64 = 5;
/// Codes that one invitation can ask for.
pub const CODES: i64 = 10;
/// Seconds between two codes.
pub const CODE_EVERY_S: i64 = 30;

/// Whether a guest may open an address: the own page, the room, what is asked of and shown in that
/// room, the minutes of the meetings that take place in it, the own identification, the own
/// outcomes of the media test, and the page that verifies signatures. Who invents another address, or
/// another room's, finds nothing (R-MEET-46).
pub fn may(guest: &Guest, path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    let id = |text: Option<&str>| text.and_then(|text| text.parse::<Uuid>().ok());
    let room = |text| id(text) == Some(guest.room);
    let meeting = |text| id(text).is_some_and(|id| guest.meetings.contains(&MeetingId(id)));
    // Who only gets a copy of the minutes has no seat in the room.
    let enters = guest.seat != SeatKind::Recipient;
    match (first, second, third) {
        (Some("ospite"), None, None) => true,
        (Some("stanza"), text, None) => enters && (room(text) || meeting(text)),
        (Some("api"), Some("rooms"), text) => enters && (room(text) || meeting(text)),
        (Some("incontri"), text, Some("verbale")) => !guest.seat.is_extra() && meeting(text),
        (Some("firma"), Some("condizioni"), Some(_))
        | (Some("firma"), Some("autorizzata"), None) => !guest.seat.is_extra(),
        // Who signs is identified like anybody; what is there is the guest's own.
        (Some("identificazione"), _, _) => !guest.seat.is_extra(),
        (Some("api"), Some("identifications"), Some(_)) => !guest.seat.is_extra(),
        (Some("media-test"), Some("esito"), None) => true,
        (Some("profilo"), Some("prove"), _) => true,
        // Nothing of the installation is there: only what the guest sends.
        (Some("verifica-firma"), None, None) => true,
        _ => false,
    }
}

/// What a guest is to a case: what somebody with an account would be on the same seat. Extra seats
/// are nothing to the case, the neutral seat is never a guest's.
pub fn relation(guest: &Guest, case: CaseId, rules: &Case) -> Option<Relation> {
    if guest.case != case {
        return None;
    }
    match guest.seat {
        SeatKind::Client => Some(Relation::Client),
        SeatKind::ClientDelegate => Some(Relation::ClientDelegate),
        SeatKind::OperatorDelegate
        | SeatKind::DistributorDelegate
        | SeatKind::SecondDistributorDelegate
        | SeatKind::SewerageDelegate
        | SeatKind::TreatmentDelegate => {
            let who =
                rules.operators.iter().find(|p| SeatKind::of_delegate(p.part) == guest.seat)?;
            Some(Relation::OperatorDelegate { operator: who.operator, part: who.part })
        }
        SeatKind::Neutral
        | SeatKind::ExtraActivating
        | SeatKind::ExtraConvened
        | SeatKind::ExtraAid
        | SeatKind::Recipient => None,
    }
}

/// Letters and digits that nobody takes for one another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of a letter's code: 60 bits.
const LETTER: usize = 12;

/// The code of a posted letter, in groups of four.
pub fn letter_code(random: &dyn Random) -> String {
    let mut bytes = [0; LETTER];
    random.fill(&mut bytes);
    let code: String =
        bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    [&code[..4], &code[4..8], &code[8..]].join("-")
}

/// A typed code as it is kept: capitals without dashes and blanks. Nothing if it cannot be one.
pub fn typed_letter_code(text: &str) -> Option<String> {
    let code: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let good = code.len() == LETTER && code.bytes().all(|b| ALPHABET.contains(&b));
    good.then_some(code)
}

/// A mobile as a stranger may see it: the country and the last three digits.
pub fn masked(mobile: &str) -> String {
    let shown = mobile.chars().count().saturating_sub(3);
    mobile.chars().enumerate().map(|(n, c)| if (3..shown).contains(&n) { '•' } else { c }).collect()
}

/// A name as the page of a link shows it before the code: enough to know whether the letter came to
/// the right house.
pub fn initials(given_name: &str, surname: &str) -> String {
    let initial = |text: &str| text.chars().next().map(|c| format!("{c}.")).unwrap_or_default();
    format!("{} {}", initial(given_name), initial(surname))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn guest(seat: SeatKind) -> Guest {
        Guest {
            invitation: id(9),
            room: id(1),
            case: CaseId(id(5)),
            seat,
            meetings: vec![MeetingId(id(2))],
        }
    }

    #[test]
    fn r_meet_46_a_guest_opens_the_own_room_and_its_minutes_and_nothing_else() {
        let (room, meeting, other) = (id(1), id(2), id(3));
        for (path, party, extra) in [
            ("/ospite".to_owned(), true, true),
            ("/verifica-firma".to_owned(), true, true),
            ("/verifica-firma/altro".to_owned(), false, false),
            (format!("/stanza/{room}"), true, true),
            (format!("/stanza/{meeting}"), true, true),
            (format!("/stanza/{other}"), false, false),
            (format!("/stanza/{room}/altro"), false, false),
            (format!("/api/rooms/{room}/join"), true, true),
            (format!("/api/rooms/{other}/join"), false, false),
            (format!("/incontri/{meeting}/verbale"), true, false),
            (format!("/incontri/{meeting}/verbale/firma"), true, false),
            (format!("/incontri/{other}/verbale"), false, false),
            (format!("/incontri/{room}/verbale"), false, false),
            (format!("/incontri/{meeting}"), false, false),
            (format!("/incontri/{meeting}/presenze.json"), false, false),
            (format!("/incontri/{meeting}/annullamento"), false, false),
            ("/firma/condizioni/privacy".to_owned(), true, false),
            ("/firma/autorizzata".to_owned(), true, false),
            ("/identificazione".to_owned(), true, false),
            ("/identificazione/sessione".to_owned(), true, false),
            (format!("/api/identifications/{other}/join"), true, false),
            ("/identificazioni".to_owned(), false, false),
            (format!("/identificazioni/{other}/approvazione"), false, false),
            ("/identificazione/codici/posta/verifica".to_owned(), true, false),
            ("/media-test/esito".to_owned(), true, true),
            ("/profilo/prove".to_owned(), true, true),
            ("/".to_owned(), false, false),
            ("/agenda".to_owned(), false, false),
            ("/pratiche".to_owned(), false, false),
            (format!("/pratiche/{}", id(5)), false, false),
            (format!("/pratiche/{}/persone", id(5)), false, false),
            ("/profilo".to_owned(), false, false),
            ("/servizio/stanze".to_owned(), false, false),
            ("/amministrazione/utenti".to_owned(), false, false),
            (format!("//stanza/{room}"), false, false),
            (String::new(), false, false),
        ] {
            assert_eq!(may(&guest(SeatKind::Client), &path), party, "{path}");
            assert_eq!(may(&guest(SeatKind::ExtraActivating), &path), extra, "{path}");
        }
    }

    #[test]
    fn r_meet_46_the_code_of_a_letter_is_typed_as_people_type() {
        let code = letter_code(&SystemRandom);
        let kept = code.replace('-', "");
        assert_eq!((code.len(), kept.len()), (14, 12));
        for (typed, found) in [
            (code.clone(), true),
            (code.to_lowercase(), true),
            (code.replace('-', " "), true),
            (format!(" {kept}\n"), true),
            (kept[..11].to_owned(), false),
            (format!("{}0", &kept[..11]), false),
            (format!("{}É", &kept[..10]), false),
            (String::new(), false),
        ] {
            assert_eq!(typed_letter_code(&typed).is_some_and(|c| c == kept), found, "{typed:?}");
        }
        assert_ne!(letter_code(&SystemRandom), letter_code(&SystemRandom));
    }

    #[test]
    fn r_meet_46_a_number_is_shown_masked() {
        assert_eq!(masked("+393331234567"), "+39•••••••567");
        assert_eq!(masked("+39"), "+39");
        assert_eq!(initials("Mario", "Rossi"), "M. R.");
    }
}
