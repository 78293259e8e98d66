//! Following trusted lists, on both databases: what is taken, what is kept, who is told.
#![expect(clippy::unwrap_used, reason = "what helpers of tests unwrap fails the test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use portal::accounts::Role;
use portal::bodies::BodyId;
use portal::db::Db;
use portal::notifications;
use portal::trust_lists::{Followed, round};
use portal_testing::{TestClock, databases, nobody, world_with};
use signing::ports::{ListSource, NewerList, StatusError};
use signing::verify::{Edition, ListedService, ServiceKind, Standing};
use signing_trust_lists::{About, Algorithm, Pointer, Sha, Signers, TrustList, sign, write};

const LOTL: &str = "https://lists.example/lotl.xml";
const ITALY: &str = "https://lists.example/it.xml";

struct Operator {
    key: PKey<Private>,
    certificate: X509,
}

fn operator(name: &str) -> Operator {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = Asn1Integer::from_bn(&BigNum::from_u32(1).unwrap()).unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(2_500_000_000).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    Operator { key, certificate: builder.build() }
}

impl Operator {
    fn publish(&self, list: &TrustList) -> Vec<u8> {
        let about = About { address: "https://lists.example/".into(), notice: "Test".into() };
        let at = list.edition.issued;
        let algorithm = Algorithm::Ecdsa(Sha::Sha256);
        sign(&write(list, &about), &self.key, &self.certificate, algorithm, at)
            .unwrap()
            .into_bytes()
    }
}

fn day(text: &str) -> DateTime<Utc> {
    format!("{text}T00:00:00Z").parse().unwrap()
}

fn list(territory: &str, sequence: u64, until: &str) -> TrustList {
    let edition = Edition {
        territory: territory.to_owned(),
        sequence,
        issued: day("2026-11-01"),
        next_update: Some(day(until)),
    };
    TrustList {
        edition: Arc::new(edition),
        operator: "Ente".to_owned(),
        of_lists: false,
        pivots: Vec::new(),
        pointers: Vec::new(),
        services: Vec::new(),
    }
}

fn of_lists(sequence: u64, national: &Operator) -> TrustList {
    let pointer = Pointer {
        territory: "IT".to_owned(),
        location: ITALY.to_owned(),
        of_lists: false,
        signers: vec![national.certificate.clone()],
    };
    TrustList { of_lists: true, pointers: vec![pointer], ..list("EU", sequence, "2027-06-01") }
}

fn national(sequence: u64, until: &str, authority: &Operator) -> TrustList {
    let mut list = list("IT", sequence, until);
    list.services = vec![ListedService {
        edition: Arc::clone(&list.edition),
        provider: "Prestatore".to_owned(),
        name: "Certificati".to_owned(),
        kind: ServiceKind::QualifiedCertificates,
        certificates: vec![authority.certificate.clone()],
        standings: vec![Standing {
            since: day("2020-01-01"),
            status: "granted".to_owned(),
            same_kind: true,
            terms: signing::verify::Terms::default(),
        }],
    }];
    list
}

/// Servers that have what they were given; others do not answer.
#[derive(Default)]
struct Servers {
    files: Mutex<BTreeMap<&'static str, (Vec<u8>, String)>>,
    asked: Mutex<Vec<(String, Option<String>)>>,
}

impl Servers {
    fn put(&self, at: &'static str, file: Vec<u8>, tag: &str) {
        self.files.lock().unwrap().insert(at, (file, tag.to_owned()));
    }

