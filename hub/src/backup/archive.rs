//! The archive of a backup: a plain tar (POSIX ustar) whose last two entries are a manifest with
//! the SHA-256 of every entry before it, and the manifest's own. An archive is read whole and
//! found whole before anything of it is used.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::tar::{BLOCK, read_entry, read_header, write_entry};

const MANIFEST: &str = "manifest.json";
const SEAL: &str = "manifest.sha256";
const FORMAT: u32 = 1;
/// No entry that is held in memory is larger: a manifest of a million files is not, nor is any file
/// that people store. Bytes.
const IN_MEMORY: u64 = 256 << 20;

/// Why an archive was not written or not believed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// What was read is not what was written.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// Made by something newer.
    #[error("the archive has format {0}, which this version does not know")]
    Format(u32),
}

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// `demo` or `production`.
    pub nature: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// When it was begun.
    pub made_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    about: About,
    entries: Vec<Listed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    name: String,
    size_bytes: u64,
    sha256: String,
}

/// An archive being written. It appears under its name when it is finished.
pub struct Writer {
    target: PathBuf,
    draft: PathBuf,
    out: BufWriter<File>,
    about: About,
    entries: Vec<Listed>,
}

impl Writer {
    /// Begins an archive that is not there yet; readable by its owner alone.
    pub fn create(target: &Path, about: About) -> Result<Self, ArchiveError> {
        let fail = |error| ArchiveError::Io(target.to_owned(), error);
        if target.exists() {
            return Err(fail(io::ErrorKind::AlreadyExists.into()));
        }
        let mut draft = target.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(fail)?;
        let out = BufWriter::new(file);
        Ok(Self { target: target.to_owned(), draft, out, about, entries: Vec::new() })
    }

    /// Adds bytes.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), ArchiveError> {
        self.add_from(name, content.len() as u64, content)
    }

    /// Adds `size` bytes from `content`.
    pub fn add_from(
        &mut self,
        name: &str,
        size: u64,
        content: impl Read,
    ) -> Result<(), ArchiveError> {
        let at = self.about.made_at;
        let sha256 = write_entry(&mut self.out, name, size, at, content)
            .map_err(|e| ArchiveError::Io(self.draft.clone(), e))?;
        self.entries.push(Listed { name: name.to_owned(), size_bytes: size, sha256 });
        Ok(())
    }

    /// Writes the manifest and lets the archive appear, for good.
    pub fn finish(mut self) -> Result<(), ArchiveError> {
        let manifest =
            Manifest { format: FORMAT, about: self.about.clone(), entries: self.entries.clone() };
        let manifest = serde_json::to_vec_pretty(&manifest).expect("plain values have a JSON form");
        let seal = hex::encode(Sha256::digest(&manifest));
        self.add(MANIFEST, &manifest)?;
        self.add(SEAL, seal.as_bytes())?;
        let done = (|| {
            self.out.write_all(&[0; 2 * BLOCK])?;
            self.out.flush()?;
            self.out.get_ref().sync_all()?;
            std::fs::rename(&self.draft, &self.target)?;
            let folder = self.target.parent().filter(|p| !p.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        })();
        done.map_err(|e| ArchiveError::Io(self.target.clone(), e))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Gone already when it was finished.
        let _ = std::fs::remove_file(&self.draft);
    }
}

/// An archive that was found whole.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: File,
    about: About,
    entries: Vec<(Listed, u64)>,
}

