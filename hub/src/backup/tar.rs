//! Entries of a tar file (POSIX.1-1988 ustar): as `tar` reads them, and nothing else is read.

use std::io::{self, Read, Write};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

/// Everything in a tar file fills blocks of so many bytes.
pub(super) const BLOCK: usize = 512;
/// From here on a size is written in binary, as GNU tar does it.
const OCTAL_LIMIT: u64 = 8 << 30;

/// Bytes after `size` bytes that fill the block.
fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// Writes an entry with `size` bytes of `content`; their SHA-256.
pub(super) fn write_entry(
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

/// Reads an entry of `size` bytes, into `keep` if there is one; their SHA-256.
pub(super) fn read_entry(
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
pub(super) fn read_header(input: &mut impl Read) -> io::Result<Option<(String, u64)>> {
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

    #[test]
    fn a_size_beyond_octal_is_read_back() {
        for size in [0, 511, OCTAL_LIMIT - 1, OCTAL_LIMIT, u64::MAX / 2] {
            let block = header("database", size, DateTime::UNIX_EPOCH).unwrap();
            let read = read_header(&mut &block[..]).unwrap();
            assert_eq!(read, Some(("database".to_owned(), size)));
        }
    }
}
