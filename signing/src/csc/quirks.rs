//! In what providers differ: the version of the API they speak, and how they read it. Pure: what a
//! request looks like follows from [`Quirks`] alone.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Digest,
    ports::{Authorisation, SigningMode},
};

const SHA256: &str = "2.16.840.1.101.3.4.2.1";

/// A provider's own way; the usual one when nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Version of the API.
    pub version: Version,
    /// How digests are written.
    pub hashes: HashEncoding,
    /// Whether it signs a digest or makes the whole CMS.
    pub mode: SigningMode,
    /// How the signer gives leave: with a code that we pass on, or on the provider's page.
    pub authorisation: Authorisation,
    /// The method that sends the code, where it is not that of the version:
    /// `credentials/getChallenge` in v2, `credentials/sendOTP` in v1.
    pub code_method: Option<String>,
    /// Name of a reference in the answer of that method that must come back with the code. Whoever
    /// asked for the code keeps it, so the code holds after a restart as well.
    pub code_reference: Option<String>,
    /// The client's name and secret go into the header of the token request (RFC 6749 §2.3.1), not
    /// into its body.
    pub client_in_header: bool,
}

/// Version of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// 2.0.
    #[default]
    V2,
    /// 1.0.4.
    V1,
}

/// How a digest is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashEncoding {
    /// As the API says.
    #[default]
    Base64,
    /// With the alphabet for addresses, without padding.
    Base64Url,
    /// Hexadecimal, lower case.
    Hex,
}

impl Quirks {
    /// Usual path of the methods.
    pub(super) fn api_path(&self) -> &'static str {
        match self.version {
            Version::V2 => "/csc/v2",
            Version::V1 => "/csc/v1",
        }
    }

    pub(super) fn code_method(&self) -> &str {
        self.code_method.as_deref().unwrap_or(match self.version {
            Version::V2 => "credentials/getChallenge",
            Version::V1 => "credentials/sendOTP",
        })
    }

    /// Body for `credentials/list` (CSC §11.4).
    pub(super) fn list(&self, only_valid: bool) -> Value {
        match self.version {
            Version::V2 => json!({ "onlyValid": only_valid }),
            // 1.0.4 knows no such filter.
            Version::V1 => json!({}),
        }
    }

    /// Body for the method that sends a code.
    pub(super) fn code(&self, credential: &str, otp_object: &str) -> Value {
        match self.version {
            Version::V2 => json!({ "credentialID": credential, "authObjectID": otp_object }),
            Version::V1 => json!({ "credentialID": credential }),
        }
    }

    /// Body for `credentials/authorize` (CSC §11.6), with the reference of the code if there is one.
    pub(super) fn authorize(
        &self,
        credential: &str,
        digest: &Digest,
        otp_object: &str,
        otp: &str,
        reference: Option<&str>,
    ) -> Value {
        let hashes = [self.hash(digest)];
        let mut body = match self.version {
            Version::V2 => json!({
                "credentialID": credential,
                "numSignatures": 1,
                "hashes": hashes,
                "hashAlgorithmOID": SHA256,
                "authData": [{ "id": otp_object, "value": otp }],
            }),
            Version::V1 => json!({
                "credentialID": credential,
                "numSignatures": 1,
                "hash": hashes,
                "OTP": otp,
            }),
        };
        if let (Some(name), Some(reference)) = (&self.code_reference, reference) {
            body[name] = reference.into();
        }
        body
    }

    /// What the provider's page is asked to authorise (CSC §8.4.2).
    pub(super) fn grant(&self, credential: &str, digest: &Digest) -> Vec<(&'static str, String)> {
        // Here it is always the alphabet for addresses.
        let hash = URL_SAFE_NO_PAD.encode(digest.0);
        let mut fields =
            vec![("credentialID", credential.to_owned()), ("numSignatures", "1".to_owned())];
        match self.version {
            Version::V2 => {
                fields.extend([("hashes", hash), ("hashAlgorithmOID", SHA256.to_owned())]);
            }
            Version::V1 => fields.push(("hash", hash)),
        }
        fields
    }

    /// Body for `signatures/signHash` (CSC §11.10).
    pub(super) fn sign_hash(
        &self,
        credential: &str,
        sad: Option<&str>,
        digest: &Digest,
        algorithm: &str,
    ) -> Value {
        let hashes = [self.hash(digest)];
        let body = match self.version {
            Version::V2 => json!({
                "credentialID": credential,
                "hashes": hashes,
                "hashAlgorithmOID": SHA256,
                "signAlgo": algorithm,
            }),
            Version::V1 => json!({
                "credentialID": credential,
                "hash": hashes,
                "hashAlgo": SHA256,
                "signAlgo": algorithm,
            }),
        };
        activated(body, sad)
    }

    /// Body for `signatures/signDoc` (CSC §11.11): the digest of a PDF, a CAdES signature comes back.
    pub(super) fn sign_document(
        &self,
        credential: &str,
        sad: Option<&str>,
        digest: &Digest,
        algorithm: &str,
    ) -> Value {
        let body = json!({
            "credentialID": credential,
            "documentDigests": [{
                "hashes": [self.hash(digest)],
                "hashAlgorithmOID": SHA256,
                "signature_format": "P",
                "conformance_level": "Ades-B-B",
                "signAlgo": algorithm,
            }],
        });
        activated(body, sad)
    }

    /// Body for `signatures/timestamp` (CSC §11.12).
    pub(super) fn timestamp(&self, digest: &Digest) -> Value {
        match self.version {
            Version::V2 => json!({ "hash": self.hash(digest), "hashAlgorithmOID": SHA256 }),
            Version::V1 => json!({ "hash": self.hash(digest), "hashAlgo": SHA256 }),
        }
    }

    fn hash(&self, digest: &Digest) -> String {
        match self.hashes {
            HashEncoding::Base64 => STANDARD.encode(digest.0),
            HashEncoding::Base64Url => URL_SAFE_NO_PAD.encode(digest.0),
            HashEncoding::Hex => hex::encode(digest.0),
        }
    }
}

