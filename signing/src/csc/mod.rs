//! Remote signatures through the API of the Cloud Signature Consortium, version 2: the adapter
//! behind [`Qtsp`].
//!
//! CSC has no call that issues a one-shot certificate; every provider has its own. Ours is
//! `POST {base}{enrolment_path}` with an [`IssueRequest`], answered by a credential with its chain.

mod oauth;
mod quirks;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use openssl::{
    error::ErrorStack, md::Md, nid::Nid, pkey::Id, pkey_ctx::PkeyCtx, rsa::Padding, x509::X509,
};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::Mutex;

use self::oauth::Held;
pub use self::{
    quirks::{HashEncoding, Quirks, Version},
    wire::{CredentialInfo, ServiceInfo},
};
use crate::{
    Digest, cms, http,
    ports::{
        Authorisation, Credential, Grant, GrantRequest, IssueRequest, Qtsp, QtspError, SigningMode,
        Tsa, TsaError,
    },
    tsa::token,
};

/// Chains and signatures are a few kilobytes; nothing honest is longer.
const RESPONSE_LIMIT: usize = 256 * 1024;

/// How to reach a provider.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CscConfig {
    /// Address under which all paths stand, e.g. `https://firma.example.it/remote`. Plain HTTP is
    /// accepted for this machine only.
    pub base_url: String,
    /// OAuth 2.0 client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Path of the CSC methods, where it is not that of the version (`/csc/v2`, `/csc/v1`).
    #[serde(default)]
    pub api_path: Option<String>,
    /// Path of the OAuth 2.0 token endpoint.
    #[serde(default = "default_token_path")]
    pub token_path: String,
    /// Path of the page where signers give leave, under the same address, or another address.
    #[serde(default = "default_authorize_path")]
    pub authorize_path: String,
    /// Path where tokens are revoked.
    #[serde(default = "default_revoke_path")]
    pub revoke_path: String,
    /// Path of the provider's own call that issues a one-shot certificate.
    #[serde(default = "default_enrolment_path")]
    pub enrolment_path: String,
    /// The authentication object (CSC §8.3) that stands for the code sent by SMS.
    #[serde(default = "default_otp_object")]
    pub otp_object: String,
    /// Limit for one call, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// The provider's own way.
    #[serde(default)]
    pub quirks: Quirks,
}

fn default_token_path() -> String {
    "/oauth2/token".into()
}

fn default_authorize_path() -> String {
    "/oauth2/authorize".into()
}

fn default_revoke_path() -> String {
    "/oauth2/revoke".into()
}

fn default_enrolment_path() -> String {
    "/enrolment/v1/certificates".into()
}

fn default_otp_object() -> String {
    "OTP".into()
}

fn default_timeout_ms() -> u64 {
    15_000
}

impl CscConfig {
    /// A configuration with the usual paths.
    pub fn new(base_url: &str, client_id: &str, client_secret: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            api_path: None,
            token_path: default_token_path(),
            authorize_path: default_authorize_path(),
            revoke_path: default_revoke_path(),
            enrolment_path: default_enrolment_path(),
            otp_object: default_otp_object(),
            timeout_ms: default_timeout_ms(),
            quirks: Quirks::default(),
        }
    }
}

impl std::fmt::Debug for CscConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { base_url, client_id, timeout_ms, .. } = self;
        write!(f, "CscConfig({base_url}, client {client_id}, {timeout_ms} ms)")
    }
}

/// Client of one provider. Its access token is renewed when the provider no longer takes it.
pub struct CscClient {
    http: reqwest::Client,
    config: CscConfig,
    token: Mutex<Option<Held>>,
}

impl CscClient {
    /// A client for the provider of `config`. Calls nobody yet.
    ///
    /// # Errors
    /// [`QtspError::Refused`] when the address is malformed or would send secrets in the clear.
    pub fn new(config: CscConfig) -> Result<Self, QtspError> {
        let url = Url::parse(&config.base_url)
            .map_err(|error| QtspError::Refused(format!("address of the provider: {error}")))?;
        if !http::keeps_secrets(&url) {
            return Err(QtspError::Refused("the provider must be reached by https".into()));
        }
        let http =
            http::client(Duration::from_millis(config.timeout_ms)).map_err(QtspError::Refused)?;
        Ok(Self { http, config, token: Mutex::default() })
    }

    /// What the provider says about itself (CSC §11.1).
    ///
    /// # Errors
    /// As every call: [`QtspError`].
    pub async fn info(&self) -> Result<ServiceInfo, QtspError> {
        let url = self.method("info");
        let response = self.http.post(url).json(&json!({})).send().await;
        decode(read(response).await?)
    }

