//! Starts and ends real hub processes for the tests.
#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses the part it needs")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "test code")]

pub mod gate;
pub mod person;
pub mod story;
pub mod watch;

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A serving hub; killed when dropped.
pub struct Hub {
    child: Child,
    pub listen: SocketAddr,
    pub data: PathBuf,
    pub log: PathBuf,
    /// Where it makes its temporary files.
    pub temporary: PathBuf,
    binary: PathBuf,
    arguments: Vec<String>,
    /// Its way to outside parties.
    gate: Option<SocketAddr>,
}

impl Hub {
    /// Starts a demo hub on a free port and waits until it is ready.
    pub fn start(data: &Path) -> Self {
        Self::start_binary(Path::new(env!("CARGO_BIN_EXE_hub")), data, free_port())
    }

    /// The same, reaching its outside parties through a proxy.
    pub fn start_behind(data: &Path, gate: SocketAddr) -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_hub"));
        Self::start_so(binary, data, free_port(), &["--demo"], Some(gate))
    }

    /// The same with another build of the hub.
    pub fn start_binary(binary: &Path, data: &Path, listen: SocketAddr) -> Self {
        Self::start_with(binary, data, listen, &["--demo"])
    }

    /// The same with other arguments.
    pub fn start_with(binary: &Path, data: &Path, listen: SocketAddr, arguments: &[&str]) -> Self {
        Self::start_so(binary, data, listen, arguments, None)
    }

    fn start_so(
        binary: &Path,
        data: &Path,
        listen: SocketAddr,
        arguments: &[&str],
        gate: Option<SocketAddr>,
    ) -> Self {
        std::fs::create_dir_all(data).unwrap();
        let (log, temporary) = (data.with_extension("log"), data.with_extension("tmp"));
        std::fs::create_dir_all(&temporary).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        let child = spawn(binary, data, listen, [&log, &temporary], &arguments, gate);
        let (data, binary) = (data.to_owned(), binary.to_owned());
        let mut hub = Self { child, listen, data, log, temporary, binary, arguments, gate };
        hub.wait_until_ready();
        hub
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, at once.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the killed hub again: same address, same data.
    pub fn restart(&mut self) {
        let places = [self.log.as_path(), &self.temporary];
        self.child =
            spawn(&self.binary, &self.data, self.listen, places, &self.arguments, self.gate);
        self.wait_until_ready();
    }

    /// SIGTERM, and the exit status.
    pub fn stop(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    fn wait_until_ready(&mut self) {
        let end = Instant::now() + Duration::from_secs(90);
        while get(self.listen, "/readyz").is_none_or(|a| !a.starts_with("HTTP/1.1 200")) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the hub ended with {status}:\n{}", self.log_text());
            }
            assert!(Instant::now() < end, "the hub did not get ready:\n{}", self.log_text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(
    binary: &Path,
    data: &Path,
    listen: SocketAddr,
    [log, temporary]: [&Path; 2],
    arguments: &[String],
    gate: Option<SocketAddr>,
) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
    let mut command = Command::new(binary);
    if let Some(gate) = gate {
        command.env("http_proxy", format!("http://{gate}"));
        command.env_remove("no_proxy").env_remove("NO_PROXY");
    }
    command
        .args(["serve", "--listen", &listen.to_string(), "--data"])
        .arg(data)
        .args(arguments)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// A loopback address nobody listens on at the moment.
pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The whole answer to one GET, or nothing if nobody answers.
pub fn get(to: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// Runs a command of the hub to its end.
pub fn hub<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hub")).args(arguments).output().unwrap()
}

/// What a command said, on both channels.
pub fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A program that the workspace builds beside the hub.
pub fn sibling(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_hub")).with_file_name(name);
    assert!(path.exists(), "{} is missing: run the tests through `make test`", path.display());
    path
}
