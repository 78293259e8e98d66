//! Log output.

use tracing_subscriber::EnvFilter;

use crate::error::HubError;
use crate::settings::{LogFormat, LogSettings};

/// What libraries say of peers that are merely different from them (a browser's newer TLS
/// extensions, for one) is nothing that an operator can act on. A filter that names them prevails.
const QUIET: &str = "rtc=error";

/// Starts logging to standard error. `ACCORDO_LOG` overrides the filter of the settings.
pub fn start(settings: &LogSettings) -> Result<(), HubError> {
    let filter = std::env::var("ACCORDO_LOG").unwrap_or_else(|_| settings.filter.clone());
    let filter = EnvFilter::try_new(format!("{QUIET},{filter}"))
        .map_err(|e| HubError::Settings(format!("log filter {filter:?}: {e}")))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|e| HubError::Failed(format!("log output: {e}")))
}
