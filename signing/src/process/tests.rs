//! The process by rule.

mod on_paper;
mod schedules;

use chrono::TimeZone as _;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(1_800_000_000 + seconds, 0).single().unwrap()
}

fn digest(n: u32) -> Digest {
    Digest::of(&n.to_be_bytes())
}

fn attempt(n: u128) -> AttemptId {
    AttemptId(Uuid::from_u128(n))
}

const PEOPLE: [&str; 3] = ["client", "operator_delegate", "neutral"];

fn plan() -> Plan {
    let signer = |index: usize| Signer {
        field: PEOPLE[index].to_owned(),
        person: Uuid::from_u128(index as u128),
    };
    Plan {
        process: ProcessId(Uuid::nil()),
        document: digest(0),
        groups: vec![vec![signer(0), signer(1)], vec![signer(2)]],
        terms: Terms::until(at(3600)),
        on_paper: None,
        format: Format::default(),
    }
}

/// A process with its journal; checks after every step that the journal gives the same process.
struct Story {
    process: Process,
    journal: Vec<Recorded>,
}

impl Story {
    fn sent() -> Self {
        let (process, first) = Process::start(plan(), at(0)).unwrap();
        let mut story = Self { process, journal: vec![first] };
        story.does(Input::Send, 1);
        story
    }

    fn try_(&mut self, input: Input, seconds: i64) -> Result<usize, Refusal> {
        let before = self.process.clone();
        match self.process.handle(input, at(seconds)) {
            Ok(events) => {
                let count = events.len();
                self.journal.extend(events);
                let text = serde_json::to_string(&self.journal).unwrap();
                let read: Vec<Recorded> = serde_json::from_str(&text).unwrap();
                assert_eq!(Process::replay(&read).unwrap(), self.process);
                Ok(count)
            }
            Err(refusal) => {
                assert_eq!(before, self.process, "a refusal changes nothing");
                Err(refusal)
            }
        }
    }

    fn does(&mut self, input: Input, seconds: i64) {
        self.try_(input.clone(), seconds).unwrap_or_else(|why| panic!("{input:?}: {why}"));
    }

    fn refuses(&mut self, input: Input, seconds: i64, why: Refusal) {
        assert_eq!(self.try_(input, seconds), Err(why));
    }

    /// Up to the contacts.
    fn ready(&mut self, field: &str, seconds: i64) {
        for input in preparation(field) {
            self.does(input, seconds);
        }
    }

    fn gets_code(&mut self, field: &str, credential: &str, seconds: i64) {
        self.does(issued(field, credential), seconds);
        self.does(Input::OtpSent { field: field.into() }, seconds);
    }

    fn signs(&mut self, field: &str, n: u32, seconds: i64) {
        self.ready(field, seconds);
        self.gets_code(field, &format!("credential {n}"), seconds);
        let base = self.process.document();
        let attempt = attempt(n.into());
        self.does(Input::TakeLease { field: field.into(), attempt, base }, seconds);
        self.does(Input::Signed { attempt, base, revision: digest(n) }, seconds + 1);
    }

    fn step(&self, field: &str) -> Step {
        self.process.signer(field).unwrap().step
    }
}

fn preparation(field: &str) -> [Input; 4] {
    let field = field.to_owned();
    let identification =
        Identification { method: Method::Spid, at: at(-9000), reference: "_a1".into() };
    let version = AcceptedVersion {
        document: "general_conditions".into(),
        version: "2026-03".into(),
        digest: digest(99),
    };
    [
        Input::Open { field: field.clone() },
        Input::Identify { field: field.clone(), identification },
        Input::AcceptConditions { field: field.clone(), versions: vec![version] },
        Input::ConfirmContacts { field },
    ]
}

fn issued(field: &str, credential: &str) -> Input {
    Input::CertificateIssued {
        field: field.into(),
        credential: credential.into(),
        certificate: Digest::of(credential.as_bytes()),
    }
}

fn lease(field: &str, n: u128, base: Digest) -> Input {
    Input::TakeLease { field: field.into(), attempt: attempt(n), base }
}

fn check(signatures: u32, revision: Digest) -> Input {
    Input::CheckSignatures { field: "neutral".into(), revision, signatures }
}

#[test]
fn r_sign_34_complete_only_with_the_last_signature() {
    let mut story = Story::sent();
    story.signs("operator_delegate", 1, 10);
    assert_eq!(story.process.status(), Status::PartiallySigned);
    story.signs("client", 2, 20);
    assert_eq!(story.process.status(), Status::PartiallySigned);
    story.does(check(2, digest(2)), 25);
    story.signs("neutral", 3, 30);
    assert_eq!(story.process.status(), Status::Completed);
    assert_eq!(story.process.document(), digest(3));
    assert!(matches!(
        story.journal.last().map(|recorded| &recorded.event),
        Some(Event::Completed { document }) if *document == digest(3)
    ));
}