    /// Ids of the credentials that this client may use (CSC §11.4), the usable ones alone on
    /// request.
    ///
    /// # Errors
    /// As every call: [`QtspError`].
    pub async fn credentials(&self, only_valid: bool) -> Result<Vec<String>, QtspError> {
        let request = self.config.quirks.list(only_valid);
        let list: wire::CredentialList =
            self.call(&self.method("credentials/list"), &request).await?;
        Ok(list.credential_ids)
    }

    /// Key and certificate of a credential (CSC §11.5).
    ///
    /// # Errors
    /// As every call: [`QtspError`].
    pub async fn credential(&self, credential: &str) -> Result<CredentialInfo, QtspError> {
        let request = json!({ "credentialID": credential, "certificates": "chain" });
        self.call(&self.method("credentials/info"), &request).await
    }

    fn method(&self, name: &str) -> String {
        let usual = self.config.quirks.api_path();
        format!("{}/{name}", self.url(self.config.api_path.as_deref().unwrap_or(usual)))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.base_url.trim_end_matches('/'))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        url: &str,
        request: &(impl Serialize + Sync),
    ) -> Result<T, QtspError> {
        decode(self.post(url, request).await?)
    }

    /// An authorised call. A token that is no longer accepted is renewed once: the provider has
    /// done nothing for the refused call.
    async fn post(
        &self,
        url: &str,
        request: &(impl Serialize + Sync),
    ) -> Result<Vec<u8>, QtspError> {
        let mut refused = None;
        loop {
            let token = self.access_token(refused.as_deref()).await?;
            let response = self.http.post(url).bearer_auth(&token).json(request).send().await;
            let expired =
                response.as_ref().is_ok_and(|found| found.status() == StatusCode::UNAUTHORIZED);
            if !expired || refused.is_some() {
                return read(response).await;
            }
            refused = Some(token);
        }
    }

    /// Asks for the signature of `digest` with what activates it. From here on it may have signed,
    /// whatever comes back: nothing is asked for twice.
    async fn activate(
        &self,
        credential: &str,
        digest: &Digest,
        activation: &Activation,
    ) -> Result<Vec<u8>, QtspError> {
        let quirks = &self.config.quirks;
        let info = self.credential(credential).await?;
        let (algorithm, certificate) = (info.signature_algorithm()?, info.certificate()?);
        let sad = match activation {
            Activation::Data(sad) => Some(sad.as_str()),
            // 1.0.4 knows no other way: the token is the data.
            Activation::Token(token) if quirks.version == Version::V1 => Some(token.as_str()),
            Activation::Token(_) => None,
        };
        let own = match (activation, sad) {
            (Activation::Token(token), None) => Some(token.as_str()),
            _ => None,
        };
        let (signature, verified) = match quirks.mode {
            SigningMode::Hash => {
                let request = quirks.sign_hash(credential, sad, digest, algorithm);
                let url = self.method("signatures/signHash");
                let signed: wire::Signatures = self.call_with(own, &url, &request).await?;
                let signature = signed.only()?;
                let verified = verifies(&certificate, digest, &signature).unwrap_or(false);
                (signature, verified)
            }
            SigningMode::Cms => {
                let request = quirks.sign_document(credential, sad, digest, algorithm);
                let url = self.method("signatures/signDoc");
                let signed: wire::SignedDocuments = self.call_with(own, &url, &request).await?;
                let signature = signed.only()?;
                let verified = cms::check_detached(&signature, digest, &certificate).is_ok();
                (signature, verified)
            }
        };
        if verified {
            Ok(signature)
        } else {
            Err(QtspError::Refused("its signature does not verify".into()))
        }
    }

    /// A call with this token, or with our own.
    async fn call_with<T: DeserializeOwned>(
        &self,
        token: Option<&str>,
        url: &str,
        request: &(impl Serialize + Sync),
    ) -> Result<T, QtspError> {
        let Some(token) = token else { return self.call(url, request).await };
        decode(read(self.http.post(url).bearer_auth(token).json(request).send().await).await?)
    }
}

/// What makes the provider sign.
enum Activation {
    /// Data for the request (SAD).
    Data(String),
    /// A token of the signer's.
    Token(String),
}

