//! A person at the page of the minutes.

use axum::body::Body as Content;
use axum::http::{StatusCode, header};
use portal::accounts::Actor;
use portal::meetings::MeetingId;
use portal_testing::{Browser, Page};

use crate::stage::Stage;

/// What an agreement of these tests says.
pub const TEXT: &str = "L'operatore rimborsa 150,00 euro.";

fn page_of(meeting: MeetingId) -> String {
    format!("/incontri/{meeting}/verbale")
}

/// A person at the page of the minutes.
#[derive(Clone)]
pub struct Reader {
    pub browser: Browser,
    page: String,
}

impl Reader {
    /// At the minutes of this meeting.
    pub fn new(browser: Browser, meeting: MeetingId) -> Self {
        Self { browser, page: page_of(meeting) }
    }

    pub async fn look(&mut self) -> Page {
        self.browser.get(&self.page).await
    }

    /// Goes to the minutes of another meeting.
    pub fn turn_to(&mut self, meeting: MeetingId) {
        self.page = page_of(meeting);
    }

    /// The outcomes that the page offers, by their words.
    pub async fn outcomes(&mut self) -> Vec<String> {
        let page = self.look().await;
        let options = page.text().split("<option value=\"").skip(1);
        options.map(|option| option.split('"').next().unwrap().to_owned()).collect()
    }

    /// Sends a form of the page; `""` is the page's own address.
    pub async fn send(&mut self, what: &str, fields: &[(&str, &str)]) -> Page {
        self.browser.post(&format!("{}/{what}", self.page), fields).await
    }

    pub async fn open(&mut self, what: &str) -> Page {
        self.browser.get(&format!("{}/{what}", self.page)).await
    }

    /// What the page asks of the person, as its word; empty for nothing.
    pub async fn next(&mut self) -> String {
        attribute(&self.look().await, "data-own")
    }

    /// Writes an agreement and puts it to signature.
    pub async fn freeze(&mut self, text: &str) {
        self.freeze_as("agreement", text).await;
    }

    /// Writes minutes of this outcome and puts them to signature.
    pub async fn freeze_as(&mut self, outcome: &str, text: &str) {
        for act in ["bozza", "congela"] {
            let revision = self.revision().await;
            let fields = [("revision", revision.as_str()), ("esito", outcome), ("testo", text)];
            went_on(&self.send(act, &fields).await);
        }
    }

    /// The same with signatures beside the document.
    pub async fn freeze_beside(&mut self, text: &str) {
        let revision = self.revision().await;
        let fields = [
            ("revision", revision.as_str()),
            ("esito", "agreement"),
            ("testo", text),
            ("formato", "cades"),
        ];
        went_on(&self.send("congela", &fields).await);
    }

    /// Sends this to signature without saving it before.
    pub async fn freeze_suddenly(&mut self, outcome: &str, text: &str) -> Page {
        let revision = self.revision().await;
        let fields = [("revision", revision.as_str()), ("esito", outcome), ("testo", text)];
        self.send("congela", &fields).await
    }

    /// The text of the draft on the page.
    pub async fn text(&mut self) -> String {
        let page = self.look().await;
        let field = between(page.text(), "<textarea ", "</textarea>").to_owned();
        let text = field.split_once(">\n").unwrap().1;
        text.replace("&#39;", "'")
    }

    /// The revision of the draft that the page goes on from.
    pub async fn revision(&mut self) -> String {
        let page = self.look().await;
        between(page.text(), "name=\"revision\" value=\"", "\"").to_owned()
    }

    /// Goes every step up to the code.
    pub async fn get_ready(&mut self) {
        if self.next().await == "identify" {
            self.identify("RSSMRA80A01H501U").await;
        }
        let page = self.look().await;
        let digests: Vec<(String, String)> = page
            .text()
            .split("<input id=\"condizione-")
            .skip(1)
            .map(|rest| {
                let key = rest.split('"').next().unwrap().to_owned();
                (key, between(rest, "value=\"", "\"").to_owned())
            })
            .collect();
        let ticks: Vec<(&str, &str)> =
            digests.iter().map(|(key, digest)| (key.as_str(), digest.as_str())).collect();
        went_on(&self.send("firma/condizioni", &ticks).await);
        went_on(&self.send("firma/recapiti", &[]).await);
    }

    /// At the identity provider, as whom the codice fiscale says; back on the page.
    pub async fn identify(&mut self, fiscal_code: &str) -> Page {
        let page = self.send("firma/identificazione", &[]).await;
        let address = page.location().to_owned();
        let asked = |name: &str| {
            let value = between(&address, &format!("{name}="), "&");
            urlencoding::decode(value).unwrap().into_owned()
        };
        let (state, redirect_uri) = (asked("state"), asked("redirect_uri"));
        let fields = [
            ("state", state.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("given_name", "Anna"),
            ("surname", "Rossi"),
            ("fiscal_code", fiscal_code),
            ("method", "spid"),
            ("action", "authorize"),
        ];
        let page = self.browser.post("/demo/idp/authorize", &fields).await;
        let back = page.location().to_owned();
        self.browser.get(&back).await
    }

    /// Asks for a code and signs with it.
    pub async fn sign(&mut self, stage: &Stage, actor: &Actor) -> Page {
        went_on(&self.send("firma/codice", &[]).await);
        let code = stage.code(actor).await;
        self.enter(&code).await
    }

    /// Signs with this code.
    pub async fn enter(&mut self, code: &str) -> Page {
        let base = self.base().await;
        self.send("firma", &[("base", base.as_str()), ("codice", code)]).await
    }

    /// Sends a file to the page, signed elsewhere.
    pub async fn hand_in(&mut self, name: &str, content: &[u8]) -> Page {
        self.upload("firma/file", name, content).await
    }

    /// Sends a form of the page that is a file.
    pub async fn upload(&mut self, what: &str, name: &str, content: &[u8]) -> Page {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        let body = [head.as_bytes(), content, b"\r\n--b--\r\n"].concat();
        let request = self
            .browser
            .request("POST", &format!("{}/{what}", self.page))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(Content::from(body))
            .unwrap();
        self.browser.send(request).await
    }

    /// Digest of the document that the page offers for signature.
    pub async fn base(&mut self) -> String {
        let page = self.look().await;
        between(page.text(), "name=\"base\" value=\"", "\"").to_owned()
    }
}

pub fn went_on(page: &Page) {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text());
}

pub fn attribute(page: &Page, name: &str) -> String {
    let text = page.text();
    let marked = format!("{name}=\"");
    if text.contains(&marked) { between(text, &marked, "\"").to_owned() } else { String::new() }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split(after).next().unwrap()
}
