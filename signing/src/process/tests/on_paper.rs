//! Documents that are signed by hand.

use super::*;

#[test]
fn r_sign_37_what_is_signed_by_hand_ends_with_its_scan_and_takes_no_digital_signature() {
    let plan = Plan { on_paper: Some("no consent".into()), ..plan() };
    let (process, started) = Process::start(plan, at(0)).unwrap();
    let mut journal = vec![started];
    let mut process = process;
    let scan = digest(7);
    let does = |process: &mut Process, input: Input| process.handle(input, at(1));
    assert_eq!(
        does(&mut process, Input::SignedOnPaper { scan }),
        Err(Refusal::Status(Status::Assembled))
    );
    journal.extend(does(&mut process, Input::Send).unwrap());
    let field = process.signers().next().unwrap().signer.field.clone();
    let [open, identify, ..] = preparation(&field);
    journal.extend(does(&mut process, open).unwrap());
    assert_eq!(does(&mut process, identify), Err(Refusal::OtherForm));
    let base = process.document();
    let elsewhere =
        Input::SignedElsewhere { field, base, revision: scan, certificate: scan, file: None };
    assert_eq!(does(&mut process, elsewhere), Err(Refusal::OtherForm));
    assert_eq!(does(&mut process, Input::SignedOnPaper { scan: base }), Err(Refusal::Stale));
    assert!(!process.signers().any(|one| process.may_sign(&one.signer.field)));
    journal.extend(does(&mut process, Input::SignedOnPaper { scan }).unwrap());
    assert_eq!((process.status(), process.document()), (Status::Completed, scan));
    assert!(process.signers().all(|one| one.step == Step::Signed));
    assert_eq!(Process::replay(&journal), Ok(process.clone()));
    let again = does(&mut process, Input::SignedOnPaper { scan });
    assert_eq!(again, Err(Refusal::Status(Status::Completed)));

    let (mut digital, _) = Process::start(super::plan(), at(0)).unwrap();
    does(&mut digital, Input::Send).unwrap();
    assert_eq!(does(&mut digital, Input::SignedOnPaper { scan }), Err(Refusal::OtherForm));
}
