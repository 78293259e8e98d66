//! The demo trust service provider: one-shot certificates, remote signature (CSC API v2, and the
//! part of v1.0.4 that other clients speak), status by OCSP and revocation list, time stamps.

mod authority;
mod csc;
mod device;
mod disk;
mod evidence;
mod leave;
mod lists;
mod oauth;
mod ocsp;
mod profile;
mod revocation;
mod signatures;
mod tsa;
mod vault;

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use axum::Router;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use signing::{
    csc::CscConfig,
    tsa::{Authority as TimeAuthority, TsaConfig},
};

use self::{authority::Authority, lists::Lists, oauth::Tokens, vault::Vault};
use crate::{DemoError, Now};

/// Where the provider stands on its host.
pub const PATH: &str = "/demo/qtsp";

/// How the provider's codes reach people: the demo outbox.
#[async_trait]
pub trait DemoSms: Send + Sync {
    /// Takes `text` for the mobile `to` (E.164). `key` is unique for each message.
    ///
    /// # Errors
    /// Why it could not be taken; the person then asks for another code.
    async fn send(&self, to: &str, text: &str, key: &str) -> Result<(), String>;
}

/// The provider. Cheap to clone; everything it promises lies in its folder.
#[derive(Clone)]
pub struct DemoQtsp {
    inner: Arc<Inner>,
}

struct Inner {
    /// Its address, without a slash at the end.
    base: String,
    authority: Authority,
    vault: Vault,
    lists: Lists,
    client: Client,
    tokens: Mutex<Tokens>,
    /// Where signers go back to: what the client registered.
    returns: OnceLock<Vec<String>>,
    sms: Arc<dyn DemoSms>,
    now: Now,
}

/// The one client of the provider, made together with the authority.
#[derive(Serialize, Deserialize)]
struct Client {
    id: String,
    secret: String,
}

impl DemoQtsp {
    /// Opens the provider kept in `dir`, made the first time. `origin` is where its host is
    /// reached, e.g. `http://localhost:8080`; it goes into the certificates.
    ///
    /// # Errors
    /// [`DemoError`] when the folder cannot be used.
    pub fn new(
        dir: &Path,
        origin: &str,
        sms: Arc<dyn DemoSms>,
        now: Now,
    ) -> Result<Self, DemoError> {
        let base = format!("{}{PATH}", origin.trim_end_matches('/'));
        disk::make_private_folder(dir)?;
        let inner = Inner {
            authority: Authority::open(&dir.join("authority"), &base, now())?,
            vault: Vault::open(dir.join("credentials"))?,
            lists: Lists::open(&dir.join("lists"), now())?,
            client: Client::open(&dir.join("client.json"))?,
            tokens: Mutex::default(),
            returns: OnceLock::new(),
            base,
            sms,
            now,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// All of its pages and endpoints, under [`PATH`].
    pub fn router(&self) -> Router {
        let routes = Router::new()
            .merge(csc::routes())
            .merge(oauth::routes())
            .merge(leave::routes())
            .merge(evidence::routes())
            .merge(device::routes())
            .merge(lists::routes())
            .with_state(self.clone());
        Router::new().nest(PATH, routes)
    }

    /// How to reach its signature service.
    pub fn csc_config(&self) -> CscConfig {
        CscConfig::new(&self.inner.base, &self.inner.client.id, &self.inner.client.secret)
    }

    /// Registers the addresses that signers may be sent back to; once, to none but these.
    pub fn register_returns(&self, addresses: Vec<String>) {
        // Registered once, by the composition.
        let _ = self.inner.returns.set(addresses);
    }

    /// How to reach its time stamping authority.
    pub fn tsa_config(&self) -> TsaConfig {
        let policy = Some(profile::TSA_POLICY.to_string());
        let authority = TimeAuthority::new(format!("{}/tsa", self.inner.base));
        TsaConfig { authorities: vec![TimeAuthority { policy, ..authority }] }
    }

    /// The root certificate, PEM: what has to be trusted to trust the rest.
    pub fn root_pem(&self) -> String {
        evidence::pem(&self.inner.authority.root.der)
    }

    /// The root certificate, DER.
    pub fn root_der(&self) -> &[u8] {
        &self.inner.authority.root.der
    }

    /// Where its list of trusted lists is.
    pub fn list_of_lists(&self) -> String {
        format!("{}/{}", self.inner.base, lists::OF_LISTS)
    }

    /// The certificate of whoever signs the list of lists, PEM.
    pub fn list_signer_pem(&self) -> String {
        evidence::pem(self.inner.lists.signer_der())
    }

    /// Whose list names this provider: a code that no country has (ISO 3166-1, user-assigned).
    pub fn list_territory(&self) -> &'static str {
        lists::TERRITORY
    }

    /// Revokes the certificate of a credential. Not found is `Ok(false)`.
    ///
    /// # Errors
    /// [`DemoError`] when it cannot be written down.
    pub fn revoke(&self, credential: &str) -> Result<bool, DemoError> {
        match self.inner.vault.revoke(credential, self.now()) {
            Ok(()) => Ok(true),
            Err(vault::Refusal::Broken(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        (self.inner.now)()
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, Tokens> {
        // Nothing panics halfway through a change of this map.
        self.inner.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    fn open(path: &Path) -> Result<Self, DemoError> {
        match fs::read(path) {
            Ok(json) => Ok(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let client = Self { id: "accordo".into(), secret: vault::random_token()? };
                disk::write(path, &serde_json::to_vec(&client)?)?;
                Ok(client)
            }
            Err(error) => Err(error.into()),
        }
    }
}
