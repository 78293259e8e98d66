//! The page of a meeting's minutes: the draft while it is written, the signatures once it is frozen.
//! It stands alone and in the room's side panel.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_extra::extract::Form;
use serde::Deserialize;
use serde_json::json;
use signing::ports::MinutesForm;
use uuid::Uuid;

use super::commands::{self, DraftError, Written};
use super::table::Table;
use super::view::{
    DraftView, Lost, OrderView, Places, PreviewView, Refused, SendingView, current, draft_view,
    lost, preview_view, version_of,
};
use super::{annexes, compose, store};
use crate::calendar;
use crate::cases::Outcome;
use crate::documents::DocumentId;
use crate::documents::export::disposition;
use crate::guests;
use crate::meetings::MeetingId;
use crate::portal::Portal;
use crate::procedures::SeatKind;
use crate::signatures::consent_pages::{self, ConsentView};
use crate::signatures::copies::{self, Version};
use crate::signatures::own_view::{OwnView, Stage, Ticks};
use crate::signatures::pages::{Caller, file};
use crate::signatures::recipients_pages::RecipientsView;
use crate::signatures::replacing_pages::{Group, groups};
use crate::signatures::store::Who;
use crate::signatures::view::{CopiesView, ProcessView, Seen, looked_at};
use crate::signatures::{SignatureError, craft, powers, store as signatures};
use crate::web::{Answer, Chrome, PageError, Path, Visit, done, html_with, wants_json};

/// Addresses of this feature.
pub fn routes() -> Router<Portal> {
    Router::new()
        .route("/incontri/{id}/verbale", get(show))
        .route("/incontri/{id}/verbale/versione", get(version))
        .route("/incontri/{id}/verbale/bozza", post(save))
        .route("/incontri/{id}/verbale/mostra", post(present))
        .route("/incontri/{id}/verbale/anteprima.pdf", get(preview))
}

#[derive(Template)]
#[template(path = "minutes/page.html")]
struct MinutesPage {
    chrome: Chrome,
    meeting: MeetingId,
    case_number: String,
    /// Where the visitor came from; nowhere for who only gets a copy.
    back: Option<String>,
    time: String,
    version: String,
    draft: Option<DraftView>,
    preview: Option<PreviewView>,
    process: Option<ProcessView>,
    own: Option<OwnView>,
    may_cancel: bool,
    /// The outcome whose signatures can be given up.
    may_abandon: Option<Outcome>,
    /// Who could sign in place of whom.
    substitutes: Vec<Group>,
    consent: Option<ConsentView>,
    /// The visitor uploads the scan of what was signed by hand.
    may_scan: bool,
    /// The copies of the minutes, if every recipient has an own one (R-SIGN-27).
    copies: Option<CopiesView>,
    /// Behind every address that is about the document on the page.
    suffix: String,
    /// The secretariat puts to signature what was written (R-SIGN-25).
    sending: Option<SendingView>,
    /// Who will sign, in what order (R-SIGN-26).
    order: Option<OrderView>,
    /// Who would get an own copy.
    recipients: Option<RecipientsView>,
    /// Who at the table could not sign now, and why; for who writes the minutes (R-SIGN-05).
    without_powers: Vec<String>,
    errors: Refused,
    lost: Lost,
}

impl MinutesPage {
    /// Whether all that was signed can go to conservation now (R-SIGN-32).
    fn hands_over(&self) -> bool {
        let void = self.copies.as_ref().is_some_and(|copies| copies.void);
        let complete = |one: &ProcessView| one.completed && one.may_see_evidence;
        self.process.as_ref().is_some_and(complete) && !void
    }
}

/// The table of a meeting, if the visitor has anything to do there.
pub(crate) async fn at_table(
    portal: &Portal,
    visit: &Visit,
    meeting: Uuid,
) -> Result<Table, PageError> {
    let table = Table::seen(portal, &visit.body, &visit.actor, MeetingId(meeting)).await?;
    let mut table = table.ok_or(PageError::NotFound)?;
    table.copy = copies::asked_for(&visit.query);
    Ok(table)
}

async fn show(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let who = caller.of(&visit);
    let table = at_table(&portal, &visit, id).await?;
    page(&portal, visit, table, who, StatusCode::OK, Refused::default()).await
}

