//! A portal with the demo's trust service and identity provider, and a meeting in progress.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use accordo_demo::idp::DemoIdp;
use accordo_demo::qtsp::DemoQtsp;
use axum::Router;
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
use portal::signatures::leave::RETURN;
use portal::signatures::store::{self, ProcessRow};
use portal_testing::{Browser, TestClock, World, application, world_with};
use signing::csc::{CscConfig, Quirks};
use signing::ports::Authorisation;
use signing::preservation::Renewal;
use signing::verify::{Kind, Report, TrustAnchors, verify};

use crate::parties::{Mood, Moody, Silent, Sms, Turnstile};
use crate::reader::Reader;

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
        Self::with(db, folder, true, Quirks::default()).await
    }

    /// The same, with a trust service that asks for leave on its own page.
    pub async fn with_leave(db: &Db, folder: &Path) -> Self {
        let quirks = Quirks { authorisation: Authorisation::Page, ..Quirks::default() };
        Self::with(db, folder, true, quirks).await
    }

    /// The same, for the convened operator nobody sits there.
    pub async fn without_delegate(db: &Db, folder: &Path) -> Self {
        Self::with(db, folder, false, Quirks::default()).await
    }

    async fn with(db: &Db, folder: &Path, with_delegate: bool, quirks: Quirks) -> Self {
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
        let csc = CscConfig { quirks, ..qtsp.csc_config() };
        let tsa = qtsp.tsa_config();
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
        qtsp.register_returns(vec![world.portal.link(&world.body, RETURN)]);
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
        Reader::new(browser, self.meeting)
    }

    /// Those who meet: conciliator, client and the operator's delegate.
    pub async fn table(&self) -> (Reader, Reader, Reader) {
        (
            self.browser("conciliatore").await,
            self.browser("cliente").await,
            self.browser("del.luce").await,
        )
    }

    /// The newest code that was sent to a person.
    pub async fn code(&self, actor: &Actor) -> String {
        let db = &self.world.portal.db;
        let person = portal::accounts::store::person(db, self.world.body.id, actor.user).await;
        self.code_for(&person.unwrap().unwrap().mobile)
    }

    /// The newest code that was sent to a number.
    pub fn code_for(&self, mobile: &str) -> String {
        let sent = self.sms.0.lock().unwrap();
        let (_, text) = sent.iter().rev().find(|(to, _)| to == mobile).expect("no code was sent");
        text[..6].to_owned()
    }

    /// Everybody leaves the room.
    pub async fn end_meeting(&self) {
        let (portal, by) = (&self.world.portal, By::from(&self.conciliator));
        let mut tx = portal.db.begin().await.unwrap();
        meetings::end_in(&mut tx, portal, &self.world.body, self.meeting, by).await.unwrap();
        tx.commit().await.unwrap();
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
        self.mail_texts(username, subject).await.len()
    }

    /// Their texts.
    pub async fn mail_texts(&self, username: &str, subject: &str) -> Vec<String> {
        let to = format!("{username}@example.it");
        let (db, body) = (&self.world.portal.db, self.world.body.id);
        let sent = notifications::newest(db, body, &to, 50).await.unwrap();
        let subject = format!("{subject} – pratica N/2026/000001");
        sent.into_iter().filter(|one| one.subject == subject).map(|one| one.text).collect()
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
    world.power_of_attorney(&staff, &delegate).await;
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