#[test]
fn only_a_complete_document_is_made_to_last_and_each_revision_once() {
    let preserved = |base, revision| Input::Preserved {
        base: digest(base),
        revision: digest(revision),
        field: "document_timestamp".into(),
        renewal: at(9000),
    };
    let mut story = Story::sent();
    story.signs("operator_delegate", 1, 10);
    story.signs("client", 2, 20);
    story.refuses(preserved(2, 4), 22, Refusal::Status(Status::PartiallySigned));
    story.does(check(2, digest(2)), 25);
    story.signs("neutral", 3, 30);
    story.refuses(preserved(2, 4), 32, Refusal::Stale);
    story.refuses(preserved(3, 3), 32, Refusal::Stale);
    story.does(preserved(3, 4), 33);
    assert_eq!((story.process.document(), story.process.status()), (digest(4), Status::Completed));
    story.refuses(preserved(3, 5), 34, Refusal::Stale);
    story.does(preserved(4, 5), 9000);
    story.refuses(
        Input::Cancel { reason: String::new() },
        9001,
        Refusal::Status(Status::Completed),
    );
}

#[test]
fn r_sign_36_the_neutral_signs_last_and_only_what_was_checked() {
    let mut story = Story::sent();
    story.ready("neutral", 5);
    story.refuses(issued("neutral", "n"), 6, Refusal::NotYourTurn);
    story.refuses(check(0, digest(0)), 6, Refusal::NotYourTurn);
    story.signs("client", 1, 10);
    story.refuses(issued("neutral", "n"), 15, Refusal::NotYourTurn);
    story.signs("operator_delegate", 2, 20);
    story.refuses(issued("neutral", "n"), 25, Refusal::NotChecked);
    story.refuses(check(1, digest(2)), 26, Refusal::NotChecked);
    story.refuses(check(2, digest(1)), 26, Refusal::Stale);
    assert!(!story.process.may_sign("neutral"));
    story.does(check(2, digest(2)), 27);
    assert!(story.process.may_sign("neutral"));
    story.gets_code("neutral", "n", 28);
    story.does(lease("neutral", 3, digest(2)), 29);
}

#[test]
fn r_sign_18_every_step_needs_the_one_before() {
    let mut story = Story::sent();
    let [open, identify, accept, contacts] = preparation("client");
    story.refuses(identify.clone(), 2, Refusal::StepMissing);
    story.does(open, 2);
    story.refuses(accept.clone(), 2, Refusal::StepMissing);
    story.does(identify, 2);
    story.refuses(contacts.clone(), 2, Refusal::StepMissing);
    story.refuses(
        Input::AcceptConditions { field: "client".into(), versions: vec![] },
        2,
        Refusal::NothingAccepted,
    );
    story.does(accept.clone(), 2);
    story.refuses(issued("client", "a"), 2, Refusal::StepMissing);
    story.does(contacts, 2);
    story.refuses(Input::OtpSent { field: "client".into() }, 3, Refusal::StepMissing);
    story.does(issued("client", "a"), 3);
    story.refuses(lease("client", 1, digest(0)), 3, Refusal::StepMissing);
    story.does(Input::OtpSent { field: "client".into() }, 3);
    assert_eq!(story.try_(accept, 4), Ok(0), "a step done twice is no second event");
    story.does(lease("client", 1, digest(0)), 4);
}

#[test]
fn r_sign_30_wrong_codes_end_a_credential_and_credentials_end_too() {
    let mut story = Story::sent();
    story.ready("client", 2);
    let mut n = 0;
    for credential in ["a", "b", "c", "d", "e"] {
        story.gets_code("client", credential, 3);
        for wrong in 1..=3 {
            n += 1;
            story.does(lease("client", n, digest(0)), 4);
            let events = story.try_(Input::OtpWrong { attempt: attempt(n) }, 4).unwrap();
            assert_eq!(events, if wrong == 3 { 2 } else { 1 });
        }
        assert_eq!(story.step("client"), Step::ContactsConfirmed);
        story.refuses(issued("client", credential), 5, Refusal::UsedCredential);
    }
    story.refuses(issued("client", "f"), 6, Refusal::TooManyCodes);
}

