//! media-test
