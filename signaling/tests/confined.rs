//! Media and chat reach no file and no database: read off the dependency graph and the sources.
//! That nothing is written while people meet is watched in `hub/tests/whole_meeting.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Libraries that keep data, by the beginning of their names, and those of ours that do.
const KEEPERS: [&str; 16] = [
    "sqlx",
    "rusqlite",
    "libsqlite3",
    "tokio-postgres",
    "postgres",
    "diesel",
    "object_store",
    "sled",
    "rocksdb",
    "redb",
    "heed",
    "memmap",
    "tempfile",
    "tracing-appender",
    "portal",
    "signing",
];

/// Ways to files and other processes in Rust's standard library, in tokio and in libc.
const WAYS: [&str; 13] = [
    "std::fs",
    "tokio::fs",
    "fs::",
    "File",
    "OpenOptions",
    "std::process",
    "temp_dir",
    "libc::open",
    "openat",
    "creat(",
    "mmap",
    "include_bytes",
    "UnixStream",
];

/// The file that is none: the descriptor that wakes a worker comes from `eventfd`.
const WAKER: (&str, [&str; 4]) = (
    "media/udp.rs",
    [
        "use std::fs::File;",
        "pub(super) struct Waker(Arc<File>);",
        "let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };",
        "Ok(Self(Arc::new(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))))",
    ],
);

/// Names of everything that `package` is built with, itself included.
fn built_with(package: &str) -> BTreeSet<String> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names: BTreeMap<String, String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let nodes: BTreeMap<String, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let mut found = BTreeSet::new();
    let mut ahead: Vec<&String> =
        names.iter().filter(|(_, n)| *n == package).map(|(id, _)| id).collect();
    while let Some(id) = ahead.pop() {
        if !found.insert(names[id].clone()) {
            continue;
        }
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"].is_null()) {
                let id = dependency["pkg"].as_str().unwrap();
                ahead.push(names.get_key_value(id).unwrap().0);
            }
        }
    }
    found
}

fn keepers_of(package: &str) -> Vec<String> {
    let keeps = |name: &String| KEEPERS.iter().any(|keeper| name.starts_with(keeper));
    built_with(package).into_iter().filter(keeps).collect()
}

#[test]
fn r_meet_24_no_library_that_keeps_data_is_built_into_rooms_and_media() {
    assert_eq!(keepers_of("signaling"), [""; 0]);
    assert!(built_with("signaling").contains("rtc"), "the graph was read");
    let portal = keepers_of("portal");
    assert!(portal.contains(&"sqlx".to_owned()), "what keeps data would be seen: {portal:?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

/// A way to a file as a word of its own: `SharedFile` is none.
fn names_a_way(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    WAYS.iter().any(|way| {
        code.match_indices(way).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            let after = code[at + way.len()..].chars().next();
            let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !(word(before) || way.ends_with(char::is_alphanumeric) && word(after))
        })
    })
}

#[test]
fn r_meet_24_no_source_of_rooms_and_media_opens_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let all = sources(&root);
    assert!(all.len() > 30);
    for source in all {
        let place = source.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        if place.contains("tests") {
            continue;
        }
        for line in std::fs::read_to_string(&source).unwrap().lines().map(str::trim) {
            if names_a_way(line) && !(place == WAKER.0 && WAKER.1.contains(&line)) {
                found.push(format!("{place}: {line}"));
            }
        }
    }
    assert_eq!(found, [""; 0]);
    for way in ["let f = File::create(p)?;", "use std::{fs::read, io};", "tokio::fs::write(p, b)"] {
        assert!(names_a_way(way), "{way}");
    }
    assert!(!names_a_way("pub files: Vec<SharedFile>, // not a File"));
}
