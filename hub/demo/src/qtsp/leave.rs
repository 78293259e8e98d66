//! The provider's page where a signer gives leave to sign one digest, with a code sent to the mobile
//! (CSC §8.4.2): `GET` and `POST` of `/oauth2/authorize`.
//!
//! Nobody is sent anywhere but to an address that the client registered.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use signing::Digest;

use super::{
    DemoQtsp,
    csc::{SHA256, work},
    vault::Refusal,
};

pub(super) fn routes() -> Router<DemoQtsp> {
    Router::new().route("/oauth2/authorize", get(show).post(decide))
}

/// What the client asks, carried through the page, and what the signer typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
    #[serde(rename = "credentialID")]
    credential: String,
    #[serde(rename = "numSignatures")]
    signatures: String,
    #[serde(alias = "hash")]
    hashes: String,
    #[serde(rename = "hashAlgorithmOID")]
    hash_algorithm: String,
    otp: String,
    action: String,
}

/// What is asked, understood.
enum Wish {
    /// That the client may ask for the service.
    Service,
    /// Leave to sign.
    Signature(Digest),
}

#[derive(Template)]
#[template(path = "leave.html")]
struct Page<'a> {
    form: &'a Fields,
    /// Title of the document and the end of the mobile's number; none for the service.
    document: Option<(String, String)>,
    /// A code was sent.
    sent: bool,
    problem: Option<&'static str>,
}

impl Fields {
    /// Whether the client and where it wants people back are registered: else nobody is sent there.
    fn is_known(&self, qtsp: &DemoQtsp) -> bool {
        let known = qtsp.inner.returns.get().is_some_and(|all| all.contains(&self.redirect_uri));
        known && self.client_id == qtsp.inner.client.id
    }

    /// What is asked, or the error that goes back (RFC 6749 §4.1.2.1).
    fn wish(&self) -> Result<Wish, &'static str> {
        let proven = self.code_challenge_method == "S256"
            && URL_SAFE_NO_PAD.decode(&self.code_challenge).is_ok_and(|hash| hash.len() == 32);
        if self.response_type != "code" {
            return Err("unsupported_response_type");
        }
        if !proven || self.state.is_empty() {
            return Err("invalid_request");
        }
        match self.scope.as_str() {
            "service" => Ok(Wish::Service),
            "credential" => {
                let hash = self.hash_algorithm.is_empty() || self.hash_algorithm == SHA256;
                let digest = [URL_SAFE_NO_PAD, URL_SAFE, STANDARD]
                    .iter()
                    .find_map(|alphabet| alphabet.decode(&self.hashes).ok()?.try_into().ok());
                let one = self.signatures == "1" && hash;
                digest
                    .filter(|_| one)
                    .map(|hash| Wish::Signature(Digest(hash)))
                    .ok_or("invalid_request")
            }
            _ => Err("invalid_scope"),
        }
    }

    /// Back to the client with one answer and its own `state`.
    fn back(&self, key: &str, value: &str) -> Response {
        let join = if self.redirect_uri.contains('?') { '&' } else { '?' };
        let (value, state) = (urlencoding::encode(value), urlencoding::encode(&self.state));
        let to = format!("{}{join}{key}={value}&state={state}", self.redirect_uri);
        (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
    }
}

async fn show(State(qtsp): State<DemoQtsp>, Query(form): Query<Fields>) -> Response {
    answer(&qtsp, &form).await
}

async fn decide(State(qtsp): State<DemoQtsp>, Form(form): Form<Fields>) -> Response {
    answer(&qtsp, &form).await
}

