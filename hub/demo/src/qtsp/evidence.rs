//! What anybody may fetch: the provider's certificates, the status of those it issued, time, and
//! the page that says what all this is not.

use askama::Template;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{DemoQtsp, ocsp, revocation, tsa};
use crate::{DemoError, NOT_QUALIFIED};

/// RFC 6960 §A.1: both ways to ask; RFC 3161 §3.4.
pub(super) fn routes() -> Router<DemoQtsp> {
    Router::new()
        .route("/", get(about))
        .route("/cps", get(about))
        .route("/pds", get(about))
        .route("/root.pem", get(root_pem))
        .route("/root.cer", get(root_cer))
        .route("/issuing.cer", get(issuing_cer))
        .route("/root.crl", get(root_crl))
        .route("/issuing.crl", get(issuing_crl))
        .route("/ocsp", post(ocsp_post))
        .route("/ocsp/{*request}", get(ocsp_get))
        .route("/tsa", post(tsa_post))
}

/// A certificate as PEM (RFC 7468).
pub(super) fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for start in (0..text.len()).step_by(64) {
        pem.push_str(&text[start..text.len().min(start + 64)]);
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

#[derive(Template)]
#[template(path = "qtsp.html")]
struct About {
    mark: &'static str,
}

async fn about() -> Response {
    page(&About { mark: NOT_QUALIFIED })
}

/// A page of the provider.
fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => failure(&error),
    }
}

async fn root_pem(State(qtsp): State<DemoQtsp>) -> Response {
    typed("application/x-pem-file", qtsp.root_pem().into_bytes())
}

async fn root_cer(State(qtsp): State<DemoQtsp>) -> Response {
    typed("application/pkix-cert", qtsp.root_der().to_vec())
}

async fn issuing_cer(State(qtsp): State<DemoQtsp>) -> Response {
    typed("application/pkix-cert", qtsp.inner.authority.issuing.der.clone())
}

async fn root_crl(State(qtsp): State<DemoQtsp>) -> Response {
    // The root's own children are never revoked one by one: the demo is thrown away whole.
    crl(revocation::list(&qtsp.inner.authority.root, &[], qtsp.now()))
}

async fn issuing_crl(State(qtsp): State<DemoQtsp>) -> Response {
    let list = move || {
        let revoked = qtsp.inner.vault.all()?;
        let revoked: Vec<_> = revoked
            .into_iter()
            .filter_map(|record| Some((record.id, record.revoked_at?)))
            .collect();
        revocation::list(&qtsp.inner.authority.issuing, &revoked, qtsp.now())
    };
    match tokio::task::spawn_blocking(list).await {
        Ok(result) => crl(result),
        Err(error) => failure(&error),
    }
}

fn crl(list: Result<Vec<u8>, DemoError>) -> Response {
    answer("application/pkix-crl", list)
}

async fn ocsp_post(State(qtsp): State<DemoQtsp>, request: Bytes) -> Response {
    status(qtsp, request.to_vec()).await
}

async fn ocsp_get(State(qtsp): State<DemoQtsp>, Path(request): Path<String>) -> Response {
    // What is not base64 is not a request: the responder says so in its own way.
    status(qtsp, STANDARD.decode(request).unwrap_or_default()).await
}

async fn status(qtsp: DemoQtsp, request: Vec<u8>) -> Response {
    match tokio::task::spawn_blocking(move || ocsp::respond(&qtsp, &request)).await {
        Ok(response) => answer("application/ocsp-response", response),
        Err(error) => failure(&error),
    }
}

async fn tsa_post(State(qtsp): State<DemoQtsp>, request: Bytes) -> Response {
    let response = tsa::respond(&qtsp.inner.authority.time_stamping, &request, qtsp.now());
    answer("application/timestamp-reply", response)
}

fn answer(kind: &'static str, body: Result<Vec<u8>, DemoError>) -> Response {
    match body {
        Ok(body) => typed(kind, body),
        Err(error) => failure(&error),
    }
}

fn typed(kind: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, kind)], body).into_response()
}

/// Something broke on our side; the log has it.
pub(super) fn failure(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "demo service");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
