//! What the signature service signs: digests, whole CMS and time (CSC §11.10–§11.12).

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;
use signing::{Digest, ports::SigningMode};

use super::{
    DemoQtsp,
    csc::{Activated, Authorised, Body, ECDSA_SHA256, Problem, invalid_request, only_hash, work},
    tsa,
    vault::Refusal,
};

/// Under the path of the API.
pub(super) fn routes() -> Router<DemoQtsp> {
    Router::new()
        .route("/signatures/signHash", post(sign_hash))
        .route("/signatures/signDoc", post(sign_document))
        .route("/signatures/timestamp", post(timestamp))
}

#[derive(Deserialize)]
struct SignRequest {
    #[serde(rename = "credentialID")]
    credential: String,
    /// Absent when the token activates.
    #[serde(rename = "SAD")]
    sad: Option<String>,
    #[serde(alias = "hash")]
    hashes: Vec<String>,
    #[serde(rename = "hashAlgorithmOID", alias = "hashAlgo")]
    hash_algorithm: Option<String>,
    #[serde(rename = "signAlgo")]
    algorithm: String,
}

async fn sign_hash(
    State(qtsp): State<DemoQtsp>,
    Activated(token): Activated,
    Body(request): Body<SignRequest>,
) -> Result<Response, Problem> {
    if request.algorithm != ECDSA_SHA256 {
        return Err(invalid_request("Invalid parameter signAlgo"));
    }
    let digest = only_hash(&request.hashes, request.hash_algorithm.as_deref())?;
    let SignRequest { credential, sad, .. } = request;
    let sad = token.or(sad).ok_or_else(|| invalid_request("Missing parameter SAD"))?;
    let signature = sign(&qtsp, credential, sad, digest, SigningMode::Hash).await?;
    Ok(Json(json!({ "signatures": [signature] })).into_response())
}

/// CSC §11.11, as far as a digest of a PDF goes.
#[derive(Deserialize)]
struct SignDocumentRequest {
    #[serde(rename = "credentialID")]
    credential: String,
    /// Absent when the token activates.
    #[serde(rename = "SAD")]
    sad: Option<String>,
    #[serde(rename = "documentDigests")]
    documents: Vec<DocumentDigests>,
}

#[derive(Deserialize)]
struct DocumentDigests {
    hashes: Vec<String>,
    #[serde(rename = "hashAlgorithmOID")]
    hash_algorithm: Option<String>,
    signature_format: String,
    conformance_level: Option<String>,
    #[serde(rename = "signAlgo")]
    algorithm: String,
}

async fn sign_document(
    State(qtsp): State<DemoQtsp>,
    Activated(token): Activated,
    Body(request): Body<SignDocumentRequest>,
) -> Result<Response, Problem> {
    let [document] = request.documents.as_slice() else {
        return Err(invalid_request("Numbers of signatures is too high"));
    };
    let level = document.conformance_level.as_deref().unwrap_or("Ades-B-B");
    if document.signature_format != "P" || level != "Ades-B-B" {
        return Err(invalid_request("Invalid parameter signature_format or conformance_level"));
    }
    if document.algorithm != ECDSA_SHA256 {
        return Err(invalid_request("Invalid parameter signAlgo"));
    }
    let digest = only_hash(&document.hashes, document.hash_algorithm.as_deref())?;
    let SignDocumentRequest { credential, sad, .. } = request;
    let sad = token.or(sad).ok_or_else(|| invalid_request("Missing parameter SAD"))?;
    let cms = sign(&qtsp, credential, sad, digest, SigningMode::Cms).await?;
    Ok(Json(json!({ "SignatureObject": [cms] })).into_response())
}

/// The one signature of a credential, base64.
async fn sign(
    qtsp: &DemoQtsp,
    credential: String,
    sad: String,
    digest: Digest,
    mode: SigningMode,
) -> Result<String, Problem> {
    let signature = work(qtsp, move |qtsp| {
        let signature = qtsp.inner.vault.sign(&credential, &sad, digest, mode, qtsp.now())?;
        tracing::info!(credential, "signed");
        Ok(signature)
    })
    .await?;
    Ok(STANDARD.encode(signature))
}

#[derive(Deserialize)]
struct TimestampRequest {
    hash: String,
    #[serde(rename = "hashAlgorithmOID", alias = "hashAlgo")]
    hash_algorithm: Option<String>,
}

/// CSC §11.12.
async fn timestamp(
    State(qtsp): State<DemoQtsp>,
    _: Authorised,
    Body(request): Body<TimestampRequest>,
) -> Result<Response, Problem> {
    let digest = only_hash(&[request.hash], request.hash_algorithm.as_deref())?;
    let unit = &qtsp.inner.authority.time_stamping;
    let token = tsa::stamp(unit, &digest, qtsp.now()).map_err(Refusal::from)?;
    Ok(Json(json!({ "timestamp": STANDARD.encode(token) })).into_response())
}
