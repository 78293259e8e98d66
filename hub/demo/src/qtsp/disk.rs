//! Files that are there, whole, once a call has returned, whatever happens next.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use crate::DemoError;

/// Makes a folder that its owner alone can enter.
pub(super) fn make_private_folder(path: &Path) -> Result<(), DemoError> {
    Ok(DirBuilder::new().recursive(true).mode(0o700).create(path)?)
}

/// Writes `bytes` to `path`, readable by its owner alone: the old file or the new one is there at
/// every moment, the new one for good afterwards.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), DemoError> {
    let draft = path.with_extension("draft");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(&draft, path)
}

/// Renames for good.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), DemoError> {
    fs::rename(from, to)?;
    let folder = to.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    Ok(File::open(folder)?.sync_all()?)
}
