//! What a page shows a signer of the own part: what to do next.

use signing::process::{Format, Step};

use super::conditions::{Condition, IN_FORCE};
use super::rules::{self, Need, OwnDevice};
use super::store::ProcessRow;
use super::view::{Seen, is_used_up};
use super::{SignatureError, leave, powers, settling, steps};
use crate::accounts::{self, UserId};
use crate::bodies::BodyId;
use crate::portal::Portal;

/// The visitor's own part.
pub struct OwnView {
    /// Digest of the frozen document: what the code signs.
    pub base: String,
    pub key: &'static str,
    pub stage: Stage,
    pub may_refuse: bool,
    /// What an own device is good for at this moment.
    pub device: Option<Device>,
    /// The last day on which the visitor may sign for another, if that is near (R-SIGN-05).
    pub ends: Option<String>,
}

/// The way of who signs with an own device (R-SIGN-29).
pub struct Device {
    /// The others' signatures are to be checked first.
    pub check_first: bool,
    /// Name of the file to download.
    pub file: String,
    /// A signed file (P7M) comes back, not a PDF.
    pub p7m: bool,
}

/// What the visitor does next.
pub enum Stage {
    Identify,
    Conditions(Vec<ConditionView>),
    Contacts(Contacts),
    Wait(&'static str),
    Check,
    Request,
    Code,
    /// Leave is given on the trust service's page.
    Leave,
    UsedUp,
    /// Why the visitor may not sign for another (R-SIGN-05).
    NoPowers(String),
    Done,
    /// Signed by hand, with the others (R-SIGN-37).
    DoneByHand,
}

/// One box to tick.
pub struct ConditionView {
    pub key: &'static str,
    pub title: &'static str,
    pub version: &'static str,
    pub digest: String,
    pub ticked: bool,
    pub missing: bool,
}

/// Where the code goes, recognised by its owner only.
pub struct Contacts {
    pub mobile: String,
    pub email: String,
}

impl OwnView {
    /// Nothing is left to do.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::DoneByHand)
    }

    /// What `visitor` has to do next; nothing for people who do not sign, or in a process that
    /// ended without them. `form`: boxes of a form that was refused.
    pub async fn of(
        portal: &Portal,
        seen: &Seen,
        visitor: UserId,
        form: &Ticks,
    ) -> Result<Option<Self>, SignatureError> {
        let Seen { row, process } = seen;
        let Some(field) = steps::field_of(process, visitor) else { return Ok(None) };
        let Some(state) = process.signer(field) else { return Ok(None) };
        let need = rules::need(process, field, portal.now());
        let overdue = row.open && portal.now() >= row.expires_at;
        let standing = match need {
            Need::Nothing => None,
            _ => powers::standings(portal, row, process).await?.remove(field),
        };
        let missing = standing.as_ref().filter(|one| one.missing);
        let missing = missing.map(|one| powers::to_signer(&one.words));
        let ends = standing.and_then(|one| one.ends_soon);
        let stage = match need {
            Need::Nothing if state.step == Step::Signed && process.on_paper().is_some() => {
                Stage::DoneByHand
            }
            Need::Nothing if state.step == Step::Signed => Stage::Done,
            Need::Nothing => return Ok(None),
            _ if overdue => Stage::Wait("Il termine per firmare è scaduto."),
            _ if settling::waits(portal, row, field).await? => Stage::Wait(
                "La tua firma è stata apposta ed è al sicuro: manca la marca temporale, che sarà \
                 aggiunta appena il servizio risponde.",
            ),
            _ if missing.is_some() => Stage::NoPowers(missing.unwrap_or_default()),
            Need::Identify => Stage::Identify,
            Need::Conditions => Stage::Conditions(conditions(form)),
            Need::Contacts => Stage::Contacts(contacts(portal, row, visitor).await?),
            Need::Others => Stage::Wait("Potrai firmare quando le parti avranno firmato."),
            Need::Check => Stage::Check,
            Need::Request if is_used_up(process, field) => Stage::UsedUp,
            Need::Request | Need::Code if leave::is_given_there(portal) => Stage::Leave,
            Need::Request => Stage::Request,
            Need::Code => Stage::Code,
            Need::Busy => Stage::Wait("La firma è in corso: la pagina si aggiorna da sola."),
        };
        let may_refuse = !overdue && !matches!(stage, Stage::Done) && need != Need::Busy;
        let base = process.plan().document.to_string();
        let check_first = match rules::on_own_device(process, field, portal.now()) {
            _ if matches!(stage, Stage::Wait(_) | Stage::Check | Stage::NoPowers(_)) => None,
            OwnDevice::No => None,
            OwnDevice::Check => Some(true),
            OwnDevice::Ready => Some(false),
        };
        let file = format!("{}.pdf", row.title.replace('/', "-"));
        let p7m = process.plan().format == Format::Cades;
        let device = check_first.map(|check_first| Device { check_first, file, p7m });
        let key = match stage {
            Stage::Leave => "leave",
            Stage::NoPowers(_) => "powers",
            _ => key(need),
        };
        Ok(Some(Self { base, key, stage, may_refuse, device, ends }))
    }
}

/// Boxes of a form that was refused.
#[derive(Debug, Default)]
pub struct Ticks {
    /// Keys of the boxes that were ticked.
    pub ticked: Vec<String>,
    /// Keys of the boxes that must be.
    pub missing: Vec<&'static str>,
}

async fn contacts(
    portal: &Portal,
    row: &ProcessRow,
    visitor: UserId,
) -> Result<Contacts, SignatureError> {
    let person = accounts::store::person(&portal.db, BodyId(row.body), visitor).await?;
    let person = person.ok_or(SignatureError::NotFound)?;
    Ok(Contacts { mobile: rules::masked(&person.mobile), email: rules::masked(&person.email) })
}

fn conditions(form: &Ticks) -> Vec<ConditionView> {
    let view = |condition: &Condition| ConditionView {
        key: condition.key,
        title: condition.title,
        version: condition.version,
        digest: condition.digest().to_string(),
        ticked: form.ticked.iter().any(|key| key == condition.key),
        missing: form.missing.contains(&condition.key),
    };
    IN_FORCE.iter().map(view).collect()
}

fn key(need: Need) -> &'static str {
    match need {
        Need::Identify => "identify",
        Need::Conditions => "conditions",
        Need::Contacts => "contacts",
        Need::Others => "others",
        Need::Check => "check",
        Need::Request => "request",
        Need::Code => "code",
        Need::Busy => "busy",
        Need::Nothing => "nothing",
    }
}
