//! Time stamps: our client, the demo authority, and OpenSSL as referee.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, body::Bytes, routing::post};
use chrono::TimeDelta;
use der::{Decode as _, Encode as _, asn1::Int};
use signing::{
    Digest,
    ports::{Tsa as _, TsaError},
    tsa::{Authority, TsaClient, TsaConfig, token},
};
use tokio::net::TcpListener;
use x509_tsp::TimeStampReq;

use crate::support::{Service, openssl, serve};

#[tokio::test]
async fn a_token_is_valid_for_outsiders_too() {
    let service = Service::start().await;
    let digest = Digest::of(b"data");
    let der = service.tsa.timestamp(&digest).await.unwrap();
    let read = token::check(&der, &digest).unwrap();
    assert_eq!(read.imprint, digest);
    assert_eq!(read.policy, "1.3.6.1.4.1.99999.1.2");
    assert_eq!(read.accuracy, Some(TimeDelta::seconds(1)));
    let present = service.clock.get();
    assert!((present - read.gen_time).num_milliseconds().abs() <= 1, "{read:?} {present}");
    assert_eq!(read.certs.len(), 1);
    assert_eq!(read.signer, Some(read.certs[0].clone()));

    service.write("token.der", &der);
    service.write("root.pem", service.qtsp.root_pem().as_bytes());
    let hash = digest.to_string();
    let verify =
        ["ts", "-verify", "-digest", &hash, "-in", "token.der", "-token_in", "-CAfile", "root.pem"];
    let (ok, said) = openssl(service.dir.path(), &verify).await;
    assert!(ok && said.contains("Verification: OK"), "{said}");
    let hash = Digest::of(b"other").to_string();
    let verify =
        ["ts", "-verify", "-digest", &hash, "-in", "token.der", "-token_in", "-CAfile", "root.pem"];
    assert!(!openssl(service.dir.path(), &verify).await.0);
}

/// Every moment of a second: with three, two, one and no decimals.
#[tokio::test]
async fn fractions_of_a_second_are_read() {
    let service = Service::start().await;
    let whole = TimeDelta::nanoseconds(
        1_000_000_000 - i64::from(service.clock.get().timestamp_subsec_nanos()),
    );
    service.clock.advance(whole);
    for step in [0, 500, 120, 7] {
        service.clock.advance(TimeDelta::milliseconds(step));
        let digest = Digest::of(&step.to_be_bytes());
        let der = service.tsa.timestamp(&digest).await.unwrap();
        assert_eq!(token::parse(&der).unwrap().gen_time, service.clock.get());
    }
}

