//! A list as XML, as its operator writes it before signing: for demonstrations and tests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use openssl::x509::X509;
use signing::verify::{ListedService, ServiceKind};

use crate::list::{
    ADDITIONAL, LIST_OF_LISTS, MEDIA_TYPE, NATIONAL_LIST, Pointer, SERVICE, STATUS, TSL, TrustList,
};

/// What stands on a list for people.
#[derive(Clone, Debug)]
pub struct About {
    /// Where one reads more.
    pub address: String,
    /// What the list is worth.
    pub notice: String,
}

/// The list, not yet signed. Services of one provider should follow each other.
pub fn write(list: &TrustList, about: &About) -> String {
    let (kind, scheme) = if list.of_lists {
        (LIST_OF_LISTS, "EUlistofthelists")
    } else {
        (NATIONAL_LIST, "EUcommon")
    };
    let edition = &list.edition;
    let (operator, address, notice) =
        (named(&list.operator), escape(&about.address), escape(&about.notice));
    let next = edition.next_update.map(|due| format!("<dateTime>{}</dateTime>", time(due)));
    let pointers: String = list.pointers.iter().map(|one| pointer(one, &operator)).collect();
    let pointers = match pointers.as_str() {
        "" => pointers,
        all => format!("<PointersToOtherTSL>{all}</PointersToOtherTSL>"),
    };
    let pivot = |one: &String| format!("<URI xml:lang=\"en\">{}</URI>", escape(one));
    let pivots: String = list.pivots.iter().rev().map(pivot).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <TrustServiceStatusList xmlns=\"{TSL}\" Id=\"list\" TSLTag=\"http://uri.etsi.org/19612/TSLTag\">\
         <SchemeInformation><TSLVersionIdentifier>6</TSLVersionIdentifier>\
         <TSLSequenceNumber>{}</TSLSequenceNumber><TSLType>{kind}</TSLType>\
         <SchemeOperatorName>{operator}</SchemeOperatorName>\
         <SchemeOperatorAddress>{}</SchemeOperatorAddress>\
         <SchemeName>{operator}</SchemeName>\
         <SchemeInformationURI>{pivots}<URI xml:lang=\"en\">{address}</URI></SchemeInformationURI>\
         <StatusDeterminationApproach>http://uri.etsi.org/TrstSvc/TrustedList/StatusDetn/EUappropriate\
         </StatusDeterminationApproach><SchemeTypeCommunityRules><URI xml:lang=\"en\">\
         http://uri.etsi.org/TrstSvc/TrustedList/schemerules/{scheme}</URI></SchemeTypeCommunityRules>\
         <SchemeTerritory>{}</SchemeTerritory>\
         <PolicyOrLegalNotice><TSLLegalNotice xml:lang=\"en\">{notice}</TSLLegalNotice></PolicyOrLegalNotice>\
         <HistoricalInformationPeriod>65535</HistoricalInformationPeriod>{pointers}\
         <ListIssueDateTime>{}</ListIssueDateTime><NextUpdate>{}</NextUpdate></SchemeInformation>\
         {}</TrustServiceStatusList>",
        edition.sequence,
        place(&address),
        escape(&edition.territory),
        time(edition.issued),
        next.unwrap_or_default(),
        providers(&list.services, &address),
    )
}

fn providers(services: &[ListedService], address: &str) -> String {
    let mut text = String::new();
    for services in services.chunk_by(|one, other| one.provider == other.provider) {
        let provider = services.first().map(|service| named(&service.provider)).unwrap_or_default();
        text += &format!(
            "<TrustServiceProvider><TSPInformation><TSPName>{provider}</TSPName>\
             <TSPTradeName>{provider}</TSPTradeName><TSPAddress>{}</TSPAddress>\
             <TSPInformationURI><URI xml:lang=\"en\">{address}</URI></TSPInformationURI></TSPInformation>\
             <TSPServices>",
            place(address)
        );
        text.extend(services.iter().map(service));
        text += "</TSPServices></TrustServiceProvider>";
    }
    if text.is_empty() {
        return text;
    }
    format!("<TrustServiceProviderList>{text}</TrustServiceProviderList>")
}

