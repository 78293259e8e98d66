//! One empty database of each kind.
//!
//! The PostgreSQL server is the test process's own: made in a temporary folder, reached through a
//! Unix socket there, ended with the value that [`databases`] returns. A missing server fails the
//! test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use portal::db::Db;

/// One empty, migrated database of each kind.
pub struct Databases {
    /// SQLite and PostgreSQL, with their names for messages.
    pub all: Vec<(&'static str, Db)>,
    server: Server,
    folder: TempDir,
}

/// Opens one database of each kind.
pub async fn databases() -> Databases {
    let folder = TempDir::new().expect("there is room for a folder");
    let sqlite = format!("sqlite://{}", folder.path().join("test.db").display());
    let server = Server::start(folder.path());
    let all = vec![
        ("SQLite", Db::open(&sqlite).await.expect("a new file is opened")),
        ("PostgreSQL", server.open().await),
    ];
    Databases { all, server, folder }
}

impl Databases {
    /// Folder that lives as long as the databases.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Address of another, empty database on the same server.
    pub async fn another_postgres(&self, name: &str) -> String {
        let url = self.server.url();
        let made = Command::new("psql")
            .args(["-X", "-q", "-d", &url, "-c", &format!("CREATE DATABASE {name}")])
            .status()
            .expect("psql can be started");
        assert!(made.success(), "CREATE DATABASE");
        format!("{}/{name}", url.rsplit_once('/').expect("the address ends with a name").0)
    }

    /// Closes the databases and ends the server.
    pub async fn end(mut self) {
        for (_, db) in &self.all {
            db.close().await;
        }
        self.server.stop();
    }
}

struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    /// PostgreSQL refuses to run as root: there it runs as the user `postgres`.
    fn start(folder: &Path) -> Self {
        let data = folder.join("pg");
        let socket = folder.join("socket");
        std::fs::create_dir_all(&data).expect("the folder is writable");
        std::fs::create_dir_all(&socket).expect("the folder is writable");
        if is_root() {
            give_to_postgres(&[folder, &data, &socket]);
        }
        let made = as_postgres(&program("initdb"))
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"])
            .args(["--no-sync", "--no-instructions", "-D"])
            .arg(&data)
            .output()
            .expect("initdb can be started");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let child = as_postgres(&program("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&socket)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PostgreSQL can be started");
        Self { child, socket }
    }

    fn url(&self) -> String {
        let socket =
            urlencoding::encode(self.socket.to_str().expect("temporary folders have plain names"))
                .into_owned();
        format!("postgres://postgres@{socket}/postgres")
    }

    async fn open(&self) -> Db {
        let url = self.url();
        for _ in 0..100 {
            match Db::open(&url).await {
                Ok(db) => return db,
                Err(portal::db::DbError::Migrate(e)) => panic!("{e}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        panic!("the PostgreSQL server of the test did not answer in 10 s");
    }

    fn stop(&mut self) {
        // SIGINT is PostgreSQL's "fast shutdown". `runuser` passes signals on.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id can be started");
    id.stdout.trim_ascii() == b"0"
}

fn give_to_postgres(folders: &[&Path]) {
    let done =
        Command::new("chown").arg("postgres").args(folders).status().expect("chown can be started");
    assert!(done.success(), "chown postgres");
}

fn as_postgres(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// The newest `/usr/lib/postgresql/*/bin` (Debian's place), else the PATH.
fn program(name: &str) -> PathBuf {
    let mut found: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}