#[tokio::test]
async fn openssl_can_ask_with_any_strong_digest() {
    let service = Service::start().await;
    let dir = service.dir.path();
    service.write("data", b"data");
    service.write("root.pem", service.qtsp.root_pem().as_bytes());
    service.write("unit.pem", &{
        let der = std::fs::read(service.data().join("authority/tsa.cer")).unwrap();
        openssl::x509::X509::from_der(&der).unwrap().to_pem().unwrap()
    });
    for (digest, with_cert, granted) in [
        ("-sha256", true, true),
        ("-sha384", true, true),
        ("-sha512", false, true),
        ("-sha1", true, false),
    ] {
        let mut query = vec!["ts", "-query", "-data", "data", digest, "-out", "query.tsq"];
        if with_cert {
            query.push("-cert");
        }
        assert!(openssl(dir, &query).await.0);
        let body = std::fs::read(dir.join("query.tsq")).unwrap();
        let client = reqwest::Client::new();
        let response = client.post(service.url("/tsa")).body(body).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/timestamp-reply");
        service.write("reply.tsr", &response.bytes().await.unwrap());
        let verify = [
            "ts",
            "-verify",
            "-queryfile",
            "query.tsq",
            "-in",
            "reply.tsr",
            "-CAfile",
            "root.pem",
            "-untrusted",
            "unit.pem",
        ];
        let (ok, said) = openssl(dir, &verify).await;
        assert_eq!(ok, granted, "{digest}: {said}");
        if !granted {
            let (_, said) = openssl(dir, &["ts", "-reply", "-in", "reply.tsr", "-text"]).await;
            assert!(said.contains("unrecognized or unsupported algorithm"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_token_that_was_touched_is_refused() {
    let service = Service::start().await;
    let digest = Digest::of(b"data");
    let good = service.tsa.timestamp(&digest).await.unwrap();
    assert!(token::check(&good, &digest).is_ok());
    assert!(token::check(&good, &Digest::of(b"other")).is_err());
    let mut accepted = Vec::new();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 0x01;
        if let Ok(token) = token::check(&bad, &digest) {
            accepted.push((place, token));
        }
        let _ = token::check(&good[..place], &digest).unwrap_err();
    }
    // Outside the signed bytes: versions, the list of digest algorithms, and the certificate's
    // own signature, which belongs to the chain. None of them changes what the token says.
    let said = token::check(&good, &digest).unwrap();
    for (place, token) in &accepted {
        assert_eq!(token.gen_time, said.gen_time, "{place}");
        assert_eq!((&token.imprint, &token.serial), (&said.imprint, &said.serial), "{place}");
    }
    assert!(
        accepted.len() < 40,
        "{:?}",
        accepted.iter().map(|(place, _)| place).collect::<Vec<_>>()
    );
}

fn config(urls: Vec<String>) -> TsaConfig {
    let authority = |url| Authority { timeout_ms: 10_000, ..Authority::new(url) };
    TsaConfig { authorities: urls.into_iter().map(authority).collect() }
}

/// A client that asks `urls`, with a policy and a limit for the first.
fn client(urls: Vec<String>, policy: Option<&str>, timeout_ms: u64) -> TsaClient {
    let mut config = config(urls);
    config.authorities[0].policy = policy.map(str::to_owned);
    config.authorities[0].timeout_ms = timeout_ms;
    TsaClient::new(&config).unwrap()
}

#[tokio::test]
async fn the_next_authority_is_asked_when_one_fails() {
    let service = Service::start().await;
    let good = service.url("/tsa");
    let cases = [
        (vec!["http://127.0.0.1:9/".to_owned(), good.clone()], true),
        (vec![service.url("/nothing-here"), good.clone()], true),
        (vec![service.url("/root.pem"), good.clone()], true),
        (vec!["http://127.0.0.1:9/".to_owned()], false),
    ];
    for (urls, works) in cases {
        let client = TsaClient::new(&config(urls.clone())).unwrap();
        let token = client.timestamp(&Digest::of(b"data")).await;
        assert_eq!(token.is_ok(), works, "{urls:?} {token:?}");
    }
    assert!(TsaClient::new(&config(vec![])).is_err());
    assert!(TsaClient::new(&config(vec!["tsa".into()])).is_err());
    let strange = client(vec![good], Some("1.2.3.4"), 10_000);
    let refused = strange.timestamp(&Digest::of(b"data")).await;
    assert!(matches!(refused, Err(TsaError::Refused(_))), "{refused:?}");
}

#[test]
fn a_password_is_not_sent_in_the_clear() {
    for (url, accepted) in [
        ("https://tsa.example.it/", true),
        ("http://127.0.0.1:9/", true),
        ("http://tsa.example.it/", false),
    ] {
        let login = Some(("accordo".to_owned(), "confidential".to_owned()));
        let authority = Authority { login, ..Authority::new(url) };
        assert!(!format!("{authority:?}").contains("confidential"));
        let client = TsaClient::new(&TsaConfig { authorities: vec![authority] });
        assert_eq!(client.is_ok(), accepted, "{url}");
    }
}

/// An authority that does as told with each request; how often it was asked.
async fn counted<F, R>(answer: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(Vec<u8>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Vec<u8>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let respond = move |request: Bytes| {
        let (answer, count) = (answer.clone(), Arc::clone(&count));
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            answer(request.to_vec()).await
        }
    };
    serve(listener, Router::new().route("/", post(respond)));
    (url, asked)
}

/// What the demo authority answers.
async fn forward(url: String, request: Vec<u8>) -> Vec<u8> {
    let answer = reqwest::Client::new().post(url).body(request).send().await.unwrap();
    answer.bytes().await.unwrap().to_vec()
}

/// The request of the client with its policy left out.
fn without_policy(request: &[u8]) -> Vec<u8> {
    let mut request = TimeStampReq::from_der(request).unwrap();
    request.req_policy = None;
    request.to_der().unwrap()
}

#[tokio::test]
async fn r_sign_35_a_slow_authority_is_asked_once_and_then_after_the_others() {
    let service = Service::start().await;
    let good = service.url("/tsa");
    let hang = |_| std::future::pending::<Vec<u8>>();
    let (slow, slow_asked) = counted(hang).await;
    let (second, second_asked) = counted(move |request| forward(good.clone(), request)).await;
    let client = client(vec![slow, second], None, 200);
    for round in 1..=3 {
        client.timestamp(&Digest::of(b"data")).await.unwrap();
        assert_eq!(slow_asked.load(Ordering::SeqCst), 1, "round {round}");
        assert_eq!(second_asked.load(Ordering::SeqCst), round);
    }
}

#[tokio::test]
async fn r_sign_35_a_lying_authority_is_told_from_an_honest_one() {
    let service = Service::start().await;
    let digest = Digest::of(b"data");
    let good = service.url("/tsa");
    type Lie = fn(&[u8]) -> Vec<u8>;
    let lies: [Lie; 3] = [
        // It stamps something else.
        |request| {
            let digest = Digest::of(b"data").0;
            let place = request.windows(32).position(|window| window == digest).unwrap();
            let mut request = request.to_vec();
            request[place] ^= 1;
            request
        },
        // It answers with another nonce.
        |request| {
            let mut request = TimeStampReq::from_der(request).unwrap();
            request.nonce = Some(Int::new(&[0x41; 8]).unwrap());
            without_policy(&request.to_der().unwrap())
        },
        // It has another policy than was asked for.
        without_policy,
    ];
    let reasons = ["stamps something else", "answers another request", "its policy is"];
    for (lie, reason) in lies.into_iter().zip(reasons) {
        let honest = good.clone();
        let tell = move |request: Vec<u8>| forward(honest.clone(), lie(&request));
        let policy = (reason == "its policy is").then_some("1.2.3.4");
        let (liar, asked) = counted(tell).await;
        let alone = client(vec![liar.clone()], policy, 10_000).timestamp(&digest).await;
        let Err(TsaError::Invalid(said)) = alone else { panic!("{reason}: {alone:?}") };
        assert!(said.contains(reason), "{said}");
        let both = client(vec![liar, good.clone()], policy, 10_000);
        both.timestamp(&digest).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{reason}");
    }
}

#[tokio::test]
async fn an_answer_to_another_request_is_refused() {
    let service = Service::start().await;
    let digest = Digest::of(b"data");
    service.write("data", b"data");
    let query = ["ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query.tsq"];
    assert!(openssl(service.dir.path(), &query).await.0);
    let query = std::fs::read(service.dir.path().join("query.tsq")).unwrap();
    let reply = forward(service.url("/tsa"), query).await;

    let (replay, _) = counted(move |_| std::future::ready(reply.clone())).await;
    let refused = TsaClient::new(&config(vec![replay])).unwrap().timestamp(&digest).await;
    let Err(TsaError::Invalid(reason)) = refused else { panic!("{refused:?}") };
    assert_eq!(reason, "it answers another request");

    let (endless, _) = counted(|_| std::future::ready(vec![0x30; 1 << 20])).await;
    let refused = TsaClient::new(&config(vec![endless])).unwrap().timestamp(&digest).await;
    assert!(matches!(refused, Err(TsaError::Unreachable(_))), "{refused:?}");
    let (slow, _) = counted(|_| std::future::pending()).await;
    let refused = client(vec![slow], None, 100).timestamp(&digest).await;
    assert!(matches!(refused, Err(TsaError::Unreachable(_))), "{refused:?}");
}
