//! One form that the tests start from.

use chrono::{TimeZone as _, Utc};
use signing::ports::{MinutesForm, MinutesSigner, MinutesSubject};

/// An agreement with three signers.
pub fn form() -> MinutesForm {
    let subject = |role: &str, name: &str, code: &str, powers: &str| MinutesSubject {
        role: role.into(),
        name: name.into(),
        fiscal_code: code.into(),
        powers: powers.into(),
    };
    let signer = |field: &str, role: &str, name: &str| MinutesSigner {
        field: field.into(),
        role: role.into(),
        name: name.into(),
    };
    MinutesForm {
        template: "conciliazione/accordo".into(),
        house: String::new(),
        body: "Servizio di conciliazione".into(),
        case_number: "N/2026/000123".into(),
        title: "Verbale di accordo – pratica N/2026/000123".into(),
        meeting_day: "20 novembre 2026".into(),
        meeting_time: "10:00–11:12".into(),
        mode: "Stanza virtuale".into(),
        subjects: vec![
            subject("Cliente", "Anna Rossi", "RSSNNA80A41H501U", ""),
            subject("Delegato dell'Operatore", "Luca Bianchi", "", "procura del 3 marzo 2026"),
            subject("Conciliatrice", "Maria Verdi", "VRDMRA75B42F205X", ""),
        ],
        dispute: "Fatturazione di consumi ricostruiti.".into(),
        text: "L'operatore riconosce € 1.250,00 entro il 30 novembre.\r\n\r\nCosì, però, perché: città."
            .into(),
        signers: vec![
            signer("client", "Cliente", "Anna Rossi"),
            signer("operator_delegate", "Delegato dell'Operatore", "Luca Bianchi"),
            signer("neutral", "Conciliatrice", "Maria Verdi"),
        ],
        annexes: vec![],
        mark: String::new(),
        is_preview: false,
        by_hand: false,
        made_at: Utc.with_ymd_and_hms(2026, 11, 20, 10, 15, 0).single().unwrap(),
    }
}
