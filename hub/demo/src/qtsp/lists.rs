//! The demo's trusted lists (ETSI TS 119 612): a list of lists, and the list with the provider's
//! services on it. Really signed, by operators that nobody but the demo knows.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use openssl::x509::X509;
use signing::{
    Digest,
    verify::{Edition, ListedService, ServiceKind, Standing, Terms},
};
use signing_trust_lists::{About, Algorithm, MEDIA_TYPE, Pointer, Sha, TrustList, sign, write};

use super::{
    DemoQtsp,
    authority::{Authority, Identity},
    evidence::failure,
};
use crate::{DemoError, NOT_QUALIFIED};

/// The list of lists, below the provider's address.
pub(super) const OF_LISTS: &str = "lotl.xml";
/// The list with the provider's services.
const NATIONAL: &str = "list.xml";
pub(super) const TERRITORY: &str = "ZZ";
/// An edition is due to be followed after so long (ETSI TS 119 612 §5.3.15: six months at most).
const LIFE: TimeDelta = TimeDelta::days(90);
/// It is followed after so long.
const RENEWAL: TimeDelta = TimeDelta::days(7);

/// Who signs the lists, and the edition that is given out.
pub(super) struct Lists {
    of_lists: Identity,
    national: Identity,
    edition: Mutex<Option<Signed>>,
}

#[derive(Clone)]
struct Signed {
    at: DateTime<Utc>,
    of_lists: String,
    national: String,
}

impl Lists {
    pub(super) fn open(dir: &Path, now: DateTime<Utc>) -> Result<Self, DemoError> {
        let [of_lists, national] = Authority::list_operators(dir, now)?;
        Ok(Self { of_lists, national, edition: Mutex::default() })
    }

    /// The certificate of whoever signs the list of lists.
    pub(super) fn signer_der(&self) -> &[u8] {
        &self.of_lists.der
    }

    fn current(
        &self,
        authority: &Authority,
        base: &str,
        now: DateTime<Utc>,
    ) -> Result<Signed, DemoError> {
        // Nothing panics halfway through a change of it.
        let mut edition = self.edition.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = edition.as_ref().filter(|kept| now - kept.at < RENEWAL) {
            return Ok(kept.clone());
        }
        Ok(edition.insert(self.issue(authority, base, now)?).clone())
    }

    fn issue(
        &self,
        authority: &Authority,
        base: &str,
        now: DateTime<Utc>,
    ) -> Result<Signed, DemoError> {
        let about = About { address: format!("{base}/"), notice: NOT_QUALIFIED.to_owned() };
        let now = now.trunc_subsecs(0);
        let edition = Arc::new(Edition {
            territory: TERRITORY.to_owned(),
            // Never lower than before, whatever is kept.
            sequence: now.timestamp().unsigned_abs(),
            issued: now,
            next_update: Some(now + LIFE),
        });
        let pointer = |file: &str, of_lists, signer: &Identity| {
            Ok::<_, DemoError>(Pointer {
                territory: TERRITORY.to_owned(),
                location: format!("{base}/{file}"),
                of_lists,
                signers: vec![X509::from_der(&signer.der)?],
            })
        };
        let of_lists = pointer(OF_LISTS, true, &self.of_lists)?;
        let list = |of_lists: bool, pointers, services| TrustList {
            edition: Arc::clone(&edition),
            operator: NOT_QUALIFIED.to_owned(),
            of_lists,
            pivots: Vec::new(),
            pointers,
            services,
        };
        let national = pointer(NATIONAL, false, &self.national)?;
        let lists = list(true, vec![of_lists.clone(), national], Vec::new());
        let national = list(false, vec![of_lists], services(authority, &edition)?);
        let signed = |list: &TrustList, by: &Identity| {
            let certificate = X509::from_der(&by.der)?;
            let algorithm = Algorithm::Ecdsa(Sha::Sha256);
            let text = write(list, &about);
            Ok::<_, DemoError>(sign(&text, &by.private_key()?, &certificate, algorithm, now)?)
        };
        Ok(Signed {
            at: now,
            of_lists: signed(&lists, &self.of_lists)?,
            national: signed(&national, &self.national)?,
        })
    }
}

/// What the provider does, granted since its root was made.
fn services(
    authority: &Authority,
    edition: &Arc<Edition>,
) -> Result<Vec<ListedService>, DemoError> {
    let since = authority.root.cert.tbs_certificate.validity.not_before.to_unix_duration();
    let since = DateTime::from_timestamp(since.as_secs().cast_signed(), 0).unwrap_or_default();
    let service = |kind, name: &str, identity: &Identity| {
        Ok::<_, DemoError>(ListedService {
            edition: Arc::clone(edition),
            provider: format!("Accordo – {NOT_QUALIFIED}"),
            name: name.to_owned(),
            kind,
            certificates: vec![X509::from_der(&identity.der)?],
            standings: vec![Standing {
                since,
                status: "granted".to_owned(),
                same_kind: true,
                terms: Terms::default(),
            }],
        })
    };
    Ok(vec![
        service(ServiceKind::QualifiedCertificates, "Accordo DEMO Issuing CA", &authority.issuing)?,
        service(
            ServiceKind::QualifiedTimeStamps,
            "Accordo DEMO Time Stamping Unit",
            &authority.time_stamping,
        )?,
    ])
}

pub(super) fn routes() -> Router<DemoQtsp> {
    let lists = |State(qtsp): State<DemoQtsp>, asked: HeaderMap| async move {
        give(&qtsp, &asked, |signed| signed.of_lists)
    };
    let national = |State(qtsp): State<DemoQtsp>, asked: HeaderMap| async move {
        give(&qtsp, &asked, |signed| signed.national)
    };
    Router::new()
        .route(&format!("/{OF_LISTS}"), get(lists))
        .route(&format!("/{NATIONAL}"), get(national))
}

fn give(qtsp: &DemoQtsp, asked: &HeaderMap, which: impl FnOnce(Signed) -> String) -> Response {
    let inner = &qtsp.inner;
    let list = match inner.lists.current(&inner.authority, &inner.base, qtsp.now()) {
        Ok(signed) => which(signed),
        Err(error) => return failure(&error),
    };
    let tag = format!("\"{}\"", Digest::of(list.as_bytes()));
    if asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let headers = [(header::CONTENT_TYPE, MEDIA_TYPE.to_owned()), (header::ETAG, tag)];
    (headers, list).into_response()
}
