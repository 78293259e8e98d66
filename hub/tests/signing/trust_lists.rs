//! The demo's trusted lists, followed by a portal that knows no other anchor.

use std::sync::Arc;

use accordo_demo::NOT_QUALIFIED;
use hub::signatures::{ports, status_source};
use portal::trust_lists::{Followed, round};
use portal_testing::{Browser, databases, portal_on};
use signing::preservation::Renewal;
use signing::verify::TrustAnchors;
use signing_trust_lists::Signers;

use crate::parties::Silent;
use crate::reader::{TEXT, went_on};
use crate::stage::Stage;

#[tokio::test]
async fn r_sign_31_a_signature_is_recognised_by_the_list_that_names_its_provider() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let folder = databases.folder().join(name);
    let stage = Stage::set(db, &folder).await;
    stage.browser("conciliatore").await.freeze(TEXT).await;
    let mut client = stage.browser("cliente").await;
    client.get_ready().await;
    went_on(&client.sign(&stage, &stage.client).await);
    let (pdf, ..) = stage.document().await;

    let (csc, tsa) = (stage.qtsp.csc_config(), stage.qtsp.tsa_config());
    let preservation = (status_source(true).unwrap(), Renewal::default());
    let none = TrustAnchors::none();
    let mut signing = ports(csc, &tsa, none, None, Arc::new(Silent), preservation).unwrap();
    signing.lists = Some(Followed {
        location: stage.qtsp.list_of_lists(),
        signers: Signers::from_pem(stage.qtsp.list_signer_pem().as_bytes()).unwrap(),
        territories: vec![stage.qtsp.list_territory().to_owned()],
        source: Arc::new(status_source(true).unwrap()),
    });
    let portal = portal_on(db, &folder, Arc::new(stage.world.clock.clone()), signing);
    let router = portal::web::router(portal.clone());
    let mut browser = Browser::signed_in(router, &stage.world, "seg.luce").await;

    let before = browser.upload("/verifica-firma", &[], ("verbale.pdf", &pdf)).await;
    assert!(before.text().contains("NO_CERTIFICATE_CHAIN_FOUND"), "{}", before.text());
    round(&portal).await.unwrap();
    let page = browser.get("/verifica-firma").await;
    assert!(
        page.text().contains("Prestatori riconosciuti: elenco di fiducia ZZ"),
        "{}",
        page.text()
    );
    let page = browser.upload("/verifica-firma", &[], ("verbale.pdf", &pdf)).await;
    let text = page.text();
    for told in [
        "Tutte le firme sono valide",
        "Riconosciuto da",
        "Accordo DEMO Issuing CA",
        "Accordo DEMO Time Stamping Unit",
        "granted dal",
        "elenco di fiducia ZZ n. ",
        NOT_QUALIFIED,
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    databases.end().await;
}
