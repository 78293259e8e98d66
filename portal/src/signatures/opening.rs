//! Freezing minutes and putting them to signature (R-SIGN-04, R-SIGN-24).

use signing::process::Format;
use uuid::Uuid;

use super::replacing::{self, Substitute};
use super::store::{ProcessRow, Who};
use super::{SignatureError, consent, ending, freezing, powers, recipients, store};
use crate::accounts::Person;
use crate::cases::commands::{By, act_in, note_in};
use crate::cases::rules::{Act, CaseEvent};
use crate::cases::{CaseState, Outcome};
use crate::meetings::commands::conclude_in;
use crate::meetings::people::Sitting;
use crate::minutes::commands::Written;
use crate::minutes::table::Table;
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
    /// Every party and each of these people gets an own copy, which it signs with the neutral person
    /// (R-SIGN-27).
    Copies(Vec<Sitting>),
}

impl Way {
    pub(super) fn reason(&self) -> Option<String> {
        match self {
            Self::OnPaper(reason) => Some(reason.clone()),
            Self::Plain | Self::Beside | Self::Replacing(..) | Self::Copies(_) => None,
        }
    }

    /// Who may put minutes to signature this way: what was agreed on at the table, whoever the profile
    /// lets start (R-SIGN-25); anything else, who leads the meeting.
    fn is_open_to(&self, table: &Table) -> bool {
        match self {
            Self::Plain | Self::Beside | Self::Copies(_) => table.starts,
            Self::Replacing(..) | Self::OnPaper(_) => table.leads,
        }
    }

    fn substitute(&self) -> Option<&Substitute> {
        match self {
            Self::Replacing(substitute, _) => Some(substitute.as_ref()),
            Self::Plain | Self::Beside | Self::OnPaper(_) | Self::Copies(_) => None,
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

/// Gives every party, and everybody who was typed in, an own copy of the minutes (R-SIGN-27).
/// Returns the first process.
pub async fn freeze_copies(
    portal: &Portal,
    table: &Table,
    written: &Written,
    who: Who,
) -> Result<Uuid, SignatureError> {
    let typed_in = recipients::of_meeting(portal, table).await?;
    freeze_with(portal, table, written, Way::Copies(typed_in), who).await
}

pub(super) async fn freeze_with(
    portal: &Portal,
    table: &Table,
    written: &Written,
    way: Way,
    who: Who,
) -> Result<Uuid, SignatureError> {
    if !way.is_open_to(table) {
        return Err(SignatureError::NotAllowed);
    }
    if !table.leads && table.meeting.rules.is_going_on() {
        let words = "L'incontro è ancora in corso: il verbale lo mette alla firma chi lo conduce.";
        return Err(SignatureError::Unfit(words.to_owned()));
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
    if let Some((one, lack)) = table.lacks(&signers, now).first() {
        return Err(SignatureError::Unfit(powers::to_leader(one, *lack)));
    }
    let (documents, neutral) = (
        freezing::documents(portal, table, (written, minutes), &way, &signers, now).await?,
        table.case.rules.conciliator,
    );

    let mut tx = portal.db.begin().await?;
    let by = By { user: who.user, role: Some(table.role()) };
    let (body, meeting) = (&table.body, table.meeting.id);
    // A document at signature is taken before the case, as whoever signs it does.
    if let Way::Replacing(substitute, old) = &way {
        replacing::take_back_in(&mut tx, portal, old, substitute, who).await?;
    }
    let mut case = conclude_in(&mut tx, portal, body, meeting, outcome, by).await?;
    if case.rules.conciliator != neutral || (table.leads && neutral != who.user) {
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
    let is_first = store::versions_in(&mut tx, body.id.0, meeting.0).await? == 0;
    let id = freezing::insert_in(&mut tx, table, outcome.key(), &documents, who, now).await?;
    let letter = ending::Letter {
        subject: "Verbale alla firma",
        text: invitation(outcome, is_first, &way),
        key: &format!("sign/{id}"),
    };
    let invited: Vec<_> = signers.iter().map(|one| one.person.clone()).collect();
    ending::tell(&mut tx, portal, body, &case, meeting, &invited, &letter).await?;
    if let Way::Copies(typed_in) = &way {
        recipients::invite_in(&mut tx, portal, table, typed_in, freezing::term(&documents)).await?;
    }
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
        Way::Copies(_) if !is_first => {
            "una nuova copia del verbale dell'incontro, solo tua, è pronta per la tua firma; le \
             versioni precedenti, e le firme su di esse, non valgono più."
        }
        Way::Copies(_) => {
            "una copia del verbale dell'incontro, solo tua, è pronta per la tua firma."
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
