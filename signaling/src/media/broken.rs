//! Test-only switch: forwarding ignores epochs, so that the leak check of `loadtests` can be seen
//! to find something. Without the feature `broken-isolation`, which only tests ask for, there is
//! nothing to switch; with it, only code can: no setting and no argument does.

#[cfg(feature = "broken-isolation")]
static EPOCHS_IGNORED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// From now on the media edges of this process forward along routes of the past.
#[cfg(feature = "broken-isolation")]
pub fn ignore_epochs() {
    EPOCHS_IGNORED.store(true, std::sync::atomic::Ordering::Relaxed);
}

#[cfg(feature = "broken-isolation")]
pub(super) fn epochs_ignored() -> bool {
    EPOCHS_IGNORED.load(std::sync::atomic::Ordering::Relaxed)
}

#[cfg(not(feature = "broken-isolation"))]
pub(super) const fn epochs_ignored() -> bool {
    false
}
