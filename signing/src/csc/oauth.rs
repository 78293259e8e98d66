//! OAuth 2.0 as CSC has it (§8.3, §8.4; RFC 6749, RFC 7636, RFC 7009): our own right to ask (scope
//! `service`), and the signer's leave to sign one digest, given on the provider's page (scope
//! `credential`).

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;

use super::{CscClient, decode, read, wire};
use crate::{
    Digest, http,
    ports::{Grant, GrantRequest, QtspError},
};

/// So long before its end a token is no longer used: a call takes time.
const MARGIN: Duration = Duration::from_secs(30);

/// Our own token.
pub(super) struct Held {
    access: String,
    refresh: Option<String>,
    ends: Option<Instant>,
}

impl CscClient {
    /// The access token, a fresh one when there is none, when it ends or is the `refused` one.
    pub(super) async fn access_token(&self, refused: Option<&str>) -> Result<String, QtspError> {
        let mut held = self.token.lock().await;
        let good = |one: &&Held| {
            Some(one.access.as_str()) != refused && one.ends.is_none_or(|end| monotonic() < end)
        };
        if let Some(one) = held.as_ref().filter(good) {
            return Ok(one.access.clone());
        }
        let renewed = match held.take().and_then(|one| one.refresh) {
            Some(token) => {
                let form = [("grant_type", "refresh_token"), ("refresh_token", &token)];
                match self.token(&form).await {
                    Ok(answer) => Some(answer),
                    Err(QtspError::Unreachable(text)) => return Err(QtspError::Unreachable(text)),
                    // It serves no more: we begin anew.
                    Err(_) => None,
                }
            }
            None => None,
        };
        let answer = match renewed {
            Some(answer) => answer,
            None => {
                let form = [("grant_type", "client_credentials"), ("scope", "service")];
                self.token(&form).await?
            }
        };
        let life = answer.expires_in.map(Duration::from_secs);
        let ends = life.map(|life| monotonic() + life.saturating_sub(MARGIN));
        let wire::AccessToken { access_token: access, refresh_token: refresh, .. } = answer;
        Ok(held.insert(Held { access, refresh, ends }).access.clone())
    }

    /// One answer of the token endpoint.
    async fn token(&self, form: &[(&str, &str)]) -> Result<wire::AccessToken, QtspError> {
        let url = self.url(&self.config.token_path);
        decode(read(self.as_client(&url, form).send().await).await?)
    }

    /// A form that says which client sends it.
    fn as_client(&self, url: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let (id, secret) = (self.config.client_id.as_str(), self.config.client_secret.as_str());
        let mut form = form.to_vec();
        let mut post = self.http.post(url);
        if self.config.quirks.client_in_header {
            post = post.basic_auth(id, Some(secret));
        } else {
            form.extend([("client_id", id), ("client_secret", secret)]);
        }
        post.form(&form)
    }

    /// Address of the page where the signer gives leave.
    pub(super) fn page(&self, request: &GrantRequest<'_>) -> Result<String, QtspError> {
        let config = &self.config;
        let address = match config.authorize_path.strip_prefix('/') {
            Some(_) => self.url(&config.authorize_path),
            None => config.authorize_path.clone(),
        };
        let refused = |why: String| QtspError::Refused(format!("its page to authorise: {why}"));
        let mut url = Url::parse(&address).map_err(|error| refused(error.to_string()))?;
        if !http::keeps_secrets(&url) {
            return Err(refused("it must be reached by https".to_owned()));
        }
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(request.verifier.as_bytes()).0);
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &config.client_id)
            .append_pair("redirect_uri", request.return_to)
            .append_pair("scope", "credential")
            .append_pair("state", request.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("lang", "it")
            .append_pair("description", request.title)
            .extend_pairs(config.quirks.grant(request.credential, request.digest));
        Ok(url.into())
    }

    /// The token that a signer's leave is worth (CSC §8.4.3); it is what activates the signature.
    pub(super) async fn redeem(&self, grant: &Grant) -> Result<String, QtspError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", grant.code.as_str()),
            ("redirect_uri", grant.return_to.as_str()),
            ("code_verifier", grant.verifier.as_str()),
        ];
        Ok(self.token(&form).await?.access_token)
    }

    /// Tells the provider that a token serves no more (RFC 7009). It ends by itself too: nobody waits.
    pub(super) fn revoke(&self, token: String) {
        let url = self.url(&self.config.revoke_path);
        let form = [("token", token.as_str()), ("token_type_hint", "access_token")];
        let post = self.as_client(&url, &form);
        tokio::spawn(async move {
            if let Err(error) = read(post.send().await).await {
                tracing::debug!(%error, "a token was not revoked");
            }
        });
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this adapter is an edge: how long its token lasts is nobody else's business"
)]
fn monotonic() -> Instant {
    Instant::now()
}
