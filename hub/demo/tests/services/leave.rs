//! OAuth 2.0 of the provider, spoken by our client, by hand, and against a provider whose tokens end.

use std::sync::{Arc, Mutex};

use axum::{Form, Json, Router, routing::post};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Value, json};
use signing::{
    Digest,
    csc::{CscClient, CscConfig, Quirks, Version},
    ports::{Authorisation, Grant, GrantRequest, Qtsp as _, QtspError, SigningMode},
};
use tokio::net::TcpListener;

use crate::support::{RETURN, Service, serve};

const VERIFIER: &str = "a-verifier-of-forty-three-letters-or-more-000";

fn digest() -> Digest {
    Digest::of(b"the signed attributes")
}

fn client(service: &Service, quirks: Quirks) -> CscClient {
    let quirks = Quirks { authorisation: Authorisation::Page, ..quirks };
    CscClient::new(CscConfig { quirks, ..service.qtsp.csc_config() }).unwrap()
}

fn address(client: &CscClient, credential: &str) -> String {
    let request = GrantRequest {
        credential,
        digest: &digest(),
        title: "Verbale & altro",
        state: "our state",
        verifier: VERIFIER,
        return_to: RETURN,
    };
    client.authorise_at(&request).unwrap()
}

async fn press(address: &str, action: &str, otp: &str) -> reqwest::Response {
    let (page, query) = address.split_once('?').unwrap();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("{query}&action={action}&otp={otp}");
    http.post(page).header(kind.0, kind.1).body(body).send().await.unwrap()
}

/// What stands in the address that the browser is sent back to.
fn back(answer: &reqwest::Response, name: &str) -> String {
    assert_eq!(answer.status().as_u16(), 302);
    let to = answer.headers()["location"].to_str().unwrap();
    let query = to.strip_prefix(RETURN).unwrap().strip_prefix('?').unwrap();
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    decoded(found.unwrap_or_default())
}