#[test]
fn one_document_is_held_by_one_attempt() {
    let mut story = Story::sent();
    for (field, credential) in [("client", "a"), ("operator_delegate", "b")] {
        story.ready(field, 2);
        story.gets_code(field, credential, 2);
    }
    story.does(lease("client", 1, digest(0)), 10);
    story.refuses(lease("operator_delegate", 2, digest(0)), 69, Refusal::Held);
    story.refuses(lease("client", 3, digest(0)), 69, Refusal::Held);
    story.refuses(Input::RestartCode { field: "client".into() }, 69, Refusal::Held);
    story.does(lease("operator_delegate", 2, digest(0)), 70);
    let late = Input::Signed { attempt: attempt(1), base: digest(0), revision: digest(7) };
    story.refuses(late, 71, Refusal::NoSuchAttempt);
    let first = Input::Signed { attempt: attempt(2), base: digest(0), revision: digest(8) };
    story.does(first, 72);
    assert_eq!(story.process.document(), digest(8));
    assert_eq!(story.step("client"), Step::ContactsConfirmed, "the spent credential is gone");
}

#[test]
fn a_signature_given_before_a_crash_is_kept_when_nobody_went_ahead() {
    let mut story = Story::sent();
    story.ready("client", 2);
    story.gets_code("client", "a", 2);
    story.does(lease("client", 1, digest(0)), 10);
    let replayed = Process::replay(&story.journal).unwrap();
    story.process = replayed;
    let signed = Input::Signed { attempt: attempt(1), base: digest(0), revision: digest(1) };
    story.does(signed.clone(), 500);
    story.refuses(signed, 501, Refusal::NoSuchAttempt);
}

#[test]
fn an_attempt_of_ones_own_that_ran_out_is_closed_and_a_new_code_needed() {
    let mut story = Story::sent();
    story.ready("client", 2);
    story.gets_code("client", "a", 2);
    story.does(lease("client", 1, digest(0)), 10);
    story.does(lease("client", 2, digest(0)), 200);
    assert_eq!(story.process.lease(), None);
    assert_eq!(story.step("client"), Step::ContactsConfirmed);
    story.gets_code("client", "b", 201);
    story.does(lease("client", 3, digest(0)), 202);
}

#[test]
fn r_sign_33_refusal_expiry_and_cancel_end_it() {
    let mut story = Story::sent();
    story.signs("client", 1, 5);
    let refuse =
        |field: &str| Input::Refuse { field: field.into(), reason: "importo errato".into() };
    story.refuses(refuse("client"), 10, Refusal::AlreadySigned);
    story.does(refuse("operator_delegate"), 10);
    assert_eq!(story.process.status(), Status::Refused);
    story.refuses(issued("client", "z"), 11, Refusal::Status(Status::Refused));

    let mut story = Story::sent();
    assert_eq!(story.process.poll_timeout(), Some(at(3600)));
    assert_eq!(story.try_(Input::Timeout, 3599), Ok(0));
    story.refuses(Input::Open { field: "client".into() }, 3600, Refusal::Over);
    story.does(Input::Timeout, 3600);
    assert_eq!(story.process.status(), Status::Expired);
    assert_eq!(story.step("client"), Step::Expired);
    assert_eq!(story.process.poll_timeout(), None);

    let mut story = Story::sent();
    story.does(Input::Cancel { reason: "nuova versione".into() }, 5);
    assert_eq!(story.process.status(), Status::Cancelled);
}

#[test]
fn the_term_waits_for_a_signature_under_way() {
    let mut story = Story::sent();
    story.ready("client", 2);
    story.gets_code("client", "a", 2);
    story.does(lease("client", 1, digest(0)), 3590);
    assert_eq!(story.process.poll_timeout(), Some(at(3650)));
    assert_eq!(story.try_(Input::Timeout, 3610), Ok(0));
    let signed = Input::Signed { attempt: attempt(1), base: digest(0), revision: digest(1) };
    story.does(signed, 3611);
    story.does(Input::Timeout, 3612);
    assert_eq!(story.process.status(), Status::Expired);
    assert_eq!(story.step("client"), Step::Signed);
}

#[test]
fn r_sign_33_a_replaced_signer_starts_again_and_the_old_attempt_is_void() {
    let mut story = Story::sent();
    story.ready("client", 2);
    story.gets_code("client", "a", 2);
    story.does(lease("client", 1, digest(0)), 10);
    let replace = Input::Replace { field: "client".into(), person: Uuid::from_u128(77) };
    story.refuses(replace.clone(), 20, Refusal::Held);
    story.does(replace, 100);
    assert_eq!(story.step("client"), Step::Invited);
    let late = Input::Signed { attempt: attempt(1), base: digest(0), revision: digest(1) };
    story.refuses(late, 101, Refusal::NoSuchAttempt);
}

#[test]
fn a_plan_without_signers_or_with_a_field_twice_is_refused() {
    let mut empty = plan();
    empty.groups = vec![vec![]];
    let mut twice = plan();
    twice.groups[1][0].field = "client".into();
    let mut over = plan();
    over.terms.expires_at = at(0);
    for (plan, why) in [(empty, Refusal::BadPlan), (twice, Refusal::BadPlan), (over, Refusal::Over)]
    {
        assert_eq!(Process::start(plan, at(0)).map(|_| ()), Err(why));
    }
}

