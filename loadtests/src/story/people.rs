//! Who plays, and how they sign in.

use super::{StoryError, until_done, wrong};
use crate::browser::Browser;
use crate::outbox::Outbox;
use crate::people::Person;
use crate::scenario::{Account, World};
use rand::Rng;
use std::time::Duration;

/// Somebody with a browser.
#[derive(Clone)]
pub struct Desk {
    /// Who.
    pub person: Person,
    /// Signed in or not.
    pub browser: Browser,
}

/// The four of one meeting.
#[derive(Clone)]
pub struct Cast {
    /// Runs the meeting and signs last.
    pub conciliator: Desk,
    /// Signs.
    pub client: Desk,
    /// Signs for the operator.
    pub delegate: Desk,
    /// Delegate of the technical aid; does not sign.
    pub aid: Desk,
}

impl Cast {
    /// Makes four people up.
    pub fn new(hub: &str, password: &str, random: &mut impl Rng) -> Self {
        let mut desk = |part| {
            let person = Person::new(part, password, random);
            Desk { person, browser: Browser::new(hub) }
        };
        Self {
            conciliator: desk("conciliator"),
            client: desk("client"),
            delegate: desk("operator delegate"),
            aid: desk("aid delegate"),
        }
    }

    pub(super) fn all(&self) -> [&Desk; 4] {
        [&self.conciliator, &self.client, &self.delegate, &self.aid]
    }
}

/// The people of the demo world who prepare meetings. One browser each serves all meetings of a run.
#[derive(Clone)]
pub struct Staff {
    pub(super) administrator: Desk,
    pub(super) service: Desk,
    pub(super) operator: Desk,
    pub(super) aid: Desk,
}

impl Staff {
    /// Signs them in.
    ///
    /// # Errors
    /// [`StoryError`] when one of them cannot.
    pub async fn sign_in(hub: &str, world: &World, patience: Duration) -> Result<Self, StoryError> {
        let desk = |part, account: &Account| Desk {
            person: Person {
                part,
                username: account.username.clone(),
                password: world.password.clone(),
                given_name: "",
                surname: String::new(),
                fiscal_code: String::new(),
                mobile: account.mobile.clone(),
                email: String::new(),
            },
            browser: Browser::new(hub),
        };
        let staff = Self {
            administrator: desk("administrator", &world.administrator),
            service: desk("service secretariat", &world.service_secretariat),
            operator: desk("operator secretariat", &world.operator_secretariat),
            aid: desk("aid secretariat", &world.aid_secretariat),
        };
        for desk in [&staff.administrator, &staff.service, &staff.operator, &staff.aid] {
            desk.sign_in(patience).await?;
        }
        Ok(staff)
    }
}

impl Desk {
    /// Signs in with password and the code that came by SMS.
    ///
    /// # Errors
    /// [`StoryError`].
    pub async fn sign_in(&self, patience: Duration) -> Result<(), StoryError> {
        let Person { username, password, mobile, .. } = &self.person;
        let browser = &self.browser;
        let outbox = Outbox::new(browser.hub(), mobile);
        until_done("sign-in", patience, async || {
            let page = browser.open("/accesso").await?;
            if !page.has("[data-testid='sign-in']") {
                return Ok(Some(()));
            }
            let before = outbox.before().await?;
            let form = page.form("sign-in")?.fill("username", username)?;
            let page = browser.submit(form.fill("password", password)?).await?;
            let code = outbox.code(before, patience).await?;
            let form = page.form("sign-in-code")?.fill("codice", &code)?;
            let page = browser.submit(form).await?;
            if page.at.starts_with("/accesso") {
                return Err(wrong(format!("{username} is not in: {}", page.told())));
            }
            Ok(Some(()))
        })
        .await
    }
}
