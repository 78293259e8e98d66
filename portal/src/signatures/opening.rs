//! Freezing minutes and putting them to signature (R-SIGN-04, R-SIGN-24).

use chrono::TimeDelta;
use signing::Digest;
use signing::process::{Input, Process};
use uuid::Uuid;

use super::store::{NewProcess, Who};
use super::{SignatureError, craft, ending, rules, store};
use crate::accounts::UserId;
use crate::cases::commands::{By, act_in};
use crate::cases::rules::Act;
use crate::cases::{CaseState, Outcome};
use crate::documents::filing;
use crate::meetings::commands::conclude_in;
use crate::meetings::people::Sitting;
use crate::minutes::commands::Written;
use crate::minutes::table::Table;
use crate::minutes::{annexes, compose};
use crate::portal::Portal;
use crate::procedures::{SeatKind, Side};
use crate::signatures::ports::LiveTopic;

/// Freezes the minutes and sends them to their signers: the meeting has this outcome, the case
/// follows. Returns the new process.
pub async fn freeze(
    portal: &Portal,
    table: &Table,
    written: &Written,
    who: Who,
) -> Result<Uuid, SignatureError> {
    if !table.leads {
        return Err(SignatureError::NotAllowed);
    }
    let outcome = written.outcome;
    if written.text.trim().is_empty() {
        return Err(SignatureError::Unfit("Scrivi il testo del verbale.".to_owned()));
    }
    let unfit = || SignatureError::Unfit("Scegli un esito dall'elenco.".to_owned());
    let minutes = table.rules(portal, outcome).ok_or_else(unfit)?;
    let seat = |seat: SeatKind| table.sitting.iter().find(|one| one.seat == seat);
    let seats = minutes.signers_among(|kind| seat(kind).is_some());
    let signers: Vec<&Sitting> = seats.iter().filter_map(|kind| seat(*kind)).collect();
    check(outcome, &signers)?;

    let now = portal.now();
    let annexes = annexes::load(portal, table, &written.annexes).await?;
    let form = compose::form(&table.facts(), written, &minutes.template, annexes, &seats, now);
    let title = form.title.clone();
    let frozen = craft::freeze(&portal.signing, form).await?;
    let document = Digest::of(&frozen.pdf);
    filing::keep(portal, table.body.id, frozen.pdf.into()).await?;

    let id = portal.new_id();
    let term = portal.profile(&table.case.procedure).signatures.term_days;
    let people: Vec<(SeatKind, UserId)> =
        signers.iter().map(|one| (one.seat, one.person.id)).collect();
    let plan = rules::plan(id, document, &people, now + TimeDelta::days(term.into()));
    let (mut process, started) = Process::start(plan, now)?;
    let mut events = vec![started];
    events.extend(process.handle(Input::Send, now)?);

    let mut tx = portal.db.begin().await?;
    let by = By { user: who.user, role: Some(crate::accounts::Role::Conciliator) };
    let (body, meeting) = (&table.body, table.meeting.id);
    let case = conclude_in(&mut tx, portal, body, meeting, outcome, by).await?;
    if case.rules.conciliator != who.user {
        // Replaced while the document was typeset.
        return Err(SignatureError::NotAllowed);
    }
    if store::is_open_in(&mut tx, body.id.0, meeting.0).await? {
        let words = "Un verbale di questo incontro è già alla firma o firmato.";
        return Err(SignatureError::Unfit(words.to_owned()));
    }
    if outcome.needs_signatures() && case.rules.state == CaseState::Held {
        act_in(&mut tx, portal, body, case.id, &Act::SendToSignature, by).await?;
    }
    let labels: Vec<(String, String, String)> = signers
        .iter()
        .map(|one| (one.seat.key().to_owned(), one.label.clone(), one.person.name()))
        .collect();
    let new = NewProcess {
        body: body.id.0,
        meeting: meeting.0,
        case: case.id.0,
        title: &title,
        outcome: outcome.key(),
        people: &labels,
        places: &frozen.places,
    };
    let before = store::versions_in(&mut tx, body.id.0, meeting.0).await?;
    store::insert(&mut tx, &new, &process, &events, who, now).await?;
    let letter = ending::Letter {
        subject: "Verbale alla firma",
        text: if before == 0 {
            "il verbale dell'incontro è pronto per la tua firma."
        } else {
            "una nuova versione del verbale dell'incontro è pronta per la tua firma; le versioni \
             precedenti, e le firme su di esse, non valgono più."
        },
        key: &format!("sign/{id}"),
    };
    let signers: Vec<_> = signers.iter().map(|one| one.person.clone()).collect();
    ending::tell(&mut tx, portal, body, &case, meeting, &signers, &letter).await?;
    tx.commit().await?;
    portal.signing.live.changed(meeting, LiveTopic::Minutes);
    portal.signing.live.changed(meeting, LiveTopic::Signatures);
    Ok(id)
}

/// An agreement needs both sides, a withdrawal the one that withdraws (R-SIGN-34); a certificate a
/// codice fiscale, and a code a mobile (R-SIGN-15, R-SIGN-22).
fn check(outcome: Outcome, signers: &[&Sitting]) -> Result<(), SignatureError> {
    let needed: &[(Side, &str)] = match outcome {
        Outcome::Agreement => {
            &[(Side::Activating, "la parte attivante"), (Side::Convened, "l'operatore convenuto")]
        }
        Outcome::Withdrawal => &[(Side::Activating, "la parte attivante")],
        _ => &[],
    };
    for (side, name) in needed {
        if !signers.iter().any(|one| one.seat.side() == *side) {
            let sentence = format!("Nella pratica manca chi può firmare per {name}.");
            return Err(SignatureError::Unfit(sentence));
        }
    }
    for one in signers {
        if one.person.fiscal_code.is_empty() || one.person.mobile.is_empty() {
            let name = one.person.name();
            return Err(SignatureError::Unfit(format!(
                "{name} ({}) non può firmare: nel profilo mancano codice fiscale o cellulare.",
                one.label
            )));
        }
    }
    Ok(())
}
