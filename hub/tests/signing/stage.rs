//! A portal with the demo's trust service and identity provider, and a meeting in progress.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use accordo_demo::idp::DemoIdp;
use accordo_demo::qtsp::{DemoQtsp, DemoSms};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body as Content;
use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use hub::signatures::{DemoIdentification, ports, status_source};
use portal::accounts::{Actor, Role};
use portal::cases::commands::{self as cases, By, NewCase};
use portal::cases::rules::Act;
use portal::cases::{CaseId, CaseState, Outcome, store as case_store};
use portal::clock::Clock as _;
use portal::db::Db;
use portal::meetings::commands::{self as meetings, Proposal};
use portal::meetings::{MeetingId, Mode};
use portal::notifications;
use portal::organisations::OperatorKind;
use portal::signatures::ports::{Live, LiveTopic};
use portal::signatures::store::{self, ProcessRow};
use portal_testing::{Browser, Page, TestClock, World, application, world_with};
use signing::Digest;
use signing::ports::{Credential, IssueRequest, Qtsp, QtspError, Tsa, TsaError};
use signing::preservation::Renewal;
use signing::verify::{Kind, Report, TrustAnchors, verify};
use tokio::sync::Notify;

/// How outside parties behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    Good,
    /// The trust service signs, and its answer gets lost.
    AnswerLost,
    /// The trust service never answers.
    Hangs,
    /// Nobody gives time stamps.
    NoTime,
}

/// Where a signature can be stopped: before and after everything that an outside party does for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Point {
    IssueAsked,
    Issued,
    CodeAsked,
    CodeSent,
    HashSent,
    HashSigned,
    TimeAsked,
    TimeGot,
}

/// Stops who comes to one point until it is let go.
#[derive(Default)]
pub struct Turnstile {
    closed: Mutex<Option<Point>>,
    reached: Notify,
    go: Notify,
    lost: AtomicBool,
}

impl Turnstile {
    /// Closes it for the next one who comes to this point.
    pub fn close(&self, point: Point) {
        *self.closed.lock().unwrap() = Some(point);
    }

    /// Somebody stands there.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Goes on, or finds that the line broke.
    pub fn open(&self, lost: bool) {
        self.lost.store(lost, Ordering::SeqCst);
        self.go.notify_one();
    }

    async fn pass(&self, point: Point) -> Result<(), QtspError> {
        if self.closed.lock().unwrap().take_if(|closed| *closed == point).is_none() {
            return Ok(());
        }
        self.reached.notify_one();
        self.go.notified().await;
        match self.lost.load(Ordering::SeqCst) {
            true => Err(QtspError::Unreachable("the line broke".to_owned())),
            false => Ok(()),
        }
    }
}

/// Parties with a mood between them and the portal.
struct Moody {
    qtsp: Arc<dyn Qtsp>,
    tsa: Arc<dyn Tsa>,
    mood: Arc<AtomicU8>,
    turnstile: Arc<Turnstile>,
}

impl Moody {
    fn is(&self, mood: Mood) -> bool {
        self.mood.load(Ordering::SeqCst) == mood as u8
    }
}

#[async_trait]
impl Qtsp for Moody {
    async fn issue(&self, request: &IssueRequest) -> Result<Credential, QtspError> {
        self.turnstile.pass(Point::IssueAsked).await?;
        let credential = self.qtsp.issue(request).await?;
        self.turnstile.pass(Point::Issued).await?;
        Ok(credential)
    }

    async fn send_otp(&self, credential: &str) -> Result<Option<String>, QtspError> {
        self.turnstile.pass(Point::CodeAsked).await?;
        self.qtsp.send_otp(credential).await?;
        self.turnstile.pass(Point::CodeSent).await?;
        Ok(Some(format!("code for {credential}")))
    }

    async fn sign_hash(
        &self,
        id: &str,
        otp: &str,
        reference: Option<&str>,
        hash: &Digest,
    ) -> Result<Vec<u8>, QtspError> {
        if reference != Some(&format!("code for {id}")) {
            return Err(QtspError::WrongOtp);
        }
        if self.is(Mood::Hangs) {
            std::future::pending::<()>().await;
        }
        self.turnstile.pass(Point::HashSent).await?;
        let signature = self.qtsp.sign_hash(id, otp, None, hash).await?;
        self.turnstile.pass(Point::HashSigned).await?;
        if self.is(Mood::AnswerLost) {
            return Err(QtspError::Unreachable("timed out".to_owned()));
        }
        Ok(signature)
    }
}

