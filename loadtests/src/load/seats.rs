//! Meetings whose rooms are open, and people with a seat in each. The hub's demo makes them by the
//! portal's own commands; people sign in and ask for their seats as everybody does.

use super::{LoadError, PATIENCE};
use crate::browser::Browser;
use crate::clock::now_us;
use crate::outbox::Outbox;
use crate::participant::Participant;
use crate::people::Person;
use crate::room::Tickets;
use crate::story::{Desk, StoryError, tickets};
use serde::Deserialize;
use serde_json::json;
use signaling::protocol::{ClientMessage, SeatReason, ServerMessage, Side};
use uuid::Uuid;

/// Meetings asked for at once.
const AT_ONCE: usize = 100;

/// The way into a meeting for the one with this seat.
pub type Way = Box<dyn Fn(Uuid, usize) -> Tickets + Send + Sync>;

/// Meetings, and the ways of those who have a seat in all of them, the conciliator's first.
pub struct Seats {
    /// The meetings.
    pub meetings: Vec<Uuid>,
    people: usize,
    way: Way,
    /// The hub's origin: more people can be invited there.
    hub: Option<String>,
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
        let mut made_so_far = Vec::with_capacity(meetings);
        let mut browsers: Vec<Browser> = vec![];
        while made_so_far.len() < meetings {
            let count = (meetings - made_so_far.len()).min(AT_ONCE);
            let asked = json!({ "count": count });
            let (status, answer) = browser.post_json("/demo/load/meetings", &asked).await?;
            let made = serde_json::from_value::<Made>(answer).map_err(|error| {
                LoadError::Wrong(format!("the hub makes no meetings: {status}, {error}"))
            })?;
            made_so_far.extend(made.meetings);
            if browsers.is_empty() {
                for account in made.people {
                    browsers.push(sign_in(hub, account).await?);
                }
            }
        }
        let people = browsers.len();
        let way: Way = Box::new(move |meeting, seat| tickets(browsers[seat].clone(), meeting));
        Ok(Self { hub: Some(hub.to_owned()), ..Self::new(made_so_far, people, way) })
    }

    /// Meetings that are there already, with so many seats each.
    pub fn new(meetings: Vec<Uuid>, people: usize, way: Way) -> Self {
        Self { meetings, people, way, hub: None }
    }

    /// How many people have a seat in each meeting.
    pub fn people(&self) -> usize {
        self.people
    }

    /// The way of one of them into a meeting.
    ///
    /// # Errors
    /// [`LoadError::Wrong`] when the meeting has fewer seats.
    pub fn tickets(&self, meeting: Uuid, seat: usize) -> Result<Tickets, LoadError> {
        if seat < self.people {
            return Ok((self.way)(meeting, seat));
        }
        Err(LoadError::Wrong(format!("a meeting has {} seats, this load wants more", self.people)))
    }
}

impl Seats {
    /// The conciliator gives out one more seat at a meeting (R-MEET-47): the way of a guest, who
    /// opened the personal link and typed the code that came by SMS.
    ///
    /// # Errors
    /// [`LoadError`] when the room gives out no seat or the guest does not get in.
    pub async fn invite(
        &self,
        conciliator: &Participant,
        meeting: Uuid,
        side: Side,
    ) -> Result<Tickets, LoadError> {
        let hub = self.hub.as_deref();
        let hub = hub.ok_or_else(|| LoadError::Wrong("nobody is invited here".to_owned()))?;
        let mobile = format!("+3935{:08}", now_us() / 10 % 100_000_000);
        let seat = ClientMessage::AddSeat {
            name: "Ospite Prova".to_owned(),
            side,
            reason: SeatReason::Companion,
            mobile: mobile.clone(),
        };
        let ServerMessage::Invited { link, .. } = conciliator.room.request(seat).await? else {
            return Err(LoadError::Wrong("a new seat was not answered with a link".to_owned()));
        };
        let path = link.find("/invito/").and_then(|at| link.get(at..));
        let path = path.ok_or_else(|| LoadError::Wrong(format!("{link} is no invitation")))?;
        let (browser, outbox) = (Browser::new(hub), Outbox::new(hub, &mobile));
        let before = outbox.before().await.map_err(StoryError::from)?;
        let page = browser.submit(browser.open(path).await?.form("send-code")?).await?;
        let code = outbox.code(before, PATIENCE).await.map_err(StoryError::from)?;
        browser.submit(page.form("guest-code")?.fill("codice", &code)?).await?;
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
