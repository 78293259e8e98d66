//! `hub backup` and `hub restore`: everything that must not be lost in one archive, and back, while
//! hubs serve.
//!
//! The copy of the database is made first and the files after it: a file is stored before the row
//! that names it, and never changes. Back the other way round: files, then rows in one transaction.
//! So a restore that ends half-way has changed nothing that anybody sees.

mod archive;
mod tar;

use std::fs::{DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};
use portal::files::{FileError, Files};
use portal::instance::Nature;
use signing::Digest;
use uuid::Uuid;

use self::archive::{About, Archive, Writer};
use crate::error::HubError;
use crate::guard::{self, DEMO_QTSP};
use crate::settings::Settings;

pub use self::archive::ArchiveError;

const DATABASE: &str = "database";
const FILES: &str = "files/";
/// And the number of the process.
const SCRATCH: &str = "scratch-";

impl From<ArchiveError> for HubError {
    fn from(error: ArchiveError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<FileError> for HubError {
    fn from(error: FileError) -> Self {
        Self::Failed(format!("file store: {error}"))
    }
}

/// Writes an archive to a `file` that is not there yet. Returns how many stored files it holds.
pub async fn backup(
    settings: &Settings,
    file: &Path,
    now: DateTime<Utc>,
) -> Result<usize, HubError> {
    let opened = guard::look(settings).await?;
    let scratch = Scratch::make(settings)?;
    let mut archive = Writer::create(file, about(settings, now))?;

    let copy = scratch.0.join(DATABASE);
    let copied = opened.db.copy_to(&settings.database_url(), &copy).await;
    copied.map_err(|e| HubError::Failed(e.to_string()))?;
    add_file(&mut archive, DATABASE, &copy)?;

    let files = Files::local(&settings.files())?;
    let mut count = 0;
    for (body, digest) in files.all().await? {
        if let Some(content) = files.get(body, digest).await? {
            archive.add(&format!("{FILES}{body}/{digest}"), &content)?;
            count += 1;
        }
    }
    if let Some(permit) = &opened.demo {
        add_folder(&mut archive, &settings.data, &permit.folder())?;
    }
    archive.finish()?;
    opened.db.close().await;
    Ok(count)
}

/// Puts an archive in the place of everything that is there. An archive that is damaged or not of
/// this kind changes nothing. Returns whether a serving hub must be started again, because the
/// restored demo has another trust service.
pub async fn restore(
    settings: &Settings,
    file: &Path,
    now: DateTime<Utc>,
) -> Result<bool, HubError> {
    let archive = Archive::open(file)?;
    let (theirs, ours) = (archive.about(), about(settings, now));
    if theirs.nature != ours.nature {
        let refusal = format!("this is the backup of a {} hub", theirs.nature);
        return Err(HubError::Guard(refusal));
    }
    if theirs.database != ours.database {
        let refusal = format!("the backup is of a {} database", theirs.database);
        return Err(HubError::Failed(format!("{refusal}, not of {}", ours.database)));
    }
    let stored = archive.names().filter_map(|name| name.strip_prefix(FILES)).map(stored);
    let stored: Vec<(Uuid, Digest)> = stored.collect::<Result<_, _>>()?;
    let keys = archive.names().filter(|name| !name.starts_with(FILES) && *name != DATABASE);
    let keys: Vec<&Path> = keys.map(inside).collect::<Result<_, _>>()?;

    let opened = guard::open(settings, now).await?;
    let scratch = Scratch::make(settings)?;
    let copy = scratch.0.join(DATABASE);
    let mut out = File::create_new(&copy).map_err(HubError::io(copy.display().to_string()))?;
    if !archive.copy(DATABASE, &mut out)? {
        return Err(ArchiveError::Damaged("it has no database".into()).into());
    }
    drop(out);
    let files = Files::local(&settings.files())?;
    for (body, digest) in stored {
        let content = archive.read(&format!("{FILES}{body}/{digest}"))?.unwrap_or_default();
        if files.put(body, content.into()).await? != digest {
            return Err(ArchiveError::Damaged(format!("{digest} was changed")).into());
        }
    }
    for name in &keys {
        let content = archive.read(&name.to_string_lossy())?.unwrap_or_default();
        put_key(&settings.data.join(name), &content)?;
    }
    let nature = guard::nature(settings.mode);
    let replaced = opened.db.put_back(&settings.database_url(), &copy, &scratch.0, nature).await;
    replaced.map_err(|e| HubError::Failed(format!("nothing was restored: {e}")))?;
    opened.db.close().await;
    Ok(opened.demo.is_some_and(|permit| {
        let present = permit.folder();
        settings.data.join(&present).exists() && !keys.iter().any(|key| key.starts_with(&present))
    }))
}

fn about(settings: &Settings, now: DateTime<Utc>) -> About {
    let nature = match guard::nature(settings.mode) {
        Nature::Demo => "demo",
        Nature::Production => "production",
    };
    let database = if settings.owns_database() { "sqlite" } else { "postgres" };
    About { nature: nature.to_owned(), database: database.to_owned(), made_at: now }
}

/// A private folder that goes when it is dropped; on the disk of the data.
struct Scratch(PathBuf);

impl Scratch {
    fn make(settings: &Settings) -> Result<Self, HubError> {
        let fail = |e| HubError::io(format!("reading {}", settings.data.display()))(e);
        for entry in std::fs::read_dir(&settings.data).map_err(fail)? {
            let place = entry.map_err(fail)?.path();
            let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(process) = name.strip_prefix(SCRATCH)
                && !Path::new("/proc").join(process).exists()
            {
                // Left by a killed one; another process may be removing it, too.
                let _ = std::fs::remove_dir_all(&place);
            }
        }
        let folder = settings.data.join(format!("{SCRATCH}{}", std::process::id()));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(HubError::io(format!("creating {}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn add_file(archive: &mut Writer, name: &str, path: &Path) -> Result<(), HubError> {
    let file = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (size, file) = file.map_err(HubError::io(path.display().to_string()))?;
    Ok(archive.add_from(name, size, file)?)
}

/// Adds the files of a folder below `root`, in the order of their names; no drafts.
fn add_folder(archive: &mut Writer, root: &Path, folder: &Path) -> Result<(), HubError> {
    let place = root.join(folder);
    let listed = std::fs::read_dir(&place)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    let mut names: Vec<_> = listed.map_err(HubError::io(place.display().to_string()))?;
    names.sort();
    for name in names {
        let inside = folder.join(name);
        let path = root.join(&inside);
        if path.extension().is_some_and(|extension| extension == "draft") {
            continue;
        }
        if path.is_dir() {
            add_folder(archive, root, &inside)?;
            continue;
        }
        match std::fs::read(&path) {
            Ok(content) => archive.add(&inside.to_string_lossy(), &content)?,
            Err(error) => return Err(HubError::io(path.display().to_string())(error)),
        }
    }
    Ok(())
}

/// `BODY/DIGEST`.
fn stored(name: &str) -> Result<(Uuid, Digest), ArchiveError> {
    name.split_once('/')
        .and_then(|(body, digest)| Some((body.parse().ok()?, digest.parse().ok()?)))
        .ok_or_else(|| ArchiveError::Damaged(format!("{name} is no stored file")))
}

/// The place of a demo trust service's file, which stays in that service's folder.
fn inside(name: &str) -> Result<&Path, ArchiveError> {
    let path = Path::new(name);
    let plain = |part| matches!(part, Component::Normal(_));
    if path.starts_with(DEMO_QTSP) && path.components().all(plain) {
        Ok(path)
    } else {
        Err(ArchiveError::Damaged(format!("{name} does not belong into an archive")))
    }
}

/// Puts back what a demo trust service has forgotten. What it knows stays: it is an outside party,
/// and a key that has signed does not come to life again because we go back.
fn put_key(place: &Path, content: &[u8]) -> Result<(), HubError> {
    if place.exists() {
        return Ok(());
    }
    write_private(place, content).map_err(HubError::io(format!("writing {}", place.display())))
}

/// Writes a file for its owner alone; the old one or the new one is there at every moment.
fn write_private(place: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut draft = place.as_os_str().to_owned();
    draft.push(".restored");
    let mut file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&draft, place)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_inside_the_data_folder_are_restored() {
        for name in ["demo-qtsp/client.json", "demo-qtsp/authority/root.cer"] {
            assert!(inside(name).is_ok(), "{name}");
        }
        for name in ["demo-qtsp/../../etc/passwd", "demo-qtspx/a", "/demo-qtsp/a", "hub.lock"] {
            assert!(inside(name).is_err(), "{name}");
        }
        let digest = Digest::of(b"x");
        let name = format!("{}/{digest}", Uuid::nil());
        assert_eq!(stored(&name).unwrap(), (Uuid::nil(), digest));
        for name in ["a/b", "x", &format!("{}/../{digest}", Uuid::nil())] {
            assert!(stored(name).is_err(), "{name}");
        }
    }

    #[tokio::test]
    async fn an_archive_that_leads_elsewhere_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::demo().unwrap();
        settings.data = folder.path().join("data");
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        guard::open(&settings, now).await.unwrap().db.close().await;
        let present = |folder: &Path| {
            let mut names: Vec<_> =
                folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = present(&settings.data);
        let stray = format!("files/{}/../../../stray", Uuid::nil());
        let changed = format!("files/{}/{}", Uuid::nil(), Digest::of(b"y"));
        for (number, (name, why)) in [
            ("demo-qtsp/../../stray", "does not belong"),
            ("../stray", "does not belong"),
            ("/tmp/stray", "does not belong"),
            ("accordo.db", "does not belong"),
            (&stray, "is no stored file"),
            (&changed, "was changed"),
            ("demo-qtsp/x/root.key", "damaged"),
        ]
        .into_iter()
        .enumerate()
        {
            let file = folder.path().join(format!("{number}.tar"));
            let mut archive = Writer::create(&file, about(&settings, now)).unwrap();
            archive.add(DATABASE, b"no database at all").unwrap();
            archive.add(name, b"x").unwrap();
            archive.finish().unwrap();
            let error = restore(&settings, &file, now).await.unwrap_err().to_string();
            assert!(error.contains(why), "{name}: {error}");
            assert!(!folder.path().join("stray").exists(), "{name}");
        }
        // What came in before the archive was found out does no harm.
        let harmless = ["files", DEMO_QTSP, "accordo.db-shm", "accordo.db-wal"];
        let mut after = present(&settings.data);
        after.retain(|name| !harmless.contains(&name.to_str().unwrap()));
        assert_eq!(before, after);
        let again = guard::look(&settings).await.unwrap();
        assert!(again.demo.is_some(), "the database is as it was");
    }
}
