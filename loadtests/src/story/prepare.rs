//! Before the meeting: accounts, the case, the convening; all by the pages that people use.

use super::{Desk, Story, StoryError, read, until_done, wrong};
use crate::browser::{Browser, BrowserError, Form, Page};
use crate::outbox::Outbox;
use chrono::{DateTime, Days, Timelike as _};
use chrono_tz::Europe::Rome;
use chrono_tz::Tz;
use uuid::Uuid;

/// From convening to the meeting's time. The room is open at once: it opens a quarter of an hour
/// before.
const AHEAD_MINUTES: i64 = 5;
/// The letter that adhesion asks for.
const LETTER: &[u8] = b"Oggetto: adesione alla procedura di conciliazione.\n";

/// The document that lets the operator's delegate sign.
const POWERS: &[u8] = b"Procura speciale a conciliare e transigere.\n";

impl Story {
    /// The administrator makes four accounts.
    pub(super) async fn make_accounts(&mut self) -> Result<(), StoryError> {
        let world = &self.stage.scenario.world;
        for (desk, role, operator) in [
            (&self.cast.conciliator, "conciliator", None),
            (&self.cast.client, "client", None),
            (&self.cast.delegate, "operator_delegate", Some(&world.operator)),
            (&self.cast.aid, "operator_delegate", Some(&world.aid)),
        ] {
            self.make_account(desk, role, operator.map(String::as_str)).await?;
        }
        Ok(())
    }

