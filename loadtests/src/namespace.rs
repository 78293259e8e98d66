//! Network namespaces of Linux: each server that is compared has one of its own, reached through a
//! pair of virtual cables, so that both have the same way to the crowd.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

/// An open namespace.
#[derive(Clone, Debug)]
pub struct Namespace(Arc<File>);

impl Namespace {
    /// The one that `ip netns add NAME` made.
    ///
    /// # Errors
    /// What the system says.
    pub fn named(name: &str) -> io::Result<Self> {
        Ok(Self(Arc::new(File::open(format!("/run/netns/{name}"))?)))
    }

    /// The calling thread's sockets are opened in this namespace from now on.
    ///
    /// # Errors
    /// What the system says; it takes the rights of an administrator.
    pub fn enter(&self) -> io::Result<()> {
        // SAFETY: no pointers; the descriptor is open for as long as `self` lives.
        match unsafe { libc::setns(self.0.as_raw_fd(), libc::CLONE_NEWNET) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
