//! Terms, adhesion, technical aid, postponement and extension.

use super::*;

#[test]
fn r_case_13_deadline_with_urgency_and_extension() {
    let profile = profile();
    for (urgent, extension, last) in
        [(false, 0, "2027-02-28"), (true, 0, "2027-01-14"), (false, 30, "2027-03-30")]
    {
        let mut case = in_state(Held);
        case.urgent = urgent;
        if extension > 0 {
            case.handle(&Act::Extend { days: extension }, now(), &profile).unwrap();
        }
        let deadline = Deadline(last.parse().unwrap());
        assert_eq!(case.deadline(&profile), Some(deadline), "{urgent} +{extension}");
    }
    assert_eq!(in_state(Draft).deadline(&profile), None);
}

#[test]
fn c_11_the_term_starts_on_the_day_of_completeness_not_of_admission() {
    let profile = profile();
    let day: NaiveDate = "2026-11-20".parse().unwrap();
    let mut case = played(in_state(Submitted), &[Act::CorrectCompleteDay { day }]);
    case.handle(&Act::Admit, at("2026-12-05T09:00:00Z"), &profile).unwrap();
    assert_eq!(case.deadline(&profile), Some(Deadline("2027-02-18".parse().unwrap())));
    let tomorrow = Act::CorrectCompleteDay { day: "2026-12-01".parse().unwrap() };
    let refused = in_state(Submitted).handle(&tomorrow, now(), &profile);
    assert_eq!(refused, Err(Refusal::DayInFuture));
}

#[test]
fn r_case_14_and_17_adhesion_is_an_attribute() {
    let adhere = Act::Adhere { operator: CONVENED };
    for state in [Admitted, Assigned, Convened, Reconvened, Held] {
        let case = played(in_state(state), std::slice::from_ref(&adhere));
        assert_eq!((case.state, case.convened().adhesion), (state, Adhesion::Adhered));
        let mut again = case;
        assert_eq!(again.handle(&adhere, now(), &profile()), Err(Refusal::AlreadyAnswered));
    }
    for state in [Draft, Submitted, NotAdmitted, Signing, Agreement, NotAdhered, Closed] {
        let refused = in_state(state).handle(&adhere, now(), &profile());
        assert_eq!(refused, Err(Refusal::WrongState(state)));
    }
    let stranger = Act::Adhere { operator: STRANGER };
    let refused = in_state(Admitted).handle(&stranger, now(), &profile());
    assert_eq!(refused, Err(Refusal::NotInCase));
}

#[test]
fn r_case_17_a_non_adhesion_ends_the_case_before_a_meeting_is_fixed_and_flags_the_breach() {
    for (state, to, compulsory) in
        [(Admitted, NotAdhered, true), (Assigned, NotAdhered, false), (Convened, Convened, true)]
    {
        let mut case = in_state(state);
        case.operators[0].compulsory = compulsory;
        let events = case.handle(&Act::Decline { operator: CONVENED }, now(), &profile()).unwrap();
        let declined =
            CaseEvent::Declined { operator: CONVENED, part: Part::Convened, breach: compulsory };
        assert_eq!((events, case.state), (vec![declined], to));
    }
    let mut free = in_state(NotAdhered);
    free.operators[0].compulsory = false;
    let convene = Act::Convene { starts_at: meeting() };
    assert_eq!(free.handle(&convene, now(), &profile()), Err(Refusal::WrongState(NotAdhered)));
}

#[test]
fn r_case_16_nothing_before_adhesion() {
    for act in [
        Act::AssignDelegate { operator: CONVENED, delegate: DELEGATE },
        Act::RequestAid { operator: DISTRIBUTOR, part: Part::Distributor, compulsory: true },
    ] {
        let mut case = in_state(Assigned);
        assert_eq!(case.handle(&act, now(), &profile()), Err(Refusal::AdhesionFirst), "{act:?}");
        let mut case = played(in_state(Assigned), &[Act::Adhere { operator: CONVENED }]);
        assert!(case.handle(&act, now(), &profile()).is_ok(), "{act:?}");
    }
}

#[test]
fn r_case_20_the_delegate_changes_until_the_meeting_starts() {
    let adhere = Act::Adhere { operator: CONVENED };
    let assign = Act::AssignDelegate { operator: CONVENED, delegate: DELEGATE };
    let replace = Act::AssignDelegate { operator: CONVENED, delegate: CONCILIATOR };
    let mut case = played(in_state(Convened), &[adhere, assign]);
    let events = case.handle(&replace, now(), &profile()).unwrap();
    assert_eq!(
        events,
        [CaseEvent::DelegateAssigned {
            operator: CONVENED,
            delegate: CONCILIATOR,
            replaced: Some(DELEGATE)
        }]
    );
    let mut started = played(case.clone(), &[Act::StartMeeting]);
    assert_eq!(started.handle(&replace, now(), &profile()), Err(Refusal::MeetingStarted));
    let mut held = played(started, &[Act::EndMeeting]);
    assert_eq!(held.handle(&replace, now(), &profile()), Err(Refusal::MeetingStarted));
    let again = Act::Convene { starts_at: at("2027-01-15T09:00:00Z") };
    let mut adjourned = played(held, &[conclude(Outcome::Adjourned), again]);
    assert!(adjourned.handle(&replace, now(), &profile()).is_ok());
}

