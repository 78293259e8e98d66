//! In the room: from sign-in to the end of the meeting.

use super::{Desk, Story, StoryError, Table, wrong};
use crate::browser::Browser;
use crate::clock::now_ms;
use crate::isolation::Isolation;
use crate::participant::{Entrance, Participant};
use crate::report::Figure;
use crate::room::{Known, NoTicket, Ticket, Tickets};
use futures::future::try_join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use signaling::protocol::{ClientMessage, Epoch, LeaveReason, RoomId, Session, Side};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Asking for a seat again when the hub does not answer.
const AGAIN: Duration = Duration::from_millis(200);
/// A refusal that names a time is believed up to this.
const WAITS_AT_MOST_S: u64 = 30;
const ASIDE: Session = Session::Breakout(1);

impl Story {
    /// The four sign in, at once.
    pub(super) async fn sign_in(&mut self) -> Result<(), StoryError> {
        try_join_all(self.cast.all().map(async |desk| {
            let began = Instant::now();
            desk.sign_in(self.patience()).await?;
            self.measure(Figure::Login, began.elapsed());
            Ok::<_, StoryError>(())
        }))
        .await?;
        Ok(())
    }

    /// The four come in. Parties wait in the lobby.
    pub(super) async fn join(&mut self) -> Result<(), StoryError> {
        self.isolation = Arc::new(Isolation::new(RoomId(self.meeting)));
        let [conciliator, client, delegate, aid] = self.cast.all().map(|desk| self.enter(desk));
        let (conciliator, client, delegate, aid) =
            tokio::try_join!(conciliator, client, delegate, aid)?;
        let table = Table { conciliator, client, delegate, aid };
        for party in &table.all()[1..] {
            party.until("the lobby", |known| known.session == Some(Session::Lobby)).await?;
        }
        self.table = Some(table);
        Ok(())
    }

    async fn enter(&self, Desk { person, browser }: &Desk) -> Result<Participant, StoryError> {
        let began = Instant::now();
        let participant = Participant::enter(Entrance {
            name: format!("meeting {}, {}", self.number, person.part),
            room: RoomId(self.meeting),
            from: self.stage.from,
            canary: self.stage.canary,
            isolation: Arc::clone(&self.isolation),
            tickets: tickets(browser.clone(), self.meeting),
            patience: self.patience(),
        })
        .await?;
        self.measure(Figure::Join, began.elapsed());
        Ok(participant)
    }

    /// The conciliator starts and admits all; everybody hears and sees everybody, and reads the
    /// canary once.
    pub(super) async fn plenary(&mut self) -> Result<(), StoryError> {
        let table = self.table();
        let conciliator = &table.conciliator;
        conciliator.until("four people", |known| people(known) == 4).await?;
        let started = |known: &Known| known.view.as_ref().is_some_and(|view| view.started);
        conciliator.bring_about("the start", |_| ClientMessage::Start, started).await?;
        let admitted = |known: &Known| known.people_in(Session::Plenary) == 4;
        conciliator.bring_about("admission", |_| ClientMessage::AdmitAll, admitted).await?;
        for participant in table.all() {
            participant.until("plenary", |known| in_session(known, Session::Plenary, 3)).await?;
        }
        for party in &table.all()[1..] {
            let first = party.hears("a first picture", |ears| ears.first_frame()).await?;
            let took = first.saturating_sub(party.known().moved_at_ms);
            self.measure(Figure::FirstFrameFromLobby, Duration::from_millis(took));
        }
        self.all_hear(&table.all(), Session::Plenary, Epoch::default()).await?;
        sleep(self.stage.scenario.pace.plenary()).await;
        for participant in table.all() {
            self.say(participant, &self.line(participant, "to all"), &table.all()).await?;
        }
        Ok(())
    }

