//! The one-shot credentials: who may sign what, when, and that it happens once (R-SIGN-30).
//!
//! Each credential is one file. Every act is on the disk before it is answered: a wrong code is
//! counted, a signature is kept, a used key is gone, even if the process dies right after.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use openssl::{ec::EcKey, memcmp, pkey::Private, sha::sha256};
use serde::{Deserialize, Serialize};
use signing::{
    Digest, cms,
    ports::{IssueRequest, SigningMode},
};

use super::{
    authority::{self, Authority},
    disk, profile,
};
use crate::DemoError;

/// Life of a one-shot certificate.
const CERTIFICATE_LIFE: TimeDelta = TimeDelta::hours(1);
/// Life of a code sent by SMS.
const CODE_LIFE: TimeDelta = TimeDelta::minutes(5);
/// Life of an authorisation to sign.
pub(super) const SAD_LIFE: TimeDelta = TimeDelta::minutes(5);
/// After so many wrong codes the credential is blocked.
const WRONG_CODES: u32 = 3;
/// A credential gets at most so many messages.
const MESSAGES: u32 = 5;

/// Why the vault does not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is no such credential")]
    Unknown,
    #[error("the credential has signed already")]
    Used,
    #[error("too many wrong codes")]
    Blocked,
    #[error("wrong code")]
    WrongCode,
    #[error("the code is too old")]
    CodeExpired,
    #[error("too many messages for one credential")]
    TooManyMessages,
    #[error("the certificate has expired")]
    CertificateExpired,
    #[error("the authorisation is not valid")]
    BadAuthorisation,
    #[error("the authorisation is for another hash")]
    OtherHash,
    #[error(transparent)]
    Broken(#[from] DemoError),
}

