//! What goes wrong in the middle of a signature: exactly one valid revision results.

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::signatures::{apply, attempts, settling, store, waiting};
use portal_testing::databases;

use crate::parties::Mood;
use crate::reader::{TEXT, went_on};
use crate::stage::Stage;

/// Somebody has a code in hand.
async fn with_code(stage: &Stage) -> (crate::reader::Reader, String) {
    stage.browser("conciliatore").await.freeze(TEXT).await;
    let mut client = stage.browser("cliente").await;
    client.get_ready().await;
    went_on(&client.send("firma/codice", &[]).await);
    let code = stage.code(&stage.client).await;
    (client, code)
}

#[tokio::test]
async fn r_sign_34_a_signature_without_time_stamp_is_kept_and_finished_later() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut client, code) = with_code(&stage).await;
        stage.mood(Mood::NoTime);
        let page = client.enter(&code).await;
        assert!(page.text().contains("la firma è al sicuro"), "{name} {}", page.text());
        assert_eq!(stage.document().await.2, 0, "{name}");
        // Again in vain; the person is told to wait, and asks in vain for another code.
        settling::resume_all(
            &stage.world.portal,
            Some(stage.world.portal.now() + TimeDelta::seconds(1)),
        )
        .await
        .unwrap();
        assert!(client.look().await.text().contains("manca la marca temporale"), "{name}");
        stage.mood(Mood::Good);
        // Not while the attempt may still be led by somebody else.
        settling::resume_all(&stage.world.portal, None).await.unwrap();
        assert_eq!(stage.document().await.2, 0, "{name}");
        stage.world.clock.advance(TimeDelta::seconds(31));
        settling::resume_all(&stage.world.portal, None).await.unwrap();
        let (_, report, signatures) = stage.document().await;
        assert!(report.accepted() && signatures == 1, "{name} {report:?}");
        assert!(waiting::interrupted(db).await.unwrap().is_empty(), "{name}");
        assert_eq!(client.next().await, "nothing", "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_34_a_trust_service_that_signed_and_timed_out_leaves_no_second_signature() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let (mut client, code) = with_code(&stage).await;
    stage.mood(Mood::AnswerLost);
    let page = client.enter(&code).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("Il servizio di firma non risponde"), "{}", page.text());
    assert_eq!(stage.document().await.2, 0);
    // The one-shot credential is spent: the next code comes with a new one.
    stage.mood(Mood::Good);
    if client.next().await == "code" {
        let page = client.enter(&code).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    went_on(&client.sign(&stage, &stage.client).await);
    let (_, report, signatures) = stage.document().await;
    assert!(report.accepted() && signatures == 1, "{report:?}");
    databases.end().await;
}

#[tokio::test]
async fn r_sign_34_a_stop_before_the_answer_is_taken_up_at_the_start() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let (mut client, code) = with_code(&stage).await;
    stage.mood(Mood::Hangs);
    let row = stage.process().await;
    let base = row.digest().unwrap();
    let who = store::Who { user: Some(stage.client.user), address: None };
    let (portal, hanging, entered) = (stage.world.portal.clone(), row.clone(), code.clone());
    let stopped =
        tokio::spawn(
            async move { apply::sign(&portal, &hanging, "client", base, &entered, who).await },
        );
    while attempts::running_attempts(db, row.id).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    stopped.abort();
    assert!(stopped.await.unwrap_err().is_cancelled());
    assert_eq!(client.next().await, "busy");
    stage.mood(Mood::Good);
    settling::resume_all(
        &stage.world.portal,
        Some(stage.world.portal.now() + TimeDelta::seconds(1)),
    )
    .await
    .unwrap();
    assert!(attempts::running_attempts(db, row.id).await.unwrap().is_empty());
    // The trust service may have signed: the credential is not used again.
    assert_eq!(client.next().await, "request");
    went_on(&client.sign(&stage, &stage.client).await);
    let (_, report, signatures) = stage.document().await;
    assert!(report.accepted() && signatures == 1, "{report:?}");
    databases.end().await;
}

