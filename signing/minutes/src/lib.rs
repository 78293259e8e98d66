//! signing-minutes