#[test]
fn r_case_22_technical_aid_by_sector() {
    for (sector, part, expected) in [
        (Sector::ElectricityGas, Part::Distributor, Ok(())),
        (Sector::ElectricityGas, Part::SecondDistributor, Ok(())),
        (Sector::ElectricityGas, Part::Sewerage, Err(Refusal::NoSuchAid)),
        (Sector::Water, Part::Sewerage, Ok(())),
        (Sector::Water, Part::Treatment, Ok(())),
        (Sector::Water, Part::Distributor, Err(Refusal::NoSuchAid)),
        (Sector::Heat, Part::Distributor, Err(Refusal::NoSuchAid)),
        (Sector::ElectricityGas, Part::Convened, Err(Refusal::NoSuchAid)),
    ] {
        let mut acts = acts_to(Assigned);
        acts.push(Act::Adhere { operator: CONVENED });
        let mut case = played(case(sector), &acts);
        let act = Act::RequestAid { operator: DISTRIBUTOR, part, compulsory: true };
        let result = case.handle(&act, now(), &profile()).map(|_| ());
        assert_eq!(result, expected, "{sector:?} {part:?}");
    }
}

#[test]
fn r_case_24_a_distributor_is_asked_for_ten_days_before_the_first_meeting() {
    let request = |part| Act::RequestAid { operator: DISTRIBUTOR, part, compulsory: true };
    for (sector, part, asked_at, expected) in [
        // The meeting is on 20 December.
        (Sector::ElectricityGas, Part::Distributor, "2026-12-10T22:59:59Z", Ok(())),
        (
            Sector::ElectricityGas,
            Part::Distributor,
            "2026-12-10T23:00:00Z",
            Err(Refusal::AidTooLate(10)),
        ),
        (Sector::Water, Part::Sewerage, "2026-12-20T10:00:00Z", Ok(())), // D-06
    ] {
        let mut acts = acts_to(Convened);
        acts.push(Act::Adhere { operator: CONVENED });
        let mut case = played(case(sector), &acts);
        let result = case.handle(&request(part), at(asked_at), &profile()).map(|_| ());
        assert_eq!(result, expected, "{sector:?} {asked_at}");
    }
}

#[test]
fn r_case_26_and_27_an_aid_is_requested_then_convened_then_answers() {
    let adhere = Act::Adhere { operator: CONVENED };
    let request =
        Act::RequestAid { operator: DISTRIBUTOR, part: Part::Distributor, compulsory: true };
    let mut case = played(in_state(Assigned), &[adhere, request.clone()]);
    assert_eq!(case.handle(&request, now(), &profile()), Err(Refusal::AlreadyInCase));
    let answer = Act::Adhere { operator: DISTRIBUTOR };
    assert_eq!(case.handle(&answer, now(), &profile()), Err(Refusal::AidNotConvened));
    let convene = Act::ConveneAid { operator: DISTRIBUTOR };
    let mut case = played(case, &[convene.clone(), answer]);
    assert!(case.handle(&convene, now(), &profile()).is_err());
    let delegate = Act::AssignDelegate { operator: DISTRIBUTOR, delegate: DELEGATE };
    case = played(case, &[delegate]);
    assert_eq!(case.participation(DISTRIBUTOR).unwrap().delegate, Some(DELEGATE));
    assert_eq!(case.state, Assigned);
}

#[test]
fn r_meet_06_a_meeting_lies_between_now_and_the_deadline() {
    for (starts_at, expected) in [
        ("2026-11-30T09:00:00Z", Err(Refusal::TooSoon)),
        ("2026-11-30T09:10:00Z", Ok(())),
        ("2027-02-28T22:30:00Z", Ok(())), // 23:30 in Rome on the last day
        ("2027-02-28T23:00:00Z", Err(Refusal::AfterDeadline)),
    ] {
        let act = Act::Convene { starts_at: at(starts_at) };
        let result = in_state(Assigned).handle(&act, now(), &profile()).map(|_| ());
        assert_eq!(result, expected, "{starts_at}");
    }
    let twice = Act::Convene { starts_at: meeting() };
    let refused = in_state(Convened).handle(&twice, now(), &profile());
    assert_eq!(refused, Err(Refusal::MeetingPending));
    let refused = in_state(Admitted).handle(&twice, now(), &profile());
    assert_eq!(refused, Err(Refusal::NoConciliator));
    let again = played(in_state(Convened), &[Act::CancelMeeting, twice]);
    assert_eq!(again.state, Reconvened);
}

