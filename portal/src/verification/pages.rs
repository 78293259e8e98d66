//! The page "Verifica firma".

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use signing::verify::{Report, verify_file};

use super::words::{self, Findings, Standing};
use crate::documents::form::{self, FileForm};
use crate::documents::upload::Upload;
use crate::portal::Portal;
use crate::web::{Answer, Chrome, Visit, html, html_with};

/// What may be chosen.
const ACCEPTED: &str = ".pdf, .p7m";

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new().route("/verifica-firma", get(ask).post(check)).layer(form::limit())
}

#[derive(Template)]
#[template(path = "verification/page.html")]
struct VerifyPage {
    chrome: Chrome,
    accepted: &'static str,
    fault: Option<String>,
    shown: Option<Shown>,
    /// Trusted lists that signatures are checked against.
    lists: Vec<String>,
}

impl VerifyPage {
    fn new(portal: &Portal, chrome: Chrome) -> Self {
        let lists = portal.signing.trust.editions();
        let lists = lists.iter().map(|edition| words::edition(edition, portal.now())).collect();
        Self { chrome, accepted: ACCEPTED, fault: None, shown: None, lists }
    }

    fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

/// A report on the page, and the same to take away: nothing of it stays here.
struct Shown {
    findings: Findings,
    json: String,
    pdf: String,
}

async fn ask(State(portal): State<Portal>, visit: Visit) -> Answer {
    html(&VerifyPage::new(&portal, visit.chrome))
}

async fn check(State(portal): State<Portal>, visit: Visit, form: FileForm) -> Answer {
    let status = form::status(&form.file);
    let again = |status, fault: String| {
        let chrome = visit.chrome.clone();
        html_with(status, &VerifyPage { fault: Some(fault), ..VerifyPage::new(&portal, chrome) })
    };
    let file = match form.file {
        Ok(file)
            if ["application/pdf", "application/pkcs7-mime"]
                .contains(&file.file_type.media_type) =>
        {
            file
        }
        Ok(_) => return again(status, "Scegli un file PDF o P7M.".to_owned()),
        Err(refusal) => return again(status, refusal.to_string()),
    };
    let body = visit.body.name.clone();
    match examine(&portal, file, body).await? {
        Ok(shown) => {
            let chrome = visit.chrome;
            html(&VerifyPage { shown: Some(shown), ..VerifyPage::new(&portal, chrome) })
        }
        Err(problem) => again(StatusCode::UNPROCESSABLE_ENTITY, problem.to_owned()),
    }
}

/// The report, or why the file cannot be read. Off the async threads, few at a time.
async fn examine(
    portal: &Portal,
    file: Upload,
    body: String,
) -> Result<Result<Shown, &'static str>, crate::web::PageError> {
    let ports = &portal.signing;
    let _turn = ports.previews.acquire().await?;
    let (trust, typesetter, now) =
        (ports.trust.anchors(), Arc::clone(&ports.typesetter), portal.now());
    let work = move || {
        let report = verify_file(&file.bytes, &trust, now);
        if let Some(problem) = report.problems.first() {
            return Ok(Err(words::unreadable(problem)));
        }
        let findings = Findings::of(&report, &file.name);
        let pdf = typesetter.sheet(&findings.sheet(&report, &body))?;
        Ok(Ok(Shown { json: json(&report, &file.name), pdf: STANDARD.encode(pdf), findings }))
    };
    tokio::task::spawn_blocking(work).await?
}

fn json(report: &Report, name: &str) -> String {
    let whole = serde_json::json!({ "file": name, "report": report.to_json() });
    STANDARD.encode(format!("{whole:#}"))
}
