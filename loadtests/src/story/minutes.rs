//! The minutes: written, shown, frozen, signed by three, filed.

use super::{Desk, Story, StoryError, read, until_done, wrong};
use crate::browser::Page;
use crate::outbox::Outbox;
use crate::participant::Participant;
use crate::report::Figure;
use crate::room::Known;
use futures::future::try_join_all;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What the conciliator adds to the proposed text.
const AGREED: &str = "L'operatore riconosce al cliente un rimborso di 150,00 euro entro trenta \
    giorni; il cliente accetta e non ha altro da pretendere.";
/// Somebody who waits looks at the page again after this, whatever the room says.
const LOOKS_EVERY: Duration = Duration::from_secs(2);

impl Story {
    pub(super) fn panel(&self) -> String {
        format!("/incontri/{}/verbale", self.meeting)
    }

    /// The conciliator writes the minutes of an agreement and shows them to all.
    pub(super) async fn write_minutes(&mut self) -> Result<(), StoryError> {
        let browser = &self.cast.conciliator.browser;
        until_done("the minutes", self.patience(), async || {
            let page = browser.open(&self.panel()).await?;
            let form = page.form("minutes-save")?;
            if form.value("testo").is_some_and(|text| text.contains(AGREED)) {
                return Ok(Some(()));
            }
            if form.value("esito") != Some("agreement") {
                // The text that is proposed follows the outcome.
                browser.submit(form.choose("esito", "agreement")?).await?;
                return Ok(None);
            }
            let text = format!("{}\n\n{AGREED}\n", form.value("testo").unwrap_or_default().trim());
            browser.submit(form.fill("testo", &text)?).await?;
            Ok(None)
        })
        .await?;
        let told = self.table().all().map(Participant::known);
        until_done("the preview", self.patience(), async || {
            let page = browser.open(&self.panel()).await?;
            browser.submit(page.form("minutes-show")?).await?;
            let seen = self.cast.client.browser.open(&self.panel()).await?;
            Ok(seen.has("[data-testid='minutes-preview']").then_some(()))
        })
        .await?;
        for (participant, before) in self.table().all().into_iter().zip(told) {
            // A page that was loaded again shows what there is.
            let knows = |now: &Known| now.changed.0 > before.changed.0 || now.fresh > before.fresh;
            participant.until("word of the preview", knows).await?;
        }
        let pdf = read("the preview", self.patience(), async || {
            let preview = self.cast.client.browser.open(&self.panel()).await?;
            let pdf = preview.attribute("[data-testid='minutes-preview']", "href")?;
            Ok(self.cast.client.browser.download(&pdf).await?)
        })
        .await?;
        is_pdf("the preview", &pdf)
    }

    /// The conciliator freezes the minutes; everybody hears that they can be signed.
    pub(super) async fn freeze(&mut self) -> Result<(), StoryError> {
        let browser = &self.cast.conciliator.browser;
        until_done("the frozen minutes", self.patience(), async || {
            let page = browser.open(&self.panel()).await?;
            if page.has("[data-testid='process-status']") {
                return Ok(Some(()));
            }
            browser.submit(page.form("minutes-freeze")?).await?;
            Ok(None)
        })
        .await
    }

    /// The client signs; nobody else's turn has come.
    pub(super) async fn sign_first(&mut self) -> Result<(), StoryError> {
        self.sign(&self.cast.client, &self.table().client).await
    }

    /// Operator's delegate and conciliator sign at once: who must wait for the other waits.
    pub(super) async fn sign_on(&mut self) -> Result<(), StoryError> {
        let table = self.table();
        try_join_all([
            self.sign(&self.cast.delegate, &table.delegate),
            self.sign(&self.cast.conciliator, &table.conciliator),
        ])
        .await?;
        for desk in self.cast.all() {
            let status = read("the process", self.patience(), async || {
                let page = desk.browser.open(&self.panel()).await?;
                Ok(page.attribute("[data-testid='process-status']", "data-status")?)
            })
            .await?;
            if status != "completed" {
                return Err(wrong(format!("{} sees the process {status}", desk.person.part)));
            }
        }
        Ok(())
    }

