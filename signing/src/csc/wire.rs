//! What goes over the wire in CSC API v2, as far as it is used, and what its errors mean to us.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde::Deserialize;

use crate::ports::QtspError;

/// Signature algorithms we can use, the best first: ECDSA with SHA-256, PKCS#1 v1.5 with SHA-256,
/// plain RSA key (the digest is named beside it).
const ALGORITHMS: [&str; 3] =
    ["1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.1"];

/// Answer of `info` (CSC §11.1).
#[derive(Clone, Debug, Deserialize)]
pub struct ServiceInfo {
    /// Version of the specification, e.g. `2.0.0.2`.
    pub specs: String,
    /// Name of the provider.
    pub name: String,
    /// Methods it implements, e.g. `signatures/signHash`.
    pub methods: Vec<String>,
}

/// Answer of `credentials/info` (CSC §11.5).
#[derive(Clone, Debug, Deserialize)]
pub struct CredentialInfo {
    /// The signing key.
    pub key: KeyInfo,
    /// Its certificate.
    pub cert: CertInfo,
}

/// The signing key of a credential.
#[derive(Clone, Debug, Deserialize)]
pub struct KeyInfo {
    /// `enabled` or `disabled`.
    pub status: String,
    /// Object identifiers of the algorithms it can be used with.
    pub algo: Vec<String>,
}

/// The certificate of a credential.
#[derive(Clone, Debug, Deserialize)]
pub struct CertInfo {
    /// Base64 DER: the signer's first, then the issuers.
    pub certificates: Vec<String>,
}

impl CredentialInfo {
    /// The algorithm to sign a SHA-256 digest with.
    pub(super) fn signature_algorithm(&self) -> Result<&'static str, QtspError> {
        ALGORITHMS
            .into_iter()
            .find(|known| self.key.algo.iter().any(|offered| offered == known))
            .ok_or_else(|| QtspError::Refused("it offers no signature algorithm of ours".into()))
    }

    /// The signer's certificate (DER).
    pub(super) fn certificate(&self) -> Result<Vec<u8>, QtspError> {
        certificates(&self.cert.certificates)?
            .into_iter()
            .next()
            .ok_or_else(|| QtspError::Refused("the credential has no certificate".into()))
    }
}

/// Answer of `credentials/list` (CSC §11.4).
#[derive(Deserialize)]
pub(super) struct CredentialList {
    #[serde(rename = "credentialIDs")]
    pub credential_ids: Vec<String>,
}

/// Answer of `oauth2/token` (RFC 6749 §5.1).
#[derive(Deserialize)]
pub(super) struct AccessToken {
    pub access_token: String,
    pub refresh_token: Option<String>,
    /// Seconds.
    pub expires_in: Option<u64>,
}

/// Answer of `credentials/authorize` (CSC §11.6).
#[derive(Deserialize)]
pub(super) struct Authorisation {
    #[serde(rename = "SAD")]
    pub sad: String,
}

/// Answer of `signatures/signHash` (CSC §11.10).
#[derive(Deserialize)]
pub(super) struct Signatures {
    signatures: Vec<String>,
}

impl Signatures {
    /// The one signature that was asked for.
    pub fn only(self) -> Result<Vec<u8>, QtspError> {
        only(&self.signatures)
    }
}

/// Answer of `signatures/signDoc` (CSC §11.11).
#[derive(Deserialize)]
pub(super) struct SignedDocuments {
    #[serde(rename = "SignatureObject")]
    signatures: Vec<String>,
}

impl SignedDocuments {
    /// The one CMS that was asked for.
    pub fn only(self) -> Result<Vec<u8>, QtspError> {
        only(&self.signatures)
    }
}

/// Answer of `signatures/timestamp` (CSC §11.12).
#[derive(Deserialize)]
pub(super) struct Timestamp {
    timestamp: String,
}

impl Timestamp {
    /// The token, DER.
    pub fn token(self) -> Result<Vec<u8>, QtspError> {
        only(&[self.timestamp])
    }
}

fn only(values: &[String]) -> Result<Vec<u8>, QtspError> {
    let [value] = values else {
        return Err(QtspError::Refused("it did not answer with one signature".into()));
    };
    STANDARD
        .decode(value)
        .map_err(|error| QtspError::Refused(format!("its signature is not base64: {error}")))
}

/// Answer of the provider's own enrolment.
#[derive(Deserialize)]
pub(super) struct Enrolled {
    #[serde(rename = "credentialID")]
    pub credential_id: String,
    pub certificates: Vec<String>,
}

/// Base64 certificates as DER.
pub(super) fn certificates(list: &[String]) -> Result<Vec<Vec<u8>>, QtspError> {
    list.iter()
        .map(|text| STANDARD.decode(text))
        .collect::<Result<_, _>>()
        .map_err(|error| QtspError::Refused(format!("its certificate is not base64: {error}")))
}

/// Error body of OAuth 2.0 and CSC (CSC §10.1).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    error: String,
    error_description: String,
}

/// What an answer other than success means. CSC has few codes; the descriptions that its tables
/// prescribe (§11.6, §11.10) tell the rest.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> QtspError {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return QtspError::Unreachable(format!("HTTP {}", status.as_u16()));
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let text = problem.error_description.to_lowercase();
    let about_code =
        matches!(problem.error.as_str(), "invalid_otp" | "invalid_authentication_data");
    if text.contains("credential locked") || about_code && text.contains("expired") {
        QtspError::OtpBlocked
    } else if about_code {
        QtspError::WrongOtp
    } else if text.contains("is disabled")
        || text.contains("invalid parameter credentialid")
        || text.contains("signing certificate is expired")
    {
        QtspError::CredentialUsed
    } else {
        let Problem { error, error_description } = problem;
        QtspError::Refused(format!("HTTP {} {error} {error_description}", status.as_u16()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_provider_are_understood() {
        let cases = [
            (400, "invalid_otp", "The OTP is invalid", "wrong"),
            (400, "invalid_authentication_data", "The authentication data is invalid", "wrong"),
            (400, "invalid_otp", "The OTP is expired", "blocked"),
            (400, "invalid_request", "Credential locked", "blocked"),
            (400, "invalid_request", "Invalid parameter credentialID", "used"),
            (
                400,
                "invalid_request",
                "The credential identified by credentialID is disabled",
                "used",
            ),
            (400, "invalid_request", "Signing certificate is expired", "used"),
            (400, "invalid_request", "Hash is not authorized by the SAD", "refused"),
            (401, "invalid_token", "", "refused"),
            (404, "", "", "refused"),
            (429, "", "", "unreachable"),
            (500, "invalid_otp", "", "unreachable"),
            (503, "", "", "unreachable"),
        ];
        for (status, error, description, meaning) in cases {
            let body = serde_json::json!({ "error": error, "error_description": description });
            let got = refusal(StatusCode::from_u16(status).unwrap(), body.to_string().as_bytes());
            let got = match got {
                QtspError::WrongOtp => "wrong",
                QtspError::OtpBlocked => "blocked",
                QtspError::CredentialUsed => "used",
                QtspError::Refused(_) => "refused",
                QtspError::Unreachable(_) => "unreachable",
            };
            assert_eq!(got, meaning, "{status} {error} {description}");
        }
        let page = refusal(StatusCode::NOT_FOUND, b"<html>");
        assert!(matches!(page, QtspError::Refused(_)));
    }
}
