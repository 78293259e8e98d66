//! What an application must have.

use portal::cases::application::{Application, Urgency};
use portal::cases::supply::Service;
use portal_testing::application;

#[test]
fn r_claim_05_08_09_10_faults_of_an_application() {
    type Change = fn(&mut Application);
    let table: [(Change, &[&str]); 15] = [
        (|_| {}, &[]),
        (|a| a.topic = "  ".into(), &["topic"]),
        (|a| a.reply_on = None, &[]),
        (|a| a.reply_on = Some("2026-09-09".parse().unwrap()), &["reply_on"]),
        (|a| a.complaint_on = "2026-12-01".parse().unwrap(), &["complaint_on", "reply_on"]),
        (|a| a.reply_on = Some("2026-12-01".parse().unwrap()), &["reply_on"]),
        (|a| a.complaint_on = "0001-01-01".parse().unwrap(), &["complaint_on"]),
        (|a| a.complaint_on = "-2026-01-01".parse().unwrap(), &["complaint_on"]),
        (|a| a.description = "à".repeat(4000) + "\r", &[]),
        (|a| a.description = "à".repeat(4001), &["description"]),
        (|a| a.other_availability = "x".repeat(201), &["other_availability"]),
        (|a| a.pod = Some("x".repeat(201)), &["pod"]),
        (|a| a.service = Service::DualFuel, &["pdr"]),
        (|a| (a.pod, a.pdr) = (None, None), &["pod"]),
        (
            |a| {
                a.service = Service::Heating;
                a.urgency = Some(Urgency::NoticeOfDefault);
            },
            &["urgency"],
        ),
    ];
    for (change, expected) in table {
        let mut application = application();
        change(&mut application);
        let faults = application.faults("2026-11-30".parse().unwrap());
        let fields: Vec<_> = faults.iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, expected);
    }
}

#[test]
fn the_value_is_written_as_in_italy() {
    assert_eq!(application().value(), "€ 123,45");
    assert_eq!(Application { value_cents: None, ..application() }.value(), "Non quantificabile");
}
