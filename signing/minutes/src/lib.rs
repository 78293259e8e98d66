//! Makes the document: minutes from a Typst template to a tagged PDF/A-2a that is PDF/UA-1 too; with
//! annexes as associated files, PDF/A-3a.
//!
//! **Invariant:** a document depends on its template and its form alone. What people wrote is data
//! (a virtual file that the template reads), never source code, and a template sees no clock, no
//! network and no file outside the folders of templates.
//!
//! Deliberately absent: signatures (the fields are reserved by `signing::pdf` at the places found
//! here) and the choice of template (data of the procedure profile).

mod fields;
mod form;
mod templates;
mod world;

use std::path::PathBuf;

use signing::ports::{
    EvidenceForm, FieldPlace, MinutesAnnex, MinutesForm, Sheet, Typeset, TypesetError, Typesetter,
};
use typst::{
    comemo,
    foundations::{Datetime, NativeElement as _, Smart},
    introspection::Introspector as _,
    pdf::AttachElem,
};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::{form::Data, templates::Templates, world::Workshop};

/// Compiled pieces that no document used are forgotten after so many documents.
const CACHE_AGE: usize = 8;

/// The typesetter on Typst. Cheap to share; every call is independent of the others.
#[derive(Debug)]
pub struct TypstTypesetter {
    templates: Templates,
}

impl TypstTypesetter {
    /// With the templates built into the program (`config/templates/minutes`).
    pub fn shipped() -> Self {
        Self { templates: Templates::shipped() }
    }

    /// As [`shipped`](Self::shipped), but a file of `folder` goes before the built-in one of the
    /// same name, and one of the body's own folder in it ([`MinutesForm::house`]) before both. Files
    /// are read at each document, so a changed template needs no restart.
    pub fn with_folder(folder: PathBuf) -> Self {
        Self { templates: Templates::with_folder(folder) }
    }

    fn lay_out(&self, workshop: &Workshop<'_>) -> Result<PagedDocument, TypesetError> {
        let compiled = typst::compile::<PagedDocument>(workshop).output;
        comemo::evict(CACHE_AGE);
        compiled.map_err(|errors| TypesetError::Template(workshop.explain(&errors)))
    }
}

impl Typesetter for TypstTypesetter {
    fn unprintable(&self, text: &str) -> Option<char> {
        form::unprintable(text)
    }

    fn minutes(&self, form: &MinutesForm) -> Result<Typeset, TypesetError> {
        let data = Data::of_minutes(form)?;
        let made_at = datetime(form.made_at)?;
        let mut workshop =
            Workshop::new(&self.templates, &form.house, &form.template, &data, made_at)?;
        workshop.lay_beside(&form.annexes);
        let document = self.lay_out(&workshop)?;
        let fields = form
            .signers
            .iter()
            .map(|signer| {
                let place = fields::find(&document, &signer.field)?;
                Ok(FieldPlace {
                    name: signer.field.clone(),
                    page: place.page,
                    rect: place.rect,
                    tooltip: format!("Firma di {}, {}", signer.name, signer.role),
                })
            })
            .collect::<Result<_, TypesetError>>()?;
        let ident = format!("{}|{}|{}", form.body, form.title, form.made_at);
        let archive = if form.annexes.is_empty() { PdfStandard::A_2a } else { PdfStandard::A_3a };
        let pdf = accessible(&workshop, &document, archive, ident, made_at)?;
        attached(&document, &form.annexes)?;
        Ok(Typeset { pdf, fields })
    }

    fn sheet(&self, sheet: &Sheet) -> Result<Vec<u8>, TypesetError> {
        let data = Data::of_sheet(sheet)?;
        let made_at = datetime(sheet.made_at)?;
        let workshop = Workshop::new(&self.templates, "", "sheet", &data, made_at)?;
        let document = self.lay_out(&workshop)?;
        let ident = format!("{}|{}|{}", sheet.body, sheet.title, sheet.made_at);
        accessible(&workshop, &document, PdfStandard::A_2a, ident, made_at)
    }

    fn evidence(&self, form: &EvidenceForm) -> Result<Vec<u8>, TypesetError> {
        let data = Data::of_evidence(form)?;
        let made_at = datetime(form.made_at)?;
        let mut workshop = Workshop::new(&self.templates, "", "evidence", &data, made_at)?;
        workshop.lay_at("/evidenze.json", form.log.clone().into_bytes());
        let document = self.lay_out(&workshop)?;
        let ident = format!("{}|{}|{}", form.process, form.title, form.made_at);
        accessible(&workshop, &document, PdfStandard::A_3a, ident, made_at)
    }

    fn appearance(
        &self,
        lines: &[String],
        width: f32,
        height: f32,
    ) -> Result<Vec<u8>, TypesetError> {
        let data = Data::of_appearance(lines, width, height)?;
        // An appearance becomes a part of a dated document: it has no date of its own.
        let epoch = datetime(chrono::DateTime::UNIX_EPOCH)?;
        let workshop = Workshop::new(&self.templates, "", "appearance", &data, epoch)?;
        let document = self.lay_out(&workshop)?;
        let options = PdfOptions {
            timestamp: Some(Timestamp::new_utc(epoch)),
            standards: standards(&[PdfStandard::A_2b]),
            tagged: false,
            ..Default::default()
        };
        typst_pdf::pdf(&document, &options)
            .map_err(|errors| TypesetError::Export(workshop.explain(&errors)))
    }
}

/// Tagged PDF/A of this kind that is PDF/UA-1 too.
fn accessible(
    workshop: &Workshop<'_>,
    document: &PagedDocument,
    archive: PdfStandard,
    ident: String,
    made_at: Datetime,
) -> Result<Vec<u8>, TypesetError> {
    let options = PdfOptions {
        ident: Smart::Custom(ident),
        creator: Smart::Custom(Some("Accordo".to_owned())),
        timestamp: Some(Timestamp::new_utc(made_at)),
        standards: standards(&[archive, PdfStandard::Ua_1]),
        ..Default::default()
    };
    typst_pdf::pdf(document, &options)
        .map_err(|errors| TypesetError::Export(workshop.explain(&errors)))
}

/// Every annex became part of the document: a template that forgets one would let people sign without.
fn attached(document: &PagedDocument, annexes: &[MinutesAnnex]) -> Result<(), TypesetError> {
    let found = document.introspector().query(&AttachElem::ELEM.select()).len();
    if found == annexes.len() {
        return Ok(());
    }
    let fault = format!("{found} of {} annexes are attached", annexes.len());
    Err(TypesetError::Template(format!("{fault}: `#annexes()` is missing or stands twice")))
}

fn standards(list: &[PdfStandard]) -> PdfStandards {
    match PdfStandards::new(list) {
        Ok(standards) => standards,
        Err(error) => unreachable!("these standards go together: {}", error.message()),
    }
}

fn datetime(at: chrono::DateTime<chrono::Utc>) -> Result<Datetime, TypesetError> {
    use chrono::{Datelike as _, Timelike as _};
    let small = |value: u32| u8::try_from(value).expect("months to seconds fit into a byte");
    Datetime::from_ymd_hms(
        at.year(),
        small(at.month()),
        small(at.day()),
        small(at.hour()),
        small(at.minute()),
        small(at.second()),
    )
    .ok_or_else(|| TypesetError::Export(format!("{at} is no date that a PDF can carry")))
}
