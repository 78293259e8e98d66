//! Mails that events of a case cause (R-NOTIFY). They name the case and lead to the sign-in; what
//! the case is about stays inside (R-NOTIFY-32).

use crate::accounts::{self, Person, Role};
use crate::bodies::Body;
use crate::cases::rules::CaseEvent;
use crate::cases::store::CaseRecord;
use crate::db::{DbError, Tx};
use crate::notifications::{self, Channel, Message};
use crate::organisations::OperatorId;
use crate::portal::Parts;

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Service secretariat.
    Service,
    /// Client and client's delegate.
    ClientSide,
    /// The assigned conciliator.
    Conciliator,
    /// Secretariat of an operator.
    Secretariat(OperatorId),
    /// Assigned delegate of an operator.
    Delegate(OperatorId),
}

/// Subject, text and recipients of an event; nothing for events that concern nobody else.
fn words(event: &CaseEvent, case: &CaseRecord) -> Option<(&'static str, &'static str, Vec<To>)> {
    let convened = case.rules.convened().operator;
    Some(match event {
        CaseEvent::Sent { .. } => (
            "Domanda ricevuta",
            "la domanda di conciliazione è stata ricevuta.",
            vec![To::ClientSide, To::Service],
        ),
        CaseEvent::IntegrationAsked { .. } => (
            "Integrazione richiesta",
            "la segreteria chiede di completare la domanda.",
            vec![To::ClientSide],
        ),
        CaseEvent::Admitted { .. } => (
            "Avvio procedura",
            "la procedura è stata avviata.",
            vec![To::ClientSide, To::Secretariat(convened)],
        ),
        CaseEvent::Rejected => {
            ("Domanda non ammessa", "la domanda non è stata ammessa.", vec![To::ClientSide])
        }
        CaseEvent::ArchivedUnanswered => (
            "Domanda archiviata",
            "la domanda è stata archiviata perché non completata in tempo.",
            vec![To::ClientSide],
        ),
        CaseEvent::ConciliatorAssigned { .. } => {
            ("Pratica assegnata", "la pratica ti è stata assegnata.", vec![To::Conciliator])
        }
        CaseEvent::Adhered { .. } => (
            "Adesione dell'operatore",
            "un operatore ha confermato l'adesione.",
            vec![To::ClientSide, To::Service],
        ),
        CaseEvent::Declined { .. } => (
            "Mancata adesione",
            "un operatore ha comunicato di non aderire.",
            vec![To::ClientSide, To::Service],
        ),
        CaseEvent::DelegateAssigned { operator, .. } => {
            ("Pratica assegnata", "la pratica ti è stata assegnata.", vec![To::Delegate(*operator)])
        }
        CaseEvent::AidRequested { .. } if case.rules.admitted_at.is_some() => (
            "Richiesta di ausilio tecnico",
            "un operatore chiede l'ausilio tecnico.",
            vec![To::Service],
        ),
        CaseEvent::AidConvened { operator, .. } => (
            "Convocazione ausilio tecnico",
            "siete convocati come ausilio tecnico.",
            vec![To::Secretariat(*operator)],
        ),
        CaseEvent::Withdrawn => (
            "Rinuncia",
            "la parte attivante ha rinunciato alla procedura.",
            vec![To::Service, To::Conciliator, To::Secretariat(convened)],
        ),
        CaseEvent::Extended { .. } => (
            "Proroga",
            "il termine della procedura è stato prorogato.",
            vec![To::ClientSide, To::Conciliator, To::Secretariat(convened)],
        ),
        // Meetings and signatures tell their people themselves.
        _ => return None,
    })
}

/// Writes the mails of an event; `seq` is its place in the case history, so that none is sent twice.
pub(super) async fn send(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    case: &CaseRecord,
    event: &CaseEvent,
    seq: i64,
) -> Result<(), DbError> {
    let Some((subject, text, recipients)) = words(event, case) else { return Ok(()) };
    let mail = Mail { subject, text, key: &format!("case/{}/{seq}", case.id) };
    tell(tx, portal, body, case, &recipients, &mail).await
}

/// A mail about a case; number, greeting and link are put around it.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// What happened, in a few words.
    pub subject: &'a str,
    /// Goes on after "nella pratica N/2026/000123": no case content (R-NOTIFY-32).
    pub text: &'a str,
    /// What makes it this mail and no other; each recipient's is `KEY/USER`.
    pub key: &'a str,
}

/// Writes a mail to people of a case, each person once.
pub async fn tell(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    case: &CaseRecord,
    recipients: &[To],
    mail: &Mail<'_>,
) -> Result<(), DbError> {
    for to in recipients {
        for person in people(tx, body, case, *to).await? {
            let message = Message {
                channel: Channel::Mail,
                to: person.email.clone(),
                subject: format!("{} – pratica {}", mail.subject, case.shown_number()),
                text: format!(
                    "Gentile {},\n\nnella pratica {} {}\n\nPer i dettagli accedi alla tua \
                     area riservata: {}\n\n{}",
                    person.name(),
                    case.shown_number(),
                    mail.text,
                    portal.link(body, &format!("/pratiche/{}", case.id)),
                    body.name,
                ),
                key: format!("{}/{}", mail.key, person.id.0),
            };
            notifications::send(tx, body.id.0, portal.new_id(), &message, portal.now()).await?;
        }
    }
    Ok(())
}

async fn people(
    tx: &mut Tx,
    body: &Body,
    case: &CaseRecord,
    to: To,
) -> Result<Vec<Person>, DbError> {
    let users = match to {
        To::Service => {
            return accounts::store::acting_in(tx, body.id, Role::ServiceSecretariat, None).await;
        }
        To::Secretariat(operator) => {
            let role = Role::OperatorSecretariat;
            return accounts::store::acting_in(tx, body.id, role, Some(operator)).await;
        }
        To::ClientSide => vec![case.client.user, case.client.delegate],
        To::Conciliator => vec![case.rules.conciliator],
        To::Delegate(operator) => {
            vec![case.rules.participation(operator).and_then(|p| p.delegate)]
        }
    };
    let mut people = Vec::new();
    for user in users.into_iter().flatten() {
        people.extend(accounts::store::person_in(tx, body.id, user).await?);
    }
    Ok(people)
}