fn decoded(text: &str) -> String {
    reqwest::Url::parse(&format!("http://x/?a={text}"))
        .unwrap()
        .query_pairs()
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Leave for a credential, and the code that it is worth.
async fn leave(service: &Service, client: &CscClient, credential: &str) -> Grant {
    let address = address(client, credential);
    let page = reqwest::get(&address).await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("form-action 'self' https://portal.example"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(page.contains("N/2026/000123") && page.contains("567"), "{page}");
    assert_eq!(press(&address, "send", "").await.status().as_u16(), 200);
    let answer = press(&address, "authorize", &service.outbox.last_code()).await;
    assert_eq!(back(&answer, "state"), "our state");
    let code = back(&answer, "code");
    Grant { code, verifier: VERIFIER.to_owned(), return_to: RETURN.to_owned() }
}

#[tokio::test]
async fn leave_given_on_the_page_signs_in_both_versions_and_modes() {
    let service = Service::start().await;
    for (version, mode) in [
        (Version::V2, SigningMode::Hash),
        (Version::V1, SigningMode::Hash),
        (Version::V2, SigningMode::Cms),
    ] {
        let quirks = Quirks { version, mode, client_in_header: true, ..Quirks::default() };
        let client = client(&service, quirks);
        let credential = client.issue(&service.request()).await.unwrap().id;
        let grant = leave(&service, &client, &credential).await;
        // Our client checks what comes back against the certificate.
        client.sign_granted(&credential, &grant, &digest()).await.unwrap();
        let again = client.sign_granted(&credential, &grant, &digest()).await;
        assert!(matches!(again, Err(QtspError::Refused(_))), "{version:?} {again:?}");
    }
}

#[tokio::test]
async fn a_leave_is_for_its_verifier_its_return_its_digest_and_a_minute() {
    let service = Service::start().await;
    let client = client(&service, Quirks::default());
    let credential = client.issue(&service.request()).await.unwrap().id;
    let other = Digest::of(b"another");
    let wrong = |change: fn(&mut Grant)| change;
    for (change, digest) in [
        (wrong(|grant| grant.verifier.push('x')), digest()),
        (wrong(|grant| grant.verifier.clear()), digest()),
        (wrong(|grant| grant.return_to.push('x')), digest()),
        (wrong(|grant| grant.code.push('x')), digest()),
        (wrong(|_| {}), other),
    ] {
        let credential = client.issue(&service.request()).await.unwrap().id;
        let mut grant = leave(&service, &client, &credential).await;
        change(&mut grant);
        let refused = client.sign_granted(&credential, &grant, &digest).await;
        assert!(matches!(refused, Err(QtspError::Refused(_))), "{refused:?}");
    }
    let grant = leave(&service, &client, &credential).await;
    service.clock.advance(TimeDelta::seconds(61));
    let late = client.sign_granted(&credential, &grant, &digest()).await;
    assert!(matches!(late, Err(QtspError::Refused(_))), "{late:?}");
}

#[tokio::test]
async fn nobody_is_sent_where_the_client_did_not_say() {
    let service = Service::start().await;
    let client = client(&service, Quirks::default());
    let credential = client.issue(&service.request()).await.unwrap().id;
    let good = address(&client, &credential);
    let with = |name: &str, value: &str| {
        let (page, query) = good.split_once('?').unwrap();
        let start = format!("{name}=");
        let query = query.split('&').map(|pair| match pair.starts_with(&start) {
            true => format!("{name}={value}"),
            false => pair.to_owned(),
        });
        format!("{page}?{}", query.collect::<Vec<_>>().join("&"))
    };
    for (name, value) in [
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "https://portal.example/firma/autorizzata.evil.example"),
        ("redirect_uri", ""),
        ("client_id", "somebody"),
    ] {
        for answer in
            [press(&with(name, value), "cancel", "").await, press(&with(name, value), "", "").await]
        {
            assert_eq!(answer.status().as_u16(), 400, "{name}={value}");
            assert!(answer.headers().get("location").is_none());
        }
    }
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("state", "", "invalid_request"),
        ("scope", "everything", "invalid_scope"),
        ("numSignatures", "2", "invalid_request"),
        ("hashes", "AAAA", "invalid_request"),
        ("hashAlgorithmOID", "1.3.14.3.2.26", "invalid_request"),
        ("credentialID", "0123", "invalid_request"),
    ] {
        let answer = press(&with(name, value), "", "").await;
        assert_eq!(back(&answer, "error"), error, "{name}={value}");
    }
    assert_eq!(back(&press(&good, "cancel", "").await, "error"), "access_denied");
    // Three wrong codes, and the credential is gone.
    assert_eq!(press(&good, "send", "").await.status().as_u16(), 200);
    let right: u32 = service.outbox.last_code().parse().unwrap();
    let wrong = format!("{:06}", (right + 1) % 1_000_000);
    for _ in 0..2 {
        assert_eq!(press(&good, "authorize", &wrong).await.status().as_u16(), 422);
    }
    assert_eq!(back(&press(&good, "authorize", &wrong).await, "error"), "access_denied");
    assert_eq!(back(&press(&good, "", "").await, "error"), "invalid_request");
}

/// A call of the token endpoint or of the one that revokes.
async fn token(service: &Service, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let config = service.qtsp.csc_config();
    let login =
        [("client_id", config.client_id.as_str()), ("client_secret", &config.client_secret)];
    let form = [&login[..], fields].concat();
    let http = reqwest::Client::new();
    let answer = http.post(service.url(path)).form(&form).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
}

async fn list(service: &Service, token: &str) -> u16 {
    let call = reqwest::Client::new().post(service.url("/csc/v2/credentials/list"));
    call.bearer_auth(token).json(&json!({})).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_service_scope_is_renewed_and_revoked() {
    let service = Service::start().await;
    let id = service.qtsp.csc_config().client_id;
    let challenge = URL_SAFE_NO_PAD.encode(Digest::of(VERIFIER.as_bytes()).0);
    let address = format!(
        "{}?response_type=code&client_id={id}&redirect_uri={RETURN}&scope=service&state=s\
         &code_challenge={challenge}&code_challenge_method=S256",
        service.url("/oauth2/authorize")
    );
    let page = reqwest::get(&address).await.unwrap().text().await.unwrap();
    assert!(page.contains("Consenti"), "{page}");
    let code = back(&press(&address, "authorize", "").await, "code");
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
        ("redirect_uri", RETURN),
    ];
    let (status, first) = token(&service, "/oauth2/token", &redeem).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(token(&service, "/oauth2/token", &redeem).await.1["error"], "invalid_grant");
    let text = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();
    assert_eq!(list(&service, &text(&first, "access_token")).await, 200);

    service.clock.advance(TimeDelta::hours(1));
    assert_eq!(list(&service, &text(&first, "access_token")).await, 401);
    let refresh = text(&first, "refresh_token");
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let (_, second) = token(&service, "/oauth2/token", &renew).await;
    assert_eq!(list(&service, &text(&second, "access_token")).await, 200);
    assert_eq!(token(&service, "/oauth2/token", &renew).await.1["error"], "invalid_grant");

    let access = text(&second, "access_token");
    assert_eq!(token(&service, "/oauth2/revoke", &[("token", &access)]).await.0, 204);
    assert_eq!(list(&service, &access).await, 401);
    let again = token(&service, "/oauth2/revoke", &[("token", &access)]).await;
    assert_eq!(again.0, 204, "what is no token any more is none");
    let refresh = text(&second, "refresh_token");
    assert_eq!(token(&service, "/oauth2/revoke", &[("token", &refresh)]).await.0, 204);
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(token(&service, "/oauth2/token", &renew).await.0, 400);
    let stranger = [("client_secret", "guess"), ("client_id", &id), ("token", &access)];
    let http = reqwest::Client::new().post(service.url("/oauth2/revoke")).form(&stranger);
    assert_eq!(http.send().await.unwrap().status().as_u16(), 401);
}

