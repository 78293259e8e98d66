use super::*;

fn shipped(key: &str) -> ProcedureProfile {
    Procedures::shipped().get(key).unwrap().clone()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn r_case_13_deadline_of_a_conciliation() {
    let terms = shipped("conciliazione").terms;
    for (start, urgent, extension, last) in [
        ("2026-11-30", false, 0, "2027-02-28"),
        ("2026-11-30", true, 0, "2027-01-14"), // D-03: 45 days from the same start
        ("2026-11-30", false, 30, "2027-03-30"),
        ("2026-11-30", true, 30, "2027-02-13"), // C-19: the extension is not halved
        ("2026-11-30", false, 12, "2027-03-12"),
    ] {
        let deadline = terms.deadline(day(start), urgent, extension);
        assert_eq!(deadline, Deadline(day(last)), "{start} {urgent} +{extension}");
    }
}

#[test]
fn r_sign_40_a_mediation_lasts_six_months_and_knows_no_urgency() {
    let terms = shipped("mediazione").terms;
    for urgent in [false, true] {
        let deadline = terms.deadline(day("2026-08-31"), urgent, 0);
        assert_eq!(deadline, Deadline(day("2027-02-28")));
    }
}

#[test]
fn r_sign_40_signers_and_their_order_are_data() {
    use SeatKind::{Client, ClientDelegate, Neutral, OperatorDelegate};
    let all = [Neutral, Client, ClientDelegate, OperatorDelegate];
    let alone = [Neutral, ClientDelegate, OperatorDelegate];
    for (key, outcome, seats, expected) in [
        ("conciliazione", Outcome::Agreement, &all[..], vec![Client, OperatorDelegate, Neutral]),
        (
            "conciliazione",
            Outcome::Agreement,
            &alone[..],
            vec![ClientDelegate, OperatorDelegate, Neutral],
        ),
        ("conciliazione", Outcome::NoAgreement, &all[..], vec![Neutral]),
        (
            "mediazione",
            Outcome::NoAgreement,
            &all[..],
            vec![Client, ClientDelegate, OperatorDelegate, Neutral],
        ),
    ] {
        let profile = shipped(key);
        let minutes = profile.minutes_of(outcome).unwrap();
        assert_eq!(minutes.signers_among(|s| seats.contains(&s)), expected, "{key} {outcome:?}");
    }
}

#[test]
fn r_meet_37_a_proposal_has_its_own_term_and_every_outcome_its_template() {
    for key in ["conciliazione", "mediazione"] {
        let profile = shipped(key);
        assert_eq!(profile.signatures.days_for(Outcome::Proposal), 7, "{key}");
        let templates: std::collections::BTreeSet<_> =
            profile.minutes.iter().map(|minutes| &minutes.template).collect();
        assert_eq!(templates.len(), profile.minutes.len(), "{key}");
        assert_eq!(templates.len(), 7, "{key}");
        let signers = |outcome| profile.minutes_of(outcome).unwrap().signers.clone();
        assert_eq!(signers(Outcome::Proposal), signers(Outcome::Agreement), "{key}");
    }
}

#[test]
fn r_case_22_technical_aid_by_sector() {
    let profile = shipped("conciliazione");
    for (sector, parts) in [
        (Sector::ElectricityGas, Some(vec![Part::Distributor, Part::SecondDistributor])),
        (Sector::Water, Some(vec![Part::Sewerage, Part::Treatment])),
        (Sector::Heat, None),
    ] {
        assert_eq!(profile.aid_in(sector).map(|aid| aid.parts.clone()), parts, "{sector:?}");
    }
}

#[test]
fn r_meet_10_the_room_opens_fifteen_minutes_before() {
    let starts_at: DateTime<Utc> = "2026-12-05T14:00:00Z".parse().unwrap();
    let opens_at: DateTime<Utc> = "2026-12-05T13:45:00Z".parse().unwrap();
    assert_eq!(shipped("conciliazione").room.opens_at(starts_at), opens_at);
}

#[test]
fn g_6_a_profile_that_contradicts_itself_is_refused() {
    let good = SHIPPED[0];
    for (from, to) in [
        ("{ days = 90 }", "{ months = 3 }"),
        ("default_minutes = 60", "default_minutes = 61"),
        ("capacity = 10", "capacity = 1"),
        ("[\"distributor\", ", "[\"convened\", "),
        ("[\"operator_delegate\"], [\"neutral\"]]", "[\"operator_delegate\"]]"),
        ("\"no_show_convened\"", "\"no_show_activating\""),
        // R-SIGN-05: who signs for another needs a document, and not one for technical aid.
        ("operator_delegate = [\"poa\"", "distributor_delegate = [\"poa\""),
        ("[\"poa\", \"special_poa\", \"reg", "[\"aid_only\", \"special_poa\", \"reg"),
    ] {
        assert!(good.contains(from), "{from}");
        let refused = ProcedureProfile::parse("x", &good.replacen(from, to, 1));
        assert!(matches!(refused, Err(ProcedureError::Contradiction { .. })), "{to}");
    }
    let refused = ProcedureProfile::parse("x", &good.replace("capacity", "capacità"));
    assert!(matches!(refused, Err(ProcedureError::Syntax { .. })));
}

#[test]
fn g_6_a_folder_replaces_profiles_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let text = SHIPPED[0].replace("capacity = 10", "capacity = 12");
    std::fs::write(folder.path().join("conciliazione.toml"), text).unwrap();
    let procedures = Procedures::with_folder(folder.path()).unwrap();
    assert_eq!(procedures.get("conciliazione").unwrap().room.capacity, 12);
    assert_eq!(procedures.get("mediazione").unwrap().room.capacity, 5);
    assert!(procedures.get("arbitrato").is_none());
}
