//! The pages of a guest: the link, the code, and the way to the room (R-MEET-46). All of them work
//! without JavaScript, on a telephone, for somebody who was never here.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::entry::{self, EntryError};
use super::{Guest, Invitation, rules};
use crate::accounts::{Person, pages::with_cookie};
use crate::bodies::Body;
use crate::calendar;
use crate::cases::store as cases;
use crate::meetings::rules::Door;
use crate::meetings::store::{self as meetings, MeetingRecord};
use crate::meetings::{Mode, standing};
use crate::portal::Portal;
use crate::procedures::SeatKind;
use crate::web::{Answer, Chrome, PageError, Path, Visit, cookie_of, html, html_with, see_other};

/// The guest's own page.
pub const OWN: &str = "/ospite";

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/invito", get(ask_letter).post(find_letter))
        .route("/invito/{secret}", get(show))
        .route("/invito/{secret}/invio", post(send))
        .route("/invito/{secret}/codice", get(show_code).post(code))
        .route(OWN, get(own))
}

/// Whom to call, as a link that dials.
struct Help {
    phone: String,
    link: String,
}

impl Help {
    fn of(portal: &Portal) -> Self {
        let phone = portal.settings.help_phone.clone();
        let link = phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        Self { phone, link }
    }
}

#[derive(Template)]
#[template(path = "guests/letter.html")]
struct LetterPage {
    chrome: Chrome,
    help: Help,
    typed: String,
    /// The link that was opened is none.
    broken: Option<String>,
    error: Option<&'static str>,
}

impl LetterPage {
    fn new(portal: &Portal, body: &Body) -> Self {
        Self {
            chrome: Chrome::outside(body, portal.settings.demo),
            help: Help::of(portal),
            typed: String::new(),
            broken: None,
            error: None,
        }
    }
}

/// Why a form came to nothing, in the address of its page: loading that again sends nothing again.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    rifiuto: String,
}

impl Told {
    fn sentence(&self) -> Option<String> {
        EntryError::of_word(&self.rifiuto).map(|refusal| refusal.to_string())
    }
}

fn refused(page: &str, refusal: &EntryError) -> Response {
    see_other(&format!("{page}?rifiuto={}", refusal.word()))
}

/// Keeps for a moment what was typed, so that it can be corrected.
const TYPED: &str = "codice_scritto";

async fn ask_letter(
    State(portal): State<Portal>,
    body: Body,
    headers: HeaderMap,
    Query(told): Query<Told>,
) -> Answer {
    let error = (!told.rifiuto.is_empty()).then_some(
        "Il codice non è corretto o non vale più. Controllalo carattere per carattere; se hai più \
         lettere, usa la più recente.",
    );
    let typed = CookieJar::from_headers(&headers);
    let typed = typed.get(TYPED).filter(|_| error.is_some()).map(|one| one.value().to_owned());
    let typed = typed.unwrap_or_default();
    html(&LetterPage { typed, error, ..LetterPage::new(&portal, &body) })
}

#[derive(Deserialize)]
struct LetterForm {
    #[serde(default)]
    codice: String,
}