#[async_trait]
impl Tsa for Moody {
    async fn timestamp(&self, hash: &Digest) -> Result<Vec<u8>, TsaError> {
        if self.is(Mood::NoTime) {
            return Err(TsaError::Unreachable("timed out".to_owned()));
        }
        let lost = |error: QtspError| TsaError::Unreachable(error.to_string());
        self.turnstile.pass(Point::TimeAsked).await.map_err(lost)?;
        let token = self.tsa.timestamp(hash).await?;
        self.turnstile.pass(Point::TimeGot).await.map_err(lost)?;
        Ok(token)
    }
}

/// Messages of the trust service: number and text, newest last.
#[derive(Clone, Default)]
struct Sms(Arc<Mutex<Vec<(String, String)>>>);

#[async_trait]
impl DemoSms for Sms {
    async fn send(&self, to: &str, text: &str, _: &str) -> Result<(), String> {
        self.0.lock().unwrap().push((to.to_owned(), text.to_owned()));
        Ok(())
    }
}

pub struct Silent;

impl Live for Silent {
    fn changed(&self, _: MeetingId, _: LiveTopic) {}

    fn called_off(&self) {}
}

pub struct Stage {
    pub world: World,
    pub router: Router,
    pub staff: Actor,
    pub conciliator: Actor,
    pub client: Actor,
    pub delegate: Actor,
    pub case: CaseId,
    pub meeting: MeetingId,
    pub trust: TrustAnchors,
    pub qtsp: DemoQtsp,
    sms: Sms,
    mood: Arc<AtomicU8>,
    pub turnstile: Arc<Turnstile>,
}

impl Stage {
    /// Everybody sits in a meeting that began.
    pub async fn set(db: &Db, folder: &Path) -> Self {
        Self::with(db, folder, true).await
    }

    /// The same, for the convened operator nobody sits there.
    pub async fn without_delegate(db: &Db, folder: &Path) -> Self {
        Self::with(db, folder, false).await
    }

    async fn with(db: &Db, folder: &Path, with_delegate: bool) -> Self {
        let clock = TestClock::at("2026-12-01T09:00:00Z");
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await;
        let listener = listener.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let now: accordo_demo::Now = {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        };
        let sms = Sms::default();
        let folder_of_keys = folder.join("qtsp");
        let outbox = Arc::new(sms.clone());
        let qtsp = DemoQtsp::new(&folder_of_keys, &origin, outbox, now.clone()).unwrap();
        let (service, idp) = (qtsp.router(), DemoIdp::new(now));
        tokio::spawn(async move { axum::serve(listener, service).await });

        let trust = TrustAnchors::from_pem(qtsp.root_pem().as_bytes()).unwrap();
        let identification = Some(Arc::new(DemoIdentification(idp.clone())) as Arc<_>);
        let (csc, tsa) = (qtsp.csc_config(), qtsp.tsa_config());
        let mut signing = {
            let preservation = (status_source(true).unwrap(), Renewal::default());
            ports(csc, &tsa, trust.clone(), identification, Arc::new(Silent), preservation)
        }
        .unwrap();
        let mood = Arc::new(AtomicU8::new(Mood::Good as u8));
        let turnstile = Arc::new(Turnstile::default());
        let (given, closing) = (mood.clone(), turnstile.clone());
        let (service, time) = (signing.qtsp, signing.tsa);
        let moody = Moody { qtsp: service, tsa: time, mood: given, turnstile: closing };
        let moody = Arc::new(moody);
        (signing.qtsp, signing.tsa) = (moody.clone(), moody);

        let world = world_with(db, folder, clock, signing).await;
        let router = portal::web::router(world.portal.clone()).merge(idp.router());
        let (people, case, meeting) = begun(&world, with_delegate).await;
        let [staff, conciliator, client, delegate] = people;
        Self {
            world,
            router,
            staff,
            conciliator,
            client,
            delegate,
            case,
            meeting,
            trust,
            qtsp,
            sms,
            mood,
            turnstile,
        }
    }

    /// The meeting is adjourned, and another one convened; it is the stage's from now on.
    pub async fn adjourn_to(&mut self, starts_at: &str, mode: Mode) {
        let (portal, body, meeting) = (&self.world.portal, &self.world.body, self.meeting);
        let by = By::from(&self.conciliator);
        let mut tx = portal.db.begin().await.unwrap();
        meetings::start_in(&mut tx, portal, body, meeting, by).await.unwrap();
        let adjourned = Outcome::Adjourned;
        meetings::conclude_in(&mut tx, portal, body, meeting, adjourned, by).await.unwrap();
        meetings::end_in(&mut tx, portal, body, meeting, by).await.unwrap();
        tx.commit().await.unwrap();
        let starts_at = starts_at.parse().unwrap();
        let proposal =
            Proposal { starts_at, minutes: 60, mode, conciliator: self.conciliator.user };
        let convened = meetings::convene(portal, &self.staff, self.case, proposal).await;
        self.meeting = convened.unwrap();
    }

