//! A provider that listens on loopback, a clock that can be moved, and an outbox to read from.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use accordo_demo::{
    Now,
    qtsp::{DemoQtsp, DemoSms},
};
use async_trait::async_trait;
use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use signing::{
    Digest,
    csc::CscClient,
    ports::{Credential, IssueRequest, Qtsp, Subject},
    tsa::TsaClient,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, process::Command, task::JoinHandle};

/// Starts at the real present, because outsiders compare with theirs.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<DateTime<Utc>>>);

impl TestClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge that owns the clock")]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Utc::now())))
    }

    pub fn get(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }

    pub fn now(&self) -> Now {
        let clock = self.clone();
        Arc::new(move || clock.get())
    }
}

/// Keeps the messages, or refuses them.
#[derive(Default)]
pub struct Outbox {
    pub messages: Mutex<Vec<(String, String, String)>>,
    pub is_down: AtomicBool,
}

impl Outbox {
    /// The code in the last message.
    pub fn last_code(&self) -> String {
        let messages = self.messages.lock().unwrap();
        messages.last().unwrap().1.chars().take(6).collect()
    }
}

#[async_trait]
impl DemoSms for Outbox {
    async fn send(&self, to: &str, text: &str, key: &str) -> Result<(), String> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err("down".into());
        }
        self.messages.lock().unwrap().push((to.into(), text.into(), key.into()));
        Ok(())
    }
}

/// Where signers go back to.
pub const RETURN: &str = "https://portal.example/firma/autorizzata";

pub struct Service {
    pub qtsp: DemoQtsp,
    pub csc: CscClient,
    pub tsa: TsaClient,
    pub outbox: Arc<Outbox>,
    pub clock: TestClock,
    pub dir: TempDir,
    address: SocketAddr,
    server: JoinHandle<()>,
}

fn data_of(dir: &TempDir) -> PathBuf {
    dir.path().join("demo-qtsp")
}

/// Serves `router` until the task is aborted.
pub fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

impl Service {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (outbox, clock) = (Arc::new(Outbox::default()), TestClock::new());
        let origin = format!("http://{address}");
        let qtsp = DemoQtsp::new(&data_of(&dir), &origin, outbox.clone(), clock.now()).unwrap();
        qtsp.register_returns(vec![RETURN.to_owned()]);
        let server = serve(listener, qtsp.router());
        let csc = CscClient::new(qtsp.csc_config()).unwrap();
        let tsa = TsaClient::new(&qtsp.tsa_config()).unwrap();
        Self { qtsp, csc, tsa, outbox, clock, dir, address, server }
    }

    /// The server dies and another one opens the same folder; clients notice nothing else.
    pub async fn restart(&mut self) {
        self.server.abort();
        while !self.server.is_finished() {
            tokio::task::yield_now().await;
        }
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.qtsp = DemoQtsp::new(
            &self.data(),
            &format!("http://{}", self.address),
            self.outbox.clone(),
            self.clock.now(),
        )
        .unwrap();
        self.qtsp.register_returns(vec![RETURN.to_owned()]);
        self.server = serve(listener, self.qtsp.router());
    }

    /// The provider's own folder.
    pub fn data(&self) -> PathBuf {
        data_of(&self.dir)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/demo/qtsp{path}", self.address)
    }

    pub fn request(&self) -> IssueRequest {
        IssueRequest {
            subject: Subject {
                given_name: "Anna Lucía".into(),
                surname: "D'Àmico".into(),
                fiscal_code: "DMCNLC80A41H501X".into(),
            },
            mobile: "+393331234567".into(),
            document: Digest::of(b"document"),
            title: "Verbale di accordo – pratica N/2026/000123".into(),
            identified_by: "spid".into(),
            identified_at: self.clock.get(),
        }
    }

    pub async fn issue(&self) -> Credential {
        self.csc.issue(&self.request()).await.unwrap()
    }

    /// A credential that has been sent a code, and the code.
    pub async fn ready(&self) -> (String, String) {
        let credential = self.issue().await.id;
        self.csc.send_otp(&credential).await.unwrap();
        (credential, self.outbox.last_code())
    }

    /// Writes the certificates as PEM beside the provider's data: root, issuing, signer.
    pub fn write_chain(&self, credential: &Credential) -> [PathBuf; 3] {
        let [signer, issuing, root] = credential.chain.as_slice() else { panic!() };
        let write = |name: &str, der: &[u8]| {
            let pem = openssl::x509::X509::from_der(der).unwrap().to_pem().unwrap();
            self.write(name, &pem)
        };
        [write("root.pem", root), write("issuing.pem", issuing), write("signer.pem", signer)]
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub async fn get(&self, path: &str) -> Vec<u8> {
        let response = reqwest::get(self.url(path)).await.unwrap().error_for_status().unwrap();
        response.bytes().await.unwrap().to_vec()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Runs the `openssl` command in `dir`: whether it succeeded, and all it said.
pub async fn openssl(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(dir).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
