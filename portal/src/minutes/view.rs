//! What the page of the minutes shows, and what a form on it did wrong.

use signing::Digest;

use super::commands::{self, Written};
use super::table::Table;
use super::{Draft, annexes, compose};
use crate::accounts::personal::{PersonalComplaints, PersonalData};
use crate::calendar;
use crate::cases::Outcome;
use crate::documents::DocumentId;
use crate::documents::store::Document;
use crate::procedures::SeatKind;
use crate::signatures::consent_pages::ConsentView;
use crate::signatures::copies::Version;
use crate::signatures::own_view::{OwnView, Stage, Ticks};
use crate::signatures::view::Seen;

/// What a form did wrong, and where.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// About the draft as a whole.
    pub draft: Option<String>,
    /// Beside the outcome.
    pub outcome: Option<String>,
    /// Beside the text.
    pub text: Option<String>,
    /// About the visitor's own signature.
    pub own: Option<String>,
    /// Beside the code.
    pub code: Option<String>,
    /// Beside the reason of a refusal.
    pub reason: Option<String>,
    /// Beside the file that was signed on an own device.
    pub device: Option<String>,
    /// About the consent to the digital form.
    pub consent: Option<String>,
    /// About the way on paper.
    pub paper: Option<String>,
    /// Beside the choice of another signer.
    pub substitute: Option<String>,
    /// About the list of recipients.
    pub recipients: Option<String>,
    /// Beside the fields of a recipient.
    pub person: PersonalComplaints,
    /// The recipient as typed.
    pub typed: Option<PersonalData>,
    /// Boxes of the conditions.
    pub ticks: Ticks,
    /// The draft as it was sent.
    pub written: Option<Written>,
}

pub(super) struct DraftView {
    pub revision: i64,
    pub outcomes: Vec<Choice>,
    pub text: String,
    pub saved: String,
    pub annexes: Vec<AnnexView>,
    /// A proposal that was not accepted, which minutes of no agreement hold by themselves.
    pub proposal: Option<String>,
}

impl DraftView {
    /// Something is chosen.
    pub fn has_annexes(&self) -> bool {
        self.annexes.iter().any(|one| one.chosen)
    }
}

/// A document that can become part of the minutes.
pub(super) struct AnnexView {
    pub id: DocumentId,
    pub title: String,
    pub name: String,
    pub chosen: bool,
}

pub(super) struct Choice {
    pub key: &'static str,
    pub label: &'static str,
    pub chosen: bool,
}

/// Refusals that have no place on the page any more, and the text that was sent with them.
pub(super) struct Lost {
    pub sentences: Vec<String>,
    pub text: Option<String>,
}

/// Minutes that wait to be put to signature by somebody who did not write them.
pub(super) struct SendingView {
    pub revision: i64,
    /// The meeting can still have come to what they say.
    pub possible: bool,
}

/// Who signs, in what order (R-SIGN-26).
pub(super) struct OrderView {
    pub outcome: &'static str,
    /// In any order among themselves: name and role.
    pub parties: Vec<(String, String)>,
    /// Last.
    pub neutral: Vec<(String, String)>,
}

impl OrderView {
    pub fn of(table: &Table, outcome: Outcome, signers: &[SeatKind]) -> Self {
        let signers = signers.iter().filter_map(|seat| {
            let one = table.sitting.iter().find(|one| one.seat == *seat)?;
            Some((*seat, (one.person.name(), one.label.clone())))
        });
        let (neutral, parties): (Vec<_>, Vec<_>) =
            signers.partition(|(seat, _)| *seat == SeatKind::Neutral);
        let named = |all: Vec<(SeatKind, (String, String))>| all.into_iter().map(|(_, one)| one);
        Self {
            outcome: outcome.label(),
            parties: named(parties).collect(),
            neutral: named(neutral).collect(),
        }
    }
}

pub(super) struct PreviewView {
    pub title: String,
    pub paragraphs: Vec<Vec<String>>,
}

/// Which of the smaller forms the page still has.
pub(super) struct Places {
    pub substitutes: bool,
    pub consent: bool,
    pub paper: bool,
    pub recipients: bool,
}

