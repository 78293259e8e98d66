use uuid::Uuid;

use super::*;
use crate::powers::{COMMITMENT, PowerId};

const KINDS: [PowerKind; 4] =
    [PowerKind::Poa, PowerKind::SpecialPoa, PowerKind::RegisterExtract, PowerKind::Commitment];

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Of person 1 for operator 10, dated 1 October.
fn power(kind: PowerKind) -> Power {
    let dated = day("2026-10-01");
    Power {
        id: PowerId(id(100)),
        person: UserId(id(1)),
        operator: Some(OperatorId(id(10))),
        case: kind.is_special().then_some(CaseId(id(20))),
        kind,
        dated,
        until: (kind == PowerKind::Commitment).then(|| Deadline(COMMITMENT.from_day(dated))),
        name: "procura.pdf".to_owned(),
        sha256: String::new(),
        recorded_at: at("2026-10-02T09:00:00Z"),
        ended_at: None,
    }
}

fn needed(kinds: &[PowerKind]) -> Needed<'_> {
    Needed {
        person: UserId(id(1)),
        on_behalf: OnBehalf::Operator(OperatorId(id(10))),
        case: CaseId(id(20)),
        kinds,
    }
}

#[test]
fn r_sign_05_which_document_lets_a_delegate_sign() {
    let needed = needed(&KINDS);
    let noon = at("2026-10-15T10:00:00Z");
    for (kind, expected) in [
        (PowerKind::Poa, None),
        (PowerKind::SpecialPoa, None),
        (PowerKind::RegisterExtract, None),
        (PowerKind::Commitment, None),
        (PowerKind::AidOnly, Some(Lack::AidOnly)),
        (PowerKind::SpecialAidOnly, Some(Lack::AidOnly)),
        (PowerKind::ClientMandate, Some(Lack::OtherKind(PowerKind::ClientMandate))),
        (PowerKind::Assistance, Some(Lack::OtherKind(PowerKind::Assistance))),
    ] {
        let powers = [power(kind)];
        assert_eq!(held(&powers, &needed, noon).err(), expected, "{kind:?}");
    }
    assert_eq!(held(&[], &needed, noon), Err(Lack::Nothing));
}

#[test]
fn r_sign_05_r_role_27_a_commitment_lets_sign_until_midnight_in_rome_of_its_thirtieth_day() {
    // Clocks went back on 25 October: the last midnight is at 23:00 UTC.
    let expired = Some(Lack::Expired(PowerKind::Commitment, day("2026-10-31")));
    for (now, expected) in [
        ("2026-09-30T21:59:59Z", Some(Lack::NotYet(PowerKind::Commitment, day("2026-10-01")))),
        ("2026-09-30T22:00:00Z", None),
        ("2026-10-31T22:59:59Z", None),
        ("2026-10-31T23:00:00Z", expired),
        ("2027-06-01T12:00:00Z", expired),
    ] {
        let powers = [power(PowerKind::Commitment)];
        assert_eq!(held(&powers, &needed(&KINDS), at(now)).err(), expected, "{now}");
    }
    // One made in winter for the summer: the last midnight is at 22:00 UTC.
    let spring = Power {
        dated: day("2026-03-10"),
        until: Some(Deadline(COMMITMENT.from_day(day("2026-03-10")))),
        ..power(PowerKind::Commitment)
    };
    assert_eq!(spring.until, Some(Deadline(day("2026-04-09"))));
    for (now, holds) in [("2026-04-09T21:59:59Z", true), ("2026-04-09T22:00:00Z", false)] {
        let powers = [spring.clone()];
        assert_eq!(held(&powers, &needed(&KINDS), at(now)).is_ok(), holds, "{now}");
    }
}

#[test]
fn r_sign_05_r_role_28_powers_are_of_one_person_for_one_side_and_in_the_cases_named() {
    let noon = at("2026-10-15T10:00:00Z");
    let own = power(PowerKind::Poa);
    let special = power(PowerKind::SpecialPoa);
    for (what, power, holds) in [
        ("its own", own.clone(), true),
        ("somebody else's", Power { person: UserId(id(2)), ..own.clone() }, false),
        ("another operator's", Power { operator: Some(OperatorId(id(11))), ..own.clone() }, false),
        (
            "the client's",
            Power { operator: None, case: Some(CaseId(id(20))), ..own.clone() },
            false,
        ),
        ("of this case", special.clone(), true),
        ("of another case", Power { case: Some(CaseId(id(21))), ..special.clone() }, false),
        ("special without a case", Power { case: None, ..special.clone() }, false),
        ("ended", Power { ended_at: Some(noon), ..own.clone() }, false),
        ("ended later", Power { ended_at: Some(at("2026-10-15T10:00:01Z")), ..own }, true),
    ] {
        assert_eq!(held(&[power], &needed(&KINDS), noon).is_ok(), holds, "{what}");
    }
}

#[test]
fn r_sign_05_a_client_s_delegate_and_a_lawyer_hold_powers_of_this_case() {
    let noon = at("2026-10-15T10:00:00Z");
    let of_case = |kind, case| Power { operator: None, case, ..power(kind) };
    let (this, other) = (Some(CaseId(id(20))), Some(CaseId(id(21))));
    let conciliation = [PowerKind::ClientMandate, PowerKind::SpecialPoa];
    let mediation = [PowerKind::Assistance];
    for (power, kinds, holds) in [
        (of_case(PowerKind::ClientMandate, this), &conciliation[..], true),
        (of_case(PowerKind::SpecialPoa, this), &conciliation, true),
        (of_case(PowerKind::ClientMandate, other), &conciliation, false),
        (of_case(PowerKind::ClientMandate, None), &conciliation, false),
        (of_case(PowerKind::Assistance, this), &conciliation, false),
        (of_case(PowerKind::Assistance, this), &mediation, true),
        (of_case(PowerKind::ClientMandate, this), &mediation, false),
        (super::tests::power(PowerKind::SpecialPoa), &conciliation, false), // the operator's
    ] {
        let needed = Needed { on_behalf: OnBehalf::Client, ..needed(kinds) };
        assert_eq!(held(std::slice::from_ref(&power), &needed, noon).is_ok(), holds, "{power:?}");
    }
}

#[test]
fn r_sign_05_the_most_lasting_document_counts_and_of_none_the_nearest_is_told() {
    let noon = at("2026-10-15T10:00:00Z");
    let poa = power(PowerKind::Poa);
    let commitment = power(PowerKind::Commitment);
    let ending = Power { until: Some(Deadline(day("2026-12-31"))), ..poa.clone() };
    let aid = power(PowerKind::AidOnly);
    for (powers, expected) in [
        ([commitment.clone(), ending.clone(), poa.clone()], &poa),
        ([poa.clone(), ending.clone(), commitment.clone()], &poa),
        ([commitment.clone(), aid.clone(), ending.clone()], &ending),
        ([aid.clone(), commitment.clone(), aid.clone()], &commitment),
    ] {
        assert_eq!(held(&powers, &needed(&KINDS), noon), Ok(expected));
    }
    let late = at("2026-11-02T10:00:00Z");
    let powers = [aid.clone(), commitment, aid];
    let told = held(&powers, &needed(&KINDS), late);
    assert_eq!(told, Err(Lack::Expired(PowerKind::Commitment, day("2026-10-31"))));
    assert_eq!(
        told.unwrap_err().words(),
        "l'impegno a produrre la procura è scaduto il 31/10/2026"
    );
}
