//! Time from outside: the client of RFC 3161 authorities, and the reading of their tokens.

mod circuit;
pub mod token;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use const_oid::ObjectIdentifier as Oid;
use der::{
    Any, AnyRef, Decode, Encode, Reader, SliceReader, Tag, Tagged,
    asn1::{Int, OctetString},
};
use reqwest::Url;
use serde::Deserialize;
use x509_tsp::{MessageImprint, TimeStampReq, TspVersion};

use self::circuit::Circuit;
use crate::{
    Digest, http,
    ports::{Tsa, TsaError},
};

const SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");

/// A token is a few kilobytes with its certificates; nothing honest is longer.
const RESPONSE_LIMIT: usize = 64 * 1024;

/// Which authorities to ask, in this order.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct TsaConfig {
    /// The next is asked when one fails; one that failed lately is asked after the others.
    pub authorities: Vec<Authority>,
}

/// One authority.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its address. Plain HTTP is usual: a token protects itself.
    pub url: String,
    /// Policy to ask for and to insist on (dotted); any when absent.
    #[serde(default)]
    pub policy: Option<String>,
    /// Limit for one answer, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// Name and password (RFC 7617), for authorities that count what they stamp.
    #[serde(default)]
    pub login: Option<(String, String)>,
}

fn default_timeout_ms() -> u64 {
    5_000
}

impl Authority {
    /// An authority of any policy, with the usual limit and without a login.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), policy: None, timeout_ms: default_timeout_ms(), login: None }
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { url, policy, timeout_ms, .. } = self;
        write!(f, "Authority({url}, policy {policy:?}, {timeout_ms} ms)")
    }
}

/// Asks RFC 3161 authorities over HTTP (RFC 3161 §3.4) and hands on valid tokens only.
pub struct TsaClient {
    http: reqwest::Client,
    authorities: Vec<Known>,
    circuit: Mutex<Circuit>,
}

/// An authority with its policy read.
struct Known {
    authority: Authority,
    url: Url,
    policy: Option<Oid>,
}

impl TsaClient {
    /// A client for the authorities of `config`.
    ///
    /// # Errors
    /// [`TsaError::Invalid`] when a policy is no object identifier, an address is none or a
    /// password would be sent in the clear, [`TsaError::Unreachable`] when there is no authority
    /// or TLS cannot be set up.
    pub fn new(config: &TsaConfig) -> Result<Self, TsaError> {
        if config.authorities.is_empty() {
            return Err(nobody());
        }
        let longest = config.authorities.iter().map(|one| one.timeout_ms).max();
        let longest = Duration::from_millis(longest.unwrap_or_default());
        Ok(Self {
            http: http::client(longest).map_err(TsaError::Unreachable)?,
            authorities: config.authorities.iter().map(Known::read).collect::<Result<_, _>>()?,
            circuit: Mutex::new(Circuit::new(config.authorities.len())),
        })
    }

    async fn ask(&self, known: &Known, digest: &Digest) -> Result<Vec<u8>, TsaError> {
        let nonce = nonce()?;
        let request = request(digest, &nonce, known.policy).to_der().map_err(|error| {
            TsaError::Invalid(format!("the request could not be written: {error}"))
        })?;
        let mut post = self
            .http
            .post(known.url.clone())
            .timeout(Duration::from_millis(known.authority.timeout_ms))
            .header("content-type", "application/timestamp-query")
            .body(request);
        if let Some((name, password)) = &known.authority.login {
            post = post.basic_auth(name, Some(password));
        }
        let response =
            post.send().await.map_err(|error| TsaError::Unreachable(http::describe(error)))?;
        let status = response.status();
        let body = http::body(response, RESPONSE_LIMIT).await.map_err(TsaError::Unreachable)?;
        if !status.is_success() {
            return Err(TsaError::Unreachable(format!("HTTP {}", status.as_u16())));
        }
        let token_der = granted(&body)?;
        let token = token::check(&token_der, digest)?;
        if token.nonce.as_deref() != Some(&nonce) {
            return Err(TsaError::Invalid("it answers another request".into()));
        }
        if known.policy.is_some_and(|policy| policy.to_string() != token.policy) {
            return Err(TsaError::Invalid(format!("its policy is {}", token.policy)));
        }
        Ok(token_der)
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        // Nothing panics halfway through a change of it.
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn read(authority: &Authority) -> Result<Self, TsaError> {
        let url = Url::parse(&authority.url)
            .map_err(|error| TsaError::Invalid(format!("address of an authority: {error}")))?;
        if authority.login.is_some() && !http::keeps_secrets(&url) {
            return Err(TsaError::Invalid("its password would be sent in the clear".into()));
        }
        let policy = authority.policy.as_deref().map(Oid::new).transpose();
        let policy = policy.map_err(|error| TsaError::Invalid(format!("policy: {error}")))?;
        Ok(Self { authority: authority.clone(), url, policy })
    }
}

#[async_trait]
impl Tsa for TsaClient {
    async fn timestamp(&self, digest: &Digest) -> Result<Vec<u8>, TsaError> {
        let mut last = nobody();
        let order = self.circuit().order(monotonic());
        for place in order {
            let known = &self.authorities[place];
            match self.ask(known, digest).await {
                Ok(token) => {
                    self.circuit().worked(place);
                    return Ok(token);
                }
                Err(error) => {
                    self.circuit().failed(place, monotonic());
                    let authority = known.url.host_str().unwrap_or_default();
                    tracing::warn!(authority, %error, "no time stamp");
                    last = error;
                }
            }
        }
        Err(last)
    }
}

fn nobody() -> TsaError {
    TsaError::Unreachable("no authority is configured".into())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this adapter is an edge: how long an authority rests is nobody else's business"
)]
fn monotonic() -> Instant {
    Instant::now()
}