#[test]
fn a_journal_that_is_not_one_is_refused() {
    let story = Story::sent();
    assert_eq!(Process::replay(&[]), Err(ReplayError::NotFrozen));
    assert_eq!(Process::replay(&story.journal[1..]), Err(ReplayError::NotFrozen));
    let twice = [story.journal[0].clone(), story.journal[0].clone()];
    assert_eq!(Process::replay(&twice), Err(ReplayError::Misfit(1)));
    let mut later = story.journal.clone();
    later[1].v = 2;
    assert_eq!(Process::replay(&later), Err(ReplayError::Version(2)));
}

fn elsewhere(field: &str, base: Digest, n: u32) -> Input {
    Input::SignedElsewhere {
        field: field.into(),
        base,
        revision: digest(n),
        certificate: digest(77),
        file: Some(digest(78)),
    }
}

#[test]
fn r_sign_29_an_own_device_needs_the_turn_and_the_newest_revision_and_nothing_else() {
    let mut story = Story::sent();
    story.refuses(elsewhere("client", digest(0), 1), 5, Refusal::StepMissing);
    story.does(Input::Open { field: "client".into() }, 5);
    story.refuses(elsewhere("client", digest(9), 1), 6, Refusal::Stale);
    story.refuses(elsewhere("client", digest(0), 0), 6, Refusal::Stale);
    story.refuses(elsewhere("nobody", digest(0), 1), 6, Refusal::UnknownSigner);
    story.refuses(elsewhere("neutral", digest(0), 1), 6, Refusal::NotYourTurn);

    // Not while somebody signs with a code; when that lease ran out its credential is spent.
    story.ready("operator_delegate", 7);
    story.gets_code("operator_delegate", "c1", 8);
    story.does(lease("operator_delegate", 1, digest(0)), 9);
    story.refuses(elsewhere("client", digest(0), 1), 10, Refusal::Held);
    story.does(elsewhere("client", digest(0), 1), 100);
    assert_eq!((story.step("client"), story.process.document()), (Step::Signed, digest(1)));
    assert_eq!(story.step("operator_delegate"), Step::ContactsConfirmed);
    let client = story.process.signer("client").unwrap();
    assert!(client.elsewhere && client.file == Some(digest(78)));
    story.refuses(elsewhere("client", digest(1), 2), 101, Refusal::AlreadySigned);

    // A code that was asked for before is given up; the neutral one still checks first.
    story.gets_code("operator_delegate", "c2", 102);
    story.does(elsewhere("operator_delegate", digest(1), 2), 103);
    story.does(Input::Open { field: "neutral".into() }, 104);
    story.refuses(elsewhere("neutral", digest(2), 3), 105, Refusal::NotChecked);
    story.does(check(2, digest(2)), 106);
    story.does(elsewhere("neutral", digest(2), 3), 107);
    assert_eq!(story.process.status(), Status::Completed);
}

#[test]
fn r_sign_33_reminders_go_to_whose_turn_it_is_once_a_day() {
    const HOUR: i64 = 3600;
    let days = 24 * HOUR;
    let mut plan = plan();
    plan.terms = Terms::until(at(7 * days));
    let (process, first) = Process::start(plan, at(0)).unwrap();
    let mut story = Story { process, journal: vec![first] };
    let remind = |field: &str| Input::Remind { field: field.into() };
    story.refuses(remind("client"), 0, Refusal::Status(Status::Assembled));
    story.does(Input::Send, 0);
    for (field, hours, expected) in [
        ("client", 23, Ok(0)), // invited today
        ("client", 24, Ok(1)),
        ("client", 47, Ok(0)),
        ("client", 48, Ok(1)),
        ("neutral", 48, Err(Refusal::NotYourTurn)),
        ("nobody", 48, Err(Refusal::UnknownSigner)),
        ("client", 7 * 24, Err(Refusal::Over)),
    ] {
        assert_eq!(story.try_(remind(field), hours * HOUR), expected, "{field} {hours}");
    }
    // By themselves: three days and one day before the end.
    for (hours, due) in [(95, false), (96, true), (143, true), (144, true)] {
        assert_eq!(story.process.reminder_is_due(&[3, 1], at(hours * HOUR)), due, "{hours}");
    }
    assert_eq!(story.process.to_remind(at(96 * HOUR)), ["client", "operator_delegate"]);
    story.does(remind("client"), 96 * HOUR);
    story.does(remind("operator_delegate"), 96 * HOUR);
    for (hours, due) in [(97, false), (143, false), (144, true)] {
        assert_eq!(story.process.reminder_is_due(&[3, 1], at(hours * HOUR)), due, "{hours}");
    }
}
