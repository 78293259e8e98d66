//! The signature service: CSC API v2, its v1.0.4 names beside them, and the provider's own
//! enrolment. Thin: what may happen is decided by the vault.

use axum::{
    Json, Router,
    extract::{FromRequest, FromRequestParts, Request, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use signing::{Digest, ports::IssueRequest};

use super::{
    DemoQtsp,
    evidence::failure,
    signatures,
    vault::{Record, Refusal, SAD_LIFE},
};

pub(super) const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub(super) const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
const P256: &str = "1.2.840.10045.3.1.7";
/// The authentication object for the code sent by SMS (CSC §8.3).
pub(super) const OTP: &str = "OTP";

pub(super) fn routes() -> Router<DemoQtsp> {
    let methods = || {
        Router::new()
            .route("/info", post(info))
            .route("/credentials/list", post(list))
            .route("/credentials/info", post(credential))
            .route("/credentials/getChallenge", post(challenge))
            .route("/credentials/sendOTP", post(challenge))
            .route("/credentials/authorize", post(authorize))
            .merge(signatures::routes())
    };
    Router::new()
        .route("/enrolment/v1/certificates", post(enrol))
        .nest("/csc/v2", methods())
        .nest("/csc/v1", methods())
}

/// An error as OAuth 2.0 and CSC write it (CSC §10.1).
pub(super) struct Problem(pub StatusCode, pub &'static str, pub &'static str);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(status, error, description) = self;
        (status, Json(json!({ "error": error, "error_description": description }))).into_response()
    }
}

pub(super) fn invalid_request(description: &'static str) -> Problem {
    Problem(StatusCode::BAD_REQUEST, "invalid_request", description)
}

impl From<Refusal> for Problem {
    /// The words are those of the tables in CSC §11.6 and §11.10, where they have any.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => invalid_request("Invalid parameter credentialID"),
            Refusal::Used => {
                invalid_request("The credential identified by credentialID is disabled")
            }
            Refusal::Blocked => invalid_request("Credential locked"),
            Refusal::WrongCode => {
                Self(StatusCode::BAD_REQUEST, "invalid_otp", "The OTP is invalid")
            }
            Refusal::CodeExpired => {
                Self(StatusCode::BAD_REQUEST, "invalid_otp", "The OTP is expired")
            }
            Refusal::TooManyMessages => invalid_request("Too many messages for this credential"),
            Refusal::CertificateExpired => invalid_request("Signing certificate is expired"),
            Refusal::BadAuthorisation => invalid_request("Invalid parameter SAD"),
            Refusal::OtherHash => invalid_request("Hash is not authorized by the SAD"),
            Refusal::Broken(error) => {
                failure(&error);
                Self(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "")
            }
        }
    }
}

/// A JSON body, refused in the way of CSC.
pub(super) struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body: Result<Json<T>, JsonRejection> = Json::from_request(request, state).await;
        body.map(|Json(body)| Self(body))
            .map_err(|_| invalid_request("Missing or malformed parameters"))
    }
}

/// Proof that the caller is the provider's client.
pub(super) struct Authorised;

impl FromRequestParts<DemoQtsp> for Authorised {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, qtsp: &DemoQtsp) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)
            .ok_or_else(|| invalid_request("Malformed authorization header"))?;
        let known = qtsp.tokens().is_service(token, qtsp.now());
        known.then_some(Self).ok_or(Problem(StatusCode::UNAUTHORIZED, "invalid_token", ""))
    }
}

/// Who may ask for a signature: the client, with activation data in the request, or whoever a signer
/// gave leave, whose token is the data.
pub(super) struct Activated(pub Option<String>);

