//! From the certificates that an installation was given to those who sign the list of lists today.
//!
//! When the signers of the list of lists change, an edition of it that the former ones signed names the
//! next ones: a *pivot* (Commission Implementing Decision (EU) 2015/1505; ETSI TS 119 615 §4.2). The
//! current edition names its pivots, the newest first. Each is taken from whom the one before it names
//! alone; so whoever lost the right to sign signs nothing that comes after.

use crate::{ListError, Signers, TrustList, bounds, list, tree};

/// More pivots than this are no list of lists.
pub const MAX_PIVOTS: usize = 24;

impl TrustList {
    /// The signers after this pivot, if `signers` signed it, it is a list of lists and its number is
    /// higher than `after`; with its number.
    ///
    /// # Errors
    /// [`ListError`] for whatever is not as required.
    pub fn pivot(file: &[u8], signers: &Signers, after: u64) -> Result<(Signers, u64), ListError> {
        let pivot = Self::read(file, signers)?;
        pivot.must_be(None, after.saturating_add(1))?;
        let next = pivot.own_signers();
        if next.is_empty() {
            return Err(ListError::Shape("a pivot that names no signer"));
        }
        Ok((Signers::from(next), pivot.edition.sequence))
    }

    /// Who may sign the next editions of this list of lists: its pointers to itself name them.
    fn own_signers(&self) -> Vec<openssl::x509::X509> {
        let own = self
            .pointers
            .iter()
            .filter(|one| one.of_lists && one.territory == self.edition.territory);
        own.flat_map(|pointer| pointer.signers.iter().cloned()).collect()
    }
}

/// The addresses of pivots that a list names, the oldest first, also when nobody may have signed it:
/// what is found there is checked like any list, so they are worth a question and no more.
pub fn pivots_named_in(file: &[u8]) -> Vec<String> {
    let named = || {
        let text = bounds::text(file).ok()?;
        let document = tree::parse(text.as_bytes()).ok()?;
        Some(list::pivots(document.root_element()))
    };
    named().unwrap_or_default()
}
