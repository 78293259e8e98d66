//! One whole conciliation in real browsers against this hub: `hub/e2e/src/conciliation.ts`.

use std::path::Path;
use std::process::Command;

#[test]
fn one_whole_conciliation_from_the_case_to_the_signed_minutes() {
    let e2e = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e");
    // The story ends itself, its hub and its browsers, when it takes too long.
    let story = Command::new("npm")
        .args(["run", "--silent", "e2e"])
        .current_dir(e2e)
        .env("ACCORDO_HUB", env!("CARGO_BIN_EXE_hub"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&story.stdout);
    let complained = String::from_utf8_lossy(&story.stderr);
    assert!(story.status.success(), "{told}\n{complained}");
}