    /// The conciliator takes the client's side into a breakout; chat stays inside.
    pub(super) async fn breakout(&mut self) -> Result<(), StoryError> {
        let table = self.table();
        let open = |known: &Known| ClientMessage::OpenBreakout {
            epoch: known.epoch,
            side: Side::Activating,
            with_me: true,
            minutes: None,
            telephones: None,
        };
        let inside = |known: &Known| in_session(known, ASIDE, 1);
        table.conciliator.bring_about("the breakout", open, inside).await?;
        let aside = [&table.conciliator, &table.client];
        table.client.until("the breakout", inside).await?;
        self.measure_switch(&aside, ASIDE).await?;
        let stay = [&table.delegate, &table.aid];
        for participant in stay {
            let alone = |known: &Known| in_session(known, Session::Plenary, 1);
            participant.until("the others' leaving", alone).await?;
        }
        self.say(&table.client, &self.line(&table.client, "aside"), &aside).await?;
        self.say(&table.delegate, &self.line(&table.delegate, "meanwhile"), &stay).await?;
        self.share_files().await?;
        sleep(self.stage.scenario.pace.breakout()).await;
        Ok(())
    }

    /// Two sockets are torn, one in the breakout and one in plenary; nothing is missed or doubled.
    pub(super) async fn resume(&mut self) -> Result<(), StoryError> {
        let table = self.table();
        for (torn, speaker, session) in [
            (&table.client, &table.conciliator, ASIDE),
            (&table.delegate, &table.aid, Session::Plenary),
        ] {
            let there = |known: &Known| known.connected && in_session(known, session, 1);
            speaker.until("company", there).await?;
            let before = torn.until("company", there).await?;
            torn.room.cut().await;
            let line = self.line(speaker, "while the socket was torn");
            self.say(speaker, &line, &[speaker, torn]).await?;
            let returned = |known: &Known| known.welcomes > before.welcomes && known.connected;
            let after = torn.until("the return", returned).await?;
            let back = after.returns.last().filter(|back| back.resumed);
            let took = back.ok_or_else(|| wrong("a lost socket did not resume"))?.took;
            self.measure(Figure::Resume, took);
            if after.fresh != before.fresh || after.session != Some(session) {
                return Err(wrong(format!("a lost socket came back to {:?}", after.session)));
            }
        }
        Ok(())
    }

    /// All return to plenary; nobody learns what was said elsewhere.
    pub(super) async fn recall(&mut self) -> Result<(), StoryError> {
        let table = self.table();
        let together = |known: &Known| in_session(known, Session::Plenary, 3);
        table
            .conciliator
            .bring_about("the recall", |_| ClientMessage::Recall { at_once: true }, together)
            .await?;
        for participant in table.all() {
            participant.until("the recall", together).await?;
        }
        self.measure_switch(&[&table.client, &table.delegate], Session::Plenary).await?;
        self.measure_switch(&[&table.conciliator, &table.aid], Session::Plenary).await?;
        for (participant, line) in [
            (&table.delegate, self.line(&table.client, "aside")),
            (&table.client, self.line(&table.delegate, "meanwhile")),
            (&table.conciliator, self.line(&table.delegate, "meanwhile")),
        ] {
            if participant.known().heard(&line) > 0 {
                return Err(wrong(format!("{} read what was said elsewhere", participant.name)));
            }
        }
        Ok(())
    }

    /// Two pages are loaded again: the same seat and session, new media.
    pub(super) async fn reload(&mut self) -> Result<(), StoryError> {
        let table = self.table();
        for participant in [&table.aid, &table.client] {
            let (before, began) = (participant.known(), now_ms());
            participant.room.reload().await;
            let back = |known: &Known| {
                known.fresh > before.fresh && in_session(known, Session::Plenary, 3)
            };
            participant.until("the page", back).await?;
            let fresh = |at: &u64| *at >= began;
            let picture = |ears: &crate::media::Ears| ears.first_frame().filter(fresh);
            let first = participant.hears("a picture after loading", picture).await?;
            self.measure(Figure::FirstFrame, Duration::from_millis(first - began));
        }
        Ok(())
    }

