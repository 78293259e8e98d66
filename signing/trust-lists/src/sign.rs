//! Signing a list as its operator does: for demonstrations and tests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bergshamra_c14n::{C14nMode, canonicalize};
use chrono::{DateTime, SecondsFormat, Utc};
use openssl::{
    pkey::{PKey, Private},
    x509::X509,
};

use crate::{
    ListError,
    algorithm::{Algorithm, Sha},
    seal::{DS, ENVELOPED, SIGNED_PROPERTIES, Seal, XADES, parse},
};

const CLOSING: &str = "</TrustServiceStatusList>";
const PLACES: [&str; 3] = ["DIGEST-OF-THE-LIST", "DIGEST-OF-THE-PROPERTIES", "SIGNATURE-VALUE"];

/// `list` with an enveloped XAdES-B-B signature as its last child.
///
/// # Errors
/// [`ListError`] when `list` is not such a document, or the key does not fit the algorithm.
pub fn sign(
    list: &str,
    key: &PKey<Private>,
    certificate: &X509,
    algorithm: Algorithm,
    at: DateTime<Utc>,
) -> Result<String, ListError> {
    let body = list.trim_end().strip_suffix(CLOSING).ok_or(ListError::Shape("its end"))?;
    let der = certificate.to_der().map_err(ListError::Crypto)?;
    let digest = |octets: &[u8]| Sha::Sha256.digest(octets).map(|digest| STANDARD.encode(digest));
    let [of_list, of_properties, value] = PLACES;
    let exclusive = C14nMode::Exclusive.uri();
    let (method, sha) = (algorithm.uri(), Sha::Sha256.uri());
    let (certificate, named) = (STANDARD.encode(&der), digest(&der).map_err(ListError::Crypto)?);
    let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut signed = format!(
        "{body}<ds:Signature xmlns:ds=\"{DS}\" Id=\"signature\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{exclusive}\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/>\
         <ds:Reference URI=\"\"><ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"/>\
         <ds:Transform Algorithm=\"{exclusive}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{sha}\"/><ds:DigestValue>{of_list}</ds:DigestValue></ds:Reference>\
         <ds:Reference Type=\"{SIGNED_PROPERTIES}\" URI=\"#properties\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{exclusive}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{sha}\"/><ds:DigestValue>{of_properties}</ds:DigestValue></ds:Reference>\
         </ds:SignedInfo><ds:SignatureValue>{value}</ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         <ds:Object><xades:QualifyingProperties xmlns:xades=\"{XADES}\" Target=\"#signature\">\
         <xades:SignedProperties Id=\"properties\"><xades:SignedSignatureProperties>\
         <xades:SigningTime>{at}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest>\
         <ds:DigestMethod Algorithm=\"{sha}\"/><ds:DigestValue>{named}</ds:DigestValue>\
         </xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>\
         </xades:SignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature>{CLOSING}"
    );
    let octets = canonicalize::<&str>(&format!("{body}{CLOSING}"), C14nMode::Exclusive, None, &[])
        .map_err(|error| ListError::Xml(error.to_string()))?;
    let mut fill = |place: &str, value: String| signed = signed.replacen(place, &value, 1);
    fill(of_list, digest(&octets).map_err(ListError::Crypto)?);
    let octets = with_seal(&signed, |seal| seal.signed_properties())?;
    let mut fill = |place: &str, value: String| signed = signed.replacen(place, &value, 1);
    fill(of_properties, digest(&octets).map_err(ListError::Crypto)?);
    let octets = with_seal(&signed, |seal| seal.signed_info())?;
    let made = algorithm.sign(key, &octets).map_err(ListError::Crypto)?;
    Ok(signed.replacen(value, &STANDARD.encode(made), 1))
}

fn with_seal(
    text: &str,
    read: impl FnOnce(&Seal<'_, '_>) -> Result<Vec<u8>, ListError>,
) -> Result<Vec<u8>, ListError> {
    let document = parse(text)?;
    read(&Seal::find(&document)?)
}
