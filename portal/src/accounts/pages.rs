//! Pages of signing in and out, and of one's own profile.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use uuid::Uuid;

use super::sign_in::{self, SignInError};
use super::{Person, Profile, UserId, sessions, store};
use crate::bodies::Body;
use crate::db::DbError;
use crate::identification::commands::is_operator;
use crate::organisations;
use crate::portal::Portal;
use crate::powers::{self, views::Line};
use crate::random::{self, Token};
use crate::signatures::identity::{self, Standing};
use crate::web::{
    Answer, Chrome, PageError, SESSION_COOKIE, Visit, cookie_of, done, html, html_with, local_path,
    see_other,
};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/accesso", get(show_sign_in).post(sign_in))
        .route("/accesso/otp", get(show_code).post(code))
        .route("/accesso/otp/nuovo", post(resend))
        .route("/accesso/profilo", get(show_profiles).post(choose))
        .route("/esci", post(sign_out))
        .route("/profilo", get(own))
        .route("/profilo/firma", post(own_signature))
}

#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    ritorno: String,
}

#[derive(Template)]
#[template(path = "accounts/sign_in.html")]
struct SignInPage {
    chrome: Chrome,
    back: String,
    username: String,
    error: Option<String>,
    help_phone: String,
    help_link: String,
}

impl SignInPage {
    fn new(portal: &Portal, body: &Body, back: &str) -> Self {
        let help_phone = portal.settings.help_phone.clone();
        Self {
            chrome: Chrome::outside(body, portal.settings.demo),
            back: local_path(back).to_owned(),
            username: String::new(),
            error: None,
            help_link: help_phone.chars().filter(char::is_ascii_digit).collect(),
            help_phone,
        }
    }
}

async fn show_sign_in(
    State(portal): State<Portal>,
    body: Body,
    visit: Option<Visit>,
    Query(back): Query<Back>,
) -> Answer {
    if visit.is_some() {
        return Ok(see_other(local_path(&back.ritorno)));
    }
    html(&SignInPage::new(&portal, &body, &back.ritorno))
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    ritorno: String,
}

