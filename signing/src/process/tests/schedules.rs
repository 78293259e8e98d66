//! The process under random schedules.

use proptest::prelude::*;

use super::*;

/// One random act: mostly sensible, with stale revisions, foreign attempts and jumps of time.
#[derive(Clone, Debug)]
struct Act {
    kind: u8,
    who: usize,
    other: u8,
    wait: u8,
}

fn act() -> impl Strategy<Value = Act> {
    (0u8..14, 0usize..3, any::<u8>(), any::<u8>()).prop_map(|(kind, who, other, wait)| Act {
        kind,
        who,
        other,
        wait,
    })
}

fn input(act: &Act, n: u32, process: &Process, bases: &[Digest]) -> Input {
    let field = PEOPLE[act.who].to_owned();
    let base = match act.other % 4 {
        0 => bases[usize::from(act.other) % bases.len()],
        _ => process.document(),
    };
    let held = process.lease().map(|lease| lease.attempt);
    let attempt_in_use = match act.other % 5 {
        0 => attempt(u128::from(act.other)),
        _ => held.unwrap_or(attempt(0)),
    };
    let signed = process.signers().filter(|signer| signer.step == Step::Signed).count();
    match act.kind {
        kind @ 0..4 => preparation(&field)[usize::from(kind)].clone(),
        4 => issued(&field, &format!("credential {}", if act.other < 40 { 1 } else { n })),
        5 => Input::OtpSent { field },
        6 | 7 => Input::TakeLease { field, attempt: attempt(n.into()), base },
        8 | 9 => Input::Signed { attempt: attempt_in_use, base, revision: digest(n) },
        10 => check(if act.other < 30 { 0 } else { signed as u32 }, base),
        11 if act.other.is_multiple_of(2) => Input::OtpWrong { attempt: attempt_in_use },
        11 => Input::AttemptFailed { attempt: attempt_in_use, reason: "lost".into() },
        12 if act.other < 40 => Input::Replace { field, person: Uuid::from_u128(act.other.into()) },
        12 => Input::RestartCode { field },
        13 if act.other == 0 => Input::Refuse { field, reason: "no".into() },
        13 if act.other == 1 => Input::Cancel { reason: "no".into() },
        _ => Input::Timeout,
    }
}

proptest! {
    /// Half of the acts are drawn, half follow the story so that it gets far.
    #[test]
    fn r_sign_34_r_sign_36_hold_under_random_schedules(
        acts in prop::collection::vec(act(), 1..160),
    ) {
        let mut story = Story::sent();
        let mut bases = vec![digest(0)];
        let mut now = 2;
        for (n, act) in acts.iter().enumerate() {
            let n = n as u32 + 1;
            now += i64::from(act.wait) / 8 * i64::from(act.wait % 4);
            let chosen = if act.wait % 2 == 0 {
                helpful(&story.process, n)
            } else {
                input(act, n, &story.process, &bases)
            };
            let was = story.process.document();
            let _ = story.try_(chosen, now);
            if story.process.document() != was {
                bases.push(story.process.document());
            }
        }
        let mut given: Vec<(&str, Digest)> = vec![];
        let mut completed = false;
        for recorded in &story.journal {
            prop_assert!(!completed, "nothing follows the completion");
            match &recorded.event {
                Event::Signed { field, base, .. } => {
                    prop_assert!(given.iter().all(|(_, b)| b != base), "two revisions of one base");
                    prop_assert!(given.iter().all(|(f, _)| f != field), "one field signed twice");
                    if field == "neutral" {
                        prop_assert_eq!(given.len(), 2, "R-SIGN-36");
                    }
                    given.push((field, *base));
                }
                Event::Completed { document } => {
                    completed = true;
                    prop_assert_eq!(given.len(), 3, "R-SIGN-34");
                    prop_assert_eq!(*document, story.process.document());
                }
                _ => {}
            }
        }
        prop_assert_eq!(completed, given.len() == 3 && story.process.status() == Status::Completed);
    }
}

/// What an orderly story would do next.
fn helpful(process: &Process, n: u32) -> Input {
    let Some(signer) =
        process.signers().find(|s| Some(s.group) == process.turn() && s.step != Step::Signed)
    else {
        return Input::Timeout;
    };
    let field = signer.signer.field.clone();
    let [open, identify, accept, contacts] = preparation(&field);
    match signer.step {
        Step::Invited => open,
        Step::Opened => identify,
        Step::Identified => accept,
        Step::ConditionsAccepted => contacts,
        Step::ContactsConfirmed if signer.group > 0 && !process.is_checked() => {
            check(2, process.document())
        }
        Step::ContactsConfirmed => issued(&field, &format!("credential {n}")),
        Step::CertificateIssued => Input::OtpSent { field },
        Step::OtpSent => match process.lease() {
            Some(lease) => {
                Input::Signed { attempt: lease.attempt, base: lease.base, revision: digest(n) }
            }
            None => {
                Input::TakeLease { field, attempt: attempt(n.into()), base: process.document() }
            }
        },
        Step::Signed | Step::Refused | Step::Expired => Input::Timeout,
    }
}

#[test]
fn the_orderly_story_of_the_random_test_gets_to_its_end() {
    let mut story = Story::sent();
    for n in 1..60 {
        let next = helpful(&story.process, n);
        story.does(next, 2);
        if story.process.status() == Status::Completed {
            return;
        }
    }
    panic!("not complete: {:?}", story.process);
}
