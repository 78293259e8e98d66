//! What the fuzzer starts from, and what it found, is read in every test run too.

use crate::hostile;

fn read_all(name: &str, read: impl Fn(&[u8])) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/").to_owned() + name;
    let files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty(), "{name} has no seeds");
    files.iter().for_each(|file| read(&std::fs::read(file).unwrap()));
}

#[test]
fn every_kept_input_of_the_fuzz_targets_is_read_without_a_panic() {
    read_all("pdf", hostile::pdf);
    read_all("signed_file", hostile::signed_file);
    read_all("time_stamp", hostile::time_stamp);
}