/// 64 random bits, positive and without leading zeros, so that they compare as bytes.
fn nonce() -> Result<[u8; 8], TsaError> {
    let mut nonce = [0; 8];
    openssl::rand::rand_bytes(&mut nonce)
        .map_err(|error| TsaError::Invalid(format!("no randomness: {error}")))?;
    nonce[0] = nonce[0] & 0x3f | 0x40;
    Ok(nonce)
}

/// `TimeStampReq` (RFC 3161 §2.4.1) that asks for the certificate too.
fn request(digest: &Digest, nonce: &[u8], policy: Option<Oid>) -> TimeStampReq {
    TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: spki::AlgorithmIdentifier {
                oid: SHA256,
                parameters: Some(Any::from(AnyRef::NULL)),
            },
            hashed_message: OctetString::new(digest.0).expect("32 bytes fit an octet string"),
        },
        req_policy: policy,
        nonce: Some(Int::new(nonce).expect("8 bytes fit an integer")),
        cert_req: true,
        extensions: None,
    }
}

/// The token of a `TimeStampResp` (RFC 3161 §2.4.2), byte for byte.
fn granted(response: &[u8]) -> Result<Vec<u8>, TsaError> {
    read_response(response)
        .map_err(|error| TsaError::Unreachable(format!("not a time stamp response: {error}")))?
        .map_err(TsaError::Refused)
}

fn read_response(der: &[u8]) -> der::Result<Result<Vec<u8>, String>> {
    let response = AnyRef::from_der(der)?;
    response.tag().assert_eq(Tag::Sequence)?;
    let mut response = SliceReader::new(response.value())?;
    let status: AnyRef<'_> = response.decode()?;
    status.tag().assert_eq(Tag::Sequence)?;
    let mut info = SliceReader::new(status.value())?;
    let status: u8 = info.decode()?;
    // granted (0), grantedWithMods (1)
    if status <= 1 {
        return Ok(Ok(response.tlv_bytes()?.to_vec()));
    }
    let mut reason = format!("status {status}");
    while !info.is_finished() {
        let part: AnyRef<'_> = info.decode()?;
        if part.tag() == Tag::Sequence {
            let mut texts = SliceReader::new(part.value())?;
            while !texts.is_finished() {
                reason.push_str(": ");
                reason.push_str(&texts.decode::<String>()?);
            }
        } else {
            reason.push_str(&format!(", failure bits {}", hex::encode(part.value())));
        }
    }
    Ok(Err(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_refusal_is_told() {
        // PKIStatusInfo { rejection, "no", badAlg }, no token
        let refusal =
            [0x30, 0x0d, 0x30, 0x0b, 2, 1, 2, 0x30, 4, 0x0c, 2, b'n', b'o', 3, 2, 7, 0x80];
        let mut refusal = refusal.to_vec();
        refusal[1] = u8::try_from(refusal.len() - 2).unwrap();
        refusal[3] = u8::try_from(refusal.len() - 4).unwrap();
        let Err(TsaError::Refused(reason)) = granted(&refusal) else { panic!() };
        assert_eq!(reason, "status 2: no, failure bits 0780");
    }

    #[test]
    fn rubbish_is_not_taken_for_a_response() {
        for rubbish in [&b""[..], b"\x30\x00", b"<html>", b"\x30\x05\x30\x03\x02\x01\x00"] {
            assert!(matches!(granted(rubbish), Err(TsaError::Unreachable(_))), "{rubbish:?}");
        }
        for rubbish in [&b""[..], b"\x30\x00", b"<html>"] {
            assert!(matches!(token::parse(rubbish), Err(TsaError::Invalid(_))), "{rubbish:?}");
        }
    }
}
