//! What the conciliator does to a draft.

use super::table::Table;
use super::{Draft, MAX_TEXT_CHARS, Saved, compose, store};
use crate::cases::Outcome;
use crate::db::DbError;
use crate::documents::DocumentId;
use crate::portal::Portal;
use crate::signatures::ports::LiveTopic;

/// A draft as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// One of [`Table::outcomes`].
    pub outcome: Outcome,
    /// The text; line feeds only.
    pub text: String,
    /// The revision that it goes on from; 0 for none.
    pub revision: i64,
    /// Documents of the case that become part of it.
    pub annexes: Vec<DocumentId>,
}

impl From<Draft> for Written {
    /// What the next version goes on from.
    fn from(draft: Draft) -> Self {
        let Draft { outcome, text, revision, annexes, .. } = draft;
        Self { outcome, text, revision, annexes }
    }
}

/// Why a draft is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// Only the conciliator of the case writes.
    #[error("not allowed")]
    NotAllowed,
    /// The meeting cannot have come to this.
    #[error("Scegli un esito dall'elenco.")]
    Outcome,
    /// Too long to be read before signing.
    #[error("Il testo supera {MAX_TEXT_CHARS} caratteri.")]
    TooLong,
    /// It cannot be printed.
    #[error("Il carattere «{0}» non può essere stampato: toglilo dal testo.")]
    Character(char),
    /// Another outcome than before: its text is read before it is shown or signed.
    #[error("Hai cambiato l'esito: controlla che il testo corrisponda, poi ripeti.")]
    OutcomeChanged,
    /// Another window saved since.
    #[error(
        "Il verbale è stato modificato in un'altra finestra: copia le tue modifiche e ricarica la \
         pagina."
    )]
    Overtaken,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Saves a draft; `show` lets everybody at the table see it. Returns the new revision.
pub async fn save(
    portal: &Portal,
    table: &Table,
    written: &Written,
    show: bool,
) -> Result<i64, DraftError> {
    if !table.leads {
        return Err(DraftError::NotAllowed);
    }
    if !table.outcomes(portal).contains(&written.outcome) {
        return Err(DraftError::Outcome);
    }
    if written.text.chars().count() > MAX_TEXT_CHARS {
        return Err(DraftError::TooLong);
    }
    let (body, meeting) = (table.body.id.0, table.meeting.id);
    let now = portal.now();
    let mut tx = portal.db.begin().await?;
    let saved = store::save(&mut tx, body, meeting.0, written, now).await?;
    let Saved::As(revision) = saved else { return Err(DraftError::Overtaken) };
    if show {
        store::show(&mut tx, body, meeting.0, now).await?;
    }
    tx.commit().await?;
    portal.signing.live.changed(meeting, LiveTopic::Minutes);
    Ok(revision)
}

/// Whether the draft can be shown or signed as it stands: nobody reads another text than the one on
/// the page, nor one that belongs to another outcome. `before`: the outcome that the text was for.
pub fn check(portal: &Portal, written: &Written, before: Outcome) -> Result<(), DraftError> {
    if before != written.outcome {
        return Err(DraftError::OutcomeChanged);
    }
    let unprintable = portal.signing.typesetter.unprintable(&written.text);
    unprintable.map_or(Ok(()), |character| Err(DraftError::Character(character)))
}

/// The text for another outcome: the proposed one if nobody changed what was proposed before.
pub fn adapted(written: Written, table: &Table, offered: &[Outcome]) -> Written {
    let facts = table.facts();
    let untouched = offered
        .iter()
        .any(|outcome| compose::prefill(*outcome, &facts).trim() == written.text.trim());
    if untouched {
        return Written { text: compose::prefill(written.outcome, &facts), ..written };
    }
    written
}
