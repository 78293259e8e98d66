//! The way on paper (R-SIGN-37): without the consent of all parties to the digital form the minutes
//! are printed, signed by hand before the neutral person, and the scan is filed with the reason. The
//! case goes on as with digital signatures.

use signing::process::{Input, Status};
use uuid::Uuid;

use super::ending::{self, MAX_REASON_CHARS};
use super::opening::{self, Way};
use super::steps::{advance_in, changed};
use super::store::{ProcessRow, Who};
use super::{SignatureError, store};
use crate::bodies::BodyId;
use crate::documents::filing;
use crate::documents::upload::Upload;
use crate::meetings::MeetingId;
use crate::minutes::commands::Written;
use crate::minutes::table::Table;
use crate::portal::Portal;
use crate::signatures::ports::LiveTopic;

/// Freezes the minutes to be printed, and tells everybody who signs. Returns the new process.
pub async fn begin(
    portal: &Portal,
    table: &Table,
    written: &Written,
    reason: &str,
    who: Who,
) -> Result<Uuid, SignatureError> {
    let reason: String = reason.trim().chars().take(MAX_REASON_CHARS).collect();
    if reason.is_empty() {
        let words = "Scrivi perché il verbale si firma su carta.";
        return Err(SignatureError::Unfit(words.to_owned()));
    }
    opening::freeze_with(portal, table, written, Way::OnPaper(reason), who).await
}

/// Takes the scan of the paper that everybody signed: it is filed, and the case goes on.
pub async fn take_scan(
    portal: &Portal,
    table: &Table,
    row: &ProcessRow,
    scan: Upload,
    who: Who,
) -> Result<(), SignatureError> {
    if !table.leads {
        return Err(SignatureError::NotAllowed);
    }
    if !scan.bytes.starts_with(b"%PDF-") {
        let words = "La scansione deve essere un file PDF.";
        return Err(SignatureError::Unfit(words.to_owned()));
    }
    let process = store::replay(&portal.db, row).await?;
    // Cheap answers first: nothing is stored for a process that takes no scan.
    let digest = signing::Digest::of(&scan.bytes);
    process.clone().handle(Input::SignedOnPaper { scan: digest }, portal.now())?;
    let file = filing::keep(portal, BodyId(row.body), scan.bytes.into()).await?;
    let mut tx = portal.db.begin().await?;
    let input = Input::SignedOnPaper { scan: digest };
    let locked = advance_in(&mut tx, portal, row, [input], who).await?;
    if locked.process.status() == Status::Completed {
        ending::complete_in(&mut tx, portal, &locked, &file, who).await?;
    }
    tx.commit().await?;
    changed(portal, row);
    portal.signing.live.changed(MeetingId(row.meeting), LiveTopic::Minutes);
    Ok(())
}