    async fn make_account(
        &self,
        Desk { person, .. }: &Desk,
        role: &str,
        operator: Option<&str>,
    ) -> Result<(), StoryError> {
        let browser = &self.stage.staff.administrator.browser;
        until_done("an account", self.patience(), async || {
            let page = browser.open("/amministrazione/utenti/nuovo").await?;
            let mut form = page.form("user-form")?.choose("ruolo", role)?;
            if let Some(operator) = operator {
                form = form.choose("operatore", operator)?;
            }
            for (field, value) in [
                ("username", person.username.as_str()),
                ("nome", person.given_name),
                ("cognome", &person.surname),
                ("codice_fiscale", &person.fiscal_code),
                ("email", &person.email),
                ("cellulare", &person.mobile),
                ("password", &person.password),
            ] {
                form = form.fill(field, value)?;
            }
            match browser.submit(form).await {
                Ok(_) => Ok(Some(())),
                // An answer that was lost, or a name that somebody else has: signing in will tell.
                Err(BrowserError::Refused { told, .. }) if told.contains("esiste già") => {
                    Ok(Some(()))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// The service secretariat takes the case in, admits it and convenes the technical aid; operator
    /// and aid adhere.
    pub(super) async fn open_case(&mut self) -> Result<(), StoryError> {
        self.case = self.take_in().await?;
        let service = &self.stage.staff.service.browser;
        self.act(service, "dati", "case-admit", Ok).await?;
        self.act(service, "dati", "case-convene-aid", Ok).await?;
        let conciliator = self.cast.conciliator.person.surname.clone();
        self.act_once(service, "dati", "case-assign-conciliator", &conciliator, |form| {
            form.choose("conciliatore", &conciliator)
        })
        .await?;
        for (staff, delegate) in [
            (&self.stage.staff.operator, &self.cast.delegate),
            (&self.stage.staff.aid, &self.cast.aid),
        ] {
            self.act(&staff.browser, "adesione", "case-answer", |form| {
                form.choose("aderisce", "si")?.attach("file", "adesione.txt", LETTER.to_vec())
            })
            .await?;
            let surname = delegate.person.surname.clone();
            self.act_once(&staff.browser, "dati", "case-assign-delegate", &surname, |form| {
                form.choose("delegato", &surname)
            })
            .await?;
        }
        self.record_powers().await
    }

    /// The service secretariat records by what the operator's delegate signs in this case.
    async fn record_powers(&self) -> Result<(), StoryError> {
        let browser = &self.stage.staff.service.browser;
        let surname = &self.cast.delegate.person.surname;
        until_done("the delegate's powers", self.patience(), async || {
            let page = browser.open(&format!("{}/poteri", self.case)).await?;
            if page.says("td", surname) {
                return Ok(Some(()));
            }
            let dated = now().date_naive() - Days::new(20);
            let form = page
                .form("power-form")?
                .choose("persona", surname)?
                .choose("documento", "special_poa")?
                .fill("data", &dated.to_string())?
                .tick_all()
                .attach("file", "procura.txt", POWERS.to_vec())?;
            browser.submit(form).await?;
            Ok(None)
        })
        .await
    }

    /// The address of the case, `/pratiche/…`.
    async fn take_in(&self) -> Result<String, StoryError> {
        let browser = &self.stage.staff.service.browser;
        let world = &self.stage.scenario.world;
        let client = &self.cast.client.person;
        let complaint = now().date_naive() - Days::new(60);
        until_done("the case", self.patience(), async || {
            let list = browser.open(&format!("/pratiche?q={}", client.surname)).await?;
            if let Ok(case) = list.attribute("[data-testid='case-row'] a", "href") {
                return Ok(Some(case));
            }
            let page = browser.open("/pratiche/nuova").await?;
            let mut form = page
                .form("case-form")?
                .choose("cliente", &client.surname)?
                .choose("operatore", &world.operator)?
                .choose("ausilio", &world.aid)?
                .choose("servizio", "electricity")?
                .choose("utenza", "domestic")?;
            for (field, value) in [
                ("contratto", format!("C-{}", client.surname)),
                ("pod", "IT001E00012345".to_owned()),
                ("indirizzo", "Via Appia 12".to_owned()),
                ("comune", "Roma".to_owned()),
                ("provincia", "RM".to_owned()),
                ("regione", "Lazio".to_owned()),
                ("cap", "00183".to_owned()),
                ("data_reclamo", complaint.to_string()),
                ("riferimento_reclamo", format!("R-{}", client.surname)),
                ("argomento", "Fatturazione".to_owned()),
                ("valore", "321,00".to_owned()),
                ("descrizione", "La bolletta di conguaglio non corrisponde alla lettura.".into()),
                ("disponibilita", "Tutto il giorno".to_owned()),
            ] {
                form = form.fill(field, &value)?;
            }
            let page = browser.submit(form).await?;
            Ok(Some(page.at))
        })
        .await
    }

    async fn tab(&self, browser: &Browser, tab: &str) -> Result<Page, BrowserError> {
        browser.open(&format!("{}?scheda={tab}", self.case)).await
    }

    /// Sends a form of the case's page; its disappearance says that it is done.
    async fn act(
        &self,
        browser: &Browser,
        tab: &str,
        testid: &str,
        fill: impl Fn(Form) -> Result<Form, BrowserError>,
    ) -> Result<(), StoryError> {
        let mut sent = false;
        let selector = format!("[data-testid='{testid}']");
        until_done(testid, self.patience(), async || {
            let page = self.tab(browser, tab).await?;
            if sent && !page.has(&selector) {
                return Ok(Some(()));
            }
            let form = fill(page.form(testid)?)?;
            sent = true;
            browser.submit(form).await?;
            Ok(None)
        })
        .await
    }

    /// Sends a form that stays on the page; the name among the case's subjects says that it is done.
    async fn act_once(
        &self,
        browser: &Browser,
        tab: &str,
        testid: &str,
        name: &str,
        fill: impl Fn(Form) -> Result<Form, BrowserError>,
    ) -> Result<(), StoryError> {
        until_done(testid, self.patience(), async || {
            let page = self.tab(browser, tab).await?;
            if page.says("td", name) {
                return Ok(Some(()));
            }
            browser.submit(fill(page.form(testid)?)?).await?;
            Ok(None)
        })
        .await
    }

    /// The service secretariat convenes the meeting; the four are told by mail.
    pub(super) async fn convene(&mut self) -> Result<(), StoryError> {
        let browser = &self.stage.staff.service.browser;
        let conciliator = &self.cast.conciliator.person.surname;
        let address = until_done("the convening", self.patience(), async || {
            let page = self.tab(browser, "incontri").await?;
            if let Ok(meeting) = page.attribute("[data-testid='meeting-row'] a", "href") {
                return Ok(Some(meeting));
            }
            let page = browser.open(&format!("{}/incontri/nuovo", self.case)).await?;
            let at = now() + chrono::TimeDelta::minutes(AHEAD_MINUTES);
            let form = page
                .form("meeting-convene")?
                .fill("data", &at.date_naive().to_string())?
                .fill("ora", &format!("{:02}:{:02}", at.hour(), at.minute()))?
                .choose("durata", "60")?
                .choose("modalita", "virtual_room")?
                .choose("conciliatore", conciliator)?;
            browser.submit(form).await?;
            Ok(None)
        })
        .await?;
        let id = address.rsplit('/').next().and_then(|id| id.parse::<Uuid>().ok());
        self.meeting = id.ok_or_else(|| wrong(format!("{address} names no meeting")))?;
        for desk in self.cast.all() {
            let outbox = Outbox::new(&self.stage.hub, &desk.person.email);
            let mails =
                read("the mail", self.patience(), async || Ok(outbox.messages().await?)).await?;
            if !mails.iter().any(|mail| mail.channel == "mail" && mail.subject.contains("Convoc")) {
                return Err(wrong(format!("{} got no mail of the convening", desk.person.part)));
            }
        }
        Ok(())
    }
}

fn now() -> DateTime<Tz> {
    let now_ms = i64::try_from(crate::clock::now_ms()).unwrap_or_default();
    DateTime::from_timestamp_millis(now_ms).unwrap_or_default().with_timezone(&Rome)
}
