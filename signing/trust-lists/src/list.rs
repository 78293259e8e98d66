//! What a list says (ETSI TS 119 612 v2: versions 5 and 6 of the format).

use std::sync::Arc;

use openssl::x509::X509;
use roxmltree::Node;
use signing::verify::{Edition, ListedService, ServiceKind, Standing, TrustAnchors};

use crate::{
    ListError, MAX_PIVOTS, seal, terms,
    tree::{self, Within as _},
};

pub(crate) const TSL: &str = "http://uri.etsi.org/02231/v2#";
pub(crate) const ADDITIONAL: &str = "http://uri.etsi.org/02231/v2/additionaltypes#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const VERSIONS: [&str; 2] = ["5", "6"];
pub(crate) const LIST_OF_LISTS: &str =
    "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUlistofthelists";
pub(crate) const NATIONAL_LIST: &str = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric";
/// Media type of a list.
pub const MEDIA_TYPE: &str = "application/vnd.etsi.tsl+xml";
pub(crate) const SERVICE: &str = "http://uri.etsi.org/TrstSvc/Svctype/";
/// Of today, and of before Regulation (EU) 910/2014.
pub(crate) const STATUS: [&str; 2] = [
    "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/",
    "http://uri.etsi.org/TrstSvc/Svcstatus/eSigDir-1999-93-EC-TrustedList/",
];

/// A list whose signature holds.
#[derive(Clone, Debug)]
pub struct TrustList {
    /// Which edition of whose list.
    pub edition: Arc<Edition>,
    /// Who keeps it.
    pub operator: String,
    /// Whether it is a list of lists: it names others, and no services.
    pub of_lists: bool,
    /// Of a list of lists: where the editions are that named other signers, the oldest first.
    pub pivots: Vec<String>,
    /// The machine-readable lists that it names.
    pub pointers: Vec<Pointer>,
    /// The services that bear on signatures.
    pub services: Vec<ListedService>,
}

/// Where another list is, and who may sign it.
#[derive(Clone, Debug)]
pub struct Pointer {
    /// Whose list it is.
    pub territory: String,
    /// Its address.
    pub location: String,
    /// Whether it is a list of lists.
    pub of_lists: bool,
    /// The certificates of those who may sign it.
    pub signers: Vec<X509>,
}

impl TrustList {
    /// Reads a list that one of `signers` signed.
    ///
    /// # Errors
    /// [`ListError`] for whatever is not as required.
    pub fn read(file: &[u8], signers: &[X509]) -> Result<Self, ListError> {
        Self::of_octets(&seal::open(file, signers)?)
    }

    /// What the bytes say that a signature covers.
    pub(crate) fn of_octets(octets: &[u8]) -> Result<Self, ListError> {
        let document = tree::parse(octets)?;
        let root = document.root_element();
        if !root.has_tag_name((TSL, "TrustServiceStatusList")) {
            return Err(ListError::Shape("its document element"));
        }
        let scheme = root.only(TSL, "SchemeInformation")?;
        if !VERSIONS.contains(&scheme.only(TSL, "TSLVersionIdentifier")?.says().as_str()) {
            return Err(ListError::Shape("its version"));
        }
        let of_lists = match scheme.only(TSL, "TSLType")?.says().as_str() {
            LIST_OF_LISTS => true,
            NATIONAL_LIST => false,
            _ => return Err(ListError::Shape("its type")),
        };
        let sequence = scheme.only(TSL, "TSLSequenceNumber")?.says();
        let due = scheme.only(TSL, "NextUpdate")?.first(TSL, "dateTime");
        let edition = Arc::new(Edition {
            territory: territory(scheme.only(TSL, "SchemeTerritory")?)?,
            sequence: number(&sequence)?,
            issued: scheme.only(TSL, "ListIssueDateTime")?.moment()?,
            next_update: due.map(|due| due.moment()).transpose()?,
        });
        let pointers = scheme.first(TSL, "PointersToOtherTSL").into_iter();
        let pointers = pointers.flat_map(|all| all.all(TSL, "OtherTSLPointer")).filter_map(pointer);
        let services = if of_lists { Vec::new() } else { services(root, &edition)? };
        Ok(Self {
            operator: name(scheme, "SchemeOperatorName"),
            of_lists,
            pivots: if of_lists { pivots(root) } else { Vec::new() },
            pointers: pointers.collect(),
            services,
            edition,
        })
    }

    /// Whether it is the list of `territory` (the list of lists without one), and no edition from before
    /// the one numbered `seen`.
    ///
    /// # Errors
    /// [`ListError::Other`] and [`ListError::Older`].
    pub fn must_be(&self, territory: Option<&str>, seen: u64) -> Result<(), ListError> {
        let Edition { territory: own, sequence, .. } = &*self.edition;
        if self.of_lists != territory.is_none() || territory.is_some_and(|wanted| wanted != own) {
            return Err(ListError::Other { territory: own.clone() });
        }
        if *sequence < seen {
            return Err(ListError::Older { offered: *sequence, seen });
        }
        Ok(())
    }

    /// Its services as trust anchors.
    pub fn anchors(&self) -> TrustAnchors {
        TrustAnchors::from_lists(self.services.clone())
    }

    /// The pointers to the national list of `territory`.
    pub fn pointers_to(&self, territory: &str) -> impl Iterator<Item = &Pointer> {
        self.pointers.iter().filter(move |one| !one.of_lists && one.territory == territory)
    }
}

