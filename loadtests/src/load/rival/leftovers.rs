//! What a run that was killed left behind: namespaces, the servers in them, folders. Only what bears
//! our names, and only of runs that are over.

use super::lab::{FOLDERS, NETWORKS, ip};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `ip netns` keeps its names.
const NAMES: &str = "/run/netns";

/// Ends the servers of runs that are over and removes their namespaces and folders. What cannot be
/// removed stays: it is in nobody's way, because a run's names have its process id.
pub(super) fn clear() {
    for place in of_runs_that_are_over(Path::new(NAMES), NETWORKS) {
        let Some(name) = place.file_name().and_then(|name| name.to_str()) else { continue };
        tracing::info!(name, "a run that was killed left this namespace behind");
        let pids = Command::new("ip").args(["netns", "pids", name]).output();
        let pids = pids.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
        for pid in pids.unwrap_or_default().split_whitespace() {
            let _ = Command::new("kill").args(["-KILL", pid]).status();
        }
        let _ = ip(&["netns", "delete", name]);
    }
    for folder in of_runs_that_are_over(&std::env::temp_dir(), &[FOLDERS]) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// Entries of a folder whose names are one of these and the id of a process that is no more.
fn of_runs_that_are_over(folder: &Path, prefixes: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let over = |name: &str| {
        let id = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)?.strip_prefix('-'));
        id.and_then(|id| id.parse::<u32>().ok())
            .is_some_and(|id| !Path::new("/proc").join(id.to_string()).exists())
    };
    entries
        .map(|entry| entry.path())
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(over))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_that_are_over_left_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let own = std::process::id();
        // No process has this id: it is beyond the largest that Linux gives out.
        let kept = [
            format!("accordo-hub-{own}"),
            "accordo-hub-".to_owned(),
            "accordo-hub-x1".to_owned(),
            "accordo-other-4194999".to_owned(),
            "someone-accordo-hub-4194999".to_owned(),
        ];
        let gone = ["accordo-crowd-4194999", "accordo-hub-4194999", "accordo-janus-4194998"];
        for name in kept.iter().map(String::as_str).chain(gone) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mut found = of_runs_that_are_over(folder.path(), NETWORKS);
        found.sort();
        assert_eq!(found, gone.map(|name| folder.path().join(name)));
    }
}
