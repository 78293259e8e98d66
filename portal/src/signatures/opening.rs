//! Freezing minutes and putting them to signature (R-SIGN-04, R-SIGN-24).

use chrono::TimeDelta;
use signing::Digest;
use signing::process::{Format, Input, Plan, Process};
use uuid::Uuid;

use super::replacing::{self, Substitute};
use super::store::{NewProcess, ProcessRow, Who};
use super::{SignatureError, consent, craft, ending, rules, store};
use crate::accounts::{Person, UserId};
use crate::cases::commands::{By, act_in, note_in};
use crate::cases::rules::{Act, CaseEvent};
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

/// What is particular about a freezing.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Nothing: the people at the table sign.
    Plain,
    /// The same, with their signatures beside the document (R-SIGN-29).
    Beside,
    /// Somebody signs in place of a signer of this process (R-SIGN-33).
    Replacing(Box<Substitute>, Box<ProcessRow>),
    /// Signed by hand, for this reason (R-SIGN-37).
    OnPaper(String),
}

impl Way {
    fn reason(&self) -> Option<String> {
        match self {
            Self::OnPaper(reason) => Some(reason.clone()),
            Self::Plain | Self::Beside | Self::Replacing(..) => None,
        }
    }

    fn substitute(&self) -> Option<&Substitute> {
        match self {
            Self::Replacing(substitute, _) => Some(substitute.as_ref()),
            Self::Plain | Self::Beside | Self::OnPaper(_) => None,
        }
    }
}

/// Freezes the minutes and sends them to their signers: the meeting has this outcome, the case
/// follows. Signatures will stand as `format` says, from the first to the last (R-SIGN-29). Returns
/// the new process.
pub async fn freeze(
    portal: &Portal,
    table: &Table,
    written: &Written,
    format: Format,
    who: Who,
) -> Result<Uuid, SignatureError> {
    let way = match format {
        Format::Pades => Way::Plain,
        Format::Cades => Way::Beside,
    };
    freeze_with(portal, table, written, way, who).await
}

/// Where signatures will stand; for another signer, where they did.
async fn format_for(portal: &Portal, way: &Way) -> Result<Format, SignatureError> {
    Ok(match way {
        Way::Plain | Way::OnPaper(_) => Format::Pades,
        Way::Beside => Format::Cades,
        Way::Replacing(_, before) => store::replay(&portal.db, before).await?.plan().format,
    })
}

