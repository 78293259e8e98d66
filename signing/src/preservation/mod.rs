//! What makes a signed document last (ETSI EN 319 142-1 and 319 122-1, levels B-LT and B-LTA): the status of every
//! certificate in it, gathered while it can still be had, and archive time stamps, renewed before the
//! one that holds gives way.
//!
//! Only certificates that lead to a trust anchor are asked about: any other may name any address.

mod addresses;
mod cache;
mod fetch;
mod renewal;
mod subjects;

use chrono::{DateTime, Utc};
use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    ocsp::{OcspCertId, OcspRequest},
    x509::{X509, X509Ref},
};

pub use fetch::HttpStatus;
pub use renewal::{AlgorithmEnd, Renewal, Stamp, newest_stamps};

use crate::{
    cades,
    pades::{DocumentError, ValidationData},
    pdf,
    ports::{StatusError, StatusSource, Wanted},
    verify::{TrustAnchors, is_status_told, trusted_path},
};
use subjects::Subject;

/// More questions than this for one document are taken for an attack.
const MAX_QUESTIONS: usize = 64;
/// More addresses than this in one certificate are not tried.
const MAX_ADDRESSES: usize = 4;

/// Why the validation data are not complete.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A certificate leads to no trust anchor.
    #[error("{0}: no chain leads to a trust anchor")]
    Untrusted(String),
    /// The certificate says nowhere where to ask, or not where we ask.
    #[error("{0}: its certificate does not say where its status is told")]
    NoAddress(String),
    /// Whoever was asked last did not answer.
    #[error("{0}: {1}")]
    NoAnswer(String, StatusError),
    /// Whoever was asked last told nothing that holds for the time of the signature.
    #[error("{0}: the answer does not tell its status")]
    Untold(String),
    /// Too many certificates.
    #[error("the document has too many certificates")]
    TooMany,
}

/// The certificates and revocation data that `file`, a PDF or a signed file (P7M) of ours, lacks to be
/// verified offline, as of `now`. `kept`:
/// answers of an earlier time, for what nobody tells any more.
///
/// # Errors
/// [`GatherError`]: nothing is half complete.
pub async fn gather(
    file: &[u8],
    kept: &ValidationData,
    trust: &TrustAnchors,
    source: &dyn StatusSource,
    now: DateTime<Utc>,
) -> Result<ValidationData, GatherError> {
    let (held, subjects) = held_and_subjects(file, now)?;
    let mut all = held.clone();
    for subject in &subjects {
        all.certificates.extend(subject.certificates.iter().cloned());
    }
    let mut asking = Asking { source, kept, now, questions: 0, all, issuers: Vec::new() };
    for subject in &subjects {
        asking.complete(subject, trust).await?;
    }
    let new = |list: Vec<Vec<u8>>, held: &[Vec<u8>]| {
        list.into_iter().filter(|der| !held.contains(der)).collect::<Vec<_>>()
    };
    Ok(ValidationData {
        certificates: new(asking.issuers, &held.certificates),
        ocsp: new(asking.all.ocsp, &held.ocsp),
        crls: new(asking.all.crls, &held.crls),
    })
}

fn held_and_subjects(
    file: &[u8],
    now: DateTime<Utc>,
) -> Result<(ValidationData, Vec<Subject>), DocumentError> {
    if let Some(container) = cades::open(file)?.container {
        return Ok((cades::validation_data(&container), subjects::of_file(&container, now)?));
    }
    let document = pdf::open(file)?;
    Ok((pdf::validation_data(&document), subjects::of(&document, now)?))
}

struct Asking<'a> {
    source: &'a dyn StatusSource,
    kept: &'a ValidationData,
    now: DateTime<Utc>,
    questions: usize,
    /// Everything known so far.
    all: ValidationData,
    /// Certificates of the paths, each once.
    issuers: Vec<Vec<u8>>,
}