async fn answer(qtsp: &DemoQtsp, form: &Fields) -> Response {
    if !form.is_known(qtsp) {
        let text = "client_id o redirect_uri non sono registrati presso questo prestatore\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    let wish = match form.wish() {
        Ok(wish) => wish,
        Err(error) => return form.back("error", error),
    };
    if form.action == "cancel" {
        return form.back("error", "access_denied");
    }
    let leave = match wish {
        Wish::Service if form.action == "authorize" => None,
        Wish::Service => return page(qtsp, form, None, false, None),
        Wish::Signature(digest) => match signature(qtsp, form, digest).await {
            Ok(sad) => Some((form.credential.clone(), sad)),
            Err(response) => return *response,
        },
    };
    let (challenge, to) = (form.code_challenge.clone(), form.redirect_uri.clone());
    let code = qtsp.tokens().code(challenge, to, leave, qtsp.now());
    match code {
        Ok(code) => form.back("code", &code),
        Err(error) => {
            tracing::error!(%error, "demo provider");
            form.back("error", "server_error")
        }
    }
}

/// The activation data for the right code; else the page, or the way back.
async fn signature(
    qtsp: &DemoQtsp,
    form: &Fields,
    digest: Digest,
) -> Result<String, Box<Response>> {
    let id = form.credential.clone();
    let record = work(qtsp, move |qtsp| {
        qtsp.inner.vault.find(&id)?.filter(|one| one.is_usable(qtsp.now())).ok_or(Refusal::Unknown)
    });
    let Ok(record) = record.await else {
        return Err(Box::new(form.back("error", "invalid_request")));
    };
    let digits: Vec<char> = record.mobile.chars().rev().take(3).collect();
    let document = Some((record.title, digits.into_iter().rev().collect()));
    let again = |sent, problem| Err(Box::new(page(qtsp, form, document.clone(), sent, problem)));
    match form.action.as_str() {
        "send" => {
            let (id, now) = (form.credential.clone(), qtsp.now());
            let message = work(qtsp, move |qtsp| qtsp.inner.vault.new_code(&id, now)).await;
            let Ok(message) = message else {
                return again(false, Some("Non si possono inviare altri codici per questa firma."));
            };
            match qtsp.inner.sms.send(&message.mobile, &message.text, &message.key).await {
                Ok(()) => again(true, None),
                Err(error) => {
                    tracing::warn!(%error, "the message was not taken");
                    again(false, Some("Il messaggio non è partito: riprova."))
                }
            }
        }
        "authorize" => {
            let (id, otp, now) = (form.credential.clone(), form.otp.clone(), qtsp.now());
            let own = qtsp.clone();
            let check = move || own.inner.vault.authorise(&id, otp.trim(), digest, now);
            match tokio::task::spawn_blocking(check).await {
                Ok(Ok(sad)) => Ok(sad),
                Ok(Err(Refusal::WrongCode)) => again(true, Some("Il codice non è corretto.")),
                Ok(Err(Refusal::CodeExpired)) => {
                    again(false, Some("Il codice è scaduto: chiedine un altro."))
                }
                // Nothing that the signer could still do here.
                _ => Err(Box::new(form.back("error", "access_denied"))),
            }
        }
        _ => again(false, None),
    }
}

fn page(
    qtsp: &DemoQtsp,
    form: &Fields,
    document: Option<(String, String)>,
    sent: bool,
    problem: Option<&'static str>,
) -> Response {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    match (Page { form, document, sent, problem }).render() {
        Ok(html) => {
            let headers = [
                (header::CACHE_CONTROL, "no-store".to_owned()),
                (header::CONTENT_SECURITY_POLICY, policy(qtsp)),
            ];
            (status, headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the demo provider's page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Browsers follow the way back from a form only to where the page says that its forms lead.
fn policy(qtsp: &DemoQtsp) -> String {
    let origins = qtsp.inner.returns.get().into_iter().flatten().filter_map(|address| {
        let start = address.find("://")? + 3;
        let end = address[start..].find('/').map_or(address.len(), |slash| start + slash);
        Some(&address[..end])
    });
    let origins: Vec<_> = origins.collect();
    format!(
        "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
         form-action 'self' {}",
        origins.join(" ")
    )
}