/// The page with a form's errors on it.
pub(crate) async fn refused(
    portal: &Portal,
    visit: Visit,
    table: Table,
    who: Who,
    errors: Refused,
) -> Answer {
    page(portal, visit, table, who, StatusCode::UNPROCESSABLE_ENTITY, errors).await
}

async fn page(
    portal: &Portal,
    visit: Visit,
    table: Table,
    who: Who,
    status: StatusCode,
    errors: Refused,
) -> Answer {
    let (body, meeting) = (table.body.id, table.meeting.id);
    let draft = store::find(&portal.db, body.0, meeting.0).await?;
    let newest = Version::newest(&portal.db, body.0, meeting.0, visit.actor.user).await?;
    let is_settled = newest.as_ref().is_some_and(Version::is_settled);
    let is_open = newest.as_ref().is_some_and(Version::is_open);
    let seen = match newest.clone() {
        Some(version) => {
            let row = version.shown(table.copy, table.watches);
            Some(looked_at(portal, row, visit.actor.user, who).await?)
        }
        None => None,
    };
    let (mut process, mut own, mut copies) = (None, None, None);
    if let (Some(seen), Some(newest)) = (&seen, &newest) {
        copies = CopiesView::of(newest, &seen.row, table.watches);
        own = OwnView::of(portal, seen, visit.actor.user, &errors.ticks).await?;
        let (visitor, watches) = (visit.actor.user, table.watches);
        process = Some(ProcessView::of(portal, seen, visitor, is_settled, watches).await?);
    }
    let consent = consent_pages::view(portal, &table, is_settled).await?;
    let version = version_of(
        &table,
        draft.as_ref(),
        (newest.as_ref(), seen.as_ref()),
        own.as_ref(),
        consent.as_ref(),
    );
    let outcomes = table.outcomes(portal);
    let writes = table.leads && !is_settled && !outcomes.is_empty();
    let sends = table.sends() && !is_settled;
    let (mut sending, mut order, mut recipients) = (None, None, None);
    if writes || sends && draft.is_some() {
        let written = current(&table, draft.as_ref(), &outcomes);
        let signers = table.signers(portal, written.outcome);
        order = Some(OrderView::of(&table, written.outcome, &signers));
        recipients = Some(RecipientsView::of(portal, &table, &signers, &errors).await?)
            .filter(|_| table.starts);
        sending = draft.as_ref().filter(|_| sends).map(|draft| SendingView {
            revision: draft.revision,
            possible: outcomes.contains(&draft.outcome),
        });
    }
    let offered = if writes { annexes::offered(portal, &table).await? } else { Vec::new() };
    let proposal = match outcomes.contains(&Outcome::NoAgreement) && writes {
        true => annexes::proposal(portal, &table, Outcome::NoAgreement).await?,
        false => None,
    };
    let written = errors.written.as_ref();
    let substitutes = groups(portal, &table, seen.as_ref()).await?;
    let may_scan = table.leads
        && seen.as_ref().is_some_and(|seen| seen.row.open && seen.process.on_paper().is_some());
    let on_paper = consent.as_ref().is_some_and(|view| view.may_go_on_paper) && writes;
    let places = Places {
        substitutes: !substitutes.is_empty(),
        consent: consent.is_some(),
        paper: may_scan || on_paper,
        recipients: recipients.is_some(),
    };
    let lost = lost(&errors, writes || sending.is_some(), own.as_ref(), places);
    let back = match &visit.actor.guest {
        None => Some(format!("/incontri/{meeting}")),
        Some(guest) if guest.seat == SeatKind::Recipient => None,
        Some(_) => Some(guests::pages::OWN.to_owned()),
    };
    let page = MinutesPage {
        back,
        meeting,
        case_number: table.case.shown_number().to_owned(),
        time: calendar::show(table.meeting.rules.slot.starts_at),
        version,
        draft: writes.then(|| DraftView {
            proposal: proposal.as_ref().map(annexes::what_became_of),
            ..draft_view(&table, draft.as_ref(), &outcomes, written, &offered)
        }),
        preview: draft
            .filter(|draft| (draft.shown || sending.is_some()) && !is_settled && !writes)
            .map(|draft| preview_view(&table, &draft)),
        suffix: seen.as_ref().map(|seen| copies::suffix(&seen.row)).unwrap_or_default(),
        copies,
        sending,
        order,
        recipients,
        substitutes,
        consent,
        may_scan,
        without_powers: if writes { powers::missing(portal, &table) } else { Vec::new() },
        may_cancel: table.leads && is_open,
        may_abandon: table.at_signature().filter(|_| table.leads && !is_settled),
        lost,
        process,
        own,
        errors,
        chrome: visit.chrome,
    };
    html_with(status, &page)
}

