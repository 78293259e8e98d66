//! Files in the breakout: one that ends with it, and one that its owner adds to the case.

use super::{Desk, Story, StoryError, wrong};
use crate::browser::BrowserError;
use crate::participant::Participant;
use crate::room::Known;
use reqwest::StatusCode;
use serde_json::json;
use signaling::protocol::FileId;

/// A scanned contract has as many: what writes it does so for a while.
const BYTES: usize = 4 << 20;

impl Story {
    /// The client shares two files; the conciliator reads them, the operator does not, and one of
    /// them becomes a document of the case. The canary is in name and content of the other.
    pub(super) async fn share_files(&self) -> Result<(), StoryError> {
        let table = self.table();
        let [conciliator, client, delegate, _] = self.cast.all();
        let canary = self.stage.canary.as_str();
        let passing = format!("{canary} {}.txt", self.number);
        let kept = format!("nel fascicolo {}.txt", self.number);
        let content = passing.repeat(BYTES / passing.len());
        let shared = self.share(client, &table.client, &passing, &content).await?;
        let filed = self.share(client, &table.client, &kept, "resta nel fascicolo").await?;
        for participant in [&table.client, &table.conciliator] {
            let both = |known: &Known| has(known, shared) && has(known, filed);
            participant.until("two files", both).await?;
        }
        if has(&table.delegate.known(), shared) {
            return Err(wrong(format!("{} sees a file of another session", table.delegate.name)));
        }
        let address = self.address(shared);
        if conciliator.browser.download(&address).await? != content.as_bytes() {
            return Err(wrong("a shared file came back changed"));
        }
        match delegate.browser.download(&address).await {
            Err(BrowserError::Refused { status: StatusCode::NOT_FOUND, .. }) => {}
            other => return Err(wrong(format!("a file of another session answered {other:?}"))),
        }
        let act = json!({ "description": "Prova", "visible": true });
        let path = format!("{}/case", self.address(filed));
        let (status, told) = client.browser.post_json(&path, &act).await?;
        if !status.is_success() {
            return Err(wrong(format!("adding to the case: {status} {told}")));
        }
        Ok(())
    }

    async fn share(
        &self,
        desk: &Desk,
        participant: &Participant,
        name: &str,
        content: &str,
    ) -> Result<FileId, StoryError> {
        let epoch = participant.known().epoch.0;
        let path = format!("/api/rooms/{}/files?epoch={epoch}", self.meeting);
        let (status, told) = desk.browser.send_file(&path, name, content.into()).await?;
        let id = told.get("id").and_then(|id| id.as_str()?.parse().ok());
        id.map(FileId).ok_or_else(|| wrong(format!("sharing a file: {status} {told}")))
    }

    fn address(&self, FileId(file): FileId) -> String {
        format!("/api/rooms/{}/files/{file}", self.meeting)
    }
}

fn has(known: &Known, file: FileId) -> bool {
    known.view.as_ref().is_some_and(|view| view.files.iter().any(|one| one.id == file))
}
