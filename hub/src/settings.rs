//! What a hub is started with: `config/default.toml`, then one file or the demo's, then the
//! command line.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use signing::csc::Quirks;
use signing::preservation::Renewal;

use crate::error::HubError;

const DEFAULT: &str = include_str!("../../config/default.toml");
const DEMO: &str = include_str!("../../config/demo.toml");

/// Whether the outside parties are real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Loopback only; trust service, identity provider, mail and SMS are played by the hub.
    Demo,
    /// Real parties only.
    Production,
}

/// All settings of one process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Has no default (DESIGN §6.6).
    pub mode: Mode,
    /// Address of the HTTP server.
    pub listen: SocketAddr,
    /// Folder of database, files and keys.
    pub data: PathBuf,
    /// Address people see; empty: derived from `listen`.
    pub public_url: String,
    /// Where the rows live.
    pub database: Database,
    /// Media workers.
    pub media: MediaSettings,
    /// The relay.
    pub turn: TurnSettings,
    /// Rooms.
    pub rooms: RoomSettings,
    /// The media test.
    pub media_test: MediaTestSettings,
    /// Identifications.
    pub identification: IdentificationSettings,
    /// Sign-in.
    pub sessions: SessionSettings,
    /// Log output.
    pub log: LogSettings,
    /// Certificate and key; without it the hub speaks plain HTTP and needs a TLS proxy in front.
    pub tls: Option<Tls>,
    /// Trust service, time stamps, roots.
    #[serde(default)]
    pub signing: SigningSettings,
    /// How minutes look.
    #[serde(default)]
    pub minutes: MinutesSettings,
}

/// `[minutes]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinutesSettings {
    /// Folder whose templates go before the shipped ones; a body's own are in a folder of its host
    /// name within. Absent: those shipped.
    pub templates: Option<PathBuf>,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://…` or `postgres://…`; empty: SQLite in the data folder.
    pub url: String,
}

/// `[media]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaSettings {
    /// Addresses of the UDP sockets; empty: that of `listen`.
    pub bind: Vec<IpAddr>,
    /// First UDP port, 0: chosen by the system.
    pub port: u16,
    /// Addresses offered to browsers.
    pub advertise: Vec<IpAddr>,
    /// Worker threads, 0: one per core.
    pub workers: usize,
}

/// `[turn]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnSettings {
    /// Where the hub's own relay listens for datagrams.
    pub udp: Vec<SocketAddr>,
    /// Where it listens for plain streams.
    pub tcp: Vec<SocketAddr>,
    /// Where it listens for TLS, with the certificate of `[tls]`.
    pub tls: Vec<SocketAddr>,
    /// Name or address in what browsers are told; empty: the first of `media.advertise`, or that of
    /// `listen`.
    pub host: String,
    /// What browsers are told instead: `turn:` and `turns:` addresses.
    pub servers: Vec<String>,
    /// File with the secret that credentials are made with; empty: one is made and kept.
    pub secret_file: PathBuf,
    /// Realm of the credentials.
    pub realm: String,
    /// Most allocations, and most connections, at once.
    pub allocations: usize,
}

/// `[rooms]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomSettings {
    /// Seconds.
    pub lease_s: u32,
    /// Most rooms open at once here.
    pub max_rooms: usize,
    /// Most seats of all open rooms together.
    pub max_seats: usize,
    /// Shown in the lobby.
    pub help_phone: String,
}

/// `[media_test]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaTestSettings {
    /// What the network must carry, per direction.
    pub bits_per_second: u64,
    /// Milliseconds there and back, at most.
    pub round_trip_ms: u32,
    /// Share of packets that may be lost, in percent.
    pub loss_percent: f64,
    /// Days that an outcome is kept.
    pub keep_days: u16,
}

/// `[identification]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentificationSettings {
    /// Days that an identification by video is worth.
    pub video_days: u16,
    /// Days that an identification by SPID or CIE is worth.
    pub provider_days: u16,
    /// Days until what the operator wrote down is erased.
    pub evidence_days: u16,
}

/// `[sessions]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionSettings {
    /// Minutes.
    pub idle_min: u32,
    /// Minutes.
    pub code_min: u32,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Filter of tracing-subscriber.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// `[tls]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM chain.
    pub certificate: PathBuf,
    /// PEM key.
    pub key: PathBuf,
}

/// `[signing]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigningSettings {
    /// The trust service; the demo fills it in.
    pub csc: Option<Csc>,
    /// Time-stamping authorities in order.
    pub tsa: Vec<TsaSettings>,
    /// PEM files with roots.
    pub trust: Vec<PathBuf>,
    /// Trusted lists that are followed.
    pub trust_lists: Option<TrustListSettings>,
    /// When archive time stamps are renewed.
    pub preservation: Renewal,
    /// How a demo's trust service is spoken to.
    pub demo: Quirks,
}

/// `[signing.trust_lists]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustListSettings {
    /// Address of the list of lists.
    pub lotl: String,
    /// PEM files with the certificates that may sign it.
    pub signers: Vec<PathBuf>,
    /// Whose national lists are followed.
    #[serde(default = "italy")]
    pub territories: Vec<String>,
}

fn italy() -> Vec<String> {
    vec!["IT".to_owned()]
}

