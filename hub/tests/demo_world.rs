//! What a newcomer finds in the demo: cases in every state, and a signed document.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use support::Hub;
use support::person::Person;

#[tokio::test]
async fn r_tech_19_the_demo_has_cases_in_every_state_that_a_case_can_have() {
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start(&dir.path().join("hub"));
    let staff = Person::signed_in(hub.listen, "segreteria").await;
    // Whoever waits in the demo's past is there at once; the signatures follow when the hub serves.
    let mut states = BTreeSet::new();
    for _ in 0..150 {
        states = all_states(&staff).await;
        if states.contains("agreement") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let expected = [
        "admitted",
        "agreement",
        "archived",
        "assigned",
        "closed",
        "convened",
        "held",
        "no_agreement",
        "no_show",
        "not_adhered",
        "not_admitted",
        "reconvened",
        "regularising",
        "signing",
        "submitted",
        "withdrawn",
    ];
    assert_eq!(states.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// States of the cases on every view of the list.
async fn all_states(staff: &Person) -> BTreeSet<String> {
    let first = staff.get("/pratiche").await.text().await.unwrap();
    let (_, select) = first.split_once("name=\"visualizza\"").unwrap();
    let views = attributes(select.split("</select>").next().unwrap(), "value");
    assert!(views.len() > 1, "{views:?}");
    let mut states = BTreeSet::new();
    for view in views {
        let page = staff.get(&format!("/pratiche?visualizza={view}&righe=50")).await;
        let page = page.text().await.unwrap();
        states.extend(attributes(&page, "data-testid=\"case-row\" data-state"));
    }
    states
}

fn attributes(html: &str, name: &str) -> Vec<String> {
    let marked = format!("{name}=\"");
    html.split(&marked).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}