impl FromRequestParts<DemoQtsp> for Activated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, qtsp: &DemoQtsp) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).unwrap_or_default();
        if qtsp.tokens().is_leave(token, qtsp.now()) {
            return Ok(Self(Some(token.to_owned())));
        }
        Authorised::from_request_parts(parts, qtsp).await.map(|Authorised| Self(None))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn info(State(qtsp): State<DemoQtsp>) -> Json<serde_json::Value> {
    Json(json!({
        "specs": "2.0.0.2",
        "name": crate::NOT_QUALIFIED,
        "logo": "",
        "region": "IT",
        "lang": "it-IT",
        "description": "One-shot signatures for demonstrations",
        "authType": ["oauth2client", "oauth2code"],
        "oauth2": qtsp.inner.base,
        "methods": [
            "info", "oauth2/authorize", "oauth2/token", "oauth2/revoke", "credentials/list", "credentials/info",
            "credentials/getChallenge", "credentials/sendOTP", "credentials/authorize",
            "signatures/signHash", "signatures/signDoc", "signatures/timestamp",
        ],
        "signAlgorithms": { "algos": [ECDSA_SHA256] },
    }))
}

/// The provider's own: a certificate for one signature.
async fn enrol(
    State(qtsp): State<DemoQtsp>,
    _: Authorised,
    Body(request): Body<IssueRequest>,
) -> Result<Response, Problem> {
    let subject = &request.subject;
    let code = subject.fiscal_code.as_bytes();
    if code.len() != 16 || !code.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
        return Err(invalid_request("Invalid parameter fiscal_code"));
    }
    if subject.given_name.trim().is_empty() || subject.surname.trim().is_empty() {
        return Err(invalid_request("Missing name"));
    }
    let digits = request.mobile.strip_prefix('+').unwrap_or_default();
    if !(8..=15).contains(&digits.len()) || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Err(invalid_request("Invalid parameter mobile"));
    }
    let record = work(&qtsp, move |qtsp| {
        Ok(qtsp.inner.vault.issue(&qtsp.inner.authority, request, qtsp.now())?)
    })
    .await?;
    tracing::info!(credential = record.id, "one-shot certificate issued");
    let answer = json!({ "credentialID": record.id, "certificates": chain(&qtsp, &record) });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListRequest {
    #[serde(default)]
    only_valid: bool,
}

async fn list(
    State(qtsp): State<DemoQtsp>,
    _: Authorised,
    Body(request): Body<ListRequest>,
) -> Result<Response, Problem> {
    let now = qtsp.now();
    let all = work(&qtsp, |qtsp| Ok(qtsp.inner.vault.all()?)).await?;
    let ids: Vec<_> = all
        .into_iter()
        .filter(|record| !request.only_valid || record.is_usable(now))
        .map(|record| record.id)
        .collect();
    Ok(Json(json!({ "credentialIDs": ids, "onlyValid": request.only_valid })).into_response())
}

#[derive(Deserialize)]
struct CredentialRequest {
    #[serde(rename = "credentialID")]
    credential: String,
    /// `none`, `single` (when absent) or `chain`.
    certificates: Option<String>,
}

async fn credential(
    State(qtsp): State<DemoQtsp>,
    _: Authorised,
    Body(request): Body<CredentialRequest>,
) -> Result<Response, Problem> {
    let record = work(&qtsp, move |qtsp| {
        qtsp.inner.vault.find(&request.credential)?.ok_or(Refusal::Unknown)
    })
    .await?;
    let mut certificates = chain(&qtsp, &record);
    match request.certificates.as_deref() {
        Some("none") => certificates.clear(),
        None | Some("single") => certificates.truncate(1),
        Some("chain") => {}
        Some(_) => return Err(invalid_request("Invalid parameter certificates")),
    }
    let status = if record.is_usable(qtsp.now()) { "enabled" } else { "disabled" };
    let answer = json!({
        "description": "One-shot",
        "key": { "status": status, "algo": [ECDSA_SHA256], "len": 256, "curve": P256 },
        "cert": {
            "status": if record.revoked_at.is_some() { "revoked" } else { "valid" },
            "certificates": certificates,
        },
        "auth": {
            "mode": "explicit",
            "expression": OTP,
            "objects": [{
                "type": "ChallengeResponse", "id": OTP, "format": "N", "label": "Codice SMS",
            }],
        },
        "SCAL": "2",
        "multisign": 1,
    });
    Ok(Json(answer).into_response())
}