/// A credential as it lies on the disk.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// The serial number of its certificate, hexadecimal.
    pub id: String,
    /// The certificate.
    #[serde(with = "signing::der_list")]
    pub certificate: Vec<Vec<u8>>,
    /// Where the code goes.
    pub mobile: String,
    /// What is signed, in the person's words.
    pub title: String,
    /// The frozen document that it was issued for.
    document: Digest,
    identified_by: String,
    identified_at: DateTime<Utc>,
    not_after: DateTime<Utc>,
    /// PEM; gone once it has signed.
    key: Option<String>,
    code: Option<Code>,
    messages: u32,
    wrong_codes: u32,
    authorisation: Option<Authorisation>,
    signed: Option<Signed>,
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct Code {
    hash: Digest,
    expires_at: DateTime<Utc>,
    /// The hash it has authorised: a code authorises one.
    spent_on: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
struct Authorisation {
    hash: Digest,
    digest: Digest,
    expires_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    digest: Digest,
    #[serde(with = "signing::der_list")]
    signature: Vec<Vec<u8>>,
}

impl Record {
    /// Whether it could still sign.
    pub fn is_usable(&self, now: DateTime<Utc>) -> bool {
        self.key.is_some()
            && self.wrong_codes < WRONG_CODES
            && self.revoked_at.is_none()
            && now < self.not_after
    }
}

/// A code on its way to the person.
pub(super) struct Message {
    pub mobile: String,
    pub text: String,
    /// Unique for each message.
    pub key: String,
}

/// All credentials, in one folder.
pub(super) struct Vault {
    dir: PathBuf,
    /// One act at a time.
    turn: Mutex<()>,
}

impl Vault {
    pub fn open(dir: PathBuf) -> Result<Self, DemoError> {
        disk::make_private_folder(&dir)?;
        Ok(Self { dir, turn: Mutex::new(()) })
    }

    /// Makes a key and its certificate.
    pub fn issue(
        &self,
        authority: &Authority,
        request: IssueRequest,
        now: DateTime<Utc>,
    ) -> Result<Record, DemoError> {
        let key = authority::new_key()?;
        let serial = authority::new_serial()?;
        let subject = profile::person_name(&request.subject)?;
        let not_after = now + CERTIFICATE_LIFE;
        // A minute back, for clocks that are a little behind ours.
        let validity = (now - TimeDelta::minutes(1), not_after);
        let record = Record {
            id: hex::encode(serial),
            certificate: vec![authority.certify(subject, &key, &serial, validity)?],
            mobile: request.mobile,
            title: request.title,
            document: request.document,
            identified_by: request.identified_by,
            identified_at: request.identified_at,
            not_after,
            key: Some(String::from_utf8_lossy(&key.private_key_to_pem()?).into_owned()),
            code: None,
            messages: 0,
            wrong_codes: 0,
            authorisation: None,
            signed: None,
            revoked_at: None,
        };
        self.save(&record)?;
        Ok(record)
    }

    /// The credential with this id.
    pub fn find(&self, id: &str) -> Result<Option<Record>, DemoError> {
        // An id is a file name: nothing but ours may become one.
        if id.len() != 32 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(None);
        }
        match fs::read(self.dir.join(format!("{id}.json"))) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Every credential.
    pub fn all(&self) -> Result<Vec<Record>, DemoError> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                all.push(serde_json::from_slice(&fs::read(path)?)?);
            }
        }
        Ok(all)
    }

    /// Makes a new code; an older one is no longer valid.
    pub fn new_code(&self, id: &str, now: DateTime<Utc>) -> Result<Message, Refusal> {
        self.change(id, |record| {
            record.must_be_open(now)?;
            if record.key.is_none() {
                return Err(Refusal::Used);
            }
            if record.messages == MESSAGES {
                return Err(Refusal::TooManyMessages);
            }
            let code = random_code()?;
            record.messages += 1;
            record.code = Some(Code {
                hash: record.hash(&code),
                expires_at: now + CODE_LIFE,
                spent_on: None,
            });
            record.authorisation = None;
            // The code comes first: whoever reads by machine takes the first six digits.
            let text = format!(
                "{code} è il codice per firmare «{}». Vale 5 minuti, non comunicarlo a nessuno. \
                 DIMOSTRAZIONE: firma non qualificata.",
                record.title
            );
            let key = format!("demo-qtsp-{}-{}", record.id, record.messages);
            Ok(Message { mobile: record.mobile.clone(), text, key })
        })
    }

    /// Checks the code and gives an authorisation to sign `digest`, and nothing else. The same
    /// code for the same hash gives another one: the first may have been lost on its way.
    pub fn authorise(
        &self,
        id: &str,
        code: &str,
        digest: Digest,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        self.change(id, |record| {
            record.must_be_open(now)?;
            let hash = record.hash(code);
            let Some(expected) = record.code.as_mut() else {
                return Err(if record.key.is_none() { Refusal::Used } else { Refusal::WrongCode });
            };
            if !memcmp::eq(&hash.0, &expected.hash.0) {
                record.wrong_codes += 1;
                let blocked = record.wrong_codes >= WRONG_CODES;
                return Err(if blocked { Refusal::Blocked } else { Refusal::WrongCode });
            }
            if now >= expected.expires_at {
                return Err(Refusal::CodeExpired);
            }
            if expected.spent_on.is_some_and(|spent| spent != digest) {
                let used = record.signed.is_some();
                return Err(if used { Refusal::Used } else { Refusal::WrongCode });
            }
            expected.spent_on = Some(digest);
            let sad = random_token()?;
            let hash = record.hash(&sad);
            record.authorisation = Some(Authorisation { hash, digest, expires_at: now + SAD_LIFE });
            Ok(sad)
        })
    }

    /// Signs `digest`, once. Asked again for the same hash it gives the same signature: the first
    /// answer may have been lost on its way.
    pub fn sign(
        &self,
        id: &str,
        sad: &str,
        digest: Digest,
        mode: SigningMode,
        now: DateTime<Utc>,
    ) -> Result<Vec<u8>, Refusal> {
        self.change(id, |record| {
            record.must_be_open(now)?;
            let authorisation = record.authorisation.as_ref().ok_or(Refusal::BadAuthorisation)?;
            let known = memcmp::eq(&record.hash(sad).0, &authorisation.hash.0);
            if !known || now >= authorisation.expires_at {
                return Err(Refusal::BadAuthorisation);
            }
            if authorisation.digest != digest {
                return Err(Refusal::OtherHash);
            }
            if let Some(signed) = &record.signed {
                return Ok(signed.signature.concat());
            }
            let key = record.key.take().ok_or(Refusal::Used)?;
            let key = EcKey::private_key_from_pem(key.as_bytes()).map_err(DemoError::from)?;
            let signature = match mode {
                SigningMode::Hash => authority::sign_digest(&key, &digest.0)?,
                SigningMode::Cms => detached(&record.certificate, &key, &digest)?,
            };
            record.signed = Some(Signed { digest, signature: vec![signature.clone()] });
            Ok(signature)
        })
    }

    /// An authorisation serves no more; one that is not there is none either.
    pub fn withdraw(&self, id: &str, sad: &str) -> Result<(), Refusal> {
        self.change(id, |record| {
            let hash = record.hash(sad);
            record.authorisation.take_if(|kept| memcmp::eq(&kept.hash.0, &hash.0));
            Ok(())
        })
    }

    /// Revokes the certificate.
    pub fn revoke(&self, id: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.change(id, |record| {
            record.revoked_at.get_or_insert(now);
            record.key = None;
            Ok(())
        })
    }

    /// Changes a record and saves it, refused or not: a refusal may be a thing to remember.
    fn change<T>(
        &self,
        id: &str,
        act: impl FnOnce(&mut Record) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        // A panic in another turn leaves no half-written file behind: the turn can be taken.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut record = self.find(id)?.ok_or(Refusal::Unknown)?;
        let result = act(&mut record);
        self.save(&record)?;
        result
    }

    fn save(&self, record: &Record) -> Result<(), DemoError> {
        disk::write(&self.dir.join(format!("{}.json", record.id)), &serde_json::to_vec(record)?)
    }
}

impl Record {
    fn must_be_open(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.wrong_codes >= WRONG_CODES {
            Err(Refusal::Blocked)
        } else if now >= self.not_after {
            Err(Refusal::CertificateExpired)
        } else if self.revoked_at.is_some() {
            Err(Refusal::Used)
        } else {
            Ok(())
        }
    }

    /// A secret is kept as its hash, together with the credential that it is for.
    fn hash(&self, secret: &str) -> Digest {
        Digest(sha256(format!("{}:{secret}", self.id).as_bytes()))
    }
}

/// The whole CMS over a document with this digest.
fn detached(
    certificate: &[Vec<u8>],
    key: &EcKey<Private>,
    digest: &Digest,
) -> Result<Vec<u8>, DemoError> {
    let signer = cms::Certificate::from_der(&certificate.concat())?;
    let attributes = cms::signed_attributes(digest, &signer);
    let value = authority::sign_digest(key, &sha256(&attributes))?;
    Ok(cms::detached(&attributes, &value, &signer, certificate, None)?)
}

/// Six digits, all equally likely to within 10⁻¹³.
fn random_code() -> Result<String, DemoError> {
    let mut bytes = [0; 8];
    openssl::rand::rand_bytes(&mut bytes)?;
    Ok(format!("{:06}", u64::from_be_bytes(bytes) % 1_000_000))
}

/// 256 random bits as text.
pub(super) fn random_token() -> Result<String, DemoError> {
    let mut bytes = [0; 32];
    openssl::rand::rand_bytes(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
