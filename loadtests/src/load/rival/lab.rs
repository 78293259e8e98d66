//! Namespaces, cables and servers; everything ends when the lab is dropped.

use super::leftovers;
use crate::namespace::Namespace;
use crate::process::Process;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// The crowd's end of the cable to the hub.
pub(super) const CROWD_TO_HUB: Ipv4Addr = Ipv4Addr::new(10, 97, 1, 2);
/// The crowd's end of the cable to Janus.
pub(super) const CROWD_TO_JANUS: Ipv4Addr = Ipv4Addr::new(10, 97, 2, 2);
const HUB: Ipv4Addr = Ipv4Addr::new(10, 97, 1, 1);
const JANUS: Ipv4Addr = Ipv4Addr::new(10, 97, 2, 1);
/// How the namespaces of crowd, hub and Janus begin; the process id of the run follows.
pub(super) const NETWORKS: &[&str; 3] = &["accordo-crowd", "accordo-hub", "accordo-janus"];
/// How a run's folder begins.
pub(super) const FOLDERS: &str = "accordo-lab";
/// Inside the hub's namespace.
pub(super) const HUB_ORIGIN: &str = "http://127.0.0.1:8080";
/// Inside Janus' namespace.
pub(super) const JANUS_ADDRESS: &str = "127.0.0.1:8188";
/// A demo fills its world first.
const STARTS_WITHIN: Duration = Duration::from_secs(120);
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// Why there is no lab.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A command that could not be run, or failed.
    #[error("{command}: {why}")]
    Command {
        /// What was run.
        command: String,
        /// What it said.
        why: String,
    },
    /// Files, namespaces, threads.
    #[error("{what}: {error}")]
    Io {
        /// What for.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A server that did not answer in time.
    #[error("{0} did not start")]
    Silent(&'static str),
}

fn io_error(what: &'static str) -> impl Fn(io::Error) -> LabError {
    move |error| LabError::Io { what, error }
}

/// Both servers, running, and the crowd's network.
pub(super) struct Lab {
    pub(super) crowd: Namespace,
    pub(super) hub_network: Network,
    pub(super) janus_network: Network,
    pub(super) hub: Process,
    pub(super) janus: Process,
    // Dropped in this order: servers first.
    _servers: [Server; 2],
    _networks: Networks,
    _folder: Folder,
}

impl Lab {
    /// Makes the namespaces and starts the servers.
    pub(super) async fn open(hub: &Path) -> Result<Self, LabError> {
        leftovers::clear();
        let folder = Folder::new()?;
        let networks = Networks::new()?;
        let [crowd, at_hub, at_janus] = networks.names.clone();
        networks.cable("h", &crowd, CROWD_TO_HUB, &at_hub, HUB)?;
        networks.cable("j", &crowd, CROWD_TO_JANUS, &at_janus, JANUS)?;
        let hub_network = Network::named(&at_hub)?;
        let janus_network = Network::named(&at_janus)?;
        let hub = Server::hub(hub, &at_hub, &folder.0)?;
        let janus = Server::janus(&at_janus, &folder.0)?;
        let lab = Self {
            crowd: Namespace::named(&crowd).map_err(io_error("the crowd's namespace"))?,
            hub_network,
            janus_network,
            hub: Process(hub.0.id()),
            janus: Process(janus.0.id()),
            _servers: [hub, janus],
            _networks: networks,
            _folder: folder,
        };
        let ready = lab.hub_network.run(|| {
            answers(async || {
                let asked = reqwest::get(format!("{HUB_ORIGIN}/readyz")).await;
                asked.is_ok_and(|answer| answer.status().is_success())
            })
        });
        ready.await?.then_some(()).ok_or(LabError::Silent("the hub beside Janus"))?;
        let ready = lab
            .janus_network
            .run(|| answers(async || tokio::net::TcpStream::connect(JANUS_ADDRESS).await.is_ok()));
        ready.await?.then_some(()).ok_or(LabError::Silent("Janus"))?;
        Ok(lab)
    }
}

async fn answers(ask: impl AsyncFn() -> bool) -> bool {
    let end = Instant::now() + STARTS_WITHIN;
    while Instant::now() < end {
        if ask().await {
            return true;
        }
        sleep(LOOKS_EVERY).await;
    }
    false
}

/// Runs futures whose sockets are opened in one namespace.
#[derive(Clone)]
pub(super) struct Network(Namespace);

impl Network {
    fn named(name: &str) -> Result<Self, LabError> {
        Namespace::named(name).map(Self).map_err(io_error("a namespace"))
    }

    /// Runs the future of `work` there to its end, on a thread of its own.
    pub(super) async fn run<T: Send + 'static, F: Future<Output = T>>(
        &self,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Result<T, LabError> {
        let (reply, answer) = oneshot::channel();
        let namespace = self.0.clone();
        std::thread::spawn(move || {
            let within = namespace.clone();
            let runtime = namespace.enter().and_then(|()| {
                tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .on_thread_start(move || {
                        within.enter().expect("the thread before was let in");
                    })
                    .build()
            });
            // Whoever asked may have gone.
            let _ = reply.send(runtime.map(|runtime| runtime.block_on(work())));
        });
        let gone = |_| io::Error::other("the thread is gone");
        let done = answer.await.map_err(gone).and_then(|done| done);
        done.map_err(io_error("a runtime in a namespace"))
    }
}

struct Server(Child);

impl Server {
    fn hub(program: &Path, network: &str, folder: &Path) -> Result<Self, LabError> {
        let settings = folder.join("hub.toml");
        let text = format!("mode = 'demo'\n[media]\nbind = ['{HUB}']\n[log]\nfilter = 'warn'\n");
        fs::write(&settings, text).map_err(io_error("settings for the hub"))?;
        let data = folder.join("data");
        let arguments = ["serve".as_ref(), "--config".as_ref(), settings.as_os_str()];
        let mut command = within(network, program);
        command.args(arguments).arg("--data").arg(data);
        Self::start(command)
    }

    /// Janus as it is cheapest: one event loop for all, ICE-lite, few words, nothing recorded.
    fn janus(network: &str, folder: &Path) -> Result<Self, LabError> {
        let folder = folder.join("janus");
        let write = |name: &str, text: String| fs::write(folder.join(name), text);
        let general = format!(
            "general: {{ configs_folder = \"{}\"\n interface = \"{JANUS}\"\n debug_level = 2\n \
             debug_colors = false\n event_loops = 1 }}\n\
             media: {{ rtp_port_range = \"20000-40000\" }}\n\
             nat: {{ ice_enforce_list = \"{JANUS}\"\n ice_lite = true\n full_trickle = false }}\n\
             plugins: {{ disable = \"{}\" }}\ntransports: {{ disable = \"{}\" }}\n\
             loggers: {{ disable = \"libjanus_jsonlog.so\" }}\nevents: {{ broadcast = false }}\n",
            folder.display(),
            "libjanus_sip.so,libjanus_nosip.so,libjanus_lua.so,libjanus_duktape.so,\
             libjanus_audiobridge.so,libjanus_streaming.so,libjanus_recordplay.so,\
             libjanus_textroom.so,libjanus_voicemail.so,libjanus_videocall.so,\
             libjanus_echotest.so",
            "libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,\
             libjanus_http.so",
        );
        let (_, port) = JANUS_ADDRESS.split_once(':').expect("host and port");
        let sockets = format!("general: {{ ws = true\n ws_port = {port}\n json = \"compact\" }}\n");
        fs::create_dir(&folder)
            .and_then(|()| write("janus.jcfg", general))
            .and_then(|()| write("janus.transport.websockets.jcfg", sockets))
            .map_err(io_error("settings for Janus"))?;
        let mut command = within(network, Path::new("janus"));
        command.arg("--configs-folder").arg(folder);
        Self::start(command)
    }

    fn start(mut command: Command) -> Result<Self, LabError> {
        let shown = format!("{command:?}");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = child.spawn();
        child.map(Self).map_err(|e| LabError::Command { command: shown, why: e.to_string() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `ip netns exec` becomes the program, so that its process id is the program's.
fn within(network: &str, program: &Path) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", network]).arg(program);
    command
}

/// The namespaces of crowd, hub and Janus.
struct Networks {
    names: [String; 3],
    id: u32,
}

impl Networks {
    fn new() -> Result<Self, LabError> {
        let id = std::process::id();
        let names = NETWORKS.map(|what| format!("{what}-{id}"));
        // Dropped, and with it what was made so far, if one cannot be made.
        let networks = Self { names, id };
        for name in &networks.names {
            ip(&["netns", "add", name])?;
            ip(&["-n", name, "link", "set", "lo", "up"])?;
        }
        Ok(networks)
    }

    /// A virtual cable with these addresses at its ends.
    fn cable(
        &self,
        letter: &str,
        one: &str,
        one_address: Ipv4Addr,
        other: &str,
        other_address: Ipv4Addr,
    ) -> Result<(), LabError> {
        let id = self.id;
        let (here, there) = (format!("ac{letter}{id}a"), format!("ac{letter}{id}b"));
        let peer = ["peer", "name", &there, "netns", other];
        ip(&[&["link", "add", &here, "netns", one, "type", "veth"][..], &peer[..]].concat())?;
        for (network, end, address) in [(one, here, one_address), (other, there, other_address)] {
            ip(&["-n", network, "address", "add", &format!("{address}/24"), "dev", &end])?;
            ip(&["-n", network, "link", "set", &end, "up"])?;
        }
        Ok(())
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in &self.names {
            // Cables go with their namespaces; what was not made cannot be removed.
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

pub(super) fn ip(arguments: &[&str]) -> Result<(), LabError> {
    let command = || format!("ip {}", arguments.join(" "));
    let failed = |why: String| LabError::Command { command: command(), why };
    let done = Command::new("ip").args(arguments).output().map_err(|e| failed(e.to_string()))?;
    if done.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&done.stderr).trim().to_owned()))
}

/// A folder for settings and data.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, LabError> {
        let path = std::env::temp_dir().join(format!("{FOLDERS}-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(io_error("a folder for the servers"))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays lies where things are cleaned up.
        let _ = fs::remove_dir_all(&self.0);
    }
}
