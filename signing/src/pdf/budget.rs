//! What reading somebody's file may cost: one bound for all of its streams and objects together.
//!
//! Costs are counted in bytes of memory as they arise (an object of a few characters takes more
//! than a hundred bytes once it is read), so one number stands for inflated streams, huge arrays,
//! millions of objects and streams inside streams alike.

use std::cell::Cell;

use lopdf::Object;

/// What the objects of one document may take, beside the bytes of the file itself.
const OBJECTS: usize = 56 << 20;
/// What all readings of one document together may take: verification reads every signed revision.
const READINGS: usize = 512 << 20;
/// How many times the bytes of the file may be gone through, of the same.
const TIMES: usize = 32;

/// One object, with the room that its container keeps for the next.
pub(super) const ITEM: usize = 2 * size_of::<Object>();
/// A dictionary before its first entry.
pub(super) const DICTIONARY: usize = 512;
/// An entry of the cross-reference data.
pub(super) const ROW: usize = 32;

/// What reading one document may still cost.
pub(super) struct Budget {
    left: Cell<usize>,
    exceeded: Cell<Option<&'static str>>,
}

impl Budget {
    /// For a file of this length, within `work`.
    pub(super) fn of(file: usize, work: &Work) -> Self {
        let left = work.left.get().min(file + OBJECTS);
        Self { left: Cell::new(left), exceeded: Cell::new(None) }
    }

    /// Takes `bytes` for `what`; `None` when that is too much.
    pub(super) fn spend(&self, bytes: usize, what: &'static str) -> Option<()> {
        match self.left.get().checked_sub(bytes) {
            Some(left) if self.exceeded.get().is_none() => {
                self.left.set(left);
                Some(())
            }
            _ => {
                self.exceeded.set(Some(what));
                self.left.set(0);
                None
            }
        }
    }

    /// What is left.
    pub(super) fn left(&self) -> usize {
        self.left.get()
    }

    /// What was too much, if anything was.
    pub(super) fn exceeded(&self) -> Option<&'static str> {
        self.exceeded.get()
    }
}

/// What all readings of one document may still cost.
pub(crate) struct Work {
    left: Cell<usize>,
    exceeded: Cell<Option<&'static str>>,
}

impl Work {
    /// For a document of this length.
    pub(crate) fn on(file: usize) -> Self {
        let left = READINGS.saturating_add(TIMES.saturating_mul(file));
        Self { left: Cell::new(left), exceeded: Cell::new(None) }
    }

    /// Takes `bytes`. Whether there were as many.
    pub(crate) fn spend(&self, bytes: usize) -> bool {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.unwrap_or(0));
        if left.is_none() {
            self.exceeded.set(Some("it takes too much work"));
        }
        left.is_some()
    }

    /// Takes what reading one revision cost.
    pub(super) fn settle(&self, file: usize, budget: &Budget, granted: usize) {
        if let Some(what) = budget.exceeded() {
            self.exceeded.set(Some(what));
        }
        self.spend(file.saturating_add(granted - budget.left()));
    }

    /// What was too much, if anything was.
    pub(crate) fn exceeded(&self) -> Option<&'static str> {
        self.exceeded.get()
    }
}
