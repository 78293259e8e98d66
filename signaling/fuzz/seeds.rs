//! What the fuzzer starts from, and what it found, plays in every test run too.

use crate::{media, room, turn};
use std::path::Path;

type Read = fn(&[u8]);

#[test]
fn every_kept_input_of_the_fuzz_targets_is_read_without_a_panic() {
    let targets: [(&str, Read); 4] = [
        ("turn", turn::hostile::read),
        ("room", room::hostile::read),
        ("datagram", media::hostile::datagram),
        ("offer", media::hostile::offer),
    ];
    for (name, read) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
        let mut seeds = 0;
        for file in std::fs::read_dir(folder).expect("a folder of seeds") {
            let file = file.expect("a seed").path();
            read(&std::fs::read(&file).expect("a readable seed"));
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seeds");
    }
}
