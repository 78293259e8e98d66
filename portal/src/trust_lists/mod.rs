//! Trusted lists (ETSI TS 119 612): fetched when there is a network, kept when there is none, and
//! always the newest edition that was ever seen.
//!
//! The list of lists is checked against the configured certificates, a national list against those
//! that the list of lists names, and the list of lists also against those whom its pivots name. What is kept is checked again whenever it is read. A list that cannot
//! be had, or should have been renewed, is told to the administrators after some days.

mod pivots;
mod store;

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use signing::ports::{ListSource, NewerList};
use signing::verify::{Edition, TrustAnchors};
use signing_trust_lists::{ListError, Signers, TrustList};

use self::pivots::Chain;
use self::store::KeptList;
use crate::calendar;
use crate::db::DbError;
use crate::notifications::{self, Channel, Message};
use crate::portal::Portal;

/// The list of lists among those that are kept; no territory has such a code.
const LOTL: &str = "LOTL";
/// Whether there is a newer edition is asked so often.
const PAUSE: TimeDelta = TimeDelta::hours(6);
/// After a failure it is tried again so soon.
const RETRY: TimeDelta = TimeDelta::minutes(15);
/// What lasts so long is told to the administrators.
const PATIENCE: TimeDelta = TimeDelta::days(2);

/// Which lists an installation follows.
#[derive(Clone)]
pub struct Followed {
    /// Where the list of lists is.
    pub location: String,
    /// Who may sign it.
    pub signers: Signers,
    /// Whose national lists are followed: `IT`, ….
    pub territories: Vec<String>,
    /// How they are fetched.
    pub source: Arc<dyn ListSource>,
}

/// What verification starts from: anchors of the installation, and the lists as they are now.
#[derive(Debug)]
pub struct Trust {
    own: TrustAnchors,
    now: RwLock<Now>,
}

#[derive(Clone, Debug, Default)]
struct Now {
    anchors: Arc<TrustAnchors>,
    editions: Vec<Arc<Edition>>,
    /// Which lists it was made of, by name and number.
    from: Option<Vec<(String, i64, String)>>,
}

impl Trust {
    /// No lists yet.
    pub fn new(own: TrustAnchors) -> Self {
        let now = Now { anchors: Arc::new(own.clone()), ..Now::default() };
        Self { own, now: RwLock::new(now) }
    }

    /// The anchors of this moment.
    pub fn anchors(&self) -> Arc<TrustAnchors> {
        self.read().anchors
    }

    /// The national lists among them.
    pub fn editions(&self) -> Vec<Arc<Edition>> {
        self.read().editions
    }