    /// From now on outside parties behave so.
    pub fn mood(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    pub async fn browser(&self, username: &str) -> Reader {
        let browser = Browser::signed_in(self.router.clone(), &self.world, username).await;
        Reader { browser, page: page_of(self.meeting) }
    }

    /// The newest code that was sent to a person.
    pub async fn code(&self, actor: &Actor) -> String {
        let db = &self.world.portal.db;
        let person = portal::accounts::store::person(db, self.world.body.id, actor.user).await;
        let mobile = person.unwrap().unwrap().mobile;
        let sent = self.sms.0.lock().unwrap();
        let (_, text) = sent.iter().rev().find(|(to, _)| *to == mobile).expect("no code was sent");
        text[..6].to_owned()
    }

    /// How many codes were sent to a person.
    pub async fn codes(&self, actor: &Actor) -> usize {
        let db = &self.world.portal.db;
        let person = portal::accounts::store::person(db, self.world.body.id, actor.user).await;
        let mobile = person.unwrap().unwrap().mobile;
        self.sms.0.lock().unwrap().iter().filter(|(to, _)| *to == mobile).count()
    }

    pub async fn process(&self) -> ProcessRow {
        let (db, body) = (&self.world.portal.db, self.world.body.id.0);
        store::latest(db, body, self.meeting.0).await.unwrap().expect("there is no process")
    }

    /// The newest revision, as our verifier sees it, and how many signatures it has.
    pub async fn document(&self) -> (Vec<u8>, Report, usize) {
        let row = self.process().await;
        let files = &self.world.portal.files;
        let pdf = files.get(row.body, row.digest().unwrap()).await.unwrap().unwrap().to_vec();
        let report = verify(&pdf, &self.trust, self.world.clock.now());
        let signatures = report.signatures.iter().filter(|one| one.kind == Kind::Signature);
        let count = signatures.count();
        (pdf, report, count)
    }

    pub async fn case_state(&self) -> CaseState {
        let (db, body) = (&self.world.portal.db, self.world.body.id);
        case_store::read(db, body, self.case).await.unwrap().unwrap().rules.state
    }

    /// How many mails with this subject, before the number of the case, a person got.
    pub async fn mails(&self, username: &str, subject: &str) -> usize {
        let to = format!("{username}@example.it");
        let (db, body) = (&self.world.portal.db, self.world.body.id);
        let sent = notifications::newest(db, body, &to, 50).await.unwrap();
        let subject = format!("{subject} – pratica N/2026/000001");
        sent.into_iter().filter(|one| one.subject == subject).count()
    }
}

async fn begun(world: &World, with_delegate: bool) -> ([Actor; 4], CaseId, MeetingId) {
    let portal = &world.portal;
    let seller = world.operator("Luce Spa", OperatorKind::Seller).await;
    let grid = world.operator("Rete Spa", OperatorKind::Distributor).await;
    let staff = world.user("segreteria", Role::ServiceSecretariat, None).await;
    let conciliator = world.user("conciliatore", Role::Conciliator, None).await;
    let client = world.user("cliente", Role::Client, None).await;
    let secretariat = world.user("seg.luce", Role::OperatorSecretariat, Some(seller)).await;
    let delegate = world.user("del.luce", Role::OperatorDelegate, Some(seller)).await;
    world.user("del.rete", Role::OperatorDelegate, Some(grid)).await;
    world.user("estraneo", Role::Client, None).await;
    let new = NewCase {
        client: client.user,
        client_delegate: None,
        operator: seller,
        aid: None,
        application: application(),
    };
    let case = cases::open(portal, &staff, new).await.unwrap();
    for (actor, act) in [
        (&staff, Act::Admit),
        (&staff, Act::AssignConciliator { conciliator: conciliator.user }),
        (&secretariat, Act::Adhere { operator: seller }),
    ] {
        cases::act(portal, actor, case, act).await.unwrap();
    }
    if with_delegate {
        let assign = Act::AssignDelegate { operator: seller, delegate: delegate.user };
        cases::act(portal, &secretariat, case, assign).await.unwrap();
    }
    let starts_at = "2026-12-14T14:00:00Z".parse().unwrap();
    let proposal =
        Proposal { starts_at, minutes: 60, mode: Mode::VirtualRoom, conciliator: conciliator.user };
    let meeting = meetings::convene(portal, &staff, case, proposal).await.unwrap();
    world.clock.set("2026-12-14T14:00:00Z");
    let by = By { user: Some(conciliator.user), role: Some(Role::Conciliator) };
    let mut tx = portal.db.begin().await.unwrap();
    meetings::start_in(&mut tx, portal, &world.body, meeting, by).await.unwrap();
    tx.commit().await.unwrap();
    world.clock.advance(TimeDelta::minutes(30));
    ([staff, conciliator, client, delegate], case, meeting)
}

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