async fn version(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let table = at_table(&portal, &visit, id).await?;
    let (body, meeting) = (table.body.id, table.meeting.id);
    let draft = store::find(&portal.db, body.0, meeting.0).await?;
    let mut own = None;
    let mut seen = None;
    let newest = Version::newest(&portal.db, body.0, meeting.0, visit.actor.user).await?;
    if let Some(version) = newest.clone() {
        let row = version.shown(table.copy, table.watches);
        let process = signatures::replay(&portal.db, &row).await?;
        let now = Seen { row, process };
        own = OwnView::of(&portal, &now, visit.actor.user, &Ticks::default()).await?;
        seen = Some(now);
    }
    let settled = newest.as_ref().is_some_and(Version::is_settled);
    let consent = consent_pages::view(&portal, &table, settled).await?;
    let version = version_of(
        &table,
        draft.as_ref(),
        (newest.as_ref(), seen.as_ref()),
        own.as_ref(),
        consent.as_ref(),
    );
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(json!({ "version": version }))).into_response())
}

/// The page's form of the draft.
#[derive(Deserialize)]
pub(crate) struct DraftForm {
    #[serde(default)]
    revision: String,
    #[serde(default)]
    esito: String,
    #[serde(default)]
    testo: String,
    #[serde(default)]
    allegato: Vec<DocumentId>,
    /// Where signatures will stand; asked for at the end, not part of the draft.
    #[serde(default)]
    pub(crate) formato: String,
}

impl DraftForm {
    /// What was written; browsers send CR LF.
    fn written(&self) -> Result<Written, DraftError> {
        Ok(Written {
            outcome: self.esito.parse().map_err(|_| DraftError::Outcome)?,
            text: self.testo.replace("\r\n", "\n"),
            revision: self.revision.parse().unwrap_or(0),
            annexes: self.allegato.clone(),
        })
    }
}

/// The refusal beside the field it is about.
fn placed(error: DraftError, written: Option<Written>) -> Result<Refused, PageError> {
    let text = Some(error.to_string());
    let errors = Refused { written, ..Refused::default() };
    Ok(match error {
        DraftError::NotAllowed => return Err(PageError::Forbidden),
        DraftError::Db(error) => return Err(error.into()),
        DraftError::Outcome => Refused { outcome: text, ..errors },
        DraftError::TooLong | DraftError::Character(_) => Refused { text, ..errors },
        DraftError::Overtaken | DraftError::OutcomeChanged => Refused { draft: text, ..errors },
    })
}

async fn save(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Form(form): Form<DraftForm>,
) -> Answer {
    let (who, table) = (caller.of(&visit), at_table(&portal, &visit, id).await?);
    let wants_json = wants_json(&headers);
    let saved = match write(&portal, &table).await? {
        Writing::Open => match form.written() {
            Ok(written) if wants_json => commands::save(&portal, &table, &written, false).await,
            Ok(written) => {
                let written = commands::adapted(written, &table, &table.outcomes(&portal));
                commands::save(&portal, &table, &written, false).await
            }
            Err(error) => Err(error),
        },
        Writing::Over => Err(DraftError::Overtaken),
    };
    if wants_json {
        return Ok(match saved {
            Ok(revision) => {
                let time = calendar::show_time(portal.now());
                let mut message = format!("Salvato alle {time}.");
                if let Some(character) = portal.signing.typesetter.unprintable(&form.testo) {
                    message.push(' ');
                    message.push_str(&DraftError::Character(character).to_string());
                }
                Json(json!({ "revision": revision, "message": message })).into_response()
            }
            Err(DraftError::Db(error)) => return Err(error.into()),
            Err(error) => {
                let message = Json(json!({ "message": error.to_string() }));
                (StatusCode::CONFLICT, message).into_response()
            }
        });
    }
    match saved {
        Ok(_) => Ok(done(&format!("/incontri/{}/verbale", table.meeting.id), "Bozza salvata.")),
        Err(error) => {
            let errors = placed(error, form.written().ok())?;
            refused(&portal, visit, table, who, errors).await
        }
    }
}