#[test]
fn r_case_49_to_55_postponements() {
    let grant = |asked_by, asked_at: &str, to: &str| Act::GrantPostponement {
        asked_by,
        asked_at: at(asked_at),
        starts_at: at(to),
    };
    let client = Asker::Client;
    let distributor = Asker::Operator(Part::Distributor);
    let in_time = "2026-12-18T22:59:59Z"; // D−2, 23:59:59 in Rome
    let next_day = "2026-12-21T09:00:00Z";
    for (sector, urgent, act, expected) in [
        (Sector::ElectricityGas, false, grant(client, in_time, next_day), Ok(())),
        (Sector::ElectricityGas, false, grant(distributor, in_time, next_day), Ok(())),
        (
            Sector::ElectricityGas,
            false,
            grant(client, "2026-12-18T23:00:00Z", next_day),
            Err(Refusal::PostponementTooLate(2)),
        ),
        (Sector::Water, false, grant(client, in_time, "2026-12-27T22:00:00Z"), Ok(())),
        (
            Sector::Water,
            false,
            grant(client, in_time, "2026-12-28T09:00:00Z"),
            Err(Refusal::PostponementOutOfRange(7)),
        ),
        (
            Sector::Water,
            false,
            grant(client, in_time, "2026-12-20T18:00:00Z"), // the same day
            Err(Refusal::PostponementOutOfRange(7)),
        ),
        (
            Sector::Water,
            false,
            grant(Asker::Operator(Part::Sewerage), in_time, next_day),
            Err(Refusal::NoPostponement),
        ),
        (
            Sector::ElectricityGas,
            true,
            grant(client, in_time, next_day),
            Err(Refusal::NoPostponement),
        ),
    ] {
        let mut case = played(case(sector), &acts_to(Convened));
        case.urgent = urgent;
        let result = case.handle(&act, now(), &profile()).map(|_| ());
        assert_eq!(result, expected, "{sector:?} {act:?}");
        if expected.is_ok() {
            assert_eq!(case.state, Reconvened);
            let later = grant(client, in_time, "2026-12-28T09:00:00Z");
            if matches!(act, Act::GrantPostponement { asked_by: Asker::Client, .. }) {
                let twice = case.handle(&later, now(), &profile());
                assert_eq!(twice, Err(Refusal::AlreadyPostponed));
            }
        }
    }
}

#[test]
fn r_case_58_to_61_extension() {
    let extend = |days| Act::Extend { days };
    for (state, days, expected) in [
        (Held, 30, Ok(())),
        (Held, 31, Err(Refusal::ExtensionOutOfRange(30))),
        (Held, 0, Err(Refusal::ExtensionOutOfRange(30))),
        (Convened, 30, Err(Refusal::ExtensionTooEarly)),
        (Closed, 30, Err(Refusal::WrongState(Closed))),
    ] {
        let result = in_state(state).handle(&extend(days), now(), &profile()).map(|_| ());
        assert_eq!(result, expected, "{state:?} {days}");
    }
    let mut once = played(in_state(Held), &[extend(10)]);
    assert_eq!(once.handle(&extend(10), now(), &profile()), Err(Refusal::AlreadyExtended));
}

#[test]
fn r_case_63_a_passed_term_goes_to_the_worklist_and_closes_nothing() {
    let profile = profile();
    let (last_second, over) = (at("2027-02-28T22:59:59Z"), at("2027-02-28T23:00:00Z"));
    for state in [Admitted, Assigned, Convened, Reconvened, Held, Signing] {
        let mut case = in_state(state);
        assert_eq!(case.poll_timeout(&profile), Some(over));
        assert_eq!(case.handle_timeout(last_second, &profile), None);
        assert!(case.handle_timeout(over, &profile).is_some());
        assert_eq!((case.state, case.overdue), (state, true));
        assert_eq!(case.handle_timeout(over, &profile), None, "said once");
        for (archive, to) in [(false, NoAgreement), (true, Archived)] {
            let mut decided = case.clone();
            decided.handle(&Act::DecideOverdue { archive }, over, &profile).unwrap();
            assert_eq!((decided.state, decided.outcome), (to, Some(Outcome::Expired)));
        }
    }
    let refused =
        in_state(Held).handle(&Act::DecideOverdue { archive: true }, last_second, &profile);
    assert_eq!(refused, Err(Refusal::NotOverdue));
    for state in [Draft, Submitted, Agreement, Closed] {
        assert_eq!(in_state(state).poll_timeout(&profile), None, "{state:?}");
    }
}

#[test]
fn r_claim_15_an_unanswered_integration_request_archives_the_application() {
    let profile = profile();
    let mut case = in_state(Regularising);
    assert_eq!(case.poll_timeout(&profile), Some(at("2026-12-07T23:00:00Z")));
    assert_eq!(case.handle_timeout(at("2026-12-07T22:59:59Z"), &profile), None);
    let event = case.handle_timeout(at("2026-12-07T23:00:00Z"), &profile);
    assert_eq!(event, Some(CaseEvent::ArchivedUnanswered));
    assert_eq!(case.state, Archived);
    let mut answered = in_state(Regularising);
    answered.handle(&Act::AnswerIntegration, at("2026-12-03T09:00:00Z"), &profile).unwrap();
    assert_eq!(answered.complete_on, Some("2026-12-03".parse().unwrap())); // R-CLAIM-14
}
