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

/// Plays acts at `now()`; each must be allowed.
fn played(mut case: Case, acts: &[Act]) -> Case {
    for act in acts {
        case.handle(act, now(), &profile()).unwrap_or_else(|e| panic!("{act:?}: {e}"));
    }
    case
}

fn acts_to(state: CaseState) -> Vec<Act> {
    let convened = Act::Convene { starts_at: meeting() };
    let conclude = |outcome| Act::Conclude { outcome };
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
    only(&convene, &[(Assigned, Convened), (Held, Reconvened), (NotAdhered, Convened)]);
    only(&Act::CancelMeeting, &[(Convened, Convened), (Reconvened, Reconvened)]);
    let starts_at = at("2026-12-22T09:00:00Z");
    only(&Act::MoveMeeting { starts_at }, &[(Convened, Reconvened), (Reconvened, Reconvened)]);
    only(&Act::StartMeeting, &[(Convened, Convened), (Reconvened, Reconvened)]);
    only(&Act::EndMeeting, &[]); // nothing was started
}

#[test]
fn s_4_1_outcomes() {
    let conclude = |outcome| Act::Conclude { outcome };
    only(&conclude(Outcome::Agreement), &[(Held, Held)]);
    only(&conclude(Outcome::Adjourned), &[(Held, Held)]);
    only(&conclude(Outcome::NoAgreement), &[(Held, NoAgreement)]);
    only(&conclude(Outcome::Withdrawal), &[(Held, Withdrawn)]);
    for no_show in [Outcome::NoShowActivating, Outcome::NoShowConvened] {
        let table = [(Held, NoShow), (Convened, NoShow), (Reconvened, NoShow)];
        only(&conclude(no_show), &table);
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
fn r_sign_34_only_an_agreement_is_sent_to_the_parties_for_signature() {
    for outcome in [None, Some(Outcome::Adjourned)] {
        let mut case = in_state(Held);
        case.outcome = outcome;
        let refused = case.handle(&Act::SendToSignature, now(), &profile());
        assert_eq!(refused, Err(Refusal::WrongState(Held)), "{outcome:?}");
    }
}

#[test]
fn r_meet_34_an_outcome_ends_the_running_meeting() {
    let mut case = played(in_state(Convened), &[Act::StartMeeting]);
    let events =
        case.handle(&Act::Conclude { outcome: Outcome::Agreement }, now(), &profile()).unwrap();
    assert_eq!(
        events,
        [CaseEvent::MeetingHeld, CaseEvent::Concluded { outcome: Outcome::Agreement }]
    );
    assert_eq!((case.state, case.meetings_held, case.next_meeting), (Held, 1, None));
}

#[test]
fn r_meet_35_an_adjournment_leads_to_a_further_meeting() {
    let conclude = Act::Conclude { outcome: Outcome::Adjourned };
    let next = Act::Convene { starts_at: at("2027-01-15T09:00:00Z") };
    let case = played(in_state(Held), &[conclude, next]);
    assert_eq!((case.state, case.outcome), (Reconvened, None));
    let mut late = in_state(Held);
    let refused = late.handle(
        &Act::Conclude { outcome: Outcome::Adjourned },
        at("2027-02-28T23:00:00Z"),
        &profile(),
    );
    assert_eq!(refused, Err(Refusal::AfterDeadline));
}
