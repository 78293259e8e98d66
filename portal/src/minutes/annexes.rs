//! Documents of the case that become part of the minutes: those that everybody at the table may see
//! (R-SIGN-04, R-SIGN-26).

use signing::Digest;
use signing::ports::MinutesAnnex;

use super::commands::Written;
use super::table::Table;
use crate::accounts::UserId;
use crate::calendar;
use crate::cases::Outcome;
use crate::documents::rules::Viewer;
use crate::documents::store::{self, Document};
use crate::documents::upload::FileType;
use crate::documents::{DocumentId, Kind};
use crate::portal::Portal;
use crate::signatures::SignatureError;
use crate::signatures::steps::document;
use crate::signatures::store::{self as signatures, ProcessRow};

/// All annexes together: people read and download what they sign, also on a telephone.
pub const MAX_BYTES: i64 = 5 * 1024 * 1024;
/// More are no annexes but a file.
pub const MAX_COUNT: usize = 20;

/// What can be annexed, newest first.
pub async fn offered(portal: &Portal, table: &Table) -> Result<Vec<Document>, SignatureError> {
    let case = &table.case;
    let nobody = UserId(case.id.0);
    let listed =
        store::of_case(&portal.db, table.body.id, case.id, nobody, Viewer::Service).await?;
    let operators = case.rules.operators.iter().filter(|one| one.convened);
    let viewers: Vec<Viewer> = operators
        .map(|one| Viewer::Operator { operator: one.operator, adhered: true })
        .chain([Viewer::Activating])
        .collect();
    let documents = listed.into_iter().map(|listed| listed.document);
    Ok(documents
        .filter(|one| !matches!(one.visibility.kind, Kind::FinalMinutes | Kind::AdjournmentMinutes))
        .filter(|one| viewers.iter().all(|viewer| one.visibility.visible_to(*viewer)))
        .collect())
}

/// What becomes part of these minutes: a proposal that was not accepted, then the chosen documents with
/// their contents, in the order in which they were sent.
pub async fn load(
    portal: &Portal,
    table: &Table,
    written: &Written,
) -> Result<Vec<MinutesAnnex>, SignatureError> {
    let chosen = &written.annexes;
    let mut annexes = Vec::new();
    if let Some(row) = proposal(portal, table, written.outcome).await? {
        annexes.push(annexed(portal, table, &row).await?);
    }
    if chosen.is_empty() {
        return Ok(annexes);
    }
    for document in fitting(&offered(portal, table).await?, chosen)? {
        let damaged = || SignatureError::Damaged("the file of an annex is missing");
        let digest: Digest = document.sha256.parse().map_err(|_| damaged())?;
        let content = portal.files.get(table.body.id.0, digest).await?.ok_or_else(damaged)?;
        annexes.push(MinutesAnnex {
            title: title(document),
            media_type: media_type(&document.name),
            name: document.name.clone(),
            digest,
            content: content.into(),
        });
    }
    Ok(annexes)
}

/// The proposal that minutes with this outcome hold without being told to: those of no agreement, one
/// that was refused or not answered in time (R-MEET-37; d.lgs. 28/2010 art. 11).
pub async fn proposal(
    portal: &Portal,
    table: &Table,
    outcome: Outcome,
) -> Result<Option<ProcessRow>, SignatureError> {
    if outcome != Outcome::NoAgreement {
        return Ok(None);
    }
    signatures::unaccepted_proposal(&portal.db, table.body.id.0, table.case.id.0).await
}

/// The proposal as it was put to signature: who had signed it already bound nobody else.
async fn annexed(
    portal: &Portal,
    table: &Table,
    row: &ProcessRow,
) -> Result<MinutesAnnex, SignatureError> {
    let digest = signatures::replay(&portal.db, row).await?.plan().document;
    let number = table.case.shown_number().replace('/', "-");
    Ok(MinutesAnnex {
        title: what_became_of(row),
        media_type: "application/pdf".to_owned(),
        name: format!("Proposta di accordo {number}.pdf"),
        digest,
        content: document(portal, row, digest).await?,
    })
}

/// Of a proposal that was not accepted.
pub fn what_became_of(row: &ProcessRow) -> String {
    let on = row.ended_at.map(|at| format!(" il {}", calendar::show(at))).unwrap_or_default();
    match row.status.as_str() {
        "refused" => format!("Proposta di accordo, rifiutata{on}"),
        _ => format!("Proposta di accordo, non accettata entro il termine{on}"),
    }
}

/// The chosen among those that are offered, oldest first; too many or too large is refused in words.
pub fn fitting<'a>(
    offered: &'a [Document],
    chosen: &[DocumentId],
) -> Result<Vec<&'a Document>, SignatureError> {
    let found: Vec<&Document> =
        offered.iter().rev().filter(|one| chosen.contains(&one.id)).collect();
    let unfit = |text: &str| Err(SignatureError::Unfit(text.to_owned()));
    if found.len() < chosen.len() {
        return unfit(
            "Un allegato scelto non è più disponibile a tutte le parti: togli la scelta.",
        );
    }
    if found.len() > MAX_COUNT || found.iter().map(|one| one.size_bytes).sum::<i64>() > MAX_BYTES {
        return unfit("Gli allegati al verbale sono al massimo 20, per 5 MB in tutto.");
    }
    Ok(found)
}

/// The sender's words, or else the category.
pub fn title(document: &Document) -> String {
    let words = document.description.trim();
    if words.is_empty() { document.visibility.kind.label().to_owned() } else { words.to_owned() }
}

fn media_type(name: &str) -> String {
    let known = FileType::of_name(name).map_or("application/octet-stream", |kind| kind.media_type);
    known.split(';').next().unwrap_or(known).to_owned()
}