/// Whether there is a draft to write.
enum Writing {
    Open,
    /// It is at signature, or signed.
    Over,
}

async fn write(portal: &Portal, table: &Table) -> Result<Writing, PageError> {
    if !table.leads {
        return Err(PageError::Forbidden);
    }
    let (body, meeting) = (table.body.id.0, table.meeting.id.0);
    let conciliator = table.case.rules.conciliator.ok_or(PageError::Forbidden)?;
    let newest = Version::newest(&portal.db, body, meeting, conciliator).await?;
    let over = newest.as_ref().is_some_and(Version::is_settled);
    Ok(if over { Writing::Over } else { Writing::Open })
}

async fn present(
    State(portal): State<Portal>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<Uuid>,
    Form(form): Form<DraftForm>,
) -> Answer {
    let (who, table) = (caller.of(&visit), at_table(&portal, &visit, id).await?);
    match saved_to_be_read(&portal, &table, &form, true).await? {
        Ok(_) => {
            let text = "Tutti i partecipanti vedono l'anteprima.";
            Ok(done(&format!("/incontri/{}/verbale", table.meeting.id), text))
        }
        Err(errors) => refused(&portal, visit, table, who, *errors).await,
    }
}

/// Saves what is on the page, if others may read it as it stands; `show` lets them.
pub(crate) async fn saved_to_be_read(
    portal: &Portal,
    table: &Table,
    form: &DraftForm,
    show: bool,
) -> Result<Result<Written, Box<Refused>>, PageError> {
    let outcomes = table.outcomes(portal);
    let draft = store::find(&portal.db, table.body.id.0, table.meeting.id.0).await?;
    let before = current(table, draft.as_ref(), &outcomes).outcome;
    let saved = match (write(portal, table).await?, form.written()) {
        (Writing::Over, _) => Err(DraftError::Overtaken),
        (_, Err(error)) => Err(error),
        (Writing::Open, Ok(written)) => {
            let written = commands::adapted(written, table, &outcomes);
            let checked = commands::check(portal, &written, before);
            match commands::save(portal, table, &written, show && checked.is_ok()).await {
                Err(error) => Err(error),
                Ok(revision) => {
                    let written = Written { revision, ..written };
                    match checked {
                        Ok(()) => return Ok(Ok(written)),
                        Err(error) => return Ok(Err(Box::new(placed(error, Some(written))?))),
                    }
                }
            }
        }
    };
    match saved {
        Ok(written) => Ok(Ok(written)),
        Err(error) => Ok(Err(Box::new(placed(error, form.written().ok())?))),
    }
}

async fn preview(State(portal): State<Portal>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let table = at_table(&portal, &visit, id).await?;
    let pdf = draft_pdf(&portal, &table).await?;
    Ok(file("application/pdf", &disposition(true, "Anteprima del verbale.pdf"), pdf))
}

/// The minutes as they would look now, for those who may see them.
pub async fn draft_pdf(portal: &Portal, table: &Table) -> Result<Vec<u8>, PageError> {
    let draft = store::find(&portal.db, table.body.id.0, table.meeting.id.0).await?;
    if !table.leads && !draft.as_ref().is_some_and(|draft| draft.shown || table.sends()) {
        return Err(PageError::NotFound);
    }
    let written = current(table, draft.as_ref(), &table.outcomes(portal));
    let minutes = table.rules(portal, written.outcome).ok_or(PageError::NotFound)?;
    let signers = table.signers(portal, written.outcome);
    let (facts, now) = (table.facts(), portal.now());
    let annexes = match annexes::load(portal, table, &written).await {
        Ok(annexes) => annexes,
        Err(error) => return Err(PageError::Refused(error.explained()?)),
    };
    let form = compose::form(&facts, &written, &minutes.template, annexes, &signers, now);
    let form = MinutesForm { is_preview: true, ..form };
    match craft::preview(&portal.signing, form).await {
        Ok(pdf) => Ok(pdf),
        Err(error) => Err(PageError::Refused(SignatureError::from(error).explained()?)),
    }
}
