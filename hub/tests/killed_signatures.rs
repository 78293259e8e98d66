//! `kill -9` of the hub at every boundary between two steps of a signature, and of what makes the
//! document last. After the restart people do what the page asks of them; each document has one
//! valid signature of each signer in the end, and its evidence holds.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use portal::accounts::Role;
use portal::bodies;
use portal::cases::commands::By;
use portal::clock::SystemClock;
use portal::db::Db;
use portal::meetings::{MeetingId, commands as meetings};
use portal_testing::{nobody, portal_on};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use support::gate::{Gate, Side};
use support::person::Person;
use support::{Hub, hub, said};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Something happens within this, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(60);
/// The hub comes to its next write within this.
const SOON: Duration = Duration::from_millis(500);

const ENROL: &str = "/enrolment/v1/certificates";
const CHALLENGE: &str = "/credentials/getChallenge";
const INFO: &str = "/credentials/info";
const AUTHORIZE: &str = "/credentials/authorize";
const SIGN: &str = "/signatures/signHash";
const TSA: &str = "/tsa";
const OCSP: &str = "/ocsp";

/// Where the hub is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// When this step of the page is done.
    After(&'static str),
    /// While a request is on its way.
    Request(&'static str),
    /// While its answer is on its way.
    Answer(&'static str),
    /// With the answer received and nothing of it in the database.
    Unwritten(&'static str),
    /// When the signature is in the database.
    Written,
}

use Stop::{After, Answer, Request, Unwritten, Written};

/// In the order of a signature: one document each, one stop for each of its signers.
const IDENTIFIED_TO_CODE: [[Stop; 3]; 3] = [
    [After("identify"), After("conditions"), After("contacts")],
    [Request(ENROL), Answer(ENROL), After("check")],
    [Request(CHALLENGE), Answer(CHALLENGE), Unwritten(CHALLENGE)],
];
const CODE_TO_END: [[Stop; 3]; 3] = [
    [Request(INFO), Request(AUTHORIZE), Answer(AUTHORIZE)],
    [Request(SIGN), Answer(SIGN), Unwritten(SIGN)],
    [Request(TSA), Answer(TSA), Unwritten(TSA)],
];
const END_TO_ARCHIVE: [Stop; 5] =
    [Written, Request(OCSP), Answer(OCSP), Request(TSA), Unwritten(TSA)];

#[tokio::test(flavor = "multi_thread")]
async fn r_sign_34_killed_between_identification_and_code() {
    killed_at(&IDENTIFIED_TO_CODE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_sign_34_killed_between_code_and_stored_signature() {
    killed_at(&CODE_TO_END).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_sign_34_killed_between_the_last_signature_and_the_archive() {
    let mut stage = Stage::set(END_TO_ARCHIVE.len()).await;
    for (at, stop) in END_TO_ARCHIVE.into_iter().enumerate() {
        let meeting = stage.meetings[at];
        stage.freeze(meeting).await;
        let last = stage.people.len() - 1;
        for index in 0..last {
            stage.sign(meeting, index, None).await;
        }
        if stop == Written {
            stage.sign(meeting, last, Some(stop)).await;
        } else {
            // Only the archive asks for the status of certificates, and it asks before it stamps.
            let asked = stage.gate.stop(OCSP, Side::Request);
            stage.sign(meeting, last, None).await;
            reached(asked).await;
            match stop {
                Request(OCSP) => {}
                Answer(ending) => stage.onward(ending, Side::Answer).await,
                Request(ending) => stage.onward(ending, Side::Request).await,
                Unwritten(ending) => {
                    stage.onward(ending, Side::Answer).await;
                    stage.unwritten(ending).await;
                }
                After(_) | Written => unreachable!("no request"),
            }
            stage.kill_and_restart();
        }
        stage.is_archived(meeting).await;
        stage.is_in_order(meeting).await;
    }
    stage.journals_hold();
}

async fn killed_at(documents: &[[Stop; 3]]) {
    let mut stage = Stage::set(documents.len()).await;
    for (at, stops) in documents.iter().enumerate() {
        let meeting = stage.meetings[at];
        stage.freeze(meeting).await;
        for (index, stop) in stops.iter().enumerate() {
            stage.sign(meeting, index, Some(*stop)).await;
        }
        stage.is_in_order(meeting).await;
    }
    stage.journals_hold();
}

async fn reached(there: tokio::sync::oneshot::Receiver<()>) {
    timeout(PATIENCE, there).await.unwrap().unwrap();
}

/// A hub behind a gate, meetings in progress, and the signers in their order, signed in.
struct Stage {
    hub: Hub,
    gate: Gate,
    people: Vec<Person>,
    meetings: Vec<Uuid>,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn set(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::open().await;
        let hub = Hub::start_behind(&folder.path().join("hub"), gate.address);
        let mut people = Vec::new();
        for username in ["cliente", "delegato.operatore", "conciliatore"] {
            people.push(Person::signed_in(hub.listen, username).await);
        }
        let made = reqwest::Client::new()
            .post(format!("{}/demo/load/meetings", hub.url()))
            .json(&json!({ "count": count }));
        let made: Value = made.send().await.unwrap().json().await.unwrap();
        let meetings: Vec<Uuid> = serde_json::from_value(made["meetings"].clone()).unwrap();
        begin(&hub.data, &meetings).await;
        Self { hub, gate, people, meetings, folder }
    }

    /// The conciliator puts the minutes of an agreement to signature.
    async fn freeze(&self, meeting: Uuid) {
        let panel = panel_of(meeting);
        let neutral = self.people.last().unwrap();
        for act in ["bozza", "congela"] {
            let page = neutral.get(&panel).await.text().await.unwrap();
            let revision = between(&page, "name=\"revision\" value=\"").to_owned();
            let text = "L'operatore rimborsa 150,00 euro.";
            let fields = [("revision", &*revision), ("esito", "agreement"), ("testo", text)];
            let answer = neutral.post(&format!("{panel}/{act}"), &fields).await;
            assert_eq!(answer.status(), 303, "{act}: {}", answer.text().await.unwrap());
        }
    }

    /// Does what the page asks this person for, until the person has signed. The hub is killed once.
    async fn sign(&mut self, meeting: Uuid, index: usize, mut stop: Option<Stop>) {
        let (person, panel) = (self.people[index].clone(), panel_of(meeting));
        for _ in 0..20 {
            let page = person.get(&panel).await.text().await.unwrap();
            let need = between(&page, "data-own=\"").to_owned();
            let Some(address) = address_of(&need) else {
                if need == "nothing" {
                    assert!(stop.is_none(), "{stop:?} did not come");
                    return;
                }
                sleep(Duration::from_secs(1)).await;
                continue;
            };
            let fields = match need.as_str() {
                "conditions" => conditions(&page),
                "code" => {
                    let code = person.messages().await[0]["text"].as_str().unwrap()[..6].to_owned();
                    let base = between(&page, "name=\"base\" value=\"").to_owned();
                    vec![("base".to_owned(), base), ("codice".to_owned(), code)]
                }
                _ => Vec::new(),
            };
            let work = step(person.clone(), format!("{panel}/{address}"), fields);
            match stop.take_if(|stop| stop.comes_at(&need)) {
                None => work.await,
                Some(After(_)) => {
                    work.await;
                    self.kill_and_restart();
                }
                Some(stop) => self.stopped(meeting, index, work, stop).await,
            }
        }
        panic!("the page goes in circles");
    }

    /// The hub is killed while it does this.
    async fn stopped(
        &mut self,
        meeting: Uuid,
        index: usize,
        work: impl Future<Output = ()> + Send + 'static,
        stop: Stop,
    ) {
        let there = match stop {
            Request(ending) => Some(self.gate.stop(ending, Side::Request)),
            Answer(ending) | Unwritten(ending) => Some(self.gate.stop(ending, Side::Answer)),
            After(_) | Written => None,
        };
        let work = tokio::spawn(work);
        match there {
            Some(there) => reached(there).await,
            None => self.has_signed(meeting, index).await,
        }
        if let Unwritten(ending) = stop {
            self.unwritten(ending).await;
        }
        self.kill_and_restart();
        // Whoever pressed the button has seen an error, or the page after it.
        let _ = work.await;
    }

    /// The answer that is held comes in, the database takes nothing any more, and the hub is killed.
    async fn unwritten(&mut self, ending: &str) {
        let mut database = self.database().await;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut database).await.unwrap();
        let before = files_in(&self.hub.data.join("files"));
        self.gate.let_go();
        if ending == TSA {
            let stored = async {
                while files_in(&self.hub.data.join("files")) == before {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(PATIENCE, stored).await.unwrap();
        } else {
            sleep(SOON).await;
        }
        self.hub.kill();
        database.close().await.unwrap();
    }

    /// What is held goes on to the next stop.
    async fn onward(&self, ending: &'static str, side: Side) {
        let there = self.gate.stop(ending, side);
        self.gate.let_go();
        reached(there).await;
    }

    fn kill_and_restart(&mut self) {
        self.hub.kill();
        self.gate.let_go();
        self.hub.restart();
    }

    async fn database(&self) -> SqliteConnection {
        let url = format!("sqlite://{}", self.hub.data.join("accordo.db").display());
        SqliteConnection::connect(&url).await.unwrap()
    }

    async fn has_signed(&self, meeting: Uuid, index: usize) {
        let mut database = self.database().await;
        let signed = async {
            let sql = "SELECT COUNT(*) FROM signature_signers s
                 JOIN signature_processes p ON p.id = s.process
                 WHERE p.meeting = $1 AND s.step = 'signed'";
            loop {
                let count: i64 =
                    sqlx::query_scalar(sql).bind(meeting).fetch_one(&mut database).await.unwrap();
                if usize::try_from(count) == Ok(index + 1) {
                    return;
                }
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, signed).await.unwrap();
    }

    /// The evidence log, as the conciliator gets it.
    async fn evidence(&self, meeting: Uuid) -> String {
        let neutral = self.people.last().unwrap();
        let answer = neutral.get(&format!("{}/evidenze.json", panel_of(meeting))).await;
        answer.text().await.unwrap()
    }

    async fn is_archived(&self, meeting: Uuid) {
        let stamped = async {
            while count(&self.evidence(meeting).await, "preserved") == 0 {
                sleep(Duration::from_millis(200)).await;
            }
        };
        timeout(PATIENCE, stamped).await.unwrap();
    }

    /// Each signer has signed once, everybody's verifier says so, and the evidence holds.
    async fn is_in_order(&self, meeting: Uuid) {
        let evidence = self.evidence(meeting).await;
        assert_eq!(count(&evidence, "signed"), self.people.len(), "{evidence}");
        assert!(count(&evidence, "preserved") < 2, "{evidence}");
        let log = self.folder.path().join("evidenze.json");
        std::fs::write(&log, &evidence).unwrap();
        let told = hub(&["verify-log".as_ref(), log.as_os_str()]);
        assert!(told.status.success(), "{}", said(&told));

        let document = format!("{}/documento.pdf", panel_of(meeting));
        let pdf = self.people[0].get(&document).await.bytes().await.unwrap();
        let file = self.folder.path().join("verbale.pdf");
        std::fs::write(&file, &pdf).unwrap();
        let root = self.hub.data.join("demo-root.pem");
        let verify = ["verify".as_ref(), "--json".as_ref(), "--trust".as_ref()];
        let told = hub(&[&verify[..], &[root.as_os_str(), file.as_os_str()]].concat());
        assert!(told.status.success(), "{}", said(&told));
        let report: Value = serde_json::from_slice(&told.stdout).unwrap();
        let all = report[0]["report"]["signatures"].as_array().unwrap();
        let signatures = all.iter().filter(|one| one["kind"] == "signature").count();
        assert_eq!(signatures, self.people.len(), "{report:#}");

        let pyhanko = std::env::var_os("ACCORDO_PYHANKO").unwrap_or_else(|| "pyhanko".into());
        let checked = Command::new(pyhanko)
            .args(["sign", "validate", "--pretty-print", "--no-revocation-check", "--trust"])
            .arg(&root)
            .arg(&file)
            .output()
            .unwrap();
        let valid = said(&checked).matches("The signature is judged VALID.").count();
        assert!(checked.status.success() && valid == signatures, "{}", said(&checked));
    }

    fn journals_hold(&mut self) {
        self.hub.kill();
        let data = self.hub.data.to_str().unwrap();
        let told = hub(&["verify-journals", "--demo", "--data", data]);
        assert!(told.status.success(), "{}", said(&told));
    }
}

impl Stop {
    /// Whether it comes when the page asks for this.
    fn comes_at(self, need: &str) -> bool {
        match self {
            After(step) => step == need,
            Request(ENROL | CHALLENGE) | Answer(ENROL | CHALLENGE) | Unwritten(CHALLENGE) => {
                need == "request"
            }
            Request(_) | Answer(_) | Unwritten(_) | Written => need == "code",
        }
    }
}

/// The meetings have begun, as if people had come.
async fn begin(data: &Path, ids: &[Uuid]) {
    let db = Db::connect(&format!("sqlite://{}", data.join("accordo.db").display())).await.unwrap();
    let portal = portal_on(&db, data, Arc::new(SystemClock), nobody());
    let body = &bodies::all(&db).await.unwrap()[0];
    let mut tx = db.begin().await.unwrap();
    for id in ids {
        let by = By { user: None, role: Some(Role::Conciliator) };
        meetings::start_in(&mut tx, &portal, body, MeetingId(*id), by).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
}

fn panel_of(meeting: Uuid) -> String {
    format!("/incontri/{meeting}/verbale")
}

/// Where the form goes with which the page asks for this; nothing if it asks to wait, or for nothing.
fn address_of(need: &str) -> Option<&'static str> {
    Some(match need {
        "identify" => "firma/identificazione",
        "conditions" => "firma/condizioni",
        "contacts" => "firma/recapiti",
        "check" => "firma/verifica",
        "request" => "firma/codice",
        "code" => "firma",
        _ => return None,
    })
}

/// Sends a form, and goes to the identity provider if it leads there. A refusal is seen on the page.
async fn step(person: Person, address: String, fields: Vec<(String, String)>) {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let answer = person.post(&address, &fields).await;
    assert!(matches!(answer.status().as_u16(), 303 | 422), "{}", answer.status());
    if !address.ends_with("identificazione") {
        return;
    }
    let asked = reqwest::Url::parse("http://hub").unwrap();
    let asked = asked.join(answer.headers()["location"].to_str().unwrap()).unwrap();
    let mut fields: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
    fields.push(("method".to_owned(), "spid".to_owned()));
    fields.push(("action".to_owned(), "authorize".to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let answer = person.post(asked.path(), &fields).await;
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(person.get(&back).await.status(), 303);
}

/// Every condition that the page shows, ticked.
fn conditions(page: &str) -> Vec<(String, String)> {
    let boxes = page.split("<input id=\"condizione-").skip(1);
    let ticked = boxes.map(|one| {
        let key = one.split('"').next().unwrap().to_owned();
        (key, between(one, "value=\"").to_owned())
    });
    ticked.collect()
}

/// What stands between this and the next quotation mark.
fn between<'a>(text: &'a str, before: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split('"').next().unwrap()
}

/// How often this happened, by an evidence log.
fn count(evidence: &str, event: &str) -> usize {
    let log: Value = serde_json::from_str(evidence).unwrap();
    let entries = log["log"]["entries"].as_array().unwrap().iter();
    entries.filter(|entry| entry["event"] == event).count()
}

/// How many files lie below a folder.
fn files_in(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_in(&path) } else { 1 }).sum()
}
