//! Where templates come from: the program itself, or a folder that goes before it.

use std::path::{Path, PathBuf};

use typst::{
    diag::{FileError, FileResult},
    foundations::Bytes,
    syntax::VirtualPath,
};

macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        &[$((
            $path,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../config/templates/minutes/",
                $path
            )),
        )),*]
    };
}

/// `config/templates/minutes`, built in.
const SHIPPED: &[(&str, &str)] = shipped![
    "base.typ",
    "appearance.typ",
    "sheet.typ",
    "evidence.typ",
    "conciliazione/accordo.typ",
    "conciliazione/mancato_accordo.typ",
    "conciliazione/mancata_comparizione_attivante.typ",
    "conciliazione/mancata_comparizione_convenuto.typ",
    "conciliazione/proposta.typ",
    "conciliazione/aggiornamento.typ",
    "conciliazione/rinuncia.typ",
    "mediazione/accordo.typ",
    "mediazione/mancato_accordo.typ",
    "mediazione/mancata_comparizione_attivante.typ",
    "mediazione/mancata_comparizione_convenuto.typ",
    "mediazione/proposta.typ",
    "mediazione/aggiornamento.typ",
    "mediazione/rinuncia.typ",
];

#[derive(Debug)]
pub(crate) struct Templates {
    folder: Option<PathBuf>,
}

impl Templates {
    pub(crate) fn shipped() -> Self {
        Self { folder: None }
    }

    pub(crate) fn with_folder(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// The file at `path`: from the body's own folder `house`, from the installation's, or else from
    /// the program.
    pub(crate) fn read(&self, house: &str, path: &VirtualPath) -> FileResult<Bytes> {
        if let Some(folder) = &self.folder {
            let own = (!house.is_empty() && is_plain(house)).then(|| folder.join(house));
            for folder in own.as_ref().into_iter().chain([folder]) {
                match read_within(folder, path) {
                    Err(FileError::NotFound(_)) => {}
                    found => return found,
                }
            }
        }
        let name = path.get_without_slash();
        SHIPPED
            .iter()
            .find(|(shipped, _)| *shipped == name)
            .map(|(_, text)| Bytes::from_string(*text))
            .ok_or_else(|| FileError::NotFound(name.into()))
    }
}

/// A host name leads nowhere else.
fn is_plain(house: &str) -> bool {
    !house.starts_with('.')
        && house.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

/// Reads a file that lies in `folder` itself: a link that leads out of it is refused.
fn read_within(folder: &Path, path: &VirtualPath) -> FileResult<Bytes> {
    let path = path.realize(folder)?;
    let on = |error| FileError::from_io(error, &path);
    let real = path.canonicalize().map_err(on)?;
    if !real.starts_with(folder.canonicalize().map_err(on)?) {
        return Err(FileError::AccessDenied);
    }
    Ok(Bytes::new(std::fs::read(real).map_err(on)?))
}
