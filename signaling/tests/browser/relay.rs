//! The relay of the rooms, with a certificate that is made for the test.

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};
use signaling::SystemClock;
use signaling::media::Media;
use signaling::turn::{Listen, Relay, Secret, Turn, TurnConfig};
use std::sync::Arc;

/// Over UDP, TCP and TLS, on ports of the system's choice.
pub async fn start(media: &Media) -> (Turn, Relay) {
    let local = "127.0.0.1:0".parse().unwrap();
    let secret = Secret::new("the secret of this test").unwrap();
    let config = TurnConfig {
        realm: "accordo".into(),
        secret: secret.clone(),
        media: media.addresses(),
        listen: vec![Listen::Udp(local), Listen::Tcp(local), Listen::Tls(local, acceptor())],
        allocations: 64,
    };
    let turn = Turn::start(config, Arc::new(SystemClock)).await.unwrap();
    let relay = Relay { urls: turn.urls("127.0.0.1"), secret };
    (turn, relay)
}

fn acceptor() -> SslAcceptor {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, "relay of a test").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    let context = certificate.x509v3_context(None, None);
    let names = SubjectAlternativeName::new().ip("127.0.0.1").build(&context).unwrap();
    certificate.append_extension(names).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_certificate(&certificate.build()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.build()
}