    fn read(&self) -> Now {
        // Nothing panics halfway through a change of it.
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, lists: &[TrustList], from: Vec<(String, i64, String)>) {
        let mut anchors = self.own.clone();
        lists.iter().for_each(|list| anchors.extend(list.anchors()));
        let editions = lists.iter().map(|list| Arc::clone(&list.edition)).collect();
        let now = Now { anchors: Arc::new(anchors), editions, from: Some(from) };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

/// Why a round was broken off; what is wrong with a list stands in its row.
#[derive(Debug, thiserror::Error)]
pub enum TrustListError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A task was lost.
    #[error(transparent)]
    Lost(#[from] tokio::task::JoinError),
}

/// Asks for newer editions of what is due, and lets verification start from what is kept; to be called
/// again and again.
pub async fn round(portal: &Portal) -> Result<(), TrustListError> {
    let Some(followed) = &portal.signing.lists else { return Ok(()) };
    let chain = Chain::kept(&portal.db, followed).await?;
    let wanted = Wanted {
        name: LOTL,
        location: &followed.location,
        who: Who::Chain(&chain),
        territory: None,
    };
    let of_lists = refresh(portal, &*followed.source, &wanted).await?;
    for territory in &followed.territories {
        let pointer = of_lists.as_ref().and_then(|lists| lists.pointers_to(territory).next());
        let Some(pointer) = pointer else { continue };
        let signers = Signers::from(pointer.signers.clone());
        let wanted = Wanted {
            name: territory,
            location: &pointer.location,
            who: Who::Named(&signers),
            territory: Some(territory),
        };
        refresh(portal, &*followed.source, &wanted).await?;
    }
    start_from(portal, followed).await
}

/// Lets verification start from what is kept, unless it does already.
async fn start_from(portal: &Portal, followed: &Followed) -> Result<(), TrustListError> {
    let rows = store::all(&portal.db).await?;
    let from: Vec<_> =
        rows.iter().map(|row| (row.name.clone(), row.sequence, row.tag.clone())).collect();
    let trust = &portal.signing.trust;
    if trust.read().from.as_ref() == Some(&from) {
        return Ok(());
    }
    let signers = Chain::kept(&portal.db, followed).await?.ever;
    let territories = followed.territories.clone();
    let lists = tokio::task::spawn_blocking(move || {
        let row = |name: &str| rows.iter().find(|row| row.name == name && !row.list.is_empty());
        let of_lists = row(LOTL).and_then(|row| TrustList::read(&row.list, &signers).ok());
        let national = territories.iter().filter_map(|territory| {
            let pointer = of_lists.as_ref()?.pointers_to(territory).next()?;
            let list = TrustList::read(&row(territory)?.list, &pointer.signers).ok()?;
            list.must_be(Some(territory), 0).ok().map(|()| list)
        });
        national.collect::<Vec<_>>()
    });
    trust.replace(&lists.await?, from);
    Ok(())
}

/// A list to have.
struct Wanted<'a> {
    name: &'a str,
    location: &'a str,
    who: Who<'a>,
    /// Of a national list.
    territory: Option<&'a str>,
}

/// Who may sign it.
enum Who<'a> {
    /// Those whom the list of lists names.
    Named(&'a Signers),
    /// Of the list of lists itself: the last of a chain.
    Chain(&'a Chain),
}

impl Wanted<'_> {
    /// Who may have signed what is kept.
    fn of_kept(&self) -> &Signers {
        match &self.who {
            Who::Named(signers) => signers,
            Who::Chain(chain) => &chain.ever,
        }
    }

    /// Who may sign what was fetched, after the pivots that it names.
    async fn of_new(
        &self,
        portal: &Portal,
        source: &dyn ListSource,
        file: &[u8],
    ) -> Result<Signers, TrustListError> {
        Ok(match &self.who {
            Who::Named(signers) => (*signers).clone(),
            Who::Chain(chain) => (*chain).clone().follow(portal, source, file).await?.now,
        })
    }
}

/// The list, newer if there is a newer one; nothing if there was never a good one.
async fn refresh(
    portal: &Portal,
    source: &dyn ListSource,
    wanted: &Wanted<'_>,
) -> Result<Option<TrustList>, TrustListError> {
    let now = portal.now();
    let rows = store::all(&portal.db).await?;
    let mut row = rows.into_iter().find(|row| row.name == wanted.name).unwrap_or(KeptList {
        name: wanted.name.to_owned(),
        location: wanted.location.to_owned(),
        list: Vec::new(),
        sequence: 0,
        tag: String::new(),
        due_at: now,
        failing_since: None,
        fault: String::new(),
    });
    let same_place = row.location == wanted.location;
    let mut list = check(wanted, wanted.of_kept(), &row.list, row.sequence).await?.ok();
    if same_place && row.due_at > now {
        return Ok(list);
    }
    let tag = (same_place && list.is_some() && !row.tag.is_empty()).then_some(row.tag.as_str());
    row.fault = match source.newer(wanted.location, tag).await {
        Ok(None) => String::new(),
        Ok(Some(NewerList { bytes, tag })) => {
            let signers = wanted.of_new(portal, source, &bytes).await?;
            match check(wanted, &signers, &bytes, row.sequence).await? {
                Ok(newer) => {
                    row.sequence = newer.edition.sequence.cast_signed();
                    (row.list, row.tag) = (bytes, tag.unwrap_or_default());
                    tracing::info!(list = wanted.name, sequence = row.sequence, "trusted list");
                    list = Some(newer);
                    row.failing_since = None; // what was wrong with the one before is over
                    String::new()
                }
                Err(error) => error.to_string(),
            }
        }
        Err(error) => error.to_string(),
    };
    if let (true, Some(list)) = (row.fault.is_empty(), &list)
        && list.edition.is_expired(now)
    {
        row.fault = "a newer edition is overdue".to_owned();
    }
    wanted.location.clone_into(&mut row.location);
    let fine = row.fault.is_empty();
    row.failing_since = (!fine).then(|| row.failing_since.unwrap_or(now));
    row.due_at = now + if fine { PAUSE } else { RETRY };
    if !fine {
        tracing::warn!(list = wanted.name, fault = row.fault, "trusted list");
    }
    keep(portal, &row, now).await?;
    Ok(list)
}

/// Writes the row, and to the administrators if something has been wrong for long.
async fn keep(portal: &Portal, row: &KeptList, now: DateTime<Utc>) -> Result<(), TrustListError> {
    let long = row.failing_since.filter(|since| now - *since >= PATIENCE);
    let people = match long {
        Some(_) => store::administrators(&portal.db).await?,
        None => Vec::new(),
    };
    let mut tx = portal.db.begin().await?;
    if store::put(&mut tx, row).await?
        && let Some(since) = long
    {
        for person in people {
            let message = Message {
                channel: Channel::Mail,
                to: person.email,
                subject: "Elenco di fiducia non aggiornato".to_owned(),
                text: letter(row, since),
                key: format!("trust-list/{}/{}/{}", row.name, since.timestamp(), person.id),
            };
            notifications::send(&mut tx, person.body, portal.new_id(), &message, now).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

fn letter(row: &KeptList, since: DateTime<Utc>) -> String {
    let used = if row.list.is_empty() {
        "Finora non è mai stato ricevuto: i prestatori che vi sono iscritti non sono riconosciuti."
            .to_owned()
    } else {
        format!("Le firme si verificano con l'ultima edizione ricevuta, la n. {}.", row.sequence)
    };
    format!(
        "L'elenco di fiducia {} ({}) non si aggiorna dal {}.\n\n{used}\n\nMotivo (in inglese): {}\n",
        row.name,
        row.location,
        calendar::show(since),
        row.fault,
    )
}

/// The list in `file` if it is the one that is wanted, and no older than what was seen.
async fn check(
    wanted: &Wanted<'_>,
    signers: &Signers,
    file: &[u8],
    sequence: i64,
) -> Result<Result<TrustList, ListError>, TrustListError> {
    let (file, signers) = (file.to_vec(), signers.clone());
    let territory = wanted.territory.map(ToOwned::to_owned);
    let work = move || {
        let list = TrustList::read(&file, &signers)?;
        list.must_be(territory.as_deref(), sequence.cast_unsigned())?;
        Ok(list)
    };
    Ok(tokio::task::spawn_blocking(work).await?)
}
