//! The pivots of the list of lists: kept as they were taken, so that who signs it today follows from
//! whom this installation was told to trust, and former signers stay former.

use signing::ports::{ListSource, NewerList};
use signing_trust_lists::{Signers, TrustList, pivots_named_in};

use super::store::{self, KeptList};
use super::{Followed, TrustListError};
use crate::db::Db;
use crate::portal::Portal;

/// Rows of pivots have such names, with their numbers; no territory has one.
const PREFIX: &str = "PIVOT-";

/// Who may sign the list of lists.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// The next editions.
    pub(super) now: Signers,
    /// Editions that were taken already, now or when others signed.
    pub(super) ever: Signers,
    /// Number of the last pivot.
    sequence: u64,
}

impl Chain {
    /// The signers that the installation was told, and those after each pivot that is kept.
    pub(super) async fn kept(db: &Db, followed: &Followed) -> Result<Self, TrustListError> {
        let rows = store::all(db).await?;
        let told = followed.signers.clone();
        let follow = move || {
            let mut chain = Self { now: told.clone(), ever: told, sequence: 0 };
            let mut pivots: Vec<_> =
                rows.into_iter().filter(|row| row.name.starts_with(PREFIX)).collect();
            pivots.sort_by_key(|row| row.sequence);
            for row in pivots {
                // One that holds no longer is from before the installation was told others.
                chain.take(&row.list);
            }
            chain
        };
        Ok(tokio::task::spawn_blocking(follow).await?)
    }

    /// Goes on over a pivot; its number if it is one.
    fn take(&mut self, file: &[u8]) -> Option<u64> {
        let (next, sequence) = TrustList::pivot(file, &self.now, self.sequence).ok()?;
        self.ever.extend(next.clone());
        (self.now, self.sequence) = (next, sequence);
        Some(sequence)
    }

    /// Goes on over the pivots that `file` names and that are not kept yet; nobody need have signed
    /// it.
    pub(super) async fn follow(
        mut self,
        portal: &Portal,
        source: &dyn ListSource,
        file: &[u8],
    ) -> Result<Self, TrustListError> {
        let file = file.to_vec();
        let named = tokio::task::spawn_blocking(move || pivots_named_in(&file)).await?;
        let rows = store::all(&portal.db).await?;
        for location in named {
            let is_kept = |row: &KeptList| row.name.starts_with(PREFIX) && row.location == location;
            if rows.iter().any(is_kept) {
                continue;
            }
            let bytes = match source.newer(&location, None).await {
                Ok(Some(NewerList { bytes, .. })) => bytes,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%error, "a pivot of the list of lists");
                    continue;
                }
            };
            let (mut chain, pivot) = (self.clone(), bytes.clone());
            let step = move || chain.take(&pivot).map(|sequence| (chain, sequence));
            let Some((chain, sequence)) = tokio::task::spawn_blocking(step).await? else {
                continue;
            };
            tracing::info!(sequence, "a pivot of the list of lists: its signers are others now");
            let row = KeptList {
                name: format!("{PREFIX}{sequence}"),
                location,
                list: bytes,
                sequence: sequence.cast_signed(),
                tag: String::new(),
                due_at: portal.now(),
                failing_since: None,
                fault: String::new(),
            };
            let mut tx = portal.db.begin().await?;
            store::put(&mut tx, &row).await?;
            tx.commit().await?;
            self = chain;
        }
        Ok(self)
    }
}