    fn asked(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[async_trait]
impl ListSource for Servers {
    async fn newer(
        &self,
        location: &str,
        tag: Option<&str>,
    ) -> Result<Option<NewerList>, StatusError> {
        self.asked.lock().unwrap().push((location.to_owned(), tag.map(ToOwned::to_owned)));
        let files = self.files.lock().unwrap();
        let found = files.get(location);
        let (bytes, own) = found.ok_or_else(|| StatusError::Unreachable("no network".into()))?;
        let newer = NewerList { bytes: bytes.clone(), tag: Some(own.clone()) };
        Ok((tag != Some(own)).then_some(newer))
    }
}

async fn letters(db: &Db, body: BodyId) -> Vec<String> {
    let sent = notifications::newest(db, body, "", 50).await.unwrap();
    let sent = sent.into_iter().filter(|one| one.subject.contains("fiducia"));
    sent.map(|one| format!("{}: {}", one.recipient, one.text)).collect()
}

#[tokio::test]
async fn r_sign_31_the_newest_good_list_is_kept_and_failures_are_told() {
    let databases = databases().await;
    let (union, italy, ca) = (operator("EU"), operator("IT"), operator("CA"));
    for (name, db) in &databases.all {
        let servers = Arc::new(Servers::default());
        let clock = TestClock::at("2026-12-01T09:00:00Z");
        let mut ports = nobody();
        ports.lists = Some(Followed {
            location: LOTL.to_owned(),
            signers: Signers::from(vec![union.certificate.clone()]),
            territories: vec!["IT".to_owned(), "FR".to_owned()],
            source: Arc::clone(&servers) as Arc<_>,
        });
        let world = world_with(db, &databases.folder().join(name), clock, ports).await;
        let (portal, body) = (&world.portal, world.body.id);
        world.user("amministratore", Role::Administrator, None).await;
        world.user("segreteria", Role::ServiceSecretariat, None).await;
        let editions = || {
            let editions = portal.signing.trust.editions();
            editions.iter().map(|one| (one.territory.clone(), one.sequence)).collect::<Vec<_>>()
        };
        let it = |sequence| vec![("IT".to_owned(), sequence)];

        // No network yet.
        round(portal).await.unwrap();
        assert_eq!(editions(), [], "{name}");
        assert!(portal.signing.trust.anchors().is_empty(), "{name}");
        assert_eq!(servers.asked().len(), 1, "{name}: who signs the national list is not known");

        servers.put(LOTL, union.publish(&of_lists(300, &italy)), "\"a\"");
        servers.put(ITALY, italy.publish(&national(57, "2027-01-10", &ca)), "\"b\"");
        world.clock.advance(TimeDelta::hours(1));
        round(portal).await.unwrap();
        assert_eq!(editions(), it(57), "{name}");
        assert!(!portal.signing.trust.anchors().is_empty(), "{name}");
        servers.asked();
        round(portal).await.unwrap();
        assert_eq!(servers.asked(), [], "{name}: nothing is due");

        // Nothing newer, then a newer one.
        world.clock.advance(TimeDelta::hours(7));
        round(portal).await.unwrap();
        let asked = [
            (LOTL.to_owned(), Some("\"a\"".to_owned())),
            (ITALY.to_owned(), Some("\"b\"".to_owned())),
        ];
        assert_eq!(servers.asked(), asked, "{name}");
        servers.put(ITALY, italy.publish(&national(58, "2027-01-10", &ca)), "\"c\"");
        world.clock.advance(TimeDelta::hours(7));
        round(portal).await.unwrap();
        assert_eq!(editions(), it(58), "{name}");

        // An older edition, another's list, a stranger's, garbage: what is there stays.
        let stranger = operator("IT");
        let mut french = list("FR", 90, "2027-06-01");
        french.services = national(90, "2027-06-01", &stranger).services;
        let bad = [
            italy.publish(&national(57, "2027-01-10", &ca)),
            italy.publish(&french),
            union.publish(&of_lists(301, &italy)),
            stranger.publish(&national(59, "2027-01-10", &stranger)),
            b"<TrustServiceStatusList/>".to_vec(),
        ];
        for (index, file) in bad.into_iter().enumerate() {
            servers.put(ITALY, file, &format!("\"bad {index}\""));
            world.clock.advance(TimeDelta::hours(7));
            round(portal).await.unwrap();
            assert_eq!(editions(), it(58), "{name} {index}");
        }
        assert_eq!(letters(db, body).await.len(), 0, "{name}: it may pass");
        world.clock.advance(TimeDelta::days(2));
        for _ in 0..3 {
            round(portal).await.unwrap();
            world.clock.advance(TimeDelta::hours(1));
        }
        let told = letters(db, body).await;
        assert_eq!(told.len(), 1, "{name}: {told:?}");
        assert!(told[0].contains("elenco di fiducia IT") && told[0].contains("n. 58"), "{told:?}");

        // A hub that starts without a network has what was kept, and checks it again.
        servers.files.lock().unwrap().clear();
        let mut ports = nobody();
        ports.lists.clone_from(&portal.signing.lists);
        let again = portal_testing::portal_on(
            db,
            &databases.folder().join(name),
            Arc::new(world.clock.clone()),
            ports,
        );
        round(&again).await.unwrap();
        assert_eq!(again.signing.trust.editions().len(), 1, "{name}");
        let mut ports = nobody();
        let followed = portal.signing.lists.clone().unwrap();
        let signers = Signers::from(vec![stranger.certificate.clone()]);
        ports.lists = Some(Followed { signers, ..followed });
        let other = portal_testing::portal_on(
            db,
            &databases.folder().join(name),
            Arc::new(world.clock.clone()),
            ports,
        );
        round(&other).await.unwrap();
        assert_eq!(other.signing.trust.editions().len(), 0, "{name}: signed by a stranger to it");

        // Well again; then overdue: still used, and told.
        servers.put(LOTL, union.publish(&of_lists(302, &italy)), "\"d\"");
        servers.put(ITALY, italy.publish(&national(59, "2027-01-10", &ca)), "\"good\"");
        world.clock.advance(TimeDelta::hours(7));
        round(portal).await.unwrap();
        assert_eq!(editions(), it(59), "{name}");
        servers.put(ITALY, italy.publish(&national(60, "2026-12-08", &ca)), "\"e\"");
        world.clock.advance(TimeDelta::days(30));
        round(portal).await.unwrap();
        assert_eq!(editions(), it(60), "{name}");
        assert!(portal.signing.trust.editions()[0].is_expired(portal.now()), "{name}");
        world.clock.advance(TimeDelta::days(3));
        round(portal).await.unwrap();
        assert_eq!(letters(db, body).await.len(), 2, "{name}");
    }
    databases.end().await;
}

/// A list of lists that names its next signers and the pivots before it.
fn passed_on(sequence: u64, national: &Operator, next: &Operator, pivots: &[&str]) -> TrustList {
    let mut list = of_lists(sequence, national);
    list.pivots = pivots.iter().map(|one| (*one).to_owned()).collect();
    list.pointers.push(Pointer {
        territory: "EU".to_owned(),
        location: LOTL.to_owned(),
        of_lists: true,
        signers: vec![next.certificate.clone()],
    });
    list
}

#[tokio::test]
async fn r_sign_31_new_signers_of_the_list_of_lists_are_taken_from_the_former_ones_alone() {
    const ONE: &str = "https://lists.example/pivot-310.xml";
    const TWO: &str = "https://lists.example/pivot-320.xml";
    let databases = databases().await;
    let [first, second, third, italy, ca] = ["EU 1", "EU 2", "EU 3", "IT", "CA"].map(operator);
    for (name, db) in &databases.all {
        let servers = Arc::new(Servers::default());
        let clock = TestClock::at("2026-12-01T09:00:00Z");
        let mut ports = nobody();
        ports.lists = Some(Followed {
            location: LOTL.to_owned(),
            signers: Signers::from(vec![first.certificate.clone()]),
            territories: vec!["IT".to_owned()],
            source: Arc::clone(&servers) as Arc<_>,
        });
        let world = world_with(db, &databases.folder().join(name), clock, ports).await;
        let portal = &world.portal;
        servers.put(ITALY, italy.publish(&national(57, "2027-01-10", &ca)), "\"it\"");
        let next = async |tag: &str, file: Vec<u8>| {
            servers.put(LOTL, file, tag);
            world.clock.advance(TimeDelta::hours(7));
            round(portal).await.unwrap();
            let rows: Vec<(String, i64)> = portal::on_db!(read db, |c| sqlx::query_as(
                "SELECT name, sequence FROM trust_lists ORDER BY name"
            )
            .fetch_all(c)
            .await)
            .unwrap();
            let lotl = rows.iter().find(|(name, _)| name == "LOTL").map_or(0, |(_, n)| *n);
            let pivots = rows.iter().filter(|(name, _)| name.starts_with("PIVOT-")).count();
            (lotl, pivots, portal.signing.trust.editions().len())
        };
        assert_eq!(next("a", first.publish(&of_lists(300, &italy))).await, (300, 0, 1), "{name}");
        // The pivot that the new edition names is not to be had: what is there stays.
        let newer = || second.publish(&passed_on(311, &italy, &second, &[ONE]));
        assert_eq!(next("b", newer()).await, (300, 0, 1), "{name}");
        // One that the new signers made themselves changes nothing.
        servers.put(ONE, second.publish(&passed_on(310, &italy, &second, &[])), "p");
        assert_eq!(next("c", newer()).await, (300, 0, 1), "{name}");
        servers.put(ONE, first.publish(&passed_on(310, &italy, &second, &[])), "p");
        assert_eq!(next("d", newer()).await, (311, 1, 1), "{name}");
        // Who signed before signs no more.
        assert_eq!(next("e", first.publish(&of_lists(312, &italy))).await, (311, 1, 1), "{name}");
        // Two steps at once, and a start without a network.
        servers.put(TWO, second.publish(&passed_on(320, &italy, &third, &[ONE])), "q");
        let newest = third.publish(&passed_on(321, &italy, &third, &[ONE, TWO]));
        assert_eq!(next("f", newest).await, (321, 2, 1), "{name}");
        servers.files.lock().unwrap().clear();
        let mut ports = nobody();
        ports.lists.clone_from(&portal.signing.lists);
        let folder = databases.folder().join(name);
        let clock = Arc::new(world.clock.clone());
        let again = portal_testing::portal_on(db, &folder, clock, ports);
        round(&again).await.unwrap();
        assert_eq!(again.signing.trust.editions().len(), 1, "{name}");
    }
    databases.end().await;
}
