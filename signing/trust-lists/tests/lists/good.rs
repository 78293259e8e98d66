//! Lists as they should be.

use openssl::nid::Nid;
use signing::verify::ServiceKind;
use signing_trust_lists::{Algorithm, ListError, Sha};

use crate::sample::{Operator, day, ec, national, of_lists, rsa, text};

const GRANTED: &[(&str, &str)] = &[("2020-01-01", "granted")];

#[test]
fn what_is_written_and_signed_is_read() {
    let (operator, ca, tsa) = (Operator::new("List"), Operator::new("CA"), Operator::new("TSA"));
    let history = &[
        ("2025-05-01", "withdrawn"),
        ("2017-01-01", "granted"),
        ("2012-01-01", "undersupervision"),
    ];
    let list = national(&[
        (&ca, ServiceKind::QualifiedCertificates, history),
        (&tsa, ServiceKind::QualifiedTimeStamps, GRANTED),
    ]);
    let read = operator.read(&operator.publish(&list)).unwrap();
    assert_eq!(read.edition, list.edition);
    assert_eq!((read.operator.as_str(), read.of_lists), ("Ente di prova", false));
    assert_eq!(read.services.len(), 2);
    for (read, written) in read.services.iter().zip(&list.services) {
        assert_eq!((&read.provider, &read.name), (&written.provider, &written.name));
        assert_eq!((read.kind, &read.standings), (written.kind, &written.standings));
        assert!(read.certificates == written.certificates);
    }

    let lists = of_lists(&operator);
    let read = operator.read(&operator.publish(&lists)).unwrap();
    assert!(read.of_lists && read.services.is_empty());
    let pointer = read.pointers_to("IT").next().unwrap();
    assert_eq!(pointer.location, "https://lists.example/it.xml?a=1&b=2");
    assert!(pointer.signers == [operator.certificate.clone()]);
    assert_eq!(read.pointers_to("FR").count(), 0);
    assert_eq!(read.edition.issued, day("2026-01-11"));
}

#[test]
fn every_algorithm_in_use_is_understood_and_weak_keys_are_not() {
    let list = text(&national(&[]));
    let curves = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];
    let curves = curves.map(|curve| Operator::with("EC", ec(curve)));
    let strong = Operator::with("RSA", rsa(2048));
    for sha in Sha::ALL {
        for operator in &curves {
            operator.read(&operator.sign(&list, Algorithm::Ecdsa(sha))).unwrap();
        }
        for algorithm in [Algorithm::Rsa(sha), Algorithm::Pss(sha)] {
            strong.read(&strong.sign(&list, algorithm)).unwrap();
        }
    }
    let weak = Operator::with("weak", rsa(1024));
    let refused = weak.read(&weak.sign(&list, Algorithm::Rsa(Sha::Sha256)));
    assert!(matches!(refused, Err(ListError::Value)), "{refused:?}");
    let odd = Operator::with("odd", ec(Nid::SECP256K1));
    let refused = odd.sign(&list, Algorithm::Ecdsa(Sha::Sha256));
    assert!(matches!(odd.read(&refused), Err(ListError::Value)));
}
