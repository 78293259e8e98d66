//! The rules of a video identification, as tables.

use super::*;
use crate::identification::document::DocumentKind;

const PERSON: UserId = UserId(Uuid::from_u128(1));
const OPERATOR: UserId = UserId(Uuid::from_u128(2));
const ROOM: Uuid = Uuid::from_u128(3);
const TERMS: Terms = Terms { video_days: 1_000, provider_days: 500, evidence_days: 7_000 };

fn at(minutes: i64) -> DateTime<Utc> {
    "2026-12-01T09:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn waiting() -> Video {
    Video::request(PERSON, ("2026-11".into(), "digest".into()), "di mattina".into(), at(0)).0
}

fn document(expires_on: &str) -> IdentityDocument {
    IdentityDocument {
        kind: DocumentKind::Passport,
        number: "YA1234567".into(),
        issued_on: "2020-01-01".parse().unwrap(),
        expires_on: expires_on.parse().unwrap(),
        issuer: "Questura di Roma".into(),
    }
}

fn take() -> Act {
    Act::Take { operator: OPERATOR, room: ROOM }
}

fn write(expires_on: &str) -> Act {
    Act::Document { document: document(expires_on), digest: "d".into() }
}

fn send(contact: Contact, code: &str, until: i64) -> Act {
    Act::Send { contact, code: code.into(), expires_at: at(until) }
}

fn enter(contact: Contact, code: &str) -> Act {
    Act::Enter { contact, code: code.into() }
}

fn approve() -> Act {
    Act::Approve { statements: Statement::ALL.to_vec(), terms: TERMS }
}

fn refuse() -> Act {
    Act::Refuse { cause: Cause::Face, note: String::new() }
}

fn after(acts: &[Act]) -> Video {
    let mut video = waiting();
    for act in acts {
        video.handle(act.clone(), at(1)).unwrap();
    }
    video
}

fn in_session() -> Video {
    after(&[take()])
}

/// Everything is there but what `without` names.
fn complete(without: &str) -> Video {
    let mut acts = vec![take()];
    if without != "meet" {
        acts.push(Act::Meet);
    }
    if without != "document" {
        acts.push(write("2030-01-01"));
    }
    for contact in [Contact::Mobile, Contact::Email] {
        if without != contact.key() {
            acts.extend([send(contact, "c", 5), enter(contact, "c")]);
        }
    }
    after(&acts)
}

#[test]
fn r_meet_31_what_is_needed_to_be_identified() {
    assert!(matches!(complete("").handle(approve(), at(2)), Ok(Event::Approved { .. })));
    for (without, refusal) in [
        ("meet", Refusal::NotMet),
        ("document", Refusal::NoDocument),
        ("cellulare", Refusal::NotConfirmed),
        ("posta", Refusal::NotConfirmed),
    ] {
        let mut video = complete(without);
        let before = video.clone();
        assert_eq!(video.handle(approve(), at(2)), Err(refusal), "{without}");
        assert_eq!(video, before, "{without}: nothing changed");
    }
    for missing in Statement::ALL {
        let statements = Statement::ALL.iter().copied().filter(|s| s != missing).collect();
        let act = Act::Approve { statements, terms: TERMS };
        assert_eq!(complete("").handle(act, at(2)), Err(Refusal::NotStated), "{missing:?}");
    }
}

#[test]
fn r_meet_33_it_ends_at_its_term_and_never_after_the_document() {
    let expiry = |last_day: &str| {
        let mut video = complete("document");
        video.handle(write(last_day), at(1)).unwrap();
        video.handle(approve(), at(2)).unwrap();
        video.details.expires_at.unwrap()
    };
    assert_eq!(expiry("2035-01-01"), at(2) + TimeDelta::days(1_000));
    let midnight_in_rome = "2027-03-10T23:00:00Z".parse::<DateTime<Utc>>().unwrap();
    assert_eq!(expiry("2027-03-10"), midnight_in_rome);
}

#[test]
fn r_meet_31_an_expired_document_identifies_nobody() {
    assert_eq!(in_session().handle(write("2026-11-30"), at(2)), Err(Refusal::DocumentExpired));
    // It was good when it was written down, and is not any more.
    let mut video = complete("document");
    video.handle(write("2026-12-01"), at(1)).unwrap();
    assert_eq!(video.handle(approve(), at(24 * 60)), Err(Refusal::DocumentExpired));
}

