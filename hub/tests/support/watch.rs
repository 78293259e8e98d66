//! Looks over a process's shoulder: which files it holds open for writing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A file of some megabytes that is written through to the disk is open for much longer than this.
const EVERY: Duration = Duration::from_millis(1);
/// `O_ACCMODE` of `open(2)`; 0 reads.
const ACCESS: u32 = 3;

/// What a watch saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Every file that was open for writing, deleted ones included.
    pub written: BTreeSet<PathBuf>,
    /// How often it looked.
    pub looks: u64,
}

/// A watch over one process.
pub struct Watch {
    stop: Arc<AtomicBool>,
    looking: JoinHandle<Seen>,
}

impl Watch {
    /// Looks until [`Self::end`].
    pub fn begin(process: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let looking = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !over.load(Ordering::Relaxed) {
                look(Path::new("/proc").join(process.to_string()), &mut seen.written);
                seen.looks += 1;
                std::thread::sleep(EVERY);
            }
            seen
        });
        Self { stop, looking }
    }

    /// What it saw.
    pub fn end(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.looking.join().unwrap()
    }
}

/// A descriptor may close while it is looked at.
fn look(process: PathBuf, written: &mut BTreeSet<PathBuf>) {
    let Ok(open) = std::fs::read_dir(process.join("fd")) else { return };
    for descriptor in open.flatten() {
        let Ok(target) = std::fs::read_link(descriptor.path()) else { continue };
        // Sockets, pipes and event descriptors have no path.
        if !target.is_absolute() || target.starts_with("/dev") || written.contains(&target) {
            continue;
        }
        let about = process.join("fdinfo").join(descriptor.file_name());
        let about = std::fs::read_to_string(about).unwrap_or_default();
        let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        if flags.is_some_and(|flags| flags & ACCESS != 0) {
            written.insert(target);
        }
    }
}
