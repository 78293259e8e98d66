//! The words of the minutes: title, first text, and the form that the typesetter takes. Pure.

use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::{Europe::Rome, Tz};
use signing::ports::{MinutesAnnex, MinutesForm, MinutesSigner, MinutesSubject};

use super::commands::Written;
use crate::{accounts::UserId, cases::Outcome, meetings::Mode, procedures::SeatKind};

/// What is known of a meeting and its case when minutes are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Name of the body.
    pub body: String,
    /// Its host name: where its own templates are.
    pub house: String,
    /// Number of the case as shown.
    pub case_number: String,
    /// What the case is about.
    pub dispute: String,
    /// How people met.
    pub mode: Mode,
    /// When it was fixed for.
    pub convened_for: DateTime<Utc>,
    /// When it really began, if a room saw it.
    pub began_at: Option<DateTime<Utc>>,
    /// When it was really over, if a room saw it; `None` while it goes on.
    pub ended_at: Option<DateTime<Utc>>,
    /// How long who does not come is waited for, in minutes.
    pub no_show_minutes: u16,
    /// Everybody with a seat.
    pub people: Vec<Person>,
}

/// One person at the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// Where.
    pub seat: SeatKind,
    /// The seat in words.
    pub role: String,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub surname: String,
    /// Codice fiscale; may be empty.
    pub fiscal_code: String,
    /// By what the person acts for another; may be empty.
    pub powers: String,
}

impl Person {
    /// First name and surname.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.surname)
    }
}

impl Facts {
    /// The person on a seat.
    pub fn on(&self, seat: SeatKind) -> Option<&Person> {
        self.people.iter().find(|person| person.seat == seat)
    }
}

/// Title of the document: the same on paper, in the case and in the message with the code.
pub fn title(outcome: Outcome, case_number: &str) -> String {
    let kind = match outcome {
        Outcome::Agreement => "accordo",
        Outcome::Proposal => "proposta di accordo",
        Outcome::NoAgreement => "mancato accordo",
        Outcome::Adjourned => "aggiornamento",
        Outcome::NoShowActivating | Outcome::NoShowConvened => "mancata comparizione",
        Outcome::Withdrawal => "rinuncia",
        Outcome::NotAdhered => "mancata adesione",
        Outcome::Inadmissible => "inammissibilità",
        Outcome::Expired => "decorrenza del termine",
    };
    format!("Verbale di {kind} – pratica {case_number}")
}

/// What the conciliator finds in the text field at first (R-SIGN-25).
pub fn prefill(outcome: Outcome, facts: &Facts) -> String {
    let names = |seats: &[SeatKind]| {
        let names: Vec<String> =
            seats.iter().filter_map(|seat| facts.on(*seat)).map(Person::name).collect();
        names.join(" e ")
    };
    let activating = names(&[SeatKind::Client, SeatKind::ClientDelegate]);
    let convened = names(&[SeatKind::OperatorDelegate]);
    match outcome {
        Outcome::Agreement => format!(
            "Le parti, rappresentate da {activating} e da {convened}, concordano quanto segue.\n\n\
             1. \n\n2. \n\nCon l'esecuzione di quanto sopra le parti dichiarano di non avere altro \
             a pretendere in relazione all'oggetto della controversia."
        ),
        Outcome::Proposal => format!(
            "Sentite le parti, rappresentate da {activating} e da {convened}, si propone di definire \
             la controversia come segue.\n\n1. \n\n2. \n\nCon l'esecuzione di quanto sopra le \
             parti non avrebbero altro a pretendere in relazione all'oggetto della controversia."
        ),
        Outcome::NoAgreement => format!(
            "Sentite le parti, rappresentate da {activating} e da {convened}, non è stato possibile \
             raggiungere un accordo."
        ),
        Outcome::Adjourned => {
            "Le parti concordano di proseguire in un incontro successivo, per il seguente motivo: "
                .to_owned()
        }
        Outcome::NoShowActivating => format!(
            "Trascorsi {} minuti dall'orario fissato, la parte attivante ({activating}) non è \
             comparsa.",
            facts.no_show_minutes
        ),
        Outcome::NoShowConvened => format!(
            "Trascorsi {} minuti dall'orario fissato, l'operatore convenuto ({convened}) non è \
             comparso.",
            facts.no_show_minutes
        ),
        Outcome::Withdrawal => {
            format!("La parte attivante, {activating}, dichiara di rinunciare alla procedura.")
        }
        Outcome::NotAdhered | Outcome::Inadmissible | Outcome::Expired => String::new(),
    }
}

/// The form of the minutes. `signers` are seats, in order.
pub fn form(
    facts: &Facts,
    written: &Written,
    template: &str,
    annexes: Vec<MinutesAnnex>,
    signers: &[SeatKind],
    now: DateTime<Utc>,
) -> MinutesForm {
    let outcome = written.outcome;
    let (began, hours) = day_and_hours(facts, outcome);
    let signers = signers.iter().filter_map(|seat| facts.on(*seat)).map(|person| MinutesSigner {
        field: person.seat.key().to_owned(),
        role: person.role.clone(),
        name: person.name(),
    });
    let subjects = facts.people.iter().map(|person| MinutesSubject {
        role: person.role.clone(),
        name: person.name(),
        fiscal_code: person.fiscal_code.clone(),
        powers: person.powers.clone(),
    });
    MinutesForm {
        template: template.to_owned(),
        house: facts.house.clone(),
        body: facts.body.clone(),
        case_number: facts.case_number.clone(),
        title: title(outcome, &facts.case_number),
        meeting_day: day_in_words(began),
        meeting_time: hours,
        mode: facts.mode.label().to_owned(),
        subjects: subjects.collect(),
        dispute: facts.dispute.clone(),
        text: written.text.clone(),
        signers: signers.collect(),
        annexes,
        mark: String::new(),
        is_preview: false,
        by_hand: false,
        made_at: now,
    }
}

