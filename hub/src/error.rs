//! What stops a hub command.

/// Why a command of the hub failed. Shown to whoever runs it.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A settings file, or what it says.
    #[error("settings: {0}")]
    Settings(String),
    /// The demo guard (DESIGN §6.6).
    #[error("demo guard: {0}")]
    Guard(String),
    /// The operating system.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The reason.
        source: std::io::Error,
    },
    /// Anything else, said in a sentence.
    #[error("{0}")]
    Failed(String),
}

impl HubError {
    /// An I/O error with what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