#[test]
fn r_meet_31_codes_are_right_in_time_and_not_too_often_wrong() {
    for contact in [Contact::Mobile, Contact::Email] {
        let wrong = |n| Ok(Event::CodeWrong { contact, wrong: n });
        let mut video = in_session();
        assert_eq!(video.handle(enter(contact, "a"), at(2)), wrong(1), "none was sent");
        video.handle(send(contact, "a", 5), at(2)).unwrap();
        assert_eq!(video.handle(enter(contact, "b"), at(3)), wrong(2));
        assert_eq!(video.handle(enter(contact, "a"), at(5)), wrong(3), "too late");
        video.handle(send(contact, "c", 10), at(5)).unwrap();
        assert_eq!(video.handle(enter(contact, "a"), at(6)), wrong(4), "an older one");
        assert_eq!(video.handle(enter(contact, "c"), at(6)), Ok(Event::Confirmed { contact }));
        let again = video.handle(enter(contact, "c"), at(6));
        assert_eq!(again, Err(Refusal::ConfirmedAlready));
        assert_eq!(video.handle(send(contact, "d", 9), at(6)), Err(Refusal::ConfirmedAlready));

        let mut video = in_session();
        for n in 1..=WRONG_CODES {
            assert_eq!(video.handle(enter(contact, "x"), at(2)), wrong(n));
        }
        assert_eq!(video.handle(enter(contact, "x"), at(2)), Err(Refusal::TooManyWrong));
        assert_eq!(video.handle(send(contact, "y", 9), at(2)), Err(Refusal::TooManyWrong));

        let mut video = in_session();
        for _ in 0..CODES {
            video.handle(send(contact, "x", 9), at(2)).unwrap();
        }
        assert_eq!(video.handle(send(contact, "x", 9), at(2)), Err(Refusal::TooManyCodes));
    }
}

#[test]
fn each_act_has_its_state() {
    let ended = |act: Act| {
        let mut video = complete("");
        video.handle(act, at(2)).unwrap();
        assert!(video.ended_at.is_some());
        video
    };
    let states = [waiting(), complete(""), ended(approve()), ended(refuse()), ended(Act::Withdraw)];
    let appoint = Act::Appoint { operator: OPERATOR, at: at(600) };
    for (act, allowed) in [
        (appoint, "+----"),
        (take(), "+----"),
        (Act::Meet, "-+---"),
        (write("2030-01-01"), "-+---"),
        (Act::PutBack, "-+---"),
        (approve(), "-+---"),
        (refuse(), "-+---"),
        (Act::Withdraw, "++---"),
        (send(Contact::Mobile, "x", 9), "-----"),
    ] {
        let got: String = states
            .iter()
            .map(|video| if video.clone().handle(act.clone(), at(3)).is_ok() { '+' } else { '-' })
            .collect();
        assert_eq!(got, allowed, "{act:?}");
    }
}

#[test]
fn nobody_identifies_themselves() {
    let act = Act::Take { operator: PERSON, room: ROOM };
    assert_eq!(waiting().handle(act, at(1)), Err(Refusal::Oneself));
    let act = Act::Appoint { operator: PERSON, at: at(60) };
    assert_eq!(waiting().handle(act, at(1)), Err(Refusal::Oneself));
}

#[test]
fn an_interrupted_session_leaves_nothing_behind_but_the_request() {
    for by_time in [false, true] {
        let mut video = complete("");
        let (act, now) = if by_time { (Act::Pass, at(1) + IDLE) } else { (Act::PutBack, at(2)) };
        assert_eq!(video.handle(act, now), Ok(Event::PutBack { by_time }));
        assert_eq!(video.details, waiting().details);
        assert_eq!((video.state, video.operator, video.room), (State::Waiting, None, None));
    }
    assert_eq!(complete("").handle(Act::Pass, at(0) + IDLE), Err(Refusal::WrongState));
}

#[test]
fn a_forgotten_request_lapses_counted_from_its_appointment() {
    assert_eq!(waiting().handle(Act::Pass, at(0) + LAPSES), Ok(Event::Lapsed));
    let mut video = waiting();
    let appointed = at(0) + TimeDelta::days(10);
    video.handle(Act::Appoint { operator: OPERATOR, at: appointed }, at(1)).unwrap();
    assert_eq!(video.handle(Act::Pass, at(0) + LAPSES), Err(Refusal::WrongState));
    assert_eq!(video.handle(Act::Pass, appointed + LAPSES), Ok(Event::Lapsed));
}

#[test]
fn an_appointment_lies_ahead_and_not_too_far() {
    for (when, good) in
        [(at(1), false), (at(2), true), (at(1) + LAPSES, true), (at(2) + LAPSES, false)]
    {
        let act = Act::Appoint { operator: OPERATOR, at: when };
        assert_eq!(waiting().handle(act, at(1)).is_ok(), good, "{when}");
    }
}

#[test]
fn r_meet_32_the_journal_holds_no_personal_data() {
    let mut video = in_session();
    let digest = document("2030-01-01").digest("salt");
    let act = Act::Document { document: document("2030-01-01"), digest };
    let event = serde_json::to_string(&video.handle(act, at(2)).unwrap()).unwrap();
    assert!(!event.contains("YA1234567") && !event.contains("Questura"), "{event}");
    let act = Act::Refuse { cause: Cause::Face, note: "il signor Rossi".into() };
    let event = serde_json::to_string(&video.handle(act, at(2)).unwrap()).unwrap();
    assert!(!event.contains("Rossi"), "{event}");
}