impl Archive {
    /// Reads all of it and compares it with its manifest.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let fail = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ArchiveError::Damaged("it ends too early".into()),
            io::ErrorKind::InvalidData => ArchiveError::Damaged(error.to_string()),
            _ => ArchiveError::Io(path.to_owned(), error),
        };
        let damaged = |what: &str| ArchiveError::Damaged(what.to_owned());
        let file = File::open(path).map_err(fail)?;
        let mut input = Counted { inner: BufReader::new(&file), at: 0 };
        let mut entries = Vec::new();
        let mut last: Vec<u8> = Vec::new();
        let mut manifest = Vec::new();
        while let Some((name, size)) = read_header(&mut input).map_err(fail)? {
            let offset = input.at;
            // Only the two last entries are kept in memory, and they are small.
            let keep = name == MANIFEST || name == SEAL;
            if keep && size > IN_MEMORY {
                return Err(damaged("its manifest is too large"));
            }
            manifest = if keep { std::mem::take(&mut last) } else { manifest };
            let kept = keep.then_some(&mut last);
            let sha256 = read_entry(&mut input, size, kept).map_err(fail)?;
            entries.push((Listed { name, size_bytes: size, sha256 }, offset));
        }
        let mut rest = Vec::new();
        input.inner.take(BLOCK as u64 + 1).read_to_end(&mut rest).map_err(fail)?;
        if rest != [0; BLOCK] {
            return Err(damaged("it does not end where it should"));
        }
        let (seal, listed) = (entries.pop(), entries.pop());
        let names = (seal.map(|e| e.0.name), listed.as_ref().map(|e| e.0.name.as_str()));
        if names != (Some(SEAL.to_owned()), Some(MANIFEST)) {
            return Err(damaged("it has no manifest at its end"));
        }
        if hex::encode(Sha256::digest(&manifest)).as_bytes() != last {
            return Err(damaged("its manifest was changed"));
        }
        let manifest: Manifest =
            serde_json::from_slice(&manifest).map_err(|e| damaged(&e.to_string()))?;
        if manifest.format != FORMAT {
            return Err(ArchiveError::Format(manifest.format));
        }
        if manifest.entries.len() != entries.len() {
            return Err(damaged("it does not hold what its manifest lists"));
        }
        if let Some((wanted, _)) =
            manifest.entries.iter().zip(&entries).find(|(wanted, (found, _))| *wanted != found)
        {
            return Err(damaged(&format!("{} was changed", wanted.name)));
        }
        Ok(Self { path: path.to_owned(), file, about: manifest.about, entries })
    }

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Names of its entries, in the order they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(listed, _)| listed.name.as_str())
    }

    /// The content of an entry that fits into memory; nothing if there is none of that name.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        if self.entries.iter().any(|(e, _)| e.name == name && e.size_bytes > IN_MEMORY) {
            return Err(ArchiveError::Damaged(format!("{name} is too large")));
        }
        let mut content = Vec::new();
        Ok(self.copy(name, &mut content)?.then_some(content))
    }

    /// Writes the content of an entry to `out`. False if there is none of that name.
    pub fn copy(&self, name: &str, out: &mut impl Write) -> Result<bool, ArchiveError> {
        let Some((listed, offset)) = self.entries.iter().find(|(e, _)| e.name == name) else {
            return Ok(false);
        };
        let mut file = &self.file;
        let copied = file
            .seek(SeekFrom::Start(*offset))
            .and_then(|_| io::copy(&mut file.take(listed.size_bytes), out));
        copied.map_err(|e| ArchiveError::Io(self.path.clone(), e))?;
        Ok(true)
    }
}

/// Knows how far it has read.
struct Counted<R> {
    inner: R,
    at: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            nature: "demo".into(),
            database: "sqlite".into(),
            made_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        }
    }

    fn long_name() -> String {
        format!("files/{}/{}", "b".repeat(36), "f".repeat(64))
    }

    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("a.tar");
        let mut writer = Writer::create(&path, about()).unwrap();
        writer.add("database", &[7; 1300]).unwrap();
        writer.add(&long_name(), b"verbale").unwrap();
        writer.add("empty", b"").unwrap();
        writer.finish().unwrap();
        path
    }

    #[test]
    fn what_was_written_is_read_back_here_and_by_tar() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let archive = Archive::open(&path).unwrap();
        assert_eq!(archive.about(), &about());
        assert_eq!(archive.names().collect::<Vec<_>>(), ["database", &long_name(), "empty"]);
        assert_eq!(archive.read("database").unwrap().unwrap(), [7; 1300]);
        assert_eq!(archive.read(&long_name()).unwrap().unwrap(), b"verbale");
        assert_eq!(archive.read("empty").unwrap().unwrap(), b"");
        assert_eq!(archive.read("other").unwrap(), None);

        let list = std::process::Command::new("tar").arg("-tf").arg(&path).output().unwrap();
        assert!(list.status.success());
        let list = String::from_utf8(list.stdout).unwrap();
        let names: Vec<_> = list.lines().map(str::to_owned).collect();
        assert_eq!(names, ["database", &long_name(), "empty", MANIFEST, SEAL]);
        assert!(!folder.path().join("a.tar.part").exists());
        assert!(Writer::create(&path, about()).is_err(), "an archive is never overwritten");
    }

    #[test]
    fn a_changed_byte_and_a_missing_end_are_noticed_wherever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let whole = std::fs::read(written(folder.path())).unwrap();
        let path = folder.path().join("b.tar");
        // Five and the 512 of a block have no divisor in common: every field is hit.
        for at in (0..whole.len()).step_by(5) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(Archive::open(&path).is_err(), "byte {at}");
        }
        for len in (0..whole.len()).step_by(100) {
            std::fs::write(&path, &whole[..len]).unwrap();
            assert!(Archive::open(&path).is_err(), "{len} bytes");
        }
        std::fs::write(&path, [&whole[..], &[0; 512]].concat()).unwrap();
        assert!(Archive::open(&path).is_err(), "more than was written");
    }

    #[test]
    fn a_size_that_is_not_there_takes_no_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.tar");
        for (name, size) in [("database", u64::MAX), (MANIFEST, u64::MAX), (SEAL, IN_MEMORY)] {
            let mut file = File::create(&path).unwrap();
            let claim = write_entry(&mut file, name, size, about().made_at, &b"little"[..]);
            assert!(claim.is_err(), "what was announced has to come");
            assert!(matches!(Archive::open(&path), Err(ArchiveError::Damaged(_))), "{name}");
        }
        let large =
            Listed { name: "files/large".into(), size_bytes: IN_MEMORY + 1, sha256: String::new() };
        let file = File::open(&path).unwrap();
        let archive = Archive { path, file, about: about(), entries: vec![(large, 0)] };
        assert!(matches!(archive.read("files/large"), Err(ArchiveError::Damaged(_))));
    }
}
