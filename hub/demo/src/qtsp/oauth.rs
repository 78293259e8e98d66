//! The provider's OAuth 2.0 (CSC §8.3, §8.4): tokens of the client (scope `service`), and tokens that
//! a signer's leave is worth (scope `credential`), which are what activates one signature.

use std::collections::HashMap;

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, TimeDelta, Utc};
use openssl::{memcmp, sha::sha256};
use serde::Deserialize;
use serde_json::json;

use super::{
    DemoQtsp,
    csc::{Problem, invalid_request, work},
    vault::{self, Refusal, SAD_LIFE},
};

const TOKEN_LIFE: TimeDelta = TimeDelta::hours(1);
const REFRESH_LIFE: TimeDelta = TimeDelta::hours(12);
/// Life of a code that a browser brings back.
const CODE_LIFE: TimeDelta = TimeDelta::minutes(1);

/// Tokens and codes with their end; gone with the process, as clients must be ready for.
#[derive(Default)]
pub(super) struct Tokens {
    service: HashMap<String, DateTime<Utc>>,
    refresh: HashMap<String, DateTime<Utc>>,
    codes: HashMap<String, Code>,
    leaves: HashMap<String, Leave>,
}

/// What a code stands for.
pub(super) struct Code {
    /// Of the verifier (RFC 7636).
    pub challenge: String,
    pub return_to: String,
    /// Of a signer's leave; none for the scope `service`.
    pub leave: Option<Leave>,
    pub ends: DateTime<Utc>,
}

/// Leave to sign one digest.
#[derive(Clone)]
pub(super) struct Leave {
    pub credential: String,
    /// The activation data.
    pub sad: String,
    pub ends: DateTime<Utc>,
}

impl Tokens {
    pub(super) fn is_service(&self, token: &str, now: DateTime<Utc>) -> bool {
        self.service.get(token).is_some_and(|end| now < *end)
    }

    pub(super) fn is_leave(&self, token: &str, now: DateTime<Utc>) -> bool {
        self.leaves.get(token).is_some_and(|leave| now < leave.ends)
    }

    /// A code for the browser to bring back.
    pub(super) fn code(
        &mut self,
        challenge: String,
        return_to: String,
        leave: Option<(String, String)>,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        self.sweep(now);
        let leave = leave.map(|(credential, sad)| Leave { credential, sad, ends: now + SAD_LIFE });
        let text = vault::random_token()?;
        let ends = now + CODE_LIFE;
        self.codes.insert(text.clone(), Code { challenge, return_to, leave, ends });
        Ok(text)
    }

    fn sweep(&mut self, now: DateTime<Utc>) {
        self.service.retain(|_, end| now < *end);
        self.refresh.retain(|_, end| now < *end);
        self.codes.retain(|_, code| now < code.ends);
        self.leaves.retain(|_, leave| now < leave.ends);
    }

    /// A token of the client, with another one to renew it where somebody gave leave.
    fn client(&mut self, renewable: bool, now: DateTime<Utc>) -> Result<Response, Problem> {
        self.sweep(now);
        let token = vault::random_token().map_err(Refusal::from)?;
        self.service.insert(token.clone(), now + TOKEN_LIFE);
        let mut answer = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE.num_seconds(),
        });
        if renewable {
            let refresh = vault::random_token().map_err(Refusal::from)?;
            self.refresh.insert(refresh.clone(), now + REFRESH_LIFE);
            answer["refresh_token"] = refresh.into();
        }
        Ok(Json(answer).into_response())
    }
}

pub(super) fn routes() -> Router<DemoQtsp> {
    Router::new().route("/oauth2/token", post(token)).route("/oauth2/revoke", post(revoke))
}

/// Who sends a form: in the body, or in the header (RFC 6749 §2.3.1).
#[derive(Deserialize)]
struct Client {
    client_id: Option<String>,
    client_secret: Option<String>,
}

impl Client {
    fn must_be_known(&self, qtsp: &DemoQtsp, headers: &HeaderMap) -> Result<(), Problem> {
        let known = &qtsp.inner.client;
        let (id, secret) = self.login(headers).unwrap_or_default();
        let secret = secret.as_bytes();
        let right = id == known.id
            && secret.len() == known.secret.len()
            && memcmp::eq(secret, known.secret.as_bytes());
        right.then_some(()).ok_or(Problem(StatusCode::UNAUTHORIZED, "invalid_client", ""))
    }

    fn login(&self, headers: &HeaderMap) -> Option<(String, String)> {
        if let (Some(id), Some(secret)) = (&self.client_id, &self.client_secret) {
            return Some((id.clone(), secret.clone()));
        }
        let header = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(header).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((id.to_owned(), secret.to_owned()))
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    #[serde(flatten)]
    client: Client,
    code: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
}

fn invalid_grant() -> Problem {
    Problem(StatusCode::BAD_REQUEST, "invalid_grant", "")
}

/// RFC 6749 §4.1.3, §4.4 and §6; RFC 7636 §4.6.
async fn token(
    State(qtsp): State<DemoQtsp>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Result<Response, Problem> {
    request.client.must_be_known(&qtsp, &headers)?;
    let now = qtsp.now();
    let mut tokens = qtsp.tokens();
    match request.grant_type.as_str() {
        "client_credentials" => tokens.client(false, now),
        "refresh_token" => {
            // Each serves once: whoever finds a used one has nothing.
            let known = request.refresh_token.and_then(|token| tokens.refresh.remove(&token));
            known.filter(|end| now < *end).ok_or_else(invalid_grant)?;
            tokens.client(true, now)
        }
        "authorization_code" => {
            // Gone with the first try, right or wrong.
            let code = request.code.and_then(|code| tokens.codes.remove(&code));
            let code = code.filter(|code| now < code.ends).ok_or_else(invalid_grant)?;
            let verifier = request.code_verifier.unwrap_or_default();
            let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
            let proven = memcmp_eq(challenge.as_bytes(), code.challenge.as_bytes())
                && request.redirect_uri.as_deref() == Some(&code.return_to);
            if !proven {
                return Err(invalid_grant());
            }
            let Some(leave) = code.leave else { return tokens.client(true, now) };
            let answer = json!({
                "access_token": leave.sad, "token_type": "SAD",
                "expires_in": (leave.ends - now).num_seconds(), "credentialID": leave.credential,
            });
            tokens.leaves.insert(leave.sad.clone(), leave);
            Ok(Json(answer).into_response())
        }
        _ => Err(Problem(StatusCode::BAD_REQUEST, "unsupported_grant_type", "")),
    }
}

fn memcmp_eq(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && memcmp::eq(one, other)
}

#[derive(Deserialize)]
struct RevokeRequest {
    token: Option<String>,
    #[serde(flatten)]
    client: Client,
}

/// RFC 7009: whatever the token was, it is nothing afterwards.
async fn revoke(
    State(qtsp): State<DemoQtsp>,
    headers: HeaderMap,
    Form(request): Form<RevokeRequest>,
) -> Result<StatusCode, Problem> {
    request.client.must_be_known(&qtsp, &headers)?;
    let token = request.token.ok_or_else(|| invalid_request("Missing parameter token"))?;
    let leave = {
        let mut tokens = qtsp.tokens();
        tokens.service.remove(&token);
        tokens.refresh.remove(&token);
        tokens.leaves.remove(&token)
    };
    if let Some(leave) = leave {
        work(&qtsp, move |qtsp| qtsp.inner.vault.withdraw(&leave.credential, &leave.sad)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