/// `[signing.csc]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csc {
    /// Address of the service.
    pub base_url: String,
    /// OAuth client.
    pub client_id: String,
    /// File with its secret.
    pub client_secret_file: PathBuf,
    /// Paths, limits and quirks where they are not the usual ones.
    #[serde(default)]
    pub paths: CscPaths,
    /// Milliseconds that one call may take.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Its time stamps are asked for when no authority of `[[signing.tsa]]` gives one.
    #[serde(default)]
    pub stamps: bool,
    /// The provider's own way.
    #[serde(default)]
    pub quirks: Quirks,
}

/// `[signing.csc.paths]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CscPaths {
    /// Of the CSC methods.
    pub api: Option<String>,
    /// Of the OAuth 2.0 token endpoint.
    pub token: Option<String>,
    /// Of the page where signers give leave; another address where it begins with none of ours.
    pub authorize: Option<String>,
    /// Where tokens are revoked.
    pub revoke: Option<String>,
    /// Of the provider's own call that issues a certificate.
    pub enrolment: Option<String>,
}

/// `[[signing.tsa]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TsaSettings {
    /// Address.
    pub url: String,
    /// Policy to ask for and to insist on (dotted); any when absent.
    #[serde(default)]
    pub policy: Option<String>,
    /// Milliseconds that one answer may take.
    #[serde(default = "tsa_timeout_ms")]
    pub timeout_ms: u64,
    /// Name for authorities that want one.
    #[serde(default)]
    pub user: Option<String>,
    /// File with its password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

fn tsa_timeout_ms() -> u64 {
    5_000
}

impl Settings {
    /// Settings of the demo.
    pub fn demo() -> Result<Self, HubError> {
        Self::layered(DEMO, Path::new("config/demo.toml"))
    }

    /// Settings from a file.
    pub fn from_file(path: &Path) -> Result<Self, HubError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| HubError::Settings(format!("{}: {e}", path.display())))?;
        Self::layered(&text, path)
    }

    fn layered(text: &str, path: &Path) -> Result<Self, HubError> {
        let fail =
            |e: &dyn std::fmt::Display| HubError::Settings(format!("{}: {e}", path.display()));
        let mut all: toml::Table = DEFAULT.parse().map_err(|e| fail(&e))?;
        merge(&mut all, text.parse().map_err(|e| fail(&e))?);
        let settings: Self = all.try_into().map_err(|e| fail(&e))?;
        settings.check()?;
        Ok(settings)
    }

    /// Rules that a field's type cannot tell.
    pub fn check(&self) -> Result<(), HubError> {
        let TurnSettings { udp, tcp, tls, .. } = &self.turn;
        let relay = [udp, tcp, tls].into_iter().flatten();
        match self.mode {
            Mode::Demo if !self.listen.ip().is_loopback() => Err(HubError::Guard(format!(
                "demo mode listens on loopback only, not on {}",
                self.listen
            ))),
            Mode::Demo if relay.clone().any(|address| !address.ip().is_loopback()) => {
                Err(HubError::Guard("the relay of a demo listens on loopback only".into()))
            }
            Mode::Production if self.signing.csc.is_none() || self.signing.tsa.is_empty() => {
                Err(HubError::Settings(
                    "production needs [signing.csc] and at least one [[signing.tsa]]".into(),
                ))
            }
            Mode::Production
                if self.signing.trust.is_empty() && self.signing.trust_lists.is_none() =>
            {
                Err(HubError::Settings(
                    "production needs the roots of its trust services in signing.trust, or \
                     [signing.trust_lists]"
                        .into(),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Database address.
    pub fn database_url(&self) -> String {
        match self.database.url.as_str() {
            "" => format!("sqlite://{}", self.data.join("accordo.db").display()),
            url => url.to_owned(),
        }
    }

    /// Folder of the stored files.
    pub fn files(&self) -> PathBuf {
        self.data.join("files")
    }

    /// The database can be open in this process only.
    pub fn owns_database(&self) -> bool {
        self.database_url().starts_with("sqlite:")
    }

    /// Address people see, without a slash at the end.
    pub fn public_url(&self) -> String {
        match self.public_url.trim_end_matches('/') {
            "" if self.tls.is_some() => format!("https://{}", self.listen),
            // The name of the demo's first body.
            "" if self.mode == Mode::Demo => format!("http://localhost:{}", self.listen.port()),
            "" => format!("http://{}", self.listen),
            url => url.to_owned(),
        }
    }
}

/// Lays `over` on `base`, table by table.
fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, HubError> {
        Settings::layered(text, Path::new("test.toml"))
    }

    #[test]
    fn mode_has_no_default() {
        let error = parse("").unwrap_err().to_string();
        assert!(error.contains("mode"), "{error}");
    }

    #[test]
    fn demo_listens_on_loopback_only() {
        assert!(parse("mode='demo'\nlisten='0.0.0.0:80'").is_err());
        assert!(parse("mode='demo'\nlisten='[::1]:80'").is_ok());
        assert!(parse("mode='demo'\n[turn]\ntls=['0.0.0.0:443']").is_err());
    }

    #[test]
    fn production_needs_real_parties() {
        assert!(parse("mode='production'").is_err());
        let example = include_str!("../../config/production.example.toml");
        assert_eq!(parse(example).unwrap().mode, Mode::Production);
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(parse("mode='demo'\nlitsen='127.0.0.1:1'").is_err());
        assert!(parse("mode='demo'\n[rooms]\ngrace=1").is_err());
    }
}
