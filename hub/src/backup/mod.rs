//! `hub backup` and `hub restore`: everything that must not be lost in one archive, and back, while
//! hubs serve.
//!
//! The copy of the database is made first and the files after it: a file is stored before the row
//! that names it, and never changes. Back the other way round: files, then rows in one transaction.

mod archive;

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
    if opened.demo.is_some() {
        add_folder(&mut archive, &settings.data, Path::new(DEMO_QTSP))?;
    }
    archive.finish()?;
    opened.db.close().await;
    Ok(count)
}

/// Puts an archive in the place of everything that is there. An archive that is damaged or not of
/// this kind changes nothing. Returns whether a serving hub must be started again to know the
/// restored keys of its demo parties.
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
    let keys = archive.names().filter(|name| name.starts_with(DEMO_QTSP));
    let keys: Vec<&str> = keys.map(inside).collect::<Result<_, _>>()?;

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
    let nature = guard::nature(settings.mode);
    let replaced = opened.db.put_back(&settings.database_url(), &copy, &scratch.0, nature).await;
    replaced.map_err(|e| HubError::Failed(format!("nothing was restored: {e}")))?;
    opened.db.close().await;

    let mut other_root = false;
    for name in keys {
        let content = archive.read(name)?.unwrap_or_default();
        let place = settings.data.join(name);
        other_root |= name.ends_with("root.cer")
            && std::fs::read(&place).is_ok_and(|present| present != content);
        write_private(&place, &content)
            .map_err(HubError::io(format!("writing {}", place.display())))?;
    }
    Ok(other_root)
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
        let folder = settings.data.join(format!("scratch-{}", std::process::id()));
        // A killed process of the same number may have left it.
        let _ = std::fs::remove_dir_all(&folder);
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

/// Adds the files of a folder below `root`, in the order of their names.
fn add_folder(archive: &mut Writer, root: &Path, folder: &Path) -> Result<(), HubError> {
    let place = root.join(folder);
    let listed = std::fs::read_dir(&place)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    let mut names: Vec<_> = listed.map_err(HubError::io(place.display().to_string()))?;
    names.sort();
    for name in names {
        let inside = folder.join(name);
        let path = root.join(&inside);
        if path.is_dir() {
            add_folder(archive, root, &inside)?;
            continue;
        }
        match std::fs::read(&path) {
            Ok(content) => archive.add(&inside.to_string_lossy(), &content)?,
            // A draft that got its final name meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
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

/// A name that stays in the data folder.
fn inside(name: &str) -> Result<&str, ArchiveError> {
    let plain = |part| matches!(part, Component::Normal(_));
    if Path::new(name).starts_with(DEMO_QTSP) && Path::new(name).components().all(plain) {
        Ok(name)
    } else {
        Err(ArchiveError::Damaged(format!("{name} leads out of the data folder")))
    }
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
        for name in ["demo-qtsp/../../etc/passwd", "demo-qtspx/a", "/demo-qtsp/a"] {
            assert!(inside(name).is_err(), "{name}");
        }
        let digest = Digest::of(b"x");
        let name = format!("{}/{digest}", Uuid::nil());
        assert_eq!(stored(&name).unwrap(), (Uuid::nil(), digest));
        for name in ["a/b", "x", &format!("{}/../{digest}", Uuid::nil())] {
            assert!(stored(name).is_err(), "{name}");
        }
    }
}
