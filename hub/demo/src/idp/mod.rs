//! The demo identity provider: a page where a person says who they are and with what they are
//! identified (SPID or CIE), and a code that is exchanged for it once.

mod page;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{DemoError, Now};

/// Where the provider stands on its host.
pub const PATH: &str = "/demo/idp";

/// Life of a code.
const CODE_LIFE: TimeDelta = TimeDelta::seconds(60);

/// With what a person was identified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdpMethod {
    /// Sistema Pubblico di Identità Digitale.
    #[default]
    Spid,
    /// Carta d'Identità Elettronica.
    Cie,
}

/// Who the person is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdpIdentity {
    /// First name.
    pub given_name: String,
    /// Surname.
    pub surname: String,
    /// Codice fiscale, upper case.
    pub fiscal_code: String,
    /// With what.
    pub method: IdpMethod,
    /// When.
    pub at: DateTime<Utc>,
}

/// The provider. Cheap to clone; its codes live for a minute and in memory only.
#[derive(Clone)]
pub struct DemoIdp {
    codes: Arc<Mutex<HashMap<String, IdpIdentity>>>,
    now: Now,
}

impl DemoIdp {
    /// A provider that knows the time.
    pub fn new(now: Now) -> Self {
        Self { codes: Arc::default(), now }
    }

    /// Its page and its endpoint, under [`PATH`]: `GET authorize` with `state`, `redirect_uri` (a
    /// path on this host), `fiscal_code` and, if known, `given_name` and `surname`, comes back to
    /// `redirect_uri` with `code` and `state`, or with `error=access_denied` and `state`;
    /// `POST token` with `code` gives the identity as JSON.
    pub fn router(&self) -> Router {
        let routes = Router::new()
            .route("/authorize", get(page::show).post(page::decide))
            .route("/token", post(token))
            .with_state(self.clone());
        Router::new().nest(PATH, routes)
    }

    /// Who `code` stands for; a code serves once and for a minute.
    pub async fn redeem(&self, code: &str) -> Option<IdpIdentity> {
        let identity = self.codes().remove(code)?;
        ((self.now)() < identity.at + CODE_LIFE).then_some(identity)
    }

    fn grant(&self, identity: IdpIdentity) -> Result<String, DemoError> {
        let mut bytes = [0; 32];
        openssl::rand::rand_bytes(&mut bytes)?;
        let code = hex::encode(bytes);
        let now = identity.at;
        let mut codes = self.codes();
        codes.retain(|_, identity| now < identity.at + CODE_LIFE);
        codes.insert(code.clone(), identity);
        Ok(code)
    }

    fn codes(&self) -> std::sync::MutexGuard<'_, HashMap<String, IdpIdentity>> {
        // Nothing panics halfway through a change of this map.
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    code: String,
}

async fn token(State(idp): State<DemoIdp>, Form(request): Form<TokenRequest>) -> Response {
    match idp.redeem(&request.code).await {
        Some(identity) => Json(identity).into_response(),
        None => {
            (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response()
        }
    }
}
