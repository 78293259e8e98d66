//! accordo-demo