pub(super) async fn freeze_with(
    portal: &Portal,
    table: &Table,
    written: &Written,
    way: Way,
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
    let table = &way.substitute().map_or_else(|| table.clone(), |one| one.seated_at(table));
    let seat = |seat: SeatKind| table.sitting.iter().find(|one| one.seat == seat);
    let steps_back = |kind| way.substitute().is_some_and(|one| one.leaves_out(kind));
    let seats = minutes.signers_among(|kind| seat(kind).is_some() && !steps_back(kind));
    let signers: Vec<&Sitting> = seats.iter().filter_map(|kind| seat(*kind)).collect();
    check(outcome, &signers)?;

    let now = portal.now();
    let annexes = annexes::load(portal, table, written).await?;
    let mut form = compose::form(&table.facts(), written, &minutes.template, annexes, &seats, now);
    form.by_hand = matches!(way, Way::OnPaper(_));
    let title = form.title.clone();
    let frozen = craft::freeze(&portal.signing, form).await?;
    let document = Digest::of(&frozen.pdf);
    filing::keep(portal, table.body.id, frozen.pdf.into()).await?;

    let id = portal.new_id();
    let term = portal.profile(&table.case.procedure).signatures.days_for(outcome);
    let people: Vec<(SeatKind, UserId)> =
        signers.iter().map(|one| (one.seat, one.person.id)).collect();
    let plan = rules::plan(id, document, &people, now + TimeDelta::days(term.into()));
    let format = format_for(portal, &way).await?;
    let plan = Plan { on_paper: way.reason(), format, ..plan };
    let (mut process, started) = Process::start(plan, now)?;
    let mut events = vec![started];
    events.extend(process.handle(Input::Send, now)?);

    let mut tx = portal.db.begin().await?;
    let by = By { user: who.user, role: Some(crate::accounts::Role::Conciliator) };
    let (body, meeting) = (&table.body, table.meeting.id);
    // A document at signature is taken before the case, as whoever signs it does.
    if let Way::Replacing(substitute, old) = &way {
        replacing::take_back_in(&mut tx, portal, old, substitute, who).await?;
    }
    let mut case = conclude_in(&mut tx, portal, body, meeting, outcome, by).await?;
    if case.rules.conciliator != who.user {
        // Replaced while the document was typeset.
        return Err(SignatureError::NotAllowed);
    }
    if store::is_open_in(&mut tx, body.id.0, meeting.0).await? {
        let words = "Un verbale di questo incontro è già alla firma o firmato.";
        return Err(SignatureError::Unfit(words.to_owned()));
    }
    let by_hand = matches!(way, Way::OnPaper(_));
    consented(&consent::answers_in(&mut tx, table).await?, portal, table, &seats, by_hand)?;
    if by_hand {
        note_in(&mut tx, portal, &case, CaseEvent::PutOnPaper, by).await?;
    }
    if let Some(act) = way.substitute().and_then(|one| one.act(&case.rules)) {
        case = act_in(&mut tx, portal, body, case.id, &act, by).await?;
    }
    if outcome.needs_signatures() && case.rules.state == CaseState::Held {
        case = act_in(&mut tx, portal, body, case.id, &Act::SendToSignature, by).await?;
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
    let is_first = store::versions_in(&mut tx, body.id.0, meeting.0).await? == 0;
    store::insert(&mut tx, &new, &process, &events, who, now).await?;
    let letter = ending::Letter {
        subject: "Verbale alla firma",
        text: invitation(outcome, is_first, &way),
        key: &format!("sign/{id}"),
    };
    let invited: Vec<_> = signers.iter().map(|one| one.person.clone()).collect();
    ending::tell(&mut tx, portal, body, &case, meeting, &invited, &letter).await?;
    if let Way::Replacing(_, old) = &way {
        replacing::tell_others_in(&mut tx, portal, table, old, &invited).await?;
    }
    tx.commit().await?;
    portal.signing.live.changed(meeting, LiveTopic::Minutes);
    portal.signing.live.changed(meeting, LiveTopic::Signatures);
    Ok(id)
}

/// R-SIGN-37: digital with the consent of every party that signs, on paper without.
fn consented(
    answers: &consent::Answers,
    portal: &Portal,
    table: &Table,
    signers: &[SeatKind],
    by_hand: bool,
) -> Result<(), SignatureError> {
    let choices = &portal.profile(&table.case.procedure).signatures.digital_consent;
    let present = |seat| table.sitting.iter().any(|one| one.seat == seat);
    let needed = consent::needed(choices, present, signers);
    let words = match (consent::unanimous(&needed, answers), by_hand) {
        (true, false) | (false, true) => return Ok(()),
        (false, false) => {
            "Manca il consenso di tutte le parti alla forma digitale: registralo, oppure procedi con \
             la firma su carta."
        }
        (true, true) if needed.is_empty() => {
            "In questo caso il verbale si firma in forma digitale."
        }
        (true, true) => {
            "Tutte le parti hanno acconsentito alla forma digitale: il verbale non si firma su carta."
        }
    };
    Err(SignatureError::Unfit(words.to_owned()))
}

/// What the signers are told.
fn invitation(outcome: Outcome, is_first: bool, way: &Way) -> &'static str {
    match way {
        Way::Replacing(..) => {
            "un firmatario è stato sostituito: una nuova versione del verbale dell'incontro è pronta \
             per la tua firma; le versioni precedenti, e le firme su di esse, non valgono più."
        }
        Way::Plain | Way::Beside if !is_first => {
            "una nuova versione del verbale dell'incontro è pronta per la tua firma; le versioni \
             precedenti, e le firme su di esse, non valgono più."
        }
        Way::Plain | Way::Beside if outcome == Outcome::Proposal => {
            "è stata formulata una proposta di accordo: firmandola la accetti, e puoi anche \
             rifiutarla. Senza risposta entro il termine si intende rifiutata."
        }
        Way::OnPaper(_) => {
            "il verbale dell'incontro è pronto: si firma a mano, su carta, davanti al mediatore."
        }
        Way::Plain | Way::Beside => "il verbale dell'incontro è pronto per la tua firma.",
    }
}

/// A certificate needs a codice fiscale, and a code a mobile (R-SIGN-15, R-SIGN-22).
pub(super) fn can_sign(person: &Person) -> bool {
    !person.fiscal_code.is_empty() && !person.mobile.is_empty()
}

/// An agreement, and what becomes one, needs both sides, a withdrawal the one that withdraws
/// (R-SIGN-34).
fn check(outcome: Outcome, signers: &[&Sitting]) -> Result<(), SignatureError> {
    let needed: &[(Side, &str)] = match outcome {
        Outcome::Agreement | Outcome::Proposal => {
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
        if !can_sign(&one.person) {
            let name = one.person.name();
            return Err(SignatureError::Unfit(format!(
                "{name} ({}) non può firmare: nel profilo mancano codice fiscale o cellulare.",
                one.label
            )));
        }
    }
    Ok(())
}