async fn find_letter(
    State(portal): State<Portal>,
    body: Body,
    Form(form): Form<LetterForm>,
) -> Answer {
    if let Some(code) = rules::typed_letter_code(&form.codice) {
        match entry::open(&portal, &body, &code).await {
            Ok(_) => return Ok(see_other(&format!("/invito/{code}"))),
            Err(EntryError::Db(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let typed: String = form.codice.chars().filter(plain).take(20).collect();
    let cookie = format!("{TYPED}={typed}; Path=/invito; Max-Age=60; HttpOnly; SameSite=Strict");
    let cookie = HeaderValue::try_from(cookie).expect("letters, digits and dashes");
    let mut answer = see_other("/invito?rifiuto=codice");
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(answer)
}

/// What takes the place of a page whose link is none.
fn broken(portal: &Portal, body: &Body, error: EntryError) -> Answer {
    if let EntryError::Db(error) = error {
        return Err(error.into());
    }
    let broken = Some(error.to_string());
    html_with(StatusCode::NOT_FOUND, &LetterPage { broken, ..LetterPage::new(portal, body) })
}

#[derive(Template)]
#[template(path = "guests/invitation.html")]
struct InvitationPage {
    chrome: Chrome,
    help: Help,
    secret: String,
    who: String,
    label: String,
    mobile: String,
    /// The meeting, in words; empty for a standing room between its meetings.
    time: String,
    until: String,
    /// Too many wrong codes.
    blocked: bool,
    /// There is nothing to come in for any more.
    over: bool,
    error: Option<String>,
}

async fn invitation_page(
    portal: &Portal,
    body: &Body,
    secret: String,
    (invitation, person): (Invitation, Person),
    error: Option<String>,
) -> Result<InvitationPage, PageError> {
    let meeting = next_meeting(portal, body, &invitation).await?;
    // Whoever is of the case may still have minutes to sign.
    let over =
        invitation.seat.is_extra() && meeting.as_ref().is_some_and(|m| !m.rules.is_pending());
    Ok(InvitationPage {
        chrome: Chrome::outside(body, portal.settings.demo),
        help: Help::of(portal),
        secret,
        who: rules::initials(&person.given_name, &person.surname),
        blocked: invitation.is_blocked(),
        over,
        label: invitation.label,
        mobile: rules::masked(&person.mobile),
        time: meeting.map(|m| calendar::show(m.rules.slot.starts_at)).unwrap_or_default(),
        until: calendar::show_day(calendar::day_of(invitation.expires_at)),
        error,
    })
}

/// The meeting that an invitation is for: its own, or the one that is fixed in the standing room.
async fn next_meeting(
    portal: &Portal,
    body: &Body,
    invitation: &Invitation,
) -> Result<Option<MeetingRecord>, PageError> {
    let all = meetings::of_case(&portal.db, body.id, invitation.case).await?;
    let own = all.iter().find(|meeting| meeting.id.0 == invitation.room);
    let fixed = || all.iter().find(|m| m.rules.mode == Mode::VirtualRoom && m.rules.is_pending());
    Ok(own.or_else(fixed).cloned())
}

async fn show(
    State(portal): State<Portal>,
    body: Body,
    headers: HeaderMap,
    Path(secret): Path<String>,
    Query(told): Query<Told>,
) -> Answer {
    let opened = match entry::open(&portal, &body, &secret).await {
        Ok(opened) => opened,
        Err(error) => return broken(&portal, &body, error),
    };
    if is_inside(&portal, &body, &headers, &opened.0).await? {
        return Ok(see_other(OWN));
    }
    html(&invitation_page(&portal, &body, secret, opened, told.sentence()).await?)
}

/// Whether the browser has the session of this invitation already.
async fn is_inside(
    portal: &Portal,
    body: &Body,
    headers: &HeaderMap,
    invitation: &Invitation,
) -> Result<bool, PageError> {
    let Some(token) = cookie_of(headers) else { return Ok(false) };
    let (hash, idle) = (crate::random::hash(&token), portal.settings.idle);
    let sessions = crate::accounts::sessions::actor(&portal.db, body.id, hash, idle, portal.now());
    let guest = sessions.await?.and_then(|actor| actor.guest);
    Ok(guest.is_some_and(|guest| guest.invitation == invitation.id))
}

async fn send(State(portal): State<Portal>, body: Body, Path(secret): Path<String>) -> Answer {
    match entry::send_code(&portal, &body, &secret).await {
        Ok(token) => {
            let to = see_other(&format!("/invito/{secret}/codice"));
            Ok(with_cookie(&portal, to, &token))
        }
        Err(error @ (EntryError::Unknown | EntryError::Db(_))) => broken(&portal, &body, error),
        Err(refusal) => Ok(refused(&format!("/invito/{secret}"), &refusal)),
    }
}

#[derive(Template)]
#[template(path = "guests/code.html")]
struct CodePage {
    chrome: Chrome,
    help: Help,
    secret: String,
    mobile: String,
    /// Too many wrong codes.
    blocked: bool,
    /// How often one may still try, once a code was wrong.
    left: Option<i64>,
    error: Option<String>,
}

async fn code_page(portal: &Portal, body: &Body, secret: String, error: Option<String>) -> Answer {
    let (invitation, person) = match entry::open(portal, body, &secret).await {
        Ok(opened) => opened,
        Err(error) => return broken(portal, body, error),
    };
    html(&CodePage {
        chrome: Chrome::outside(body, portal.settings.demo),
        help: Help::of(portal),
        secret,
        mobile: rules::masked(&person.mobile),
        blocked: invitation.is_blocked(),
        left: (invitation.code_failures > 0).then(|| rules::CODE_LIMIT - invitation.code_failures),
        error,
    })
}

async fn show_code(
    State(portal): State<Portal>,
    body: Body,
    Path(secret): Path<String>,
    Query(told): Query<Told>,
) -> Answer {
    code_page(&portal, &body, secret, told.sentence()).await
}

async fn code(
    State(portal): State<Portal>,
    body: Body,
    headers: HeaderMap,
    Path(secret): Path<String>,
    Form(form): Form<LetterForm>,
) -> Answer {
    let session = cookie_of(&headers).unwrap_or_default();
    match entry::code(&portal, &body, &secret, &session, &form.codice).await {
        Ok(token) => Ok(with_cookie(&portal, see_other(OWN), &token)),
        Err(error @ (EntryError::Unknown | EntryError::Db(_))) => broken(&portal, &body, error),
        Err(refusal) => Ok(refused(&format!("/invito/{secret}/codice"), &refusal)),
    }
}

/// Where a guest stands before the room.
enum Stand {
    Open,
    OpensIn { time: String, day: String, seconds: u64, words: String },
    Over,
}

#[derive(Template)]
#[template(path = "guests/own.html")]
struct OwnPage {
    chrome: Chrome,
    help: Help,
    room: uuid::Uuid,
    label: String,
    time: String,
    /// Last day of a standing room; empty for a meeting's own.
    standing_until: String,
    stand: Stand,
    /// The meeting whose minutes can be read and signed.
    minutes: Option<crate::meetings::MeetingId>,
}

async fn own(State(portal): State<Portal>, visit: Visit) -> Answer {
    let guest = visit.actor.guest.clone().ok_or(PageError::NotFound)?;
    if guest.seat == SeatKind::Recipient {
        // There is nothing else for who only gets a copy of the minutes.
        return Ok(see_other(&format!("/incontri/{}/verbale", guest.room)));
    }
    let (db, body, now) = (&portal.db, visit.body.id, portal.now());
    let case = cases::read(db, body, guest.case).await?.ok_or(PageError::NotFound)?;
    let rules = portal.profile(&case.procedure).room;
    let all = meetings::of_case(db, body, guest.case).await?;
    let held: Vec<_> = all.iter().filter(|m| guest.meetings.contains(&m.id)).collect();
    let pending = held.iter().find(|m| m.rules.is_pending());
    let last = held.iter().find(|m| m.rules.started_at.is_some());
    let standing = standing::read(db, body, guest.room).await?;
    let stand = match (&standing, pending.map(|m| m.rules.door(&rules, now))) {
        (Some(room), _) if now < room.ends_at => Stand::Open,
        (_, Some(Door::Open)) => Stand::Open,
        (_, Some(Door::OpensIn { seconds })) => {
            let opens_at = now + chrono::TimeDelta::seconds(i64::try_from(seconds).unwrap_or(0));
            Stand::OpensIn {
                time: calendar::show_time(opens_at),
                day: calendar::show_day(calendar::day_of(opens_at)),
                seconds,
                words: calendar::duration(seconds),
            }
        }
        _ => Stand::Over,
    };
    html(&OwnPage {
        chrome: visit.chrome,
        help: Help::of(&portal),
        room: guest.room,
        label: label_of(&portal, &guest, &case),
        time: pending.map(|m| calendar::show(m.rules.slot.starts_at)).unwrap_or_default(),
        standing_until: standing
            .map(|room| calendar::show_day(calendar::day_of(room.ends_at)))
            .unwrap_or_default(),
        stand,
        minutes: last.filter(|_| !guest.seat.is_extra()).map(|m| m.id),
    })
}

fn label_of(portal: &Portal, guest: &Guest, case: &cases::CaseRecord) -> String {
    portal.profile(&case.procedure).seats.of(guest.seat).to_owned()
}
