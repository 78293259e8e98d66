//! Services of trusted lists (ETSI TS 119 612) as trust anchors: what they are trusted for, and when.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use openssl::x509::X509;
use serde::Serialize;

use super::qualification::{Facts, Qualification, Terms};

/// Before Regulation (EU) 910/2014 applied, lists had other words for a service in good standing.
pub(super) const EIDAS: NaiveDate = NaiveDate::from_ymd_opt(2016, 7, 1).expect("a date");

/// Which edition of which list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edition {
    /// Whose list: `IT`, `EU`, …
    pub territory: String,
    /// Its number; every edition has a higher one.
    pub sequence: u64,
    /// When it was issued.
    pub issued: DateTime<Utc>,
    /// When the next one is due at the latest; `None` for a list that is closed.
    pub next_update: Option<DateTime<Utc>>,
}

impl Edition {
    /// Whether there should have been another edition by `now`.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.next_update.is_some_and(|due| due < now)
    }
}

/// What a service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ServiceKind {
    /// Issues qualified certificates.
    #[serde(rename = "CA/QC")]
    QualifiedCertificates,
    /// Issues qualified time stamps.
    #[serde(rename = "TSA/QTST")]
    QualifiedTimeStamps,
    /// Tells the status of qualified certificates.
    #[serde(rename = "Certstatus/OCSP/QC")]
    QualifiedStatus,
}

/// How a service stood from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// From when.
    pub since: DateTime<Utc>,
    /// The status as the list names it, without the address before it: `granted`, `withdrawn`, ….
    pub status: String,
    /// Whether it was a service of this kind then: the history of a service may tell of another.
    pub same_kind: bool,
    /// What the list says of the certificates that the service issues then.
    pub terms: Terms,
}

impl Standing {
    fn is_good(&self, at: DateTime<Utc>) -> bool {
        self.same_kind
            && match self.status.as_str() {
                "granted" => true,
                "undersupervision" | "supervisionincessation" | "accredited" => {
                    at.date_naive() < EIDAS
                }
                _ => false,
            }
    }
}

/// One service of a list.
#[derive(Clone, Debug)]
pub struct ListedService {
    /// Where it is listed.
    pub edition: Arc<Edition>,
    /// Who offers it.
    pub provider: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub kind: ServiceKind,
    /// The certificates that it is known by.
    pub certificates: Vec<X509>,
    /// How it stands and stood, in any order.
    pub standings: Vec<Standing>,
}

/// From which list trust came, and how the service stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustSource {
    /// The list.
    #[serde(flatten)]
    pub edition: Edition,
    /// Whether, when it was used, a newer edition should have been there.
    pub expired: bool,
    /// Who offers the service.
    pub provider: String,
    /// Its name.
    pub service: String,
    /// What it does.
    pub kind: ServiceKind,
    /// How it stood when it was needed; `None`: it was not yet listed.
    pub status: Option<String>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// Whether that made it a qualified service.
    pub granted: bool,
}

impl ListedService {
    fn standing(&self, at: DateTime<Utc>) -> Option<&Standing> {
        self.standings.iter().filter(|one| one.since <= at).max_by_key(|one| one.since)
    }

    /// Whether it was in good standing at this moment.
    pub(super) fn is_granted(&self, at: DateTime<Utc>) -> bool {
        self.standing(at).is_some_and(|standing| standing.is_good(at))
    }

    /// Whether it ever was, up to this moment.
    pub(super) fn was_granted_by(&self, at: DateTime<Utc>) -> bool {
        self.standings.iter().any(|one| one.since <= at && one.is_good(one.since))
    }

    /// What the list makes of a signature that was made at `signed_at` with the certificate of
    /// `facts`: it counts how the service stood then and when it issued the certificate.
    pub(super) fn qualify(&self, facts: &Facts, signed_at: DateTime<Utc>) -> Qualification {
        let at = |moment: DateTime<Utc>| {
            self.standing(moment).filter(|one| one.is_good(moment)).map(|one| &one.terms)
        };
        let issued_at = facts.issued_at.unwrap_or(signed_at);
        Qualification::of(facts, at(issued_at), at(signed_at))
    }

    pub(super) fn source(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> TrustSource {
        let standing = self.standing(at);
        TrustSource {
            edition: (*self.edition).clone(),
            expired: self.edition.is_expired(now),
            provider: self.provider.clone(),
            service: self.name.clone(),
            kind: self.kind,
            status: standing.map(|standing| standing.status.clone()),
            since: standing.map(|standing| standing.since),
            granted: self.is_granted(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> DateTime<Utc> {
        format!("{text}T00:00:00Z").parse().unwrap()
    }

    #[test]
    fn r_sign_31_the_standing_that_counts_is_the_one_of_the_day() {
        let standing = |since: &str, status: &str, same_kind| Standing {
            since: day(since),
            status: status.to_owned(),
            same_kind,
            terms: Terms::default(),
        };
        let edition = Edition {
            territory: "IT".to_owned(),
            sequence: 7,
            issued: day("2026-01-01"),
            next_update: Some(day("2026-07-01")),
        };
        let service = ListedService {
            edition: Arc::new(edition),
            provider: "P".to_owned(),
            name: "S".to_owned(),
            kind: ServiceKind::QualifiedCertificates,
            certificates: Vec::new(),
            standings: vec![
                standing("2022-01-01", "withdrawn", true),
                standing("2010-01-01", "undersupervision", true),
                standing("2014-01-01", "granted", false),
                standing("2015-01-01", "accredited", true),
                standing("2017-01-01", "granted", true),
            ],
        };
        let cases = [
            ("2009-12-31", None, false, false),
            ("2010-01-01", Some("undersupervision"), true, true),
            ("2014-06-01", Some("granted"), false, true),
            ("2016-06-30", Some("accredited"), true, true),
            ("2016-07-01", Some("accredited"), false, true),
            ("2021-12-31", Some("granted"), true, true),
            ("2022-01-01", Some("withdrawn"), false, true),
        ];
        for (at, status, granted, by) in cases {
            let source = service.source(day(at), day("2026-06-30"));
            assert_eq!((source.status.as_deref(), source.granted), (status, granted), "{at}");
            assert_eq!(service.was_granted_by(day(at)), by, "{at}");
            assert!(!source.expired);
        }
        assert!(service.source(day("2020-01-01"), day("2026-07-02")).expired);
    }
}