/// When the meeting took place, as far as it is known; of one that did not, when it was to begin.
fn day_and_hours(facts: &Facts, outcome: Outcome) -> (DateTime<Tz>, String) {
    let (began, ended) =
        if outcome.is_no_show() { (None, None) } else { (facts.began_at, facts.ended_at) };
    let began = began.unwrap_or(facts.convened_for).with_timezone(&Rome);
    let from = began.format("%H:%M");
    let hours = match ended.map(|ended| ended.with_timezone(&Rome)) {
        None => from.to_string(),
        Some(ended) if ended.date_naive() == began.date_naive() => {
            format!("{from}–{}", ended.format("%H:%M"))
        }
        Some(ended) => format!("{from}–{} del {}", ended.format("%H:%M"), day_in_words(ended)),
    };
    (began, hours)
}

fn day_in_words(at: DateTime<Tz>) -> String {
    const MONTHS: [&str; 12] = [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ];
    let day = if at.day() == 1 { "1º".to_owned() } else { at.day().to_string() };
    format!("{day} {} {}", MONTHS[at.month0() as usize], at.year())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn written(outcome: Outcome) -> Written {
        Written { outcome, text: "testo".to_owned(), revision: 1, annexes: Vec::new() }
    }

    fn facts() -> Facts {
        let person = |n: u128, seat, role: &str, surname: &str| Person {
            user: UserId(Uuid::from_u128(n)),
            seat,
            role: role.to_owned(),
            given_name: "Anna".to_owned(),
            surname: surname.to_owned(),
            fiscal_code: String::new(),
            powers: String::new(),
        };
        Facts {
            body: "Servizio".to_owned(),
            house: String::new(),
            case_number: "N/2026/000123".to_owned(),
            dispute: "Consumi".to_owned(),
            mode: Mode::VirtualRoom,
            convened_for: "2026-10-31T23:15:00Z".parse().unwrap(),
            began_at: Some("2026-10-31T23:30:00Z".parse().unwrap()),
            ended_at: Some("2026-11-01T00:15:00Z".parse().unwrap()),
            no_show_minutes: 30,
            people: vec![
                person(1, SeatKind::Neutral, "Conciliatore", "Verdi"),
                person(2, SeatKind::Client, "Cliente", "Rossi"),
                person(3, SeatKind::OperatorDelegate, "Delegato", "Bianchi"),
            ],
        }
    }

    #[test]
    fn r_sign_04_the_form_tells_the_meeting_in_local_time_and_the_signers_in_order() {
        let signers = [SeatKind::Client, SeatKind::OperatorDelegate, SeatKind::Neutral];
        let now = "2026-11-01T02:00:00Z".parse().unwrap();
        let form = form(&facts(), &written(Outcome::Agreement), "t", Vec::new(), &signers, now);
        assert_eq!(form.meeting_day, "1º novembre 2026");
        assert_eq!(form.meeting_time, "00:30–01:15");
        assert_eq!(form.title, "Verbale di accordo – pratica N/2026/000123");
        let fields: Vec<&str> = form.signers.iter().map(|signer| signer.field.as_str()).collect();
        assert_eq!(fields, ["client", "operator_delegate", "neutral"]);
        assert_eq!(form.subjects.len(), 3);
    }

    #[test]
    fn r_sign_04_the_hours_are_those_of_a_room_or_else_of_the_convening() {
        let time = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        let (began, ended) = (time("2026-11-20T09:02:00Z"), time("2026-11-20T10:14:00Z"));
        let (agreement, absent) = (Outcome::Agreement, Outcome::NoShowConvened);
        for (outcome, began_at, ended_at, day, hours) in [
            (agreement, began, ended, "20 novembre 2026", "10:02–11:14"),
            (agreement, began, None, "20 novembre 2026", "10:02"), // it goes on
            (agreement, None, None, "20 novembre 2026", "10:00"),  // by telephone
            (
                agreement,
                time("2026-11-20T22:00:00Z"),
                time("2026-11-20T23:30:00Z"),
                "20 novembre 2026",
                "23:00–00:30 del 21 novembre 2026",
            ),
            (absent, None, None, "20 novembre 2026", "10:00"),
            (absent, began, ended, "20 novembre 2026", "10:00"), // the others waited in the room
        ] {
            let convened_for = "2026-11-20T09:00:00Z".parse().unwrap();
            let facts = Facts { convened_for, began_at, ended_at, ..facts() };
            let now = "2026-11-21T08:12:00Z".parse().unwrap();
            let seats = [SeatKind::Neutral];
            let form = form(&facts, &written(outcome), "t", Vec::new(), &seats, now);
            assert_eq!((form.meeting_day.as_str(), form.meeting_time.as_str()), (day, hours));
        }
    }

    #[test]
    fn r_sign_25_the_text_begins_with_the_names_of_the_case() {
        let text = prefill(Outcome::Agreement, &facts());
        assert!(text.contains("Anna Rossi e da Anna Bianchi"), "{text}");
        let text = prefill(Outcome::NoShowConvened, &facts());
        assert!(text.contains("Anna Bianchi") && text.contains("30 minuti"), "{text}");
    }
}