/// What a form was told although its section is gone: somebody else went ahead meanwhile.
pub(super) fn lost(errors: &Refused, writes: bool, own: Option<&OwnView>, places: Places) -> Lost {
    let stage = own.map(|own| &own.stage);
    let gone = [
        (&errors.draft, writes),
        (&errors.outcome, writes),
        (&errors.text, writes),
        (&errors.own, own.is_some()),
        (&errors.code, matches!(stage, Some(Stage::Code))),
        (&errors.reason, own.is_some_and(|own| own.may_refuse)),
        (&errors.device, own.is_some_and(|own| own.device.is_some())),
        (&errors.substitute, places.substitutes),
        (&errors.consent, places.consent),
        (&errors.paper, places.paper),
        (&errors.recipients, places.recipients),
    ];
    let sentences = gone.iter().filter(|(_, has_place)| !has_place);
    Lost {
        sentences: sentences.filter_map(|(sentence, _)| (*sentence).clone()).collect(),
        text: errors.written.as_ref().filter(|_| !writes).map(|written| written.text.clone()),
    }
}

/// Changes whenever the page shows something else. What the conciliator writes does not count for
/// the conciliator: nobody loses words to a page that loads itself anew.
pub(super) fn version_of(
    table: &Table,
    draft: Option<&Draft>,
    (newest, seen): (Option<&Version>, Option<&Seen>),
    own: Option<&OwnView>,
    consent: Option<&ConsentView>,
) -> String {
    let draft = match draft {
        Some(draft) if !table.leads && (draft.shown || table.sends()) => draft.revision,
        _ => 0,
    };
    let consent = consent.map(|view| {
        let answers = view.parties.iter().map(|one| &one.answer);
        answers.map(|it| it.as_ref().map(|it| (it.consents, it.given))).collect::<Vec<_>>()
    });
    let process = seen.map(|seen| {
        let steps: Vec<_> = seen.process.signers().map(|signer| signer.step).collect();
        (seen.row.id, seen.process.status(), steps)
    });
    let copies = newest.map(|newest| {
        newest.copies().iter().map(|one| one.process.status.as_str()).collect::<Vec<_>>()
    });
    let own = own.map(|own| (own.key, matches!(own.stage, Stage::Wait(_))));
    let everybody: Vec<_> = table.sitting.iter().collect();
    let lacks: Vec<_> =
        table.lacks(&everybody, table.at).into_iter().map(|(one, lack)| (one.seat, lack)).collect();
    let state = table.case.rules.state;
    let shown = format!("{draft} {process:?} {copies:?} {own:?} {consent:?} {lacks:?} {state:?}");
    Digest::of(shown.as_bytes()).to_string()[..16].to_owned()
}

pub(super) fn draft_view(
    table: &Table,
    draft: Option<&Draft>,
    outcomes: &[Outcome],
    written: Option<&Written>,
    offered: &[Document],
) -> DraftView {
    let proposed = current(table, draft, outcomes);
    let shown = written.unwrap_or(&proposed);
    let choice = |outcome: &Outcome| Choice {
        key: outcome.key(),
        label: outcome.label(),
        chosen: *outcome == shown.outcome,
    };
    DraftView {
        revision: shown.revision,
        outcomes: outcomes.iter().map(choice).collect(),
        text: shown.text.clone(),
        annexes: offered
            .iter()
            .map(|one| AnnexView {
                id: one.id,
                title: annexes::title(one),
                name: one.name.clone(),
                chosen: shown.annexes.contains(&one.id),
            })
            .collect(),
        proposal: None,
        saved: match (draft, written) {
            (_, Some(_)) => "Le ultime modifiche non sono salvate.".to_owned(),
            (None, None) => "Non ancora salvato.".to_owned(),
            (Some(draft), None) => saved_words(draft),
        },
    }
}

pub(super) fn saved_words(draft: &Draft) -> String {
    let time = calendar::show_time(draft.saved_at);
    let shown = if draft.shown { " Le parti vedono l'anteprima." } else { "" };
    format!("Salvato alle {time}.{shown}")
}

/// The draft as it is, or as it is proposed. An outcome that became impossible gives way.
pub(super) fn current(table: &Table, draft: Option<&Draft>, outcomes: &[Outcome]) -> Written {
    if let Some(draft) = draft {
        let (text, revision) = (draft.text.clone(), draft.revision);
        let annexes = draft.annexes.clone();
        let possible = outcomes.contains(&draft.outcome) || outcomes.is_empty();
        let outcome = if possible { draft.outcome } else { outcomes[0] };
        return commands::adapted(Written { outcome, text, revision, annexes }, table, outcomes);
    }
    let outcome = outcomes.first().copied().unwrap_or(Outcome::NoAgreement);
    let text = compose::prefill(outcome, &table.facts());
    Written { outcome, text, revision: 0, annexes: Vec::new() }
}

pub(super) fn preview_view(table: &Table, draft: &Draft) -> PreviewView {
    let paragraphs = draft.text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    PreviewView {
        title: compose::title(draft.outcome, table.case.shown_number()),
        paragraphs: paragraphs.map(|one| one.lines().map(str::to_owned).collect()).collect(),
    }
}
