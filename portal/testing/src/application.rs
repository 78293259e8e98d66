//! What a client states.

use portal::cases::application::Application;
use portal::cases::supply::{Service, Utility};

/// A complete application.
pub fn application() -> Application {
    Application {
        complaint_on: "2026-09-10".parse().expect("a day"),
        complaint_ref: "R-1".into(),
        reply_on: Some("2026-10-01".parse().expect("a day")),
        topic: "Fatturazione".into(),
        value_cents: Some(12_345),
        description: "Consumi stimati troppo alti".into(),
        availability: "Tutto il giorno".into(),
        other_availability: String::new(),
        service: Service::Electricity,
        contract: "C-1".into(),
        utility: Utility::Domestic,
        multi_site: false,
        pod: Some("IT001E12345678".into()),
        pdr: None,
        address: "Via Roma 1".into(),
        locality: String::new(),
        municipality: "Roma".into(),
        province: "RM".into(),
        region: "Lazio".into(),
        postal_code: "00184".into(),
        urgency: None,
    }
}