#[async_trait]
impl Qtsp for CscClient {
    async fn issue(&self, request: &IssueRequest) -> Result<Credential, QtspError> {
        let url = self.url(&self.config.enrolment_path);
        let enrolled: wire::Enrolled = self.call(&url, request).await?;
        let chain = wire::certificates(&enrolled.certificates)?;
        let certified = chain.first().is_some_and(|cert| {
            X509::from_der(cert).is_ok_and(|cert| is_about(&cert, &request.subject.fiscal_code))
        });
        if !certified {
            return Err(QtspError::Refused("the certificate is not about this person".into()));
        }
        Ok(Credential { id: enrolled.credential_id, chain })
    }

    async fn send_otp(&self, credential: &str) -> Result<Option<String>, QtspError> {
        let CscConfig { quirks, otp_object, .. } = &self.config;
        let request = quirks.code(credential, otp_object);
        let answer = self.post(&self.method(quirks.code_method()), &request).await?;
        let Some(name) = &quirks.code_reference else { return Ok(None) };
        let answer: serde_json::Value = decode(answer)?;
        let reference = answer[name].as_str();
        let reference =
            reference.ok_or_else(|| QtspError::Unreachable(format!("the answer has no {name}")))?;
        Ok(Some(reference.to_owned()))
    }

    fn mode(&self) -> SigningMode {
        self.config.quirks.mode
    }

    async fn sign_hash(
        &self,
        credential: &str,
        otp: &str,
        reference: Option<&str>,
        digest: &Digest,
    ) -> Result<Vec<u8>, QtspError> {
        let CscConfig { quirks, otp_object, .. } = &self.config;
        let request = quirks.authorize(credential, digest, otp_object, otp, reference);
        let authorisation: wire::Authorisation =
            self.call(&self.method("credentials/authorize"), &request).await?;
        self.activate(credential, digest, &Activation::Data(authorisation.sad)).await
    }

    fn authorisation(&self) -> Authorisation {
        self.config.quirks.authorisation
    }

    fn authorise_at(&self, request: &GrantRequest<'_>) -> Result<String, QtspError> {
        self.page(request)
    }

    async fn sign_granted(
        &self,
        credential: &str,
        grant: &Grant,
        digest: &Digest,
    ) -> Result<Vec<u8>, QtspError> {
        let token = self.redeem(grant).await?;
        let activation = Activation::Token(token.clone());
        let signature = self.activate(credential, digest, &activation).await;
        self.revoke(token);
        signature
    }
}

/// The provider's own time stamps (CSC §11.12). Without a nonce: what is stamped is new each time.
#[async_trait]
impl Tsa for CscClient {
    async fn timestamp(&self, digest: &Digest) -> Result<Vec<u8>, TsaError> {
        let request = self.config.quirks.timestamp(digest);
        let answer: Result<wire::Timestamp, QtspError> =
            self.call(&self.method("signatures/timestamp"), &request).await;
        let stamped = answer.and_then(wire::Timestamp::token).map_err(|error| match error {
            QtspError::Unreachable(text) => TsaError::Unreachable(text),
            error => TsaError::Refused(error.to_string()),
        })?;
        token::check(&stamped, digest)?;
        Ok(stamped)
    }
}

/// Whether the subject's `serialNumber` carries the fiscal code (ETSI EN 319 412-1 §5.1.3:
/// `TINIT-…`).
fn is_about(cert: &X509, fiscal_code: &str) -> bool {
    cert.subject_name().entries_by_nid(Nid::SERIALNUMBER).any(|entry| {
        entry.data().to_string().is_ok_and(|text| text == format!("TINIT-{fiscal_code}"))
    })
}

fn verifies(cert: &[u8], digest: &Digest, signature: &[u8]) -> Result<bool, ErrorStack> {
    let key = X509::from_der(cert)?.public_key()?;
    let mut check = PkeyCtx::new(&key)?;
    check.verify_init()?;
    if key.id() == Id::RSA {
        check.set_rsa_padding(Padding::PKCS1)?;
    }
    check.set_signature_md(Md::sha256())?;
    check.verify(&digest.0, signature)
}

/// The body of a good answer; a bad one as the error that it means.
async fn read(response: reqwest::Result<reqwest::Response>) -> Result<Vec<u8>, QtspError> {
    let response = response.map_err(|error| QtspError::Unreachable(http::describe(error)))?;
    let status = response.status();
    let body = http::body(response, RESPONSE_LIMIT).await.map_err(QtspError::Unreachable)?;
    if status.is_success() { Ok(body) } else { Err(wire::refusal(status, &body)) }
}

fn decode<T: DeserializeOwned>(body: Vec<u8>) -> Result<T, QtspError> {
    serde_json::from_slice(&body)
        .map_err(|error| QtspError::Unreachable(format!("answer not understood: {error}")))
}