    /// The conciliator ends the meeting for all.
    pub(super) async fn end(&mut self) -> Result<(), StoryError> {
        let table = self.table();
        // The room may be gone before its ok: the end that everybody sees is what counts.
        let over = |known: &Known| known.ended.is_some();
        let ended = table.conciliator.bring_about("the end", |_| ClientMessage::End, over).await;
        if !over(&table.conciliator.known()) {
            ended?;
        }
        for participant in table.all() {
            let known = participant.until("the end", over).await?;
            if known.ended != Some(Ok(LeaveReason::Ended)) {
                return Err(wrong(format!("{} ended by {:?}", participant.name, known.ended)));
            }
            if known.out_of_order > 0 {
                let lost = known.out_of_order;
                return Err(wrong(format!("{} missed {lost} messages", participant.name)));
            }
        }
        Ok(())
    }

    /// A chat line with the canary.
    fn line(&self, speaker: &Participant, what: &str) -> String {
        format!("{} {}: {what}", self.stage.canary.as_str(), speaker.name)
    }

    /// One speaks, all `listeners` read it exactly once.
    async fn say(
        &self,
        speaker: &Participant,
        line: &str,
        listeners: &[&Participant],
    ) -> Result<(), StoryError> {
        let chat =
            |known: &Known| ClientMessage::Chat { epoch: known.epoch, text: line.to_owned() };
        speaker.bring_about("a chat line", chat, |known| known.heard(line) > 0).await?;
        for listener in listeners {
            let known = listener.until("a chat line", |known| known.heard(line) > 0).await?;
            if known.heard(line) > 1 {
                return Err(wrong(format!("{} read a line twice", listener.name)));
            }
        }
        Ok(())
    }

    /// Everybody hears and sees everybody.
    async fn all_hear(
        &self,
        all: &[&Participant],
        session: Session,
        epoch: Epoch,
    ) -> Result<(), StoryError> {
        for one in all {
            for other in all.iter().filter(|other| other.me() != one.me()) {
                let what = format!("voice and picture of {}", other.name);
                one.hears(&what, |ears| ears.both(other.me(), session, epoch)).await?;
            }
        }
        Ok(())
    }

    /// From the epoch's rise to the picture of the other one, sent in the new session.
    async fn measure_switch(
        &self,
        pair: &[&Participant; 2],
        session: Session,
    ) -> Result<(), StoryError> {
        for (one, other) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            let epoch = one.known().epoch;
            let seen = |ears: &crate::media::Ears| ears.first(other.me(), true, session, epoch);
            let first = one.hears(&format!("the picture of {}", other.name), seen).await?;
            let moved_at = one.known().moved_at_ms.max(other.known().moved_at_ms);
            let took = first.saturating_sub(moved_at);
            self.measure(Figure::BreakoutSwitch, Duration::from_millis(took));
        }
        self.all_hear(pair, session, pair[0].known().epoch).await
    }
}

/// Everybody that a view shows.
fn people(known: &Known) -> usize {
    known.view.as_ref().map_or(0, |view| view.people.len())
}

fn in_session(known: &Known, session: Session, others: usize) -> bool {
    known.session == Some(session) && known.others().len() == others
}

/// Asks for seats as the room's page does.
pub(crate) fn tickets(browser: Browser, meeting: Uuid) -> Tickets {
    Box::new(move || {
        let browser = browser.clone();
        Box::pin(async move { ticket(&browser, meeting).await })
    })
}

async fn ticket(browser: &Browser, meeting: Uuid) -> Result<Ticket, NoTicket> {
    let path = format!("/api/rooms/{meeting}/join");
    let asked = browser.post_json(&path, &json!({ "confidentiality_accepted": true })).await;
    let Ok((status, answer)) = asked else { return Err(NoTicket::Later(AGAIN)) };
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(NoTicket::Later(AGAIN));
    }
    if let Some(seconds) = answer.get("retry_after_s").and_then(Value::as_u64) {
        return Err(NoTicket::Later(Duration::from_secs(seconds.min(WAITS_AT_MOST_S))));
    }
    if status == StatusCode::GONE {
        return Err(NoTicket::Over);
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (token, socket) = (text("token"), text("ws"));
    if !status.is_success() || token.is_empty() {
        return Err(NoTicket::Refused(format!("{status}: {} {}", text("code"), text("message"))));
    }
    Ok(Ticket { address: format!("{}{socket}", browser.hub().replacen("http", "ws", 1)), token })
}
