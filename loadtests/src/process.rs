//! What a server's process costs, read from outside (proc(5)).

use std::fs;
use std::path::{Path, PathBuf};

/// Clock ticks are hundredths of a second on every Linux that this runs on.
const TICK_US: u64 = 10_000;
const PAGE_KB: u64 = 4;

/// A process on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(pub u32);

/// Processor time since it began, µs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// Of the whole process, in its own code.
    pub user: u64,
    /// Of the whole process, in the kernel.
    pub system: u64,
    /// Of the threads that forward media, both.
    pub media: u64,
}

impl Cpu {
    /// Of the whole process.
    pub fn all(&self) -> u64 {
        self.user + self.system
    }

    /// What was used since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            user: self.user - before.user,
            system: self.system - before.system,
            media: self.media.saturating_sub(before.media),
        }
    }
}

impl Process {
    /// The process that listens on a TCP port of this network namespace, if it may be looked at.
    pub fn listening(port: u16) -> Option<Self> {
        let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok())
            .flat_map(|table| {
                table.lines().filter_map(|line| inode(line, port)).collect::<Vec<_>>()
            })
            .map(|inode| format!("socket:[{inode}]"))
            .collect();
        let all = fs::read_dir("/proc").ok()?;
        let mut pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.find(|pid| holds(*pid, &inodes)).map(Self)
    }

    /// The program it runs: can be started as long as the process lives, whatever became of the file.
    pub fn program(self) -> PathBuf {
        format!("/proc/{}/exe", self.0).into()
    }

    /// Its processor time; `None` once it is gone.
    pub fn cpu(self) -> Option<Cpu> {
        let (_, user, system) = times(Path::new(&format!("/proc/{}/stat", self.0)))?;
        let threads = fs::read_dir(format!("/proc/{}/task", self.0)).ok()?;
        let threads = threads.filter_map(|thread| times(&thread.ok()?.path().join("stat")));
        let media = threads.filter(|(name, ..)| name.starts_with("media-")).map(|(_, u, s)| u + s);
        Some(Cpu { user, system, media: media.sum() })
    }

    /// Memory in use (resident), kB; `None` once it is gone.
    pub fn memory_kb(self) -> Option<u64> {
        let pages = fs::read_to_string(format!("/proc/{}/statm", self.0)).ok()?;
        pages.split_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE_KB)
    }
}

/// Raises this process's own limit of open files as far as it may be raised: every socket is one.
pub fn raise_open_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0 {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: as above. Where it may not be raised, sockets that do not open will show.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    }
}

/// The inode of a line of `/proc/net/tcp` that listens on the port.
fn inode(line: &str, port: u16) -> Option<String> {
    const LISTENS: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = fields.get(1)?.rsplit(':').next()?;
    let fits = u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == LISTENS;
    fits.then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
}

fn holds(pid: u32, sockets: &[String]) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok())
        .any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

/// Name, user and system time (µs) of a process or thread.
fn times(stat: &Path) -> Option<(String, u64, u64)> {
    let stat = fs::read_to_string(stat).ok()?;
    let (name, fields) = stat.rsplit_once(')')?;
    let name = name.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // The third field of the manual is the first one here.
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some((name, ticks(14)? * TICK_US, ticks(15)? * TICK_US))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_its_port_and_what_it_burns_is_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let me = Process::listening(port).unwrap();
        assert_eq!(me, Process(std::process::id()));
        let before = me.cpu().unwrap();
        let mut sum = 0u64;
        while me.cpu().unwrap().since(&before).all() < 30_000 {
            sum = (0..100_000).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
        assert!(me.memory_kb().unwrap() > 1_000);
        assert!(me.program().exists());
        drop(listener);
        assert_eq!(Process::listening(port), None);
    }
}
