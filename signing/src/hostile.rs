//! The way of a stranger's file through the readers of this crate: for fuzzing.

use chrono::{DateTime, Utc};

use crate::{
    Digest,
    cms::ber,
    pades::add_validation_data,
    pdf::ValidationData,
    tsa::token,
    verify::{Language, Report, TrustAnchors, text, verify, verify_file},
};

fn told(report: &Report) {
    assert!(!text(report, Language::Italian).is_empty());
    assert_eq!(report.to_json()["accepted"], report.accepted());
    let signed = report.problems.is_empty() && !report.signatures.is_empty();
    assert!(signed || !report.accepted());
}

/// A PDF, to be verified and to be signed.
pub fn pdf(bytes: &[u8]) {
    told(&verify(bytes, &TrustAnchors::none(), DateTime::<Utc>::UNIX_EPOCH));
    let data = ValidationData { crls: vec![b"0".to_vec()], ..ValidationData::default() };
    if let Ok(longer) = add_validation_data(bytes, &data) {
        assert!(longer.starts_with(bytes));
    }
}

/// A signed file.
pub fn signed_file(bytes: &[u8]) {
    told(&verify_file(bytes, &TrustAnchors::none(), DateTime::<Utc>::UNIX_EPOCH));
    if let Ok(der) = ber::to_der(bytes) {
        assert_eq!(ber::to_der(&der).as_ref(), Ok(&der));
    }
}

/// A time stamp token.
pub fn time_stamp(bytes: &[u8]) {
    if let Ok(token) = token::parse(bytes) {
        let _ = token::check_over(bytes, &[bytes]);
        let nothing = Digest([0; 32]);
        assert!(token::check(bytes, &nothing).is_err() || token.imprint == nothing);
    }
}
