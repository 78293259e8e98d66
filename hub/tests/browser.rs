//! Stories in real browsers against this hub: `hub/e2e/src`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

#[test]
fn one_whole_conciliation_from_the_case_to_the_signed_minutes() {
    play("conciliation");
}

#[test]
fn r_meet_46_a_person_without_an_account_comes_to_a_mediation_on_a_telephone() {
    play("guest");
}

#[test]
fn r_test_01_03_the_media_test_green_and_red_without_an_account_and_with_one() {
    play("media-test");
}

#[test]
fn r_meet_20_and_26_files_of_a_session_are_its_members_and_gone_with_the_room() {
    play("files");
}

#[test]
fn r_meet_30_33_two_people_identify_one_of_them_by_video() {
    play("identification");
}

#[test]
fn r_sign_28_29_a_panel_signatures_from_own_devices_and_their_verification() {
    play("signing");
}

#[test]
fn r_sign_29_signatures_beside_the_document_from_own_devices() {
    play("beside");
}

#[test]
fn r_sign_37_a_mediation_without_consent_is_signed_on_paper() {
    play("on-paper");
}

#[test]
fn r_sign_25_27_the_secretariat_sends_a_copy_to_each_recipient() {
    play("copies");
}

/// The story ends itself, its hub and its browsers, when it takes too long.
fn play(story: &str) {
    let e2e = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e");
    let built = format!("dist/{story}.mjs");
    for arguments in [["build.mjs", story].as_slice(), &[&built]] {
        let run = Command::new("node")
            .args(arguments)
            .current_dir(&e2e)
            .env("ACCORDO_HUB", env!("CARGO_BIN_EXE_hub"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&run.stdout);
        let complained = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{story}\n{told}\n{complained}");
    }
}
