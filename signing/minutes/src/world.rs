//! What Typst may see while it makes one document.

use std::sync::LazyLock;

use signing::ports::{MinutesAnnex, TypesetError};
use typst::{
    Library, LibraryExt as _, World, WorldExt as _,
    diag::{FileError, FileResult, SourceDiagnostic},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

use crate::{
    form::{Data, path_of},
    templates::Templates,
};

static LIBRARY: LazyLock<LazyHash<Library>> =
    LazyLock::new(|| LazyHash::new(Library::builder().build()));

static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let fonts: Vec<Font> =
        typst_assets::fonts().flat_map(|data| Font::iter(Bytes::new(data))).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&fonts)), fonts }
});

/// The fonts built into the program.
pub(crate) struct Fonts {
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
}

/// The fonts, read once.
pub(crate) fn fonts() -> &'static Fonts {
    &FONTS
}

impl Fonts {
    /// Some font has a glyph for `character`.
    pub(crate) fn can_show(&self, character: char) -> bool {
        self.fonts.iter().any(|font| font.info().coverage.contains(character.into()))
    }
}

/// One document in the making: its template, its data, its date.
pub(crate) struct Workshop<'a> {
    templates: &'a Templates,
    house: &'a str,
    main: Source,
    data_file: FileId,
    data: Bytes,
    made_at: Datetime,
    annexes: Vec<(FileId, Bytes)>,
}

impl<'a> Workshop<'a> {
    pub(crate) fn new(
        templates: &'a Templates,
        house: &'a str,
        template: &str,
        data: &Data,
        made_at: Datetime,
    ) -> Result<Self, TypesetError> {
        let unknown = || TypesetError::NoTemplate(template.to_owned());
        let path = VirtualPath::new(format!("/{template}.typ")).map_err(|_| unknown())?;
        let bytes = match templates.read(house, &path) {
            Err(FileError::NotFound(_)) => return Err(unknown()),
            Err(error) => return Err(TypesetError::Template(format!("{template}: {error}"))),
            Ok(bytes) => bytes,
        };
        let main = source(file(path), &bytes)
            .map_err(|error| TypesetError::Template(format!("{template}: {error}")))?;
        let data_file = file(VirtualPath::new("/form.json").expect("a plain path"));
        let (data, annexes) = (Bytes::new(data.0.clone()), vec![]);
        Ok(Self { templates, house, main, data_file, data, made_at, annexes })
    }

    /// Lets the template attach these files.
    pub(crate) fn lay_beside(&mut self, annexes: &[MinutesAnnex]) {
        for (index, annex) in annexes.iter().enumerate() {
            self.lay_at(&path_of(index, &annex.name), annex.content.clone());
        }
    }

    /// Lets the template attach a file at this path.
    pub(crate) fn lay_at(&mut self, path: &str, content: Vec<u8>) {
        if let Ok(path) = VirtualPath::new(path) {
            self.annexes.push((file(path), Bytes::new(content)));
        }
    }

    /// The errors with file, line and column.
    pub(crate) fn explain(&self, errors: &[SourceDiagnostic]) -> String {
        let texts: Vec<String> = errors.iter().map(|error| self.explain_one(error)).collect();
        texts.join("; ")
    }

    fn explain_one(&self, error: &SourceDiagnostic) -> String {
        let at = error.span.id().and_then(|id| {
            let start = self.range(error.span)?.start;
            let source = self.source(id).ok()?;
            let (line, column) = source.lines().byte_to_line_column(start)?;
            Some(format!("{}:{}:{}: ", id.vpath().get_without_slash(), line + 1, column + 1))
        });
        let mut text = format!("{}{}", at.unwrap_or_default(), error.message);
        for hint in &error.hints {
            text.push_str(&format!(" ({})", hint.v));
        }
        text
    }
}

impl World for Workshop<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() {
            return Ok(self.main.clone());
        }
        source(id, &self.file(id)?)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        match id.root() {
            VirtualRoot::Project if id == self.data_file => Ok(self.data.clone()),
            VirtualRoot::Project => match self.annexes.iter().find(|(annex, _)| *annex == id) {
                Some((_, content)) => Ok(content.clone()),
                None => self.templates.read(self.house, id.vpath()),
            },
            // Packages would come from the network.
            VirtualRoot::Package(_) => Err(FileError::AccessDenied),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.fonts.get(index).cloned()
    }

    /// The day of the document, so that a template gives the same document every day.
    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        Some(self.made_at)
    }
}

fn file(path: VirtualPath) -> FileId {
    RootedPath::new(VirtualRoot::Project, path).intern()
}

fn source(id: FileId, bytes: &Bytes) -> FileResult<Source> {
    let text = std::str::from_utf8(bytes).map_err(|_| FileError::InvalidUtf8)?;
    Ok(Source::new(id, text.to_owned()))
}