    /// Does the next thing that the page asks for, until it says that this person has signed.
    async fn sign(&self, desk: &Desk, seat: &Participant) -> Result<(), StoryError> {
        let outbox = Outbox::new(desk.browser.hub(), &desk.person.mobile);
        let mut before =
            read("the messages", self.patience(), async || Ok(outbox.before().await?)).await?;
        // The code that was sent last may have been used up by an answer that was lost.
        let mut spent = false;
        until_done("a signature", self.patience(), async || {
            let told = seat.known().changed;
            let page = desk.browser.open(&self.panel()).await?;
            let browser = &desk.browser;
            let has = |testid: &str| page.has(&format!("[data-testid='{testid}']"));
            if has("sign-identify") {
                let provider = browser.submit(page.form("sign-identify")?).await?;
                let form = provider.form_of("form[action='/demo/idp/authorize']")?;
                browser.submit(form.press("action", "authorize")).await?;
            } else if has("sign-conditions") {
                browser.submit(page.form("sign-conditions")?.tick_all()).await?;
            } else if has("sign-contacts") {
                browser.submit(page.form("sign-contacts")?).await?;
            } else if has("sign-check") {
                browser.submit(page.form("sign-check")?).await?;
            } else if has("sign-request") || (has("sign-submit") && spent) {
                before = outbox.before().await?;
                let again = format!("form[action='{}/firma/codice']", self.panel());
                browser.submit(page.form_of(&again)?).await?;
                spent = false;
            } else if has("sign-submit") {
                let code = outbox.code(before, self.patience()).await?;
                let form = page.form("sign-submit")?.fill("codice", &code)?;
                let began = Instant::now();
                tracing::info!(meeting = self.number, part = desk.person.part, "the code is sent");
                spent = true;
                browser.submit(form).await?;
                self.measure(Figure::Signature, began.elapsed());
            } else if signed(&page, &desk.person.surname)? {
                return Ok(Some(()));
            } else {
                let news = |known: &Known| known.changed.1 > told.1 || known.ended.is_some();
                // Looking again does no harm when the room said nothing.
                let _ = timeout(LOOKS_EVERY, seat.until("the others", news)).await;
            }
            Ok(None)
        })
        .await
    }

    /// A party finds the signed minutes in the case; the case is in agreement.
    pub(super) async fn fetch_document(&mut self) -> Result<(), StoryError> {
        let browser = &self.cast.client.browser;
        let (page, document) = until_done("the signed minutes", self.patience(), async || {
            let page = browser.open(&format!("{}?scheda=documenti", self.case)).await?;
            let row = "[data-kind='final_minutes'] [data-testid='document-open']";
            let Ok(address) = page.attribute(row, "href") else { return Ok(None) };
            Ok(Some((page, browser.download(&address).await?)))
        })
        .await?;
        let state = page.attribute("[data-testid='case-state']", "data-state")?;
        if state != "agreement" {
            return Err(wrong(format!("the case is {state}")));
        }
        is_pdf("the signed minutes", &document)?;
        self.save(".pdf", &document)?;
        self.signed_documents += 1;
        Ok(())
    }
}

/// The table of signers says that this person has signed.
fn signed(page: &Page, surname: &str) -> Result<bool, StoryError> {
    let status = page.attribute("[data-testid='process-status']", "data-status")?;
    match status.as_str() {
        "assembled" | "sent" | "partially_signed" | "completed" => {
            Ok(page.says("tr[data-step='signed']", surname))
        }
        over => Err(wrong(format!("the process is {over}"))),
    }
}

fn is_pdf(what: &str, bytes: &[u8]) -> Result<(), StoryError> {
    if bytes.starts_with(b"%PDF-") { Ok(()) } else { Err(wrong(format!("{what} is no PDF"))) }
}