async fn sign_in(
    State(portal): State<Portal>,
    body: Body,
    Form(typed): Form<Credentials>,
) -> Answer {
    match sign_in::password(&portal, &body, &typed.username, &typed.password).await {
        Ok(token) => {
            let to = format!("/accesso/otp?ritorno={}", encoded(&typed.ritorno));
            Ok(with_cookie(&portal, see_other(&to), &token))
        }
        Err(SignInError::Db(error)) => Err(error.into()),
        Err(refusal) => {
            let page = SignInPage {
                username: typed.username,
                error: Some(refusal.to_string()),
                ..SignInPage::new(&portal, &body, &typed.ritorno)
            };
            html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

#[derive(Template)]
#[template(path = "accounts/code.html")]
struct CodePage {
    chrome: Chrome,
    back: String,
    mobile_end: String,
    resends_left: i32,
    sent: Option<&'static str>,
    error: Option<String>,
}

impl CodePage {
    /// Nothing if the sign-in is over.
    async fn of(
        portal: &Portal,
        body: &Body,
        headers: &HeaderMap,
        back: &str,
    ) -> Result<Option<Self>, DbError> {
        let Some(token) = cookie_of(headers) else { return Ok(None) };
        let progress = sign_in::progress(portal, body, &token).await?;
        Ok(progress.map(|(resends_left, mobile_end)| Self {
            chrome: Chrome::outside(body, portal.settings.demo),
            back: local_path(back).to_owned(),
            mobile_end,
            resends_left,
            sent: None,
            error: None,
        }))
    }
}

async fn show_code(
    State(portal): State<Portal>,
    body: Body,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Answer {
    match CodePage::of(&portal, &body, &headers, &back.ritorno).await? {
        Some(page) => html(&page),
        None => Ok(begin_again(&back.ritorno)),
    }
}

async fn resend(
    State(portal): State<Portal>,
    body: Body,
    headers: HeaderMap,
    Form(back): Form<Back>,
) -> Answer {
    let token = cookie_of(&headers).unwrap_or_default();
    let result = sign_in::resend(&portal, &body, &token).await;
    let page = CodePage::of(&portal, &body, &headers, &back.ritorno).await?;
    match (result, page) {
        (Err(SignInError::Db(error)), _) => Err(error.into()),
        (Ok(()), Some(page)) => {
            html(&CodePage { sent: Some("Abbiamo inviato un nuovo codice."), ..page })
        }
        (Err(refusal), Some(page)) => {
            let page = CodePage { error: Some(refusal.to_string()), ..page };
            html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        (_, None) => Ok(begin_again(&back.ritorno)),
    }
}

#[derive(Deserialize)]
struct TypedCode {
    #[serde(default)]
    codice: String,
    #[serde(default)]
    ritorno: String,
}

async fn code(
    State(portal): State<Portal>,
    body: Body,
    headers: HeaderMap,
    Form(typed): Form<TypedCode>,
) -> Answer {
    let token = cookie_of(&headers).unwrap_or_default();
    match sign_in::code(&portal, &body, &token, &typed.codice).await {
        Ok(token) => {
            let to = format!("/accesso/profilo?ritorno={}", encoded(&typed.ritorno));
            let to = match rights(&portal, &body, &token).await? {
                true => local_path(&typed.ritorno),
                false => to.as_str(),
            };
            Ok(with_cookie(&portal, see_other(to), &token))
        }
        Err(SignInError::Db(error)) => Err(error.into()),
        Err(refusal) => match CodePage::of(&portal, &body, &headers, &typed.ritorno).await? {
            Some(page) => {
                let page = CodePage { error: Some(refusal.to_string()), ..page };
                html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
            }
            None => {
                let page = SignInPage {
                    error: Some(refusal.to_string()),
                    ..SignInPage::new(&portal, &body, &typed.ritorno)
                };
                html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
            }
        },
    }
}

async fn rights(portal: &Portal, body: &Body, token: &Token) -> Result<bool, DbError> {
    let (idle, now) = (portal.settings.idle, portal.now());
    Ok(sessions::actor(&portal.db, body.id, token.hash(), idle, now).await?.is_some())
}

/// A profile to choose.
struct Choice {
    id: Uuid,
    label: String,
}

async fn choices(
    portal: &Portal,
    body: &Body,
    profiles: &[Profile],
) -> Result<Vec<Choice>, DbError> {
    let operators = organisations::store::all(&portal.db, body.id).await?;
    let label = |profile: &Profile| {
        let operator = operators.iter().find(|o| Some(o.id) == profile.operator);
        let operator = operator.map(|o| format!(" – {}", o.name)).unwrap_or_default();
        format!("{}{operator}", profile.role.label())
    };
    Ok(profiles.iter().map(|p| Choice { id: p.id, label: label(p) }).collect())
}

#[derive(Template)]
#[template(path = "accounts/profiles.html")]
struct ProfilesPage {
    chrome: Chrome,
    back: String,
    profiles: Vec<Choice>,
}

async fn show_profiles(
    State(portal): State<Portal>,
    body: Body,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Answer {
    let hash = random::hash(&cookie_of(&headers).unwrap_or_default());
    let pending = sessions::pending(&portal.db, body.id, None, hash, portal.now()).await?;
    let Some(pending) = pending.filter(|p| p.authenticated_at.is_some()) else {
        return Ok(begin_again(&back.ritorno));
    };
    let profiles = store::profiles(&portal.db, body.id, UserId(pending.user_id)).await?;
    html(&ProfilesPage {
        chrome: Chrome::outside(&body, portal.settings.demo),
        back: local_path(&back.ritorno).to_owned(),
        profiles: choices(&portal, &body, &profiles).await?,
    })
}

#[derive(Deserialize)]
struct Chosen {
    profilo: Uuid,
    #[serde(default)]
    ritorno: String,
}

async fn choose(
    State(portal): State<Portal>,
    body: Body,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Answer {
    let hash = random::hash(&cookie_of(&headers).unwrap_or_default());
    let mut tx = portal.db.begin().await?;
    let done = sessions::choose(&mut tx, body.id, hash, chosen.profilo, portal.now()).await?;
    tx.commit().await?;
    Ok(if done { see_other(local_path(&chosen.ritorno)) } else { begin_again(&chosen.ritorno) })
}

async fn sign_out(State(portal): State<Portal>, headers: HeaderMap) -> Answer {
    if let Some(token) = cookie_of(&headers) {
        let mut tx = portal.db.begin().await?;
        sessions::end(&mut tx, random::hash(&token)).await?;
        tx.commit().await?;
    }
    let mut answer = see_other("/accesso");
    set_cookie(&portal, &mut answer, "; Max-Age=0");
    Ok(answer)
}

#[derive(Template)]
#[template(path = "accounts/own.html")]
struct OwnPage {
    chrome: Chrome,
    person: Person,
    profiles: Vec<Choice>,
    identified: Option<Standing>,
    identifies: bool,
    own_signature: bool,
    powers: Vec<Line>,
}

#[derive(Deserialize)]
struct OwnSignature {
    #[serde(default)]
    firma: String,
}

/// R-MEET-08.
async fn own_signature(
    State(portal): State<Portal>,
    visit: Visit,
    Form(form): Form<OwnSignature>,
) -> Answer {
    let mut tx = portal.db.begin().await?;
    let (user, own) = (visit.actor.user, form.firma == "si");
    store::set_own_signature(&mut tx, visit.body.id, user, own).await?;
    tx.commit().await?;
    Ok(done("/profilo", "La dichiarazione è registrata."))
}

async fn own(State(portal): State<Portal>, visit: Visit) -> Answer {
    let (body, user) = (&visit.body, visit.actor.user);
    let person = store::person(&portal.db, body.id, user).await?.ok_or(PageError::NotFound)?;
    let profiles = store::profiles(&portal.db, body.id, user).await?;
    let profiles = choices(&portal, body, &profiles).await?;
    let own_signature = store::own_signature(&portal.db, body.id, user).await?;
    let identified = identity::standing(&portal.db, body.id.0, user, portal.now()).await?;
    let identifies = is_operator(&portal, &visit.actor).await?;
    let powers = powers::pages::of_person(&portal, &visit, user).await?;
    let chrome = visit.chrome;
    html(&OwnPage { chrome, person, profiles, identified, identifies, own_signature, powers })
}

fn begin_again(back: &str) -> Response {
    see_other(&format!("/accesso?ritorno={}", encoded(back)))
}

fn encoded(back: &str) -> String {
    urlencoding::encode(local_path(back)).into_owned()
}

/// The answer with the cookie of a session.
pub(crate) fn with_cookie(portal: &Portal, mut answer: Response, token: &Token) -> Response {
    set_cookie(portal, &mut answer, token.reveal());
    answer
}

/// A cookie for this host, unreadable to scripts, sent by other sites' links but not by their forms.
fn set_cookie(portal: &Portal, answer: &mut Response, value: &str) {
    let secure = if portal.settings.public_url.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
    let cookie = HeaderValue::try_from(cookie).expect("a token fits a header");
    answer.headers_mut().append(header::SET_COOKIE, cookie);
}
