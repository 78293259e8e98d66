//! The page of the demo identity provider.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{DemoIdp, IdpIdentity, IdpMethod};

/// What the page asks, and what it was asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    pub state: String,
    pub redirect_uri: String,
    pub given_name: String,
    pub surname: String,
    pub fiscal_code: String,
    pub method: IdpMethod,
    pub action: String,
}

#[derive(Template)]
#[template(path = "idp.html")]
struct Page<'a> {
    form: &'a Fields,
    problem: Option<&'static str>,
}

pub(super) async fn show(Query(form): Query<Fields>) -> Response {
    if !is_local(&form.redirect_uri) {
        return bad_address();
    }
    render(&form, None)
}

pub(super) async fn decide(State(idp): State<DemoIdp>, Form(form): Form<Fields>) -> Response {
    if !is_local(&form.redirect_uri) {
        return bad_address();
    }
    if form.action != "authorize" {
        return back(&form, "error", "access_denied");
    }
    let fiscal_code = form.fiscal_code.trim().to_uppercase();
    if form.given_name.trim().is_empty() || form.surname.trim().is_empty() {
        return render(&form, Some("Scrivi nome e cognome."));
    }
    if fiscal_code.len() != 16 || !fiscal_code.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return render(&form, Some("Il codice fiscale ha 16 lettere e cifre."));
    }
    let identity = IdpIdentity {
        given_name: form.given_name.trim().to_owned(),
        surname: form.surname.trim().to_owned(),
        fiscal_code,
        method: form.method,
        at: (idp.now)(),
    };
    match idp.grant(identity) {
        Ok(code) => back(&form, "code", &code),
        Err(error) => {
            tracing::error!(%error, "demo identity provider");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn render(form: &Fields, problem: Option<&'static str>) -> Response {
    match (Page { form, problem }).render() {
        Ok(html) if problem.is_some() => {
            (StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response()
        }
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "demo identity provider");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Back to whoever asked, with one answer and their own `state`.
fn back(form: &Fields, key: &str, value: &str) -> Response {
    let join = if form.redirect_uri.contains('?') { '&' } else { '?' };
    let (value, state) = (urlencoding::encode(value), urlencoding::encode(&form.state));
    Redirect::to(&format!("{}{join}{key}={value}&state={state}", form.redirect_uri)).into_response()
}

fn bad_address() -> Response {
    (StatusCode::BAD_REQUEST, "redirect_uri: serve un percorso di questo sito").into_response()
}

/// A path on this host and nothing that a browser would read as another one.
fn is_local(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|c| c.is_ascii_graphic() && c != b'\\' && c != b'#')
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_a_path_on_this_host_is_gone_back_to() {
        let cases = [
            ("/incontri/1/verbale", true),
            ("/firma?incontro=1", true),
            ("", false),
            ("incontri", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("/a\r\nSet-Cookie:x", false),
            ("/\tevil", false),
            ("https://evil.example/", false),
            ("javascript:alert(1)", false),
        ];
        for (path, local) in cases {
            assert_eq!(is_local(path), local, "{path}");
        }
    }
}
