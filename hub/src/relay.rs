//! The relay for networks that block UDP (R-MEET-45): the hub's own, or another one with the same
//! secret.

use std::io::Write as _;
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};
use signaling::media::Media;
use signaling::turn::{Listen, Relay, Secret, Turn, TurnConfig};

use crate::error::HubError;
use crate::settings::{Mode, Settings};

/// Keeps the secret in the data folder when the settings name no file.
const SECRET: &str = "turn.secret";

/// What was opened for the rooms.
pub struct Opened {
    /// The hub's own relay, if it has one.
    pub turn: Option<Arc<Turn>>,
    /// What participants are told, if there is any relay.
    pub relay: Option<Relay>,
}

/// Opens the relay that the settings describe.
pub async fn open(settings: &Settings, media: &Media) -> Result<Opened, HubError> {
    let here = &settings.turn;
    let own = !(here.udp.is_empty() && here.tcp.is_empty() && here.tls.is_empty());
    if !own && here.servers.is_empty() {
        return Ok(Opened { turn: None, relay: None });
    }
    let secret = secret(settings)?;
    let turn = match own {
        true => Some(Arc::new(start(settings, media, secret.clone()).await?)),
        false => None,
    };
    let urls = match &turn {
        Some(turn) if here.servers.is_empty() => turn.urls(&host(settings)?),
        _ => here.servers.clone(),
    };
    Ok(Opened { turn, relay: Some(Relay { urls, secret }) })
}

async fn start(settings: &Settings, media: &Media, secret: Secret) -> Result<Turn, HubError> {
    let here = &settings.turn;
    let mut listen: Vec<Listen> = here.udp.iter().copied().map(Listen::Udp).collect();
    listen.extend(here.tcp.iter().copied().map(Listen::Tcp));
    if !here.tls.is_empty() {
        let tls = acceptor(settings)?;
        listen.extend(here.tls.iter().map(|address| Listen::Tls(*address, tls.clone())));
    }
    let config = TurnConfig {
        realm: here.realm.clone(),
        secret,
        media: media.addresses(),
        listen,
        allocations: here.allocations,
    };
    let clock = Arc::new(signaling::SystemClock);
    Turn::start(config, clock).await.map_err(|e| HubError::Failed(format!("relay: {e}")))
}

/// The name under which browsers find the relay.
fn host(settings: &Settings) -> Result<String, HubError> {
    if !settings.turn.host.is_empty() {
        return Ok(settings.turn.host.clone());
    }
    let ip = settings.media.advertise.first().copied().unwrap_or(settings.listen.ip());
    match ip {
        ip if ip.is_unspecified() => Err(HubError::Settings(
            "the relay needs turn.host or media.advertise: browsers cannot reach a wildcard".into(),
        )),
        IpAddr::V4(v4) => Ok(v4.to_string()),
        IpAddr::V6(v6) => Ok(bracketed(v6)),
    }
}

fn bracketed(ip: Ipv6Addr) -> String {
    format!("[{ip}]")
}

/// The shared secret: from the file that the settings name, or one of our own that is kept.
fn secret(settings: &Settings) -> Result<Secret, HubError> {
    let given = &settings.turn.secret_file;
    let own = settings.data.join(SECRET);
    let place = if given.as_os_str().is_empty() { own.as_path() } else { given.as_path() };
    if place == own && !own.exists() {
        make_secret(&own)?;
    }
    let text = std::fs::read_to_string(place)
        .map_err(HubError::io(format!("reading {}", place.display())))?;
    Secret::new(&text).ok_or_else(|| {
        let least = Secret::LEAST_CHARS;
        HubError::Settings(format!("{}: fewer than {least} characters", place.display()))
    })
}

fn make_secret(place: &Path) -> Result<(), HubError> {
    let mut bytes = [0; 32];
    openssl::rand::rand_bytes(&mut bytes).map_err(|e| HubError::Failed(format!("{e}")))?;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(place);
    let mut file = match made {
        // Another hub on the same folder was faster: its secret is everybody's.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(HubError::io(format!("making {}", place.display())))?,
    };
    file.write_all(hex::encode(bytes).as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(HubError::io(format!("writing {}", place.display())))
}

/// The hub's own certificate; in a demo without one, one that nobody trusts.
fn acceptor(settings: &Settings) -> Result<SslAcceptor, HubError> {
    let failed = |e: ErrorStack| HubError::Settings(format!("certificate of the relay: {e}"));
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).map_err(failed)?;
    match &settings.tls {
        Some(tls) => {
            acceptor.set_certificate_chain_file(&tls.certificate).map_err(failed)?;
            acceptor.set_private_key_file(&tls.key, SslFiletype::PEM).map_err(failed)?;
        }
        None if settings.mode == Mode::Demo => self_made(&mut acceptor).map_err(failed)?,
        None => {
            return Err(HubError::Settings("turn.tls needs the certificate of [tls]".into()));
        }
    }
    Ok(acceptor.build())
}

fn self_made(acceptor: &mut openssl::ssl::SslAcceptorBuilder) -> Result<(), ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, "Accordo demo relay")?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(&key)?;
    certificate.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    certificate.set_not_after(Asn1Time::days_from_now(30)?.as_ref())?;
    let context = certificate.x509v3_context(None, None);
    let names = SubjectAlternativeName::new().ip("127.0.0.1").dns("localhost").build(&context)?;
    certificate.append_extension(names)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    acceptor.set_certificate(&certificate.build())?;
    acceptor.set_private_key(&key)
}