/// The request with what activates the signature, unless the token does.
fn activated(mut body: Value, sad: Option<&str>) -> Value {
    if let Some(sad) = sad {
        body["SAD"] = sad.into();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE64: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    fn quirks(toml_like: Value) -> Quirks {
        serde_json::from_value(toml_like).unwrap()
    }

    #[test]
    fn each_version_has_its_names() {
        let digest = Digest::of(b"");
        let two = quirks(json!({}));
        let one = quirks(json!({ "version": "v1" }));
        assert_eq!((two.api_path(), one.api_path()), ("/csc/v2", "/csc/v1"));
        assert_eq!(two.code_method(), "credentials/getChallenge");
        assert_eq!(one.code_method(), "credentials/sendOTP");
        assert_eq!(two.list(true), json!({ "onlyValid": true }));
        assert_eq!(one.list(true), json!({}));
        assert_eq!(two.code("c", "SMS"), json!({ "credentialID": "c", "authObjectID": "SMS" }));
        assert_eq!(one.code("c", "SMS"), json!({ "credentialID": "c" }));
        assert_eq!(
            two.authorize("c", &digest, "SMS", "123456", None),
            json!({
                "credentialID": "c", "numSignatures": 1, "hashes": [BASE64],
                "hashAlgorithmOID": SHA256, "authData": [{ "id": "SMS", "value": "123456" }],
            })
        );
        assert_eq!(
            one.authorize("c", &digest, "SMS", "123456", Some("unasked")),
            json!({ "credentialID": "c", "numSignatures": 1, "hash": [BASE64], "OTP": "123456" })
        );
        assert_eq!(
            one.sign_hash("c", Some("s"), &digest, "1.2"),
            json!({
                "credentialID": "c", "SAD": "s", "hash": [BASE64], "hashAlgo": SHA256,
                "signAlgo": "1.2",
            })
        );
        let url = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU".to_owned();
        let common = [("credentialID", "c".to_owned()), ("numSignatures", "1".to_owned())];
        let grant = |more: &[(&'static str, String)]| [&common[..], more].concat();
        assert_eq!(
            two.grant("c", &digest),
            grant(&[("hashes", url.clone()), ("hashAlgorithmOID", SHA256.to_owned())])
        );
        assert_eq!(one.grant("c", &digest), grant(&[("hash", url)]));
        assert_eq!(one.timestamp(&digest), json!({ "hash": BASE64, "hashAlgo": SHA256 }));
    }

    #[test]
    fn what_a_provider_wants_otherwise_is_configuration() {
        let digest = Digest::of(b"");
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let url = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        for (encoding, written) in [("base64", BASE64), ("base64url", url), ("hex", hex)] {
            let quirks = quirks(json!({ "hashes": encoding }));
            assert_eq!(quirks.sign_hash("c", None, &digest, "1.2")["hashes"], json!([written]));
            let document = quirks.sign_document("c", None, &digest, "1.2");
            assert_eq!(document["documentDigests"][0]["hashes"], json!([written]));
        }
        let referring = quirks(json!({
            "code_method": "credentials/sendOTP", "code_reference": "otpReference", "mode": "cms",
        }));
        assert_eq!(referring.code_method(), "credentials/sendOTP");
        assert_eq!(referring.mode, SigningMode::Cms);
        let body = referring.authorize("c", &digest, "SMS", "123456", Some("r-1"));
        assert_eq!(body["otpReference"], "r-1");
        assert!(serde_json::from_value::<Quirks>(json!({ "hash": "hex" })).is_err());
    }
}
