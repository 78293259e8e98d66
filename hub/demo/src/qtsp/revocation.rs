//! Certificate revocation lists (RFC 5280 §5).

use chrono::{DateTime, TimeDelta, Utc};
use der::{
    Encode,
    asn1::{BitString, OctetString, Uint},
};
use x509_cert::{
    Version,
    crl::{CertificateList, RevokedCert, TbsCertList},
    ext::pkix::{AuthorityKeyIdentifier, CrlNumber},
    serial_number::SerialNumber,
};

use super::{
    authority::{Identity, signature_algorithm, utc_time},
    profile::extension,
};
use crate::DemoError;

/// How long a list or a status may be relied on.
pub(super) const STATUS_LIFE: TimeDelta = TimeDelta::days(1);

/// The list of `issuer` with the revoked serial numbers (hexadecimal) and since when (DER).
pub(super) fn list(
    issuer: &Identity,
    revoked: &[(String, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Result<Vec<u8>, DemoError> {
    let revoked = revoked
        .iter()
        .map(|(serial, at)| {
            Ok(RevokedCert {
                serial_number: SerialNumber::new(&serial_bytes(serial))?,
                revocation_date: utc_time(*at)?,
                crl_entry_extensions: None,
            })
        })
        .collect::<Result<Vec<_>, DemoError>>()?;
    let key = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(issuer.key_id())?),
        ..Default::default()
    };
    // Numbers must grow with time (§5.2.3): the time itself does.
    let number = CrlNumber(Uint::new(&now.timestamp().to_be_bytes())?);
    let tbs = TbsCertList {
        version: Version::V2,
        signature: signature_algorithm(),
        issuer: issuer.cert.tbs_certificate.subject.clone(),
        this_update: utc_time(now)?,
        next_update: Some(utc_time(now + STATUS_LIFE)?),
        revoked_certificates: (!revoked.is_empty()).then_some(revoked),
        crl_extensions: Some(vec![
            extension("2.5.29.35", false, &key)?,
            extension("2.5.29.20", false, &number)?,
        ]),
    };
    let signature = issuer.sign(&tbs.to_der()?)?;
    let list = CertificateList {
        tbs_cert_list: tbs,
        signature_algorithm: signature_algorithm(),
        signature: BitString::from_bytes(&signature)?,
    };
    Ok(list.to_der()?)
}

fn serial_bytes(serial: &str) -> Vec<u8> {
    hex::decode(serial).expect("ids are hexadecimal: the vault makes them so")
}