#[derive(Deserialize)]
struct ChallengeRequest {
    #[serde(rename = "credentialID")]
    credential: String,
    #[serde(rename = "authObjectID")]
    object: Option<String>,
}

/// Sends a code: `getChallenge` of v2 (CSC §11.8, out of band), `sendOTP` of v1.
async fn challenge(
    State(qtsp): State<DemoQtsp>,
    _: Authorised,
    Body(request): Body<ChallengeRequest>,
) -> Result<StatusCode, Problem> {
    if request.object.is_some_and(|object| object != OTP) {
        return Err(invalid_request("Invalid parameter authObjectID"));
    }
    let message =
        work(&qtsp, move |qtsp| qtsp.inner.vault.new_code(&request.credential, qtsp.now())).await?;
    match qtsp.inner.sms.send(&message.mobile, &message.text, &message.key).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) => {
            tracing::warn!(%error, "the message was not taken");
            Err(Problem(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", ""))
        }
    }
}

#[derive(Deserialize)]
struct AuthorizeRequest {
    #[serde(rename = "credentialID")]
    credential: String,
    #[serde(rename = "numSignatures")]
    signatures: u32,
    /// `hash` in v1.
    #[serde(alias = "hash")]
    hashes: Vec<String>,
    #[serde(rename = "hashAlgorithmOID")]
    hash_algorithm: Option<String>,
    #[serde(rename = "authData", default)]
    objects: Vec<AuthObject>,
    /// In v1.
    #[serde(rename = "OTP")]
    otp: Option<String>,
}

#[derive(Deserialize)]
struct AuthObject {
    id: String,
    value: String,
}

async fn authorize(
    State(qtsp): State<DemoQtsp>,
    _: Authorised,
    Body(request): Body<AuthorizeRequest>,
) -> Result<Response, Problem> {
    if request.signatures != 1 {
        return Err(invalid_request("Numbers of signatures is too high"));
    }
    let digest = only_hash(&request.hashes, request.hash_algorithm.as_deref())?;
    let code = request.objects.into_iter().find(|object| object.id == OTP);
    let code = code.map(|object| object.value).or(request.otp).unwrap_or_default();
    let sad = work(&qtsp, move |qtsp| {
        qtsp.inner.vault.authorise(&request.credential, code.trim(), digest, qtsp.now())
    })
    .await?;
    Ok(Json(json!({ "SAD": sad, "expiresIn": SAD_LIFE.num_seconds() })).into_response())
}

/// The one SHA-256 digest that a one-shot credential can be asked about.
pub(super) fn only_hash(hashes: &[String], algorithm: Option<&str>) -> Result<Digest, Problem> {
    if algorithm.is_some_and(|algorithm| algorithm != SHA256) {
        return Err(invalid_request("Invalid parameter hashAlgorithmOID"));
    }
    let [hash] = hashes else {
        return Err(invalid_request("Numbers of signatures is too high"));
    };
    let hash = STANDARD
        .decode(hash)
        .map_err(|_| invalid_request("Invalid Base64 hash string parameter"))?;
    let hash = hash.try_into().map_err(|_| invalid_request("Invalid digest value length"))?;
    Ok(Digest(hash))
}

/// The signer's certificate and its issuers, base64.
fn chain(qtsp: &DemoQtsp, record: &Record) -> Vec<String> {
    let authority = &qtsp.inner.authority;
    record
        .certificate
        .iter()
        .chain([&authority.issuing.der, &authority.root.der])
        .map(|der| STANDARD.encode(der))
        .collect()
}

/// Work that waits for the disk, off the threads that serve others.
pub(super) async fn work<T: Send + 'static>(
    qtsp: &DemoQtsp,
    act: impl FnOnce(&DemoQtsp) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Problem> {
    let qtsp = qtsp.clone();
    match tokio::task::spawn_blocking(move || act(&qtsp)).await {
        Ok(result) => result.map_err(Problem::from),
        Err(error) => {
            failure(&error);
            Err(Problem(StatusCode::INTERNAL_SERVER_ERROR, "server_error", ""))
        }
    }
}
