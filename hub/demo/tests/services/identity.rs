//! The identity provider, as a browser and a relying party use it.

use accordo_demo::idp::{DemoIdp, IdpMethod};
use chrono::TimeDelta;
use reqwest::{Client, Response, Url, redirect::Policy};
use scraper::{Html, Selector};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{TestClock, serve};

struct Site {
    idp: DemoIdp,
    clock: TestClock,
    origin: String,
    http: Client,
    server: JoinHandle<()>,
}

impl Site {
    async fn start() -> Self {
        let clock = TestClock::new();
        let idp = DemoIdp::new(clock.now());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let server = serve(listener, idp.router());
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { idp, clock, origin, http, server }
    }

    fn url(&self, query: &[(&str, &str)]) -> Url {
        Url::parse_with_params(&format!("{}/demo/idp/authorize", self.origin), query).unwrap()
    }

    async fn page(&self, query: &[(&str, &str)]) -> Response {
        self.http.get(self.url(query)).send().await.unwrap()
    }

    /// Sends the page's form with some fields changed.
    async fn decide(&self, changed: &[(&str, &str)]) -> Response {
        let mut fields = vec![
            ("state", "s t&a=te"),
            ("redirect_uri", "/incontri/1/verbale?passo=2"),
            ("given_name", "Anna"),
            ("surname", "Rossi"),
            ("fiscal_code", "rssnna80a41h501x"),
            ("method", "cie"),
            ("action", "authorize"),
        ];
        for field in &mut fields {
            if let Some(change) = changed.iter().find(|change| change.0 == field.0) {
                field.1 = change.1;
            }
        }
        self.http.post(self.url(&[])).form(&fields).send().await.unwrap()
    }

    /// Where the browser is sent, as path and answers.
    fn back(&self, response: &Response) -> (String, Vec<(String, String)>) {
        assert_eq!(response.status(), 303);
        let location = response.headers()["location"].to_str().unwrap();
        let url = Url::parse(&self.origin).unwrap().join(location).unwrap();
        assert_eq!(url.origin(), Url::parse(&self.origin).unwrap().origin());
        (url.path().to_owned(), url.query_pairs().into_owned().collect())
    }

    async fn code(&self) -> String {
        let (_, answers) = self.back(&self.decide(&[]).await);
        answers.into_iter().find(|answer| answer.0 == "code").unwrap().1
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tokio::test]
async fn the_page_asks_for_the_person_and_says_that_it_is_a_demonstration() {
    let site = Site::start().await;
    let query = [
        ("state", "abc"),
        ("redirect_uri", "/incontri/1/verbale"),
        ("fiscal_code", "RSSNNA80A41H501X"),
        ("given_name", "\"><script>alert(1)</script>"),
    ];
    let response = site.page(&query).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(text.contains("Dimostrazione") && !text.contains("<script"), "{text}");
    let page = Html::parse_document(&text);
    let value = |name: &str| {
        let field = Selector::parse(&format!("[name={name}]")).unwrap();
        page.select(&field).next().unwrap().attr("value").unwrap().to_owned()
    };
    assert_eq!(value("fiscal_code"), "RSSNNA80A41H501X");
    assert_eq!(value("given_name"), "\"><script>alert(1)</script>");
    assert_eq!(
        (value("state").as_str(), value("redirect_uri").as_str()),
        ("abc", "/incontri/1/verbale")
    );
    for input in page.select(&Selector::parse("input:not([type=hidden])").unwrap()) {
        let label = format!("label[for={}]", input.attr("id").unwrap());
        assert_eq!(page.select(&Selector::parse(&label).unwrap()).count(), 1, "{label}");
    }
    let button = Selector::parse("button").unwrap();
    let buttons: Vec<String> = page.select(&button).map(|button| button.text().collect()).collect();
    assert_eq!(buttons, ["Autorizza", "Annulla"]);
}

#[tokio::test]
async fn a_code_tells_who_it_was_once() {
    let site = Site::start().await;
    let (path, answers) = site.back(&site.decide(&[]).await);
    assert_eq!(path, "/incontri/1/verbale");
    assert_eq!(answers[0], ("passo".into(), "2".into()));
    assert_eq!(answers[2], ("state".into(), "s t&a=te".into()));
    let (name, code) = &answers[1];
    assert_eq!(name, "code");

    let token = format!("{}/demo/idp/token", site.origin);
    let exchange = || site.http.post(&token).form(&[("code", code)]).send();
    let response = exchange().await.unwrap();
    assert_eq!(response.status(), 200);
    let identity: serde_json::Value =
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(identity["given_name"], "Anna");
    assert_eq!(identity["surname"], "Rossi");
    assert_eq!(identity["fiscal_code"], "RSSNNA80A41H501X");
    assert_eq!(identity["method"], "cie");
    assert_eq!(exchange().await.unwrap().status(), 400);
    assert_eq!(site.idp.redeem(code).await, None);
}

#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let site = Site::start().await;
    for (seconds, lives) in [(0, true), (59, true), (60, false), (3_600, false)] {
        let code = site.code().await;
        site.clock.advance(TimeDelta::seconds(seconds));
        let identity = site.idp.redeem(&code).await;
        assert_eq!(identity.is_some(), lives, "{seconds}");
        if let Some(identity) = identity {
            assert_eq!(identity.method, IdpMethod::Cie);
        }
    }
    assert_eq!(site.idp.redeem("guess").await, None);
}

#[tokio::test]
async fn who_cancels_goes_back_without_a_code() {
    let site = Site::start().await;
    let (_, answers) = site.back(&site.decide(&[("action", "cancel"), ("surname", "")]).await);
    let expected = [("passo", "2"), ("error", "access_denied"), ("state", "s t&a=te")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn what_is_wrong_is_said_on_the_page() {
    let site = Site::start().await;
    let cases = [
        ("given_name", " ", "Scrivi nome e cognome"),
        ("surname", "", "Scrivi nome e cognome"),
        ("fiscal_code", "RSSNNA", "16 lettere e cifre"),
        ("fiscal_code", "RSSNNA80A41H501!", "16 lettere e cifre"),
    ];
    for (field, value, problem) in cases {
        let response = site.decide(&[(field, value)]).await;
        assert_eq!(response.status(), 422, "{field}");
        let text = response.text().await.unwrap();
        assert!(text.contains(problem) && text.contains("role=\"alert\""), "{text}");
    }
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example", ""] {
        assert_eq!(site.decide(&[("redirect_uri", elsewhere)]).await.status(), 400);
        let page = site.page(&[("redirect_uri", elsewhere), ("state", "a")]).await;
        assert_eq!(page.status(), 400, "{elsewhere}");
    }
}
