//! After the meeting: attendance and evidence, as those read them who may.

use super::{Story, StoryError, read, until_done, wrong};
use serde_json::Value;

/// What the hub says of a meeting's media when it closes the attendance log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Closing {
    /// Packets that it forwarded since the room opened, or opened again.
    pub forwarded: u64,
    /// Packets that it kept from people of another session.
    pub withheld: u64,
}

impl Story {
    /// The conciliator reads both logs; no content is in them and nothing was recorded.
    pub(super) async fn save_logs(&mut self) -> Result<(), StoryError> {
        // The hub closes the log when the media have stopped.
        let closing = until_done("the closing statement", self.patience(), async || {
            let log: Value =
                self.log(&format!("/incontri/{}/presenze.json", self.meeting)).await?.1;
            Ok(closing(&log))
        })
        .await?;
        self.closing = closing;
        for (address, name) in [
            (format!("/incontri/{}/presenze.json", self.meeting), "-attendance.json"),
            (format!("{}/evidenze.json", self.panel()), "-evidence.json"),
        ] {
            let (bytes, json) =
                read(name, self.patience(), async || self.log(&address).await).await?;
            let text = json.to_string();
            if text.len() < 200 || text.contains(self.stage.canary.as_str()) {
                return Err(wrong(format!("{address} is empty or holds what was said")));
            }
            self.save(name, &bytes)?;
        }
        Ok(())
    }

    async fn log(&self, address: &str) -> Result<(Vec<u8>, Value), StoryError> {
        let bytes = self.cast.conciliator.browser.download(address).await?;
        let json = serde_json::from_slice(&bytes)
            .map_err(|error| wrong(format!("{address} is no JSON: {error}")))?;
        Ok((bytes, json))
    }
}

/// The last entry, once it is the closing statement.
fn closing(log: &Value) -> Option<Closing> {
    let last = log.get("entries")?.as_array()?.last()?.get("event")?.as_str()?;
    let last: Value = serde_json::from_str(last).ok()?;
    let closed = last.get("event")? == "closed" && last.get("recorded")? == false;
    let number = |name: &str| last.get(name)?.as_u64();
    let closing = Closing { forwarded: number("forwarded")?, withheld: number("withheld")? };
    closed.then_some(closing)
}