fn service(service: &ListedService) -> String {
    let mut standings: Vec<_> = service.standings.iter().collect();
    standings.sort_by_key(|standing| std::cmp::Reverse(standing.since));
    let identity: String = service.certificates.iter().map(certificate).collect();
    let mut instances = standings.iter().map(|standing| {
        let kind = if standing.same_kind { suffix(service.kind) } else { "unspecified" };
        let status = match standing.status.as_str() {
            whole if whole.contains(':') => whole.to_owned(),
            word => format!("{}{word}", STATUS[0]),
        };
        format!(
            "<ServiceTypeIdentifier>{SERVICE}{kind}</ServiceTypeIdentifier>\
             <ServiceName>{}</ServiceName>\
             <ServiceDigitalIdentity>{identity}</ServiceDigitalIdentity>\
             <ServiceStatus>{}</ServiceStatus><StatusStartingTime>{}</StatusStartingTime>",
            named(&service.name),
            escape(&status),
            time(standing.since),
        )
    });
    let current = instances.next().unwrap_or_default();
    let history: String = instances
        .map(|one| format!("<ServiceHistoryInstance>{one}</ServiceHistoryInstance>"))
        .collect();
    let history = match history.as_str() {
        "" => history,
        all => format!("<ServiceHistory>{all}</ServiceHistory>"),
    };
    format!("<TSPService><ServiceInformation>{current}</ServiceInformation>{history}</TSPService>")
}

fn pointer(pointer: &Pointer, operator: &str) -> String {
    let kind = if pointer.of_lists { LIST_OF_LISTS } else { NATIONAL_LIST };
    let rules = if pointer.of_lists { "EUlistofthelists" } else { "EUcommon" };
    let signers: String = pointer
        .signers
        .iter()
        .map(|one| format!("<ServiceDigitalIdentity>{}</ServiceDigitalIdentity>", certificate(one)))
        .collect();
    let about = [
        format!("<TSLType>{kind}</TSLType>"),
        format!("<SchemeOperatorName>{operator}</SchemeOperatorName>"),
        format!(
            "<SchemeTypeCommunityRules><URI xml:lang=\"en\">\
             http://uri.etsi.org/TrstSvc/TrustedList/schemerules/{rules}</URI></SchemeTypeCommunityRules>"
        ),
        format!("<SchemeTerritory>{}</SchemeTerritory>", escape(&pointer.territory)),
        format!("<a:MimeType xmlns:a=\"{ADDITIONAL}\">{MEDIA_TYPE}</a:MimeType>"),
    ];
    let about: String =
        about.iter().map(|one| format!("<OtherInformation>{one}</OtherInformation>")).collect();
    format!(
        "<OtherTSLPointer><ServiceDigitalIdentities>{signers}</ServiceDigitalIdentities>\
         <TSLLocation>{}</TSLLocation>\
         <AdditionalInformation>{about}</AdditionalInformation></OtherTSLPointer>",
        escape(&pointer.location),
    )
}

fn suffix(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::QualifiedCertificates => "CA/QC",
        ServiceKind::QualifiedTimeStamps => "TSA/QTST",
        ServiceKind::QualifiedStatus => "Certstatus/OCSP/QC",
    }
}

fn certificate(certificate: &X509) -> String {
    let der = certificate.to_der().unwrap_or_default();
    let text = STANDARD.encode(der);
    format!("<DigitalId><X509Certificate>{text}</X509Certificate></DigitalId>")
}

fn named(name: &str) -> String {
    format!("<Name xml:lang=\"en\">{}</Name>", escape(name))
}

fn place(address: &str) -> String {
    format!(
        "<PostalAddresses><PostalAddress xml:lang=\"en\"><StreetAddress>–</StreetAddress>\
         <Locality>–</Locality><CountryName>IT</CountryName></PostalAddress></PostalAddresses>\
         <ElectronicAddress><URI xml:lang=\"en\">{address}</URI></ElectronicAddress>"
    )
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
