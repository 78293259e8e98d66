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

const BLOCK: usize = 512;
const MANIFEST: &str = "manifest.json";
const SEAL: &str = "manifest.sha256";
const FORMAT: u32 = 1;
/// From here on a size is written in binary, as GNU tar does it.
const OCTAL_LIMIT: u64 = 8 << 30;

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
            manifest = if keep { std::mem::take(&mut last) } else { manifest };
            let kept = keep.then_some(&mut last);
            let sha256 = read_entry(&mut input, size, kept).map_err(fail)?;
            entries.push((Listed { name, size_bytes: size, sha256 }, offset));
        }
        let mut rest = Vec::new();
        input.inner.read_to_end(&mut rest).map_err(fail)?;
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

    /// The content of an entry; nothing if there is none of that name.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
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

/// Bytes after `size` bytes that fill the block.
fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

fn write_entry(
    out: &mut impl Write,
    name: &str,
    size: u64,
    at: DateTime<Utc>,
    content: impl Read,
) -> io::Result<String> {
    out.write_all(&header(name, size, at)?)?;
    let mut content = content.take(size);
    let sha256 = pass(&mut content, |bytes| out.write_all(bytes))?;
    if content.limit() > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    out.write_all(&[0; BLOCK][..padding(size)])?;
    Ok(sha256)
}

fn read_entry(
    input: &mut impl Read,
    size: u64,
    mut keep: Option<&mut Vec<u8>>,
) -> io::Result<String> {
    let mut content = input.take(size);
    let sha256 = pass(&mut content, |bytes| {
        if let Some(keep) = &mut keep {
            keep.extend_from_slice(bytes);
        }
        Ok(())
    })?;
    if content.limit() > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut filling = [0; BLOCK];
    let filling = &mut filling[..padding(size)];
    input.read_exact(filling)?;
    if filling.iter().any(|byte| *byte != 0) {
        return Err(invalid("there is something between two entries"));
    }
    Ok(sha256)
}

/// Takes everything that comes, in pieces; its SHA-256.
fn pass(
    content: &mut impl Read,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = content.read(&mut piece)?;
        if read == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&piece[..read]);
        take(&piece[..read])?;
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A ustar header (POSIX.1-1988): name and prefix, mode, owner, size and time in octal, checksum.
fn header(name: &str, size: u64, at: DateTime<Utc>) -> io::Result<[u8; BLOCK]> {
    let (prefix, name) = if name.len() <= 100 { ("", name) } else { split(name)? };
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    if size < OCTAL_LIMIT {
        put(124, format!("{size:011o}").as_bytes());
    } else {
        put(124, &[0x80]);
        put(128, &size.to_be_bytes());
    }
    put(136, format!("{:011o}", at.timestamp().max(0)).as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum = checksum(&block);
    block[148..156].copy_from_slice(&sum);
    Ok(block)
}

fn split(name: &str) -> io::Result<(&str, &str)> {
    name.rsplit_once('/')
        .filter(|(prefix, name)| prefix.len() <= 155 && name.len() <= 100)
        .ok_or_else(|| invalid("a name is too long for the archive"))
}

/// Sum of the bytes, the checksum itself counted as spaces, as its field holds it.
fn checksum(block: &[u8; BLOCK]) -> [u8; 8] {
    let all = block.iter().enumerate();
    let sum: u32 =
        all.map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum();
    let mut field = *b"000000\0 ";
    // 512 bytes add up to six octal digits at most.
    field[..6].copy_from_slice(format!("{sum:06o}").as_bytes());
    field
}

/// Name and size of the next entry; nothing at the end.
fn read_header(input: &mut impl Read) -> io::Result<Option<(String, u64)>> {
    let mut block = [0; BLOCK];
    input.read_exact(&mut block)?;
    if block == [0; BLOCK] {
        return Ok(None);
    }
    let text = |from: usize, len: usize| {
        let field = &block[from..from + len];
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(len);
        std::str::from_utf8(&field[..end]).map_err(|_| invalid("a header is not text"))
    };
    if &block[257..263] != b"ustar\0" || block[148..156] != checksum(&block) {
        return Err(invalid("a header was changed"));
    }
    let size = if block[124] == 0x80 {
        block[128..136].iter().fold(0, |size, byte| size << 8 | u64::from(*byte))
    } else {
        u64::from_str_radix(text(124, 12)?, 8).map_err(|_| invalid("a header holds no size"))?
    };
    let (prefix, name) = (text(345, 155)?, text(0, 100)?);
    let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
    Ok(Some((name, size)))
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
    fn a_size_beyond_octal_is_read_back() {
        for size in [0, 511, OCTAL_LIMIT - 1, OCTAL_LIMIT, u64::MAX / 2] {
            let block = header("database", size, about().made_at).unwrap();
            let read = read_header(&mut &block[..]).unwrap();
            assert_eq!(read, Some(("database".to_owned(), size)));
        }
    }

    #[test]
    fn every_changed_byte_and_every_missing_end_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let whole = std::fs::read(written(folder.path())).unwrap();
        let path = folder.path().join("b.tar");
        for at in 0..whole.len() {
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
}
