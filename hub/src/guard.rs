//! The demo guard (DESIGN §6.6): a demo never touches a production database, production never
//! touches anything of a demo, and only a demo gets the permit to play outside parties.

use std::path::{Path, PathBuf};

use accordo_demo::{NOT_QUALIFIED, qtsp};
use chrono::{DateTime, Utc};
use openssl::x509::X509;
use portal::db::Db;
use portal::instance::{self, Nature, Stamp};

use crate::error::HubError;
use crate::settings::{Mode, Settings};

/// Folder of the demo trust services in the data folder, one for each installation.
pub const DEMO_QTSP: &str = "demo-qtsp";
/// Its root certificate, for validators.
pub const DEMO_ROOT: &str = "demo-root.pem";

/// Proof that this is a demo on a demo's database. Only the guard gives it out.
#[derive(Clone, Debug)]
pub struct DemoPermit(String);

impl DemoPermit {
    /// Where this installation's trust service keeps its keys, below the data folder. The database
    /// tells which it is: whoever puts another one back changes both at once.
    pub fn folder(&self) -> PathBuf {
        Path::new(DEMO_QTSP).join(&self.0)
    }
}

/// A database that passed the guard.
#[derive(Debug)]
pub struct Opened {
    /// The database.
    pub db: Db,
    /// Present in a demo.
    pub demo: Option<DemoPermit>,
}

/// Opens the database of an installation, stamps an unused one, and brings it to this version. A
/// database of the other kind is refused before anything in it is changed.
pub async fn open(settings: &Settings, now: DateTime<Utc>) -> Result<Opened, HubError> {
    outside(settings)?;
    std::fs::create_dir_all(&settings.data)
        .map_err(HubError::io(format!("creating {}", settings.data.display())))?;
    let db = connect(settings).await?;
    let wanted = nature(settings.mode);
    let mut stamp = instance::read(&db).await.map_err(database)?;
    if stamp == Stamp::Unused {
        db.migrate().await.map_err(database)?;
        stamp = instance::stamp(&db, wanted, now).await.map_err(database)?;
    }
    agree(stamp, wanted)?;
    db.migrate().await.map_err(database)?;
    let demo = permit(settings.mode, &db).await?;
    Ok(Opened { db, demo })
}

/// Opens the database of an installation that is there already, and leaves it as it is.
pub async fn look(settings: &Settings) -> Result<Opened, HubError> {
    outside(settings)?;
    let url = settings.database_url();
    if let Some(file) = url.strip_prefix("sqlite://")
        && !Path::new(file).exists()
    {
        return Err(HubError::Failed(format!("there is no database at {file}")));
    }
    let db = connect(settings).await?;
    match instance::read(&db).await.map_err(database)? {
        Stamp::Unused => Err(HubError::Failed("the database is empty".into())),
        stamp => {
            agree(stamp, nature(settings.mode))?;
            let demo = permit(settings.mode, &db).await?;
            Ok(Opened { db, demo })
        }
    }
}

/// The nature of an installation in this mode.
pub fn nature(mode: Mode) -> Nature {
    match mode {
        Mode::Demo => Nature::Demo,
        Mode::Production => Nature::Production,
    }
}

async fn permit(mode: Mode, db: &Db) -> Result<Option<DemoPermit>, HubError> {
    if mode == Mode::Production {
        return Ok(None);
    }
    let made_at = instance::made_at(db).await.map_err(database)?;
    Ok(Some(DemoPermit(made_at.format("%Y%m%dT%H%M%S%.6fZ").to_string())))
}

async fn connect(settings: &Settings) -> Result<Db, HubError> {
    Db::connect(&settings.database_url()).await.map_err(database)
}

fn database(error: impl std::fmt::Display) -> HubError {
    HubError::Failed(format!("database: {error}"))
}

/// What a database says against what is wanted.
fn agree(stamp: Stamp, wanted: Nature) -> Result<(), HubError> {
    let refusal = match (stamp, wanted) {
        (Stamp::Of(found), wanted) if found == wanted => return Ok(()),
        (Stamp::Of(Nature::Demo), _) => "this is the database of a demo, and demos stay demos",
        (Stamp::Of(Nature::Production), _) => "this is a production database, not for a demo",
        (Stamp::Missing | Stamp::Unused, _) => {
            "the database holds bodies, but does not say whether it is a demo's"
        }
    };
    Err(HubError::Guard(refusal.into()))
}

/// What a production installation must not stand on.
fn outside(settings: &Settings) -> Result<(), HubError> {
    settings.check()?;
    if settings.mode == Mode::Demo {
        return Ok(());
    }
    let refused = |what: String| Err(HubError::Guard(format!("production refuses {what}")));
    let csc = settings.signing.csc.iter().map(|csc| &csc.base_url);
    let tsa = settings.signing.tsa.iter().map(|tsa| &tsa.url);
    for url in csc.chain(tsa) {
        if url.contains(qtsp::PATH) {
            return refused(format!("the demo trust service at {url}"));
        }
    }
    for name in [DEMO_QTSP, DEMO_ROOT] {
        let place = settings.data.join(name);
        if place.exists() {
            return refused(format!("a demo's data folder: {} is there", place.display()));
        }
    }
    for file in &settings.signing.trust {
        if of_a_demo(file)? {
            return refused(format!("the root of a demo in {}", file.display()));
        }
    }
    Ok(())
}

/// Whether a file of roots has one of a demo trust service in it.
fn of_a_demo(file: &Path) -> Result<bool, HubError> {
    let pem = std::fs::read(file).map_err(HubError::io(file.display().to_string()))?;
    let roots = X509::stack_from_pem(&pem)
        .map_err(|e| HubError::Settings(format!("{}: {e}", file.display())))?;
    Ok(roots.iter().any(|root| {
        root.subject_name()
            .entries()
            .any(|entry| entry.data().as_slice() == NOT_QUALIFIED.as_bytes())
    }))
}
