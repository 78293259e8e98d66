//! What the fuzzer starts from, and what it found, is read in every test run too.

use crate::hostile;

#[test]
fn every_kept_list_of_the_fuzz_target_is_read_without_a_panic() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/trust_list");
    let files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty(), "there are no seeds");
    files.iter().for_each(|file| hostile::list(&std::fs::read(file).unwrap()));
}
