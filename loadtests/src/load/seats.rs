//! Meetings whose rooms are open, and people with a seat in each. The hub's demo makes them by the
//! portal's own commands; people sign in and ask for their seats as everybody does.

use super::{LoadError, PATIENCE};
use crate::browser::Browser;
use crate::people::Person;
use crate::room::Tickets;
use crate::story::{Desk, tickets};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// Meetings asked for at once.
const AT_ONCE: usize = 100;

/// Meetings, and the browsers of those who have a seat in all of them, the conciliator's first.
pub struct Seats {
    /// The meetings.
    pub meetings: Vec<Uuid>,
    browsers: Vec<Browser>,
}

#[derive(Deserialize)]
struct Made {
    meetings: Vec<Uuid>,
    people: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    username: String,
    password: String,
    mobile: String,
}

impl Seats {
    /// Asks for meetings and signs their people in.
    ///
    /// # Errors
    /// [`LoadError`] when the hub makes none (only a demo does) or somebody cannot sign in.
    pub async fn prepare(hub: &str, meetings: usize) -> Result<Self, LoadError> {
        let browser = Browser::new(hub);
        let mut seats = Self { meetings: Vec::with_capacity(meetings), browsers: vec![] };
        while seats.meetings.len() < meetings {
            let count = (meetings - seats.meetings.len()).min(AT_ONCE);
            let asked = json!({ "count": count });
            let (status, answer) = browser.post_json("/demo/load/meetings", &asked).await?;
            let made = serde_json::from_value::<Made>(answer).map_err(|error| {
                LoadError::Wrong(format!("the hub makes no meetings: {status}, {error}"))
            })?;
            seats.meetings.extend(made.meetings);
            if seats.browsers.is_empty() {
                for account in made.people {
                    seats.browsers.push(sign_in(hub, account).await?);
                }
            }
        }
        Ok(seats)
    }

    /// How many people have a seat in each meeting.
    pub fn people(&self) -> usize {
        self.browsers.len()
    }

    /// The way of one of them into a meeting.
    ///
    /// # Errors
    /// [`LoadError::Wrong`] when the meeting has fewer seats.
    pub fn tickets(&self, meeting: Uuid, seat: usize) -> Result<Tickets, LoadError> {
        let browser = self.browsers.get(seat).cloned();
        let browser = browser.ok_or_else(|| {
            LoadError::Wrong(format!("a meeting of the demo has {} seats", self.people()))
        })?;
        Ok(tickets(browser, meeting))
    }
}

async fn sign_in(hub: &str, account: Account) -> Result<Browser, LoadError> {
    let Account { username, password, mobile } = account;
    let person = Person {
        part: "seat",
        username,
        password,
        given_name: "",
        surname: String::new(),
        fiscal_code: String::new(),
        mobile,
        email: String::new(),
    };
    let desk = Desk { person, browser: Browser::new(hub) };
    desk.sign_in(PATIENCE).await?;
    Ok(desk.browser)
}
