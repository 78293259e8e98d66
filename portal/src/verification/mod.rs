//! "Verifica firma": what there is to say about the signatures of any PDF or P7M (R-SIGN-31).
//!
//! Neither the file nor the report is kept, and nothing outside is asked: certificates and
//! revocation data are those in the file and the trust anchors of the installation.

pub mod pages;
mod technical;
mod words;