#[tokio::test]
async fn a_revoked_leave_signs_nothing() {
    let service = Service::start().await;
    let client = client(&service, Quirks::default());
    let credential = client.issue(&service.request()).await.unwrap().id;
    let grant = leave(&service, &client, &credential).await;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", grant.code.as_str()),
        ("code_verifier", VERIFIER),
        ("redirect_uri", RETURN),
    ];
    let (_, answer) = token(&service, "/oauth2/token", &redeem).await;
    assert_eq!(answer["token_type"], "SAD", "{answer}");
    let sad = answer["access_token"].as_str().unwrap();
    // It is for a signature, and for nothing else.
    assert_eq!(list(&service, sad).await, 401);
    assert_eq!(token(&service, "/oauth2/revoke", &[("token", sad)]).await.0, 204);
    let own = [("grant_type", "client_credentials")];
    let own = token(&service, "/oauth2/token", &own).await.1["access_token"].clone();
    for (bearer, data) in [(sad, None), (own.as_str().unwrap(), Some(sad))] {
        let mut body = json!({
            "credentialID": credential,
            "hashes": [base64::engine::general_purpose::STANDARD.encode(digest().0)],
            "signAlgo": "1.2.840.10045.4.3.2",
        });
        if let Some(sad) = data {
            body["SAD"] = sad.into();
        }
        let call = reqwest::Client::new().post(service.url("/csc/v2/signatures/signHash"));
        let status = call.bearer_auth(bearer).json(&body).send().await.unwrap().status();
        assert!(matches!(status.as_u16(), 400 | 401), "{status}");
    }
}

/// Tokens that end at once are asked for anew before each call, by what was given to renew them.
#[tokio::test]
async fn our_client_renews_a_token_before_it_ends() {
    type Seen = Arc<Mutex<Vec<String>>>;
    let seen: Seen = Arc::default();
    let asked = seen.clone();
    let token = move |Form(form): Form<Vec<(String, String)>>| async move {
        let field = |name: &str| {
            let found = form.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let number = {
            let mut seen = asked.lock().unwrap();
            seen.push(format!("{} {}", field("grant_type"), field("refresh_token")));
            seen.len()
        };
        // The third renewal is refused.
        if number == 3 {
            let body = json!({ "error": "invalid_grant" });
            return (axum::http::StatusCode::BAD_REQUEST, Json(body));
        }
        let body = json!({
            "access_token": format!("a{number}"), "refresh_token": format!("r{number}"),
            "token_type": "Bearer", "expires_in": 20,
        });
        (axum::http::StatusCode::OK, Json(body))
    };
    let list = || async { Json(json!({ "credentialIDs": [] })) };
    let router = Router::new()
        .route("/oauth2/token", post(token))
        .route("/csc/v2/credentials/list", post(list));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = serve(listener, router);
    let client = CscClient::new(CscConfig::new(&base, "id", "secret")).unwrap();
    for _ in 0..3 {
        client.credentials(true).await.unwrap();
    }
    server.abort();
    let told =
        ["client_credentials ", "refresh_token r1", "refresh_token r2", "client_credentials "];
    assert_eq!(*seen.lock().unwrap(), told);
}
