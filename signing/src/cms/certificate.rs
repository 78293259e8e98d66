//! What an X.509 certificate says about its holder.

use chrono::{DateTime, Utc};
use const_oid::ObjectIdentifier as Oid;
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    nid::Nid,
    x509::{X509, X509NameRef},
};
use serde::Serialize;

use super::asn1::{INTEGER, Item, OCTET_STRING, SEQUENCE, SET, unexpected};

const QC_STATEMENTS: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.1.3"); // RFC 3739 §3.2.6
const QC_COMPLIANCE: Oid = Oid::new_unwrap("0.4.0.1862.1.1"); // ETSI EN 319 412-5 §4.2.1
const QC_SSCD: Oid = Oid::new_unwrap("0.4.0.1862.1.4"); // ETSI EN 319 412-5 §4.2.2
const QC_TYPE: Oid = Oid::new_unwrap("0.4.0.1862.1.6"); // ETSI EN 319 412-5 §4.2.3
const QC_TYPE_ESIGN: Oid = Oid::new_unwrap("0.4.0.1862.1.6.1");
const QC_TYPE_ESEAL: Oid = Oid::new_unwrap("0.4.0.1862.1.6.2");
const QC_TYPE_WEB: Oid = Oid::new_unwrap("0.4.0.1862.1.6.3");
const POLICIES: Oid = Oid::new_unwrap("2.5.29.32"); // RFC 5280 §4.2.1.4
const PURPOSES: Oid = Oid::new_unwrap("2.5.29.37"); // RFC 5280 §4.2.1.12
const EXTENSIONS: u8 = 0xa3;
const VERSION: u8 = 0xa0;

/// A certificate: its DER as received, and OpenSSL's reading of it.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// As received.
    pub der: Vec<u8>,
    /// As OpenSSL reads it.
    pub x509: X509,
    issuer: Vec<u8>,
    serial: Vec<u8>,
    qc: QcStatements,
}

/// What the issuer states about the certificate (ETSI EN 319 412-5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QcStatements {
    /// It is an EU qualified certificate.
    pub compliance: bool,
    /// The key lives in a qualified signature creation device.
    pub sscd: bool,
    /// It is for electronic signatures (of natural persons).
    pub esign: bool,
    /// It is for electronic seals (of legal persons).
    pub eseal: bool,
    /// It is for the authentication of web sites.
    pub web: bool,
}

impl Certificate {
    /// Reads one DER certificate.
    ///
    /// # Errors
    /// Not a certificate.
    pub fn from_der(der: &[u8]) -> der::Result<Self> {
        let x509 = X509::from_der(der).map_err(|_| unexpected())?;
        let certificate = Item::only(der)?.items(SEQUENCE)?;
        let fields = certificate.first().ok_or_else(unexpected)?.items(SEQUENCE)?;
        let mut rest = fields.iter().skip_while(|field| field.tag == VERSION);
        let serial = rest.next().ok_or_else(unexpected)?.expect(INTEGER)?;
        let issuer = rest.nth(1).ok_or_else(unexpected)?.expect(SEQUENCE)?;
        let qc = match fields.iter().find(|field| field.tag == EXTENSIONS) {
            Some(extensions) => qc_statements(*extensions)?,
            None => QcStatements::default(),
        };
        Ok(Self {
            der: der.to_vec(),
            x509,
            issuer: issuer.raw.to_vec(),
            serial: serial.raw.to_vec(),
            qc,
        })
    }

    /// DER of the issuer's name.
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// DER `INTEGER` of the serial number.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Statements of the issuer.
    pub fn qc_statements(&self) -> QcStatements {
        self.qc
    }

    /// The policies that it is issued under; none for one whose extensions cannot be read.
    pub fn policies(&self) -> Vec<Oid> {
        let policies = self.extension_values(POLICIES, |policy| {
            policy.items(SEQUENCE)?.first().ok_or_else(unexpected)?.oid()
        });
        policies.unwrap_or_default()
    }

    /// What its key may be used for beyond the basic usages; none for one whose extensions cannot be
    /// read.
    pub fn purposes(&self) -> Vec<Oid> {
        self.extension_values(PURPOSES, |purpose| purpose.oid()).unwrap_or_default()
    }