#[tokio::test]
async fn r_sign_34_two_who_sign_at_once_both_sign_and_one_who_presses_twice_signs_once() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let (mut client, code) = with_code(&stage).await;
        let mut delegate = stage.browser("del.luce").await;
        delegate.get_ready().await;
        went_on(&delegate.send("firma/codice", &[]).await);
        let other_code = stage.code(&stage.delegate).await;
        let mut again = client.clone();
        let base = client.base().await;
        let form = [("base", base.as_str()), ("codice", code.as_str())];
        let other_form = [("base", base.as_str()), ("codice", other_code.as_str())];
        let (one, two, three) = tokio::join!(
            client.send("firma", &form),
            delegate.send("firma", &other_form),
            again.send("firma", &form)
        );
        assert_eq!(two.status, StatusCode::SEE_OTHER, "{name} {}", two.text());
        let ok = [&one, &three].iter().filter(|page| page.status == 303).count();
        assert!(ok >= 1, "{name} {} {}", one.text(), three.text());
        let (_, report, signatures) = stage.document().await;
        assert!(report.accepted() && signatures == 2, "{name} {report:?}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_34_a_signature_given_in_time_is_waited_for_beyond_the_term_and_by_the_others() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        stage.browser("conciliatore").await.freeze(TEXT).await;
        let term = stage.process().await.expires_at;
        stage.world.clock.set(&(term - TimeDelta::seconds(50)).to_rfc3339());
        let mut codes = Vec::new();
        let mut people = Vec::new();
        for (username, actor) in [("cliente", &stage.client), ("del.luce", &stage.delegate)] {
            let mut person = stage.browser(username).await;
            person.get_ready().await;
            went_on(&person.send("firma/codice", &[]).await);
            codes.push(stage.code(actor).await);
            people.push(person);
        }
        let [client, delegate] = &mut people[..] else { unreachable!("two people") };
        stage.mood(Mood::NoTime);
        client.enter(&codes[0]).await;

        // The other one cannot take the document away, also when the lease is over.
        stage.world.clock.advance(TimeDelta::seconds(31));
        let row = stage.process().await;
        let who = store::Who { user: Some(stage.delegate.user), address: None };
        let base = delegate.base().await.parse().unwrap();
        let portal = &stage.world.portal;
        apply::sign(portal, &row, "operator_delegate", base, &codes[1], who).await.unwrap_err();
        assert_eq!(attempts::running_attempts(db, row.id).await.unwrap().len(), 1, "{name}");

        stage.world.clock.set(&(term + TimeDelta::minutes(1)).to_rfc3339());
        settling::resume_all(portal, None).await.unwrap();
        assert!(stage.process().await.open, "{name}: the given signature waits for its stamp");
        stage.mood(Mood::Good);
        settling::resume_all(portal, None).await.unwrap();
        assert_eq!(stage.document().await.2, 1, "{name}");
        settling::resume_all(portal, None).await.unwrap();
        assert_eq!(stage.process().await.status, "expired", "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn r_sign_22_one_request_for_a_code_at_a_time() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        stage.browser("conciliatore").await.freeze(TEXT).await;
        let mut client = stage.browser("cliente").await;
        client.get_ready().await;
        let (mut two, mut three) = (client.clone(), client.clone());
        let answers = tokio::join!(
            client.send("firma/codice", &[]),
            two.send("firma/codice", &[]),
            three.send("firma/codice", &[])
        );
        let sent = [answers.0, answers.1, answers.2];
        let good = sent.iter().filter(|page| page.status == StatusCode::SEE_OTHER).count();
        assert!(good >= 1, "{name}");
        assert_eq!(stage.codes(&stage.client).await, good, "{name}: nothing was asked for in vain");
        let code = stage.code(&stage.client).await;
        went_on(&client.enter(&code).await);
    }
    databases.end().await;
}
