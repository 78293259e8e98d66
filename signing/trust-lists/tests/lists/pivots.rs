//! When the signers of the list of lists change: each edition that names others is signed by those
//! before them.

use std::sync::Arc;

use signing_trust_lists::{ListError, Pointer, Signers, TrustList, pivots_named_in};

use crate::sample::{Operator, national, of_lists, text};

/// A list of lists with this number, that names these as its next signers.
fn edition(sequence: u64, next: &[&Operator]) -> TrustList {
    let mut list = of_lists(&Operator::new("IT"));
    Arc::make_mut(&mut list.edition).sequence = sequence;
    list.pointers.push(Pointer {
        territory: "EU".to_owned(),
        location: "https://lists.example/lotl.xml".to_owned(),
        of_lists: true,
        signers: next.iter().map(|one| one.certificate.clone()).collect(),
    });
    list
}

fn told(operator: &Operator) -> Signers {
    Signers::from(vec![operator.certificate.clone()])
}

#[test]
fn r_sign_31_a_chain_of_pivots_leads_to_those_who_sign_today() {
    let [first, second, third, fourth] = ["A", "B", "C", "D"].map(Operator::new);
    let one = first.publish(&edition(282, &[&second, &third]));
    let two = third.publish(&edition(300, &[&fourth]));
    let (after, number) = TrustList::pivot(one.as_bytes(), &told(&first), 0).unwrap();
    assert_eq!((after.len(), number), (2, 282));
    let (last, number) = TrustList::pivot(two.as_bytes(), &after, number).unwrap();
    assert_eq!((last.len(), number), (1, 300));
    let newest = fourth.publish(&edition(341, &[&fourth]));
    TrustList::read(newest.as_bytes(), &last).unwrap();

    // Nobody skips a step, nobody signs any more who did before, and numbers go up.
    let refused = |file: &str, signers: &Signers, after| {
        TrustList::pivot(file.as_bytes(), signers, after).map(drop).unwrap_err()
    };
    assert!(matches!(refused(&two, &told(&first), 0), ListError::Signer));
    let late = first.publish(&edition(400, &[&first]));
    assert!(matches!(refused(&late, &last, 300), ListError::Signer));
    assert!(matches!(TrustList::read(late.as_bytes(), &last), Err(ListError::Signer)));
    let refused_again = refused(&one, &told(&first), 282);
    assert!(matches!(refused_again, ListError::Older { offered: 282, seen: 283 }));
    // A list of services, and one that names no signer of its own, are no pivots.
    let services = first.publish(&national(&[]));
    assert!(matches!(refused(&services, &told(&first), 0), ListError::Other { .. }));
    let nobody = first.publish(&of_lists(&second));
    assert!(matches!(refused(&nobody, &told(&first), 0), ListError::Shape(_)));
}

#[test]
fn a_list_names_its_pivots_the_newest_first_and_we_read_them_the_oldest_first() {
    let operator = Operator::new("A");
    let mut list = edition(341, &[&operator]);
    list.pivots = (0..30).map(|n| format!("https://lists.example/pivot-{n}.xml?a&b.xml")).collect();
    let file = operator.publish(&list);
    let read = operator.read(&file).unwrap();
    let newest: Vec<_> = list.pivots[6..].to_vec();
    assert_eq!(read.pivots, newest, "no more than anybody would follow");
    assert_eq!(pivots_named_in(file.as_bytes()), newest);
    // Whoever signed it.
    assert_eq!(pivots_named_in(text(&list).as_bytes()), newest);
    assert!(pivots_named_in(b"<a/>").is_empty() && pivots_named_in(b"\xff").is_empty());
    assert!(pivots_named_in(b"<!DOCTYPE a><a/>").is_empty());
}
