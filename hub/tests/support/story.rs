//! Lets the load generator play whole meetings against a hub.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::sibling;

const SCENARIO: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../loadtests/scenarios/whole-meeting.toml");
/// For a part of a story, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(180);

/// A run of the scenario; killed when dropped.
pub struct Play {
    child: Child,
    folder: PathBuf,
}

impl Play {
    /// Begins; `report.json`, `story.log` and `saved/` come to lie in `folder`.
    pub fn begin<S: AsRef<OsStr>>(
        hub: &str,
        meetings: u32,
        folder: &Path,
        arguments: &[S],
    ) -> Self {
        let log = std::fs::File::create(folder.join("story.log")).unwrap();
        let child = Command::new(sibling("loadtests"))
            .args(["run", SCENARIO, "--hub", hub, "--meetings", &meetings.to_string()])
            .arg("--report")
            .arg(folder.join("report.json"))
            .arg("--save")
            .arg(folder.join("saved"))
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, folder: folder.to_owned() }
    }

    /// Waits for something that happens while the story goes on.
    pub fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so(self) {
            let over = self.child.try_wait().unwrap();
            assert!(over.is_none(), "the story ended before {what}:\n{}", self.log());
            assert!(Instant::now() < end, "{what} did not happen:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What the generator told so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("story.log")).unwrap_or_default()
    }

    /// The end: whether the generator calls the run good, and its report.
    pub fn end(mut self) -> (bool, Value) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "the story does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        };
        let report = std::fs::read(self.folder.join("report.json"));
        let report = report.unwrap_or_else(|_| panic!("there is no report:\n{}", self.log()));
        (status.success(), serde_json::from_slice(&report).unwrap())
    }

    /// Files that a run saved, by how their names end.
    pub fn saved(folder: &Path, ending: &str) -> Vec<PathBuf> {
        let saved = std::fs::read_dir(folder.join("saved")).unwrap();
        let saved = saved.map(|entry| entry.unwrap().path());
        saved.filter(|path| path.to_str().unwrap().ends_with(ending)).collect()
    }

    /// The signed minutes of a run, each accepted by `hub verify` under the saved root.
    pub fn assert_documents_are_accepted(folder: &Path, count: usize) {
        let documents = Self::saved(folder, ".pdf");
        assert_eq!(documents.len(), count);
        let output = Command::new(env!("CARGO_BIN_EXE_hub"))
            .args(["verify", "--json", "--trust"])
            .arg(folder.join("saved/demo-root.pem"))
            .args(&documents)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", super::said(&output));
        let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
        for report in reports.as_array().unwrap() {
            let all = report["report"]["signatures"].as_array().unwrap();
            // An archive time stamp may have come meanwhile.
            let signatures = all.iter().filter(|one| one["kind"] == "signature").count();
            assert_eq!(signatures, 3, "{report:#}");
        }
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
