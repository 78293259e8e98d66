//! What a completed process hands over to a conservation service (R-SIGN-32): document, signatures,
//! evidence log and what the verification says, each named by its digest.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use signing::Digest;
use signing::process::{Format, Process, Status};

use super::steps::document;
use super::store::ProcessRow;
use super::{SignatureError, craft, evidence};
use crate::documents::export::Zip;
use crate::minutes::table::Table;
use crate::portal::Portal;

/// A file in the package.
#[derive(Serialize)]
struct Held {
    name: String,
    sha256: Digest,
    bytes: usize,
}

#[derive(Default)]
struct Package {
    zip: Zip,
    held: Vec<Held>,
}

impl Package {
    fn add(&mut self, name: String, content: &[u8]) {
        self.zip.add(&name, content);
        self.held.push(Held { sha256: Digest::of(content), bytes: content.len(), name });
    }
}

/// The package as a zip archive; nothing before everybody has signed.
pub async fn package(
    portal: &Portal,
    table: &Table,
    row: &ProcessRow,
    process: &Process,
) -> Result<Vec<u8>, SignatureError> {
    if process.status() != Status::Completed {
        return Err(SignatureError::NotFound);
    }
    let number = table.case.shown_number().replace('/', "-");
    let mut package = Package::default();
    let newest = document(portal, row, process.document()).await?;
    let name = format!("Verbale {number}.pdf");
    if process.on_paper().is_some() {
        package.add(name, &newest);
    } else {
        if process.plan().format == Format::Cades {
            let frozen = document(portal, row, process.plan().document).await?;
            package.add(name.clone(), &frozen);
            package.add(format!("{name}.p7m"), &newest);
        } else {
            package.add(name, &newest);
        }
        for (field, file) in
            process.signers().filter_map(|state| Some((&state.signer.field, state.file?)))
        {
            let own = document(portal, row, file).await?;
            package.add(format!("Firma {field}.pdf.p7m"), &own);
        }
        let (_, report) = craft::report_on(&portal.signing, newest, portal.now()).await?;
        package.add("Verifica delle firme.json".to_owned(), &pretty(&report.to_json()));
    }
    let log = evidence::load(&portal.db, row).await?.to_json();
    package.add("Registro delle evidenze.json".to_owned(), log.as_bytes());
    let printed = evidence::printed(portal, row, &table.body.name).await?;
    package.add("Registro delle evidenze.pdf".to_owned(), &printed);
    let index = index(table, row, &package.held, portal.now());
    package.zip.add("Indice.json", &pretty(&index));
    Ok(package.zip.finish())
}

fn index(
    table: &Table,
    row: &ProcessRow,
    held: &[Held],
    made_at: DateTime<Utc>,
) -> serde_json::Value {
    json!({
        "body": table.body.name,
        "case": table.case.shown_number(),
        "title": row.title,
        "outcome": row.outcome,
        "process": row.id,
        "completed_at": row.ended_at,
        "made_at": made_at,
        "files": held,
    })
}

fn pretty(value: &serde_json::Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}