impl Asking<'_> {
    /// Asks about every certificate on the way to the anchor whose status is not told yet.
    async fn complete(
        &mut self,
        subject: &Subject,
        trust: &TrustAnchors,
    ) -> Result<(), GatherError> {
        let Subject { certificate, at, .. } = subject;
        let path = trusted_path(certificate, &self.all, trust, *at)
            .ok_or_else(|| GatherError::Untrusted(name(certificate)))?;
        for pair in path.windows(2) {
            let [certificate, issuer] = pair else { continue };
            if is_status_told(certificate, issuer, &self.all, *at) {
                continue;
            }
            if let Err(error) = self.ask(certificate, issuer, *at).await {
                self.recall(certificate, issuer, *at).ok_or(error)?;
            }
        }
        for der in path.iter().filter_map(|certificate| certificate.to_der().ok()) {
            if !self.issuers.contains(&der) {
                self.issuers.push(der);
            }
        }
        Ok(())
    }

    async fn ask(
        &mut self,
        certificate: &X509,
        issuer: &X509,
        at: DateTime<Utc>,
    ) -> Result<(), GatherError> {
        let mut failure = GatherError::NoAddress(name(certificate));
        for wanted in addresses_of(certificate, issuer) {
            if self.questions == MAX_QUESTIONS {
                return Err(GatherError::TooMany);
            }
            self.questions += 1;
            let answer = match self.source.fetch(&wanted, self.now).await {
                Ok(answer) => answer,
                Err(error) => {
                    failure = GatherError::NoAnswer(name(certificate), error);
                    continue;
                }
            };
            self.list(&wanted).push(answer);
            if is_status_told(certificate, issuer, &self.all, at) {
                return Ok(());
            }
            self.list(&wanted).pop();
            failure = GatherError::Untold(name(certificate));
        }
        Err(failure)
    }

    /// Takes the first kept answer that tells the status.
    fn recall(&mut self, certificate: &X509, issuer: &X509, at: DateTime<Utc>) -> Option<()> {
        let alone = |ocsp: &[&Vec<u8>], crls: &[&Vec<u8>]| ValidationData {
            ocsp: ocsp.iter().copied().cloned().collect(),
            crls: crls.iter().copied().cloned().collect(),
            certificates: self.all.certificates.clone(),
        };
        let tells = |data| is_status_told(certificate, issuer, &data, at);
        if let Some(ocsp) = self.kept.ocsp.iter().find(|ocsp| tells(alone(&[*ocsp], &[]))) {
            self.all.ocsp.push(ocsp.clone());
        } else {
            let crl = self.kept.crls.iter().find(|crl| tells(alone(&[], &[*crl])))?;
            self.all.crls.push(crl.clone());
        }
        Some(())
    }

    fn list(&mut self, wanted: &Wanted) -> &mut Vec<Vec<u8>> {
        match wanted {
            Wanted::Ocsp { .. } => &mut self.all.ocsp,
            Wanted::Crl { .. } => &mut self.all.crls,
        }
    }
}

/// Where the status of a certificate is told: the responder first, because its answer is small.
fn addresses_of(certificate: &X509, issuer: &X509) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    if let (Ok(responders), Ok(request)) =
        (certificate.ocsp_responders(), ocsp_request(certificate, issuer))
    {
        wanted.extend(responders.iter().take(MAX_ADDRESSES).map(|url| {
            let request = request.clone();
            Wanted::Ocsp { url: url.to_string(), request }
        }));
    }
    let points = certificate.crl_distribution_points();
    let names = points.iter().flatten().filter_map(|point| point.distpoint()?.fullname());
    let urls = names.flat_map(|names| names.iter().filter_map(|name| name.uri()));
    wanted.extend(urls.take(MAX_ADDRESSES).map(|url| Wanted::Crl { url: url.to_owned() }));
    wanted
}

/// RFC 5019 §2.1: one certificate, named by SHA-1, without a nonce; every responder knows that.
fn ocsp_request(certificate: &X509Ref, issuer: &X509Ref) -> Result<Vec<u8>, ErrorStack> {
    let mut request = OcspRequest::new()?;
    request.add_id(OcspCertId::from_cert(MessageDigest::sha1(), certificate, issuer)?)?;
    request.to_der()
}

/// For the log: the issuer and serial number, because a common name may be a person's.
fn name(certificate: &X509) -> String {
    let issuer = certificate.issuer_name().entries_by_nid(Nid::COMMONNAME).next();
    let issuer = issuer.and_then(|entry| Some(entry.data().to_string().ok()?.to_string()));
    let number = certificate.serial_number().to_bn().and_then(|number| number.to_hex_str());
    let number = number.map(|text| text.to_string()).unwrap_or_default();
    format!("certificate {number} of {}", issuer.unwrap_or_default())
}