    /// The attributes that the holder's name is made of; none for a name that cannot be read.
    pub fn name_attributes(&self) -> Vec<Oid> {
        let read = |name: &[u8]| {
            let mut kinds = Vec::new();
            for set in Item::only(name)?.items(SEQUENCE)? {
                for attribute in set.items(SET)? {
                    let parts = attribute.items(SEQUENCE)?;
                    kinds.push(parts.first().ok_or_else(unexpected)?.oid()?);
                }
            }
            der::Result::Ok(kinds)
        };
        let name = self.x509.subject_name().to_der();
        name.ok().and_then(|name| read(&name).ok()).unwrap_or_default()
    }

    fn extension_values<T>(
        &self,
        kind: Oid,
        read: impl Fn(Item<'_>) -> der::Result<T>,
    ) -> der::Result<Vec<T>> {
        let certificate = Item::only(&self.der)?.items(SEQUENCE)?;
        let fields = certificate.first().ok_or_else(unexpected)?.items(SEQUENCE)?;
        let Some(extensions) = fields.iter().find(|field| field.tag == EXTENSIONS) else {
            return Ok(Vec::new());
        };
        extension(*extensions, kind)?.into_iter().map(read).collect()
    }

    /// Common name, or given name and surname, or the whole subject.
    pub fn name(&self) -> String {
        let subject = self.x509.subject_name();
        entry(subject, Nid::COMMONNAME)
            .or_else(|| Some(format!("{} {}", self.given_name()?, entry(subject, Nid::SURNAME)?)))
            .unwrap_or_else(|| format!("{subject:?}"))
    }

    /// Given name of the holder.
    pub fn given_name(&self) -> Option<String> {
        entry(self.x509.subject_name(), Nid::GIVENNAME)
    }

    /// Surname of the holder.
    pub fn surname(&self) -> Option<String> {
        entry(self.x509.subject_name(), Nid::SURNAME)
    }

    /// Common name of the issuer, or its whole name.
    pub fn issuer_name(&self) -> String {
        let issuer = self.x509.issuer_name();
        entry(issuer, Nid::COMMONNAME).unwrap_or_else(|| format!("{issuer:?}"))
    }

    /// Codice fiscale in the subject's serial number: `TINIT-…` (ETSI EN 319 412-1 §5.1.3) or the
    /// older Italian `IT:…`. Upper case.
    pub fn fiscal_code(&self) -> Option<String> {
        let number = entry(self.x509.subject_name(), Nid::SERIALNUMBER)?.to_uppercase();
        let code = number.strip_prefix("TINIT-").or_else(|| number.strip_prefix("IT:"))?;
        Some(code.to_owned())
    }

    /// Start of validity.
    pub fn not_before(&self) -> Option<DateTime<Utc>> {
        to_utc(self.x509.not_before())
    }

    /// End of validity.
    pub fn not_after(&self) -> Option<DateTime<Utc>> {
        to_utc(self.x509.not_after())
    }
}

fn entry(name: &X509NameRef, nid: Nid) -> Option<String> {
    let entry = name.entries_by_nid(nid).next()?;
    Some(entry.data().to_string().ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}

fn to_utc(time: &Asn1TimeRef) -> Option<DateTime<Utc>> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    DateTime::from_timestamp(i64::from(since.days) * 86_400 + i64::from(since.secs), 0)
}

/// The values in every extension of this kind that is a `SEQUENCE`.
fn extension<'a>(extensions: Item<'a>, kind: Oid) -> der::Result<Vec<Item<'a>>> {
    let list = *extensions.items(EXTENSIONS)?.first().ok_or_else(unexpected)?;
    let mut found = Vec::new();
    for extension in list.items(SEQUENCE)? {
        let parts = extension.items(SEQUENCE)?;
        let [id, .., value] = parts.as_slice() else { return Err(unexpected()) };
        if id.oid()? == kind {
            found.extend(Item::only(value.expect(OCTET_STRING)?.value)?.items(SEQUENCE)?);
        }
    }
    Ok(found)
}

fn qc_statements(extensions: Item<'_>) -> der::Result<QcStatements> {
    let mut found = QcStatements::default();
    for statement in extension(extensions, QC_STATEMENTS)? {
        let parts = statement.items(SEQUENCE)?;
        let id = parts.first().ok_or_else(unexpected)?.oid()?;
        found.compliance |= id == QC_COMPLIANCE;
        found.sscd |= id == QC_SSCD;
        if let (QC_TYPE, Some(types)) = (id, parts.get(1)) {
            for kind in types.items(SEQUENCE)? {
                let kind = kind.oid()?;
                found.esign |= kind == QC_TYPE_ESIGN;
                found.eseal |= kind == QC_TYPE_ESEAL;
                found.web |= kind == QC_TYPE_WEB;
            }
        }
    }
    Ok(found)
}