/// The addresses of lists among those where more is to be read, the oldest first.
pub(crate) fn pivots(root: Node<'_, '_>) -> Vec<String> {
    let scheme = root.first(TSL, "SchemeInformation").into_iter();
    let addresses = scheme.filter_map(|scheme| scheme.first(TSL, "SchemeInformationURI"));
    let addresses = addresses.flat_map(|all| all.all(TSL, "URI")).map(|one| one.says());
    let mut pivots: Vec<_> =
        addresses.filter(|one| one.ends_with(".xml")).take(MAX_PIVOTS).collect();
    pivots.reverse();
    pivots
}

/// A number that databases can keep.
fn number(text: &str) -> Result<u64, ListError> {
    let number = text.parse::<i64>().ok().filter(|number| *number > 0);
    number.map(i64::cast_unsigned).ok_or(ListError::Shape("TSLSequenceNumber"))
}

fn territory(node: Node<'_, '_>) -> Result<String, ListError> {
    let code = node.says();
    let letters = code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
    if letters { Ok(code) } else { Err(ListError::Shape("SchemeTerritory")) }
}

/// The name in Italian, else in English, else the first.
fn name(parent: Node<'_, '_>, what: &str) -> String {
    let names: Vec<_> =
        parent.first(TSL, what).into_iter().flat_map(|names| names.all(TSL, "Name")).collect();
    let spoken = |language: &str| {
        names.iter().find(|name| name.attribute((XML, "lang")) == Some(language)).copied()
    };
    let chosen = spoken("it").or_else(|| spoken("en")).or(names.first().copied());
    chosen.map(|name| name.says()).unwrap_or_default()
}

/// A pointer to a list for machines; others are left out.
fn pointer(node: Node<'_, '_>) -> Option<Pointer> {
    let more = node.first(TSL, "AdditionalInformation")?;
    let about = |namespace: &'static str, what: &'static str| {
        more.all(TSL, "OtherInformation").find_map(move |one| one.first(namespace, what))
    };
    if about(ADDITIONAL, "MimeType")?.says() != MEDIA_TYPE {
        return None;
    }
    let of_lists = match about(TSL, "TSLType")?.says().as_str() {
        LIST_OF_LISTS => true,
        NATIONAL_LIST => false,
        _ => return None,
    };
    let signers = node.first(TSL, "ServiceDigitalIdentities")?;
    let signers = signers.all(TSL, "ServiceDigitalIdentity").flat_map(certificates);
    Some(Pointer {
        territory: territory(about(TSL, "SchemeTerritory")?).ok()?,
        location: node.only(TSL, "TSLLocation").ok()?.says(),
        of_lists,
        signers: signers.collect(),
    })
}

fn certificates(identity: Node<'_, '_>) -> Vec<X509> {
    let ids = identity.all(TSL, "DigitalId");
    ids.flat_map(|id| id.all(TSL, "X509Certificate")).filter_map(tree::certificate).collect()
}

fn services(root: Node<'_, '_>, edition: &Arc<Edition>) -> Result<Vec<ListedService>, ListError> {
    let Some(providers) = root.first(TSL, "TrustServiceProviderList") else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for provider in providers.all(TSL, "TrustServiceProvider") {
        let provider_name = name(provider.only(TSL, "TSPInformation")?, "TSPName");
        for service in provider.only(TSL, "TSPServices")?.all(TSL, "TSPService") {
            let information = service.only(TSL, "ServiceInformation")?;
            let Some(kind) = kind(information)? else { continue };
            let history = service.first(TSL, "ServiceHistory").into_iter();
            let history = history.flat_map(|all| all.all(TSL, "ServiceHistoryInstance"));
            let standings = std::iter::once(information).chain(history);
            found.push(ListedService {
                edition: Arc::clone(edition),
                provider: provider_name.clone(),
                name: name(information, "ServiceName"),
                kind,
                certificates: certificates(information.only(TSL, "ServiceDigitalIdentity")?),
                standings: standings.map(|one| standing(one, kind)).collect::<Result<_, _>>()?,
            });
        }
    }
    Ok(found)
}

/// What the service does; `None` when it is nothing that signatures need.
fn kind(information: Node<'_, '_>) -> Result<Option<ServiceKind>, ListError> {
    let kind = information.only(TSL, "ServiceTypeIdentifier")?.says();
    Ok(match kind.strip_prefix(SERVICE) {
        Some("CA/QC") => Some(ServiceKind::QualifiedCertificates),
        Some("TSA/QTST") => Some(ServiceKind::QualifiedTimeStamps),
        Some("Certstatus/OCSP/QC") => Some(ServiceKind::QualifiedStatus),
        _ => None,
    })
}

fn standing(one: Node<'_, '_>, now: ServiceKind) -> Result<Standing, ListError> {
    let status = one.only(TSL, "ServiceStatus")?.says();
    let word = STATUS.iter().find_map(|before| status.strip_prefix(before));
    // One that is not known is told whole, and is never taken for a good one.
    let word = word.or(status.contains(':').then_some(&status));
    Ok(Standing {
        since: one.only(TSL, "StatusStartingTime")?.moment()?,
        status: word.ok_or(ListError::Shape("ServiceStatus"))?.to_owned(),
        same_kind: kind(one)? == Some(now),
        terms: terms::read(one),
    })
}
