//! Every transition of §4.1, allowed and refused; its guards are in [`terms`].

mod terms;

use super::*;
use crate::{
    cases::CaseState::*,
    procedures::{ProcedureProfile, Procedures},
};
use uuid::Uuid;

const CONVENED: OperatorId = OperatorId(Uuid::from_u128(1));
const DISTRIBUTOR: OperatorId = OperatorId(Uuid::from_u128(2));
const STRANGER: OperatorId = OperatorId(Uuid::from_u128(9));
const CONCILIATOR: UserId = UserId(Uuid::from_u128(11));
const DELEGATE: UserId = UserId(Uuid::from_u128(12));

fn profile() -> ProcedureProfile {
    Procedures::shipped().get("conciliazione").unwrap().clone()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The day most tests play on; applications of that day end on 28 February 2027.
fn now() -> DateTime<Utc> {
    at("2026-11-30T09:00:00Z")
}

fn meeting() -> DateTime<Utc> {
    at("2026-12-20T14:00:00Z")
}

fn case(sector: Sector) -> Case {
    Case::draft(sector, false, CONVENED, true)
}

fn conclude(outcome: Outcome) -> Act {
    Act::Conclude { outcome, meeting: meeting() }
}

/// Plays acts at `now()`; each must be allowed.
fn played(mut case: Case, acts: &[Act]) -> Case {
    for act in acts {
        case.handle(act, now(), &profile()).unwrap_or_else(|e| panic!("{act:?}: {e}"));
    }
    case
}

fn acts_to(state: CaseState) -> Vec<Act> {
    let convened = Act::Convene { starts_at: meeting() };
    let (before, act) = match state {
        Draft => return Vec::new(),
        Submitted => (Draft, Act::Send),
        Regularising => (Submitted, Act::AskIntegration),
        NotAdmitted => (Submitted, Act::Reject),
        Admitted => (Submitted, Act::Admit),
        Assigned => (Admitted, Act::AssignConciliator { conciliator: CONCILIATOR }),
        Convened => (Assigned, convened),
        Reconvened => (Convened, Act::MoveMeeting { starts_at: at("2026-12-21T14:00:00Z") }),
        Held => {
            let mut acts = acts_to(Convened);
            acts.extend([Act::StartMeeting, Act::EndMeeting, conclude(Outcome::Agreement)]);
            return acts;
        }
        Signing => (Held, Act::SendToSignature),
        Agreement => (Signing, Act::CompleteSignatures),
        NoAgreement => (Held, conclude(Outcome::NoAgreement)),
        NoShow => (Held, conclude(Outcome::NoShowConvened)),
        Withdrawn => (Held, Act::Withdraw),
        NotAdhered => (Assigned, Act::Decline { operator: CONVENED }),
        Closed => (Agreement, Act::Close),
        Archived => unreachable!("reached by time, not by acts alone"),
    };
    let mut acts = acts_to(before);
    acts.push(act);
    acts
}

fn in_state(state: CaseState) -> Case {
    let case = if state == Archived {
        let mut case = played(case(Sector::ElectricityGas), &acts_to(Regularising));
        case.handle_timeout(at("2026-12-07T23:00:00Z"), &profile());
        case
    } else {
        played(case(Sector::ElectricityGas), &acts_to(state))
    };
    assert_eq!(case.state, state);
    case
}

/// Tries `act` in every state; it must lead where the table says and be refused everywhere else.
fn only(act: &Act, table: &[(CaseState, CaseState)]) {
    for from in CaseState::ALL {
        let before = in_state(*from);
        let mut case = before.clone();
        let result = case.handle(act, now(), &profile());
        match table.iter().find(|(state, _)| state == from) {
            Some((_, to)) => {
                assert!(result.is_ok(), "{act:?} from {from:?}: {result:?}");
                assert_eq!(case.state, *to, "{act:?} from {from:?}");
            }
            None => {
                assert!(result.is_err(), "{act:?} from {from:?} is not in the table");
                assert_eq!(case, before, "a refusal changes nothing");
            }
        }
    }
}

#[test]
fn s_4_1_application() {
    only(&Act::Send, &[(Draft, Submitted)]);
    only(&Act::AskIntegration, &[(Submitted, Regularising)]);
    only(&Act::AnswerIntegration, &[(Regularising, Submitted)]);
    only(&Act::Reject, &[(Submitted, NotAdmitted)]);
    only(&Act::Admit, &[(Submitted, Admitted)]);
    let day = "2026-11-27".parse().unwrap();
    only(&Act::CorrectCompleteDay { day }, &[(Submitted, Submitted)]);
}

#[test]
fn s_4_1_conciliator() {
    only(
        &Act::AssignConciliator { conciliator: DELEGATE },
        &[
            (Admitted, Assigned),
            (Assigned, Assigned),
            (Convened, Convened),
            (Reconvened, Reconvened),
            (Held, Held),
            (Signing, Signing),
            (NotAdhered, NotAdhered), // R-CASE-17: convened all the same
        ],
    );
}

#[test]
fn s_4_1_convening() {
    let convene = Act::Convene { starts_at: meeting() };
    only(&convene, &[(Assigned, Convened), (NotAdhered, Convened)]);
    only(&Act::CancelMeeting, &[(Convened, Convened), (Reconvened, Reconvened)]);
    let starts_at = at("2026-12-22T09:00:00Z");
    only(&Act::MoveMeeting { starts_at }, &[(Convened, Reconvened), (Reconvened, Reconvened)]);
    only(&Act::StartMeeting, &[(Convened, Convened), (Reconvened, Reconvened)]);
    only(&Act::EndMeeting, &[]); // nothing was started
}

#[test]
fn s_4_1_outcomes() {
    only(&conclude(Outcome::Agreement), &[(Held, Held)]);
    only(&conclude(Outcome::Proposal), &[(Held, Held)]);
    only(&conclude(Outcome::Adjourned), &[(Held, Held)]);
    only(&conclude(Outcome::NoAgreement), &[(Held, NoAgreement)]);
    only(&conclude(Outcome::Withdrawal), &[(Held, Held)]);
    for no_show in [Outcome::NoShowActivating, Outcome::NoShowConvened] {
        only(&conclude(no_show), &[(Held, NoShow)]);
    }
    for none in [Outcome::NotAdhered, Outcome::Inadmissible, Outcome::Expired] {
        only(&conclude(none), &[]);
    }
}

#[test]
fn s_4_1_signing_and_closing() {
    only(&Act::SendToSignature, &[(Held, Signing)]);
    only(&Act::CompleteSignatures, &[(Signing, Agreement)]);
    only(&Act::AbandonSignatures, &[(Signing, NoAgreement)]);
    only(
        &Act::Withdraw,
        &[
            (Submitted, Withdrawn),
            (Regularising, Withdrawn),
            (Admitted, Withdrawn),
            (Assigned, Withdrawn),
            (Convened, Withdrawn),
            (Reconvened, Withdrawn),
            (Held, Withdrawn),
            (Signing, Withdrawn),
        ],
    );
    only(
        &Act::Close,
        &[
            (Agreement, Closed),
            (NoAgreement, Closed),
            (NoShow, Closed),
            (Withdrawn, Closed),
            (NotAdhered, Closed),
        ],
    );
}

#[test]
fn r_sign_33_and_34_what_the_parties_sign_holds_once_they_have_signed() {
    use Outcome as O;
    // Outcome; what the case comes to once it is signed; what is left if it is not.
    let table = [
        (None, None),
        (Some(O::Adjourned), None),
        (
            Some(O::Agreement),
            Some(((Agreement, Some(O::Agreement)), (NoAgreement, Some(O::NoAgreement)))),
        ),
        (Some(O::Withdrawal), Some(((Withdrawn, Some(O::Withdrawal)), (Held, None)))),
    ];
    for (outcome, ends) in table {
        let mut case = Case { outcome, ..in_state(Held) };
        let sent = case.handle(&Act::SendToSignature, now(), &profile());
        let Some((signed, abandoned)) = ends else {
            assert_eq!(sent, Err(Refusal::WrongState(Held)), "{outcome:?}");
            continue;
        };
        assert_eq!((case.state, case.outcome), (Signing, outcome));
        for (act, end) in [(Act::CompleteSignatures, signed), (Act::AbandonSignatures, abandoned)] {
            let case = played(case.clone(), &[act]);
            assert_eq!((case.state, case.outcome), end, "{outcome:?}");
        }
    }
}

#[test]
fn r_meet_34_nobody_is_absent_before_the_others_have_waited() {
    let moved = at("2026-12-21T14:00:00Z");
    let early = Err(Refusal::NoShowTooEarly(30));
    for (state, meeting, at_time, expected) in [
        (Convened, meeting(), "2026-12-01T09:00:00Z", early),
        (Convened, meeting(), "2026-12-20T14:29:59Z", early),
        (Convened, meeting(), "2026-12-20T14:30:00Z", Ok(NoShow)),
        (Reconvened, moved, "2026-12-21T14:29:59Z", early),
        (Reconvened, moved, "2026-12-21T14:30:00Z", Ok(NoShow)),
        // The meeting that was moved decides nothing.
        (Reconvened, meeting(), "2026-12-21T14:30:00Z", Err(Refusal::MeetingPending)),
    ] {
        for outcome in [Outcome::NoShowActivating, Outcome::NoShowConvened] {
            let mut case = in_state(state);
            let act = Act::Conclude { outcome, meeting };
            let result = case.handle(&act, at(at_time), &profile()).map(|_| case.state);
            assert_eq!(result, expected, "{state:?} {at_time}");
        }
    }
    let mut cancelled = played(in_state(Convened), &[Act::CancelMeeting]);
    let absent = conclude(Outcome::NoShowConvened);
    let refused = cancelled.handle(&absent, at("2026-12-20T15:00:00Z"), &profile());
    assert_eq!(refused, Err(Refusal::WrongState(Convened)));
}

#[test]
fn r_meet_34_an_earlier_meeting_decides_nothing_while_another_one_is_fixed() {
    let next = at("2027-01-15T09:00:00Z");
    let fixed =
        played(in_state(Held), &[conclude(Outcome::Adjourned), Act::Convene { starts_at: next }]);
    let running = played(fixed.clone(), &[Act::StartMeeting]);
    let now = at("2027-01-15T10:00:00Z");
    let before = Err(Refusal::MeetingPending);
    for (case, outcome, meeting, expected) in [
        (&fixed, Outcome::NoShowConvened, meeting(), before),
        (&fixed, Outcome::NoShowConvened, next, Ok(NoShow)),
        (&running, Outcome::Agreement, meeting(), before),
        (&running, Outcome::NoAgreement, meeting(), before),
        (&running, Outcome::NoShowConvened, meeting(), before),
        (&running, Outcome::Agreement, next, Ok(Held)),
        (&running, Outcome::NoAgreement, next, Ok(NoAgreement)),
    ] {
        let mut case = case.clone();
        let act = Act::Conclude { outcome, meeting };
        let result = case.handle(&act, now, &profile()).map(|_| case.state);
        assert_eq!(result, expected, "{outcome:?} of {meeting}");
    }
}

#[test]
fn r_meet_34_an_outcome_ends_the_running_meeting() {
    let mut case = played(in_state(Convened), &[Act::StartMeeting]);
    let events = case.handle(&conclude(Outcome::Agreement), now(), &profile()).unwrap();
    assert_eq!(
        events,
        [CaseEvent::MeetingHeld, CaseEvent::Concluded { outcome: Outcome::Agreement }]
    );
    assert_eq!((case.state, case.meetings_held, case.next_meeting), (Held, 1, None));
}

#[test]
fn r_sign_33_another_delegate_signs_once_the_meeting_was_held() {
    let act = Act::SubstituteDelegate { operator: CONVENED, delegate: DELEGATE };
    let states = [Held, Signing, NoAgreement, NoShow];
    only(&act, &states.map(|state| (state, state)));
    let stranger =
        Act::SubstituteDelegate { operator: OperatorId(Uuid::from_u128(99)), delegate: DELEGATE };
    let refused = in_state(Signing).handle(&stranger, now(), &profile());
    assert_eq!(refused, Err(Refusal::NotInCase));
}

#[test]
fn r_meet_37_a_proposal_becomes_an_agreement_or_nothing() {
    for (act, state, outcome) in [
        (Act::CompleteSignatures, Agreement, Outcome::Agreement),
        (Act::AbandonSignatures, NoAgreement, Outcome::NoAgreement),
    ] {
        let proposed = Case { outcome: None, ..in_state(Held) };
        let proposed = played(proposed, &[conclude(Outcome::Proposal), Act::SendToSignature]);
        assert_eq!(proposed.state, Signing);
        let ended = played(proposed, &[act]);
        assert_eq!((ended.state, ended.outcome), (state, Some(outcome)));
    }
}

#[test]
fn r_meet_35_an_adjournment_and_nothing_else_leads_to_a_further_meeting() {
    let next = Act::Convene { starts_at: at("2027-01-15T09:00:00Z") };
    for (outcome, expected) in [
        (None, Err(Refusal::NotAdjourned)),
        (Some(Outcome::Agreement), Err(Refusal::NotAdjourned)),
        (Some(Outcome::Withdrawal), Err(Refusal::NotAdjourned)),
        (Some(Outcome::Adjourned), Ok((Reconvened, None))),
    ] {
        let mut case = Case { outcome, ..in_state(Held) };
        let result = case.handle(&next, now(), &profile()).map(|_| (case.state, case.outcome));
        assert_eq!(result, expected, "{outcome:?}");
    }
    let mut late = in_state(Held);
    let adjourn = conclude(Outcome::Adjourned);
    let refused = late.handle(&adjourn, at("2027-02-28T23:00:00Z"), &profile());
    assert_eq!(refused, Err(Refusal::AfterDeadline));
}
