//! What people are told about a video identification, by mail and SMS.

use super::rules::{Contact, Event};
use super::store::VideoRecord;
use super::{VideoError, operators};
use crate::accounts::{self, Person};
use crate::bodies::{self, Body};
use crate::calendar;
use crate::db::{DbError, Tx};
use crate::notifications::{self, Channel, Message};
use crate::portal::Portal;

/// Where the person goes on.
pub(super) const OWN_PAGE: &str = "/identificazione";
/// Where operators go on.
pub(super) const QUEUE_PAGE: &str = "/identificazioni";

/// Tells everybody concerned what an event means for them. `version` makes the message's key.
pub(super) async fn tell(
    tx: &mut Tx,
    portal: &Portal,
    record: &VideoRecord,
    event: &Event,
) -> Result<(), VideoError> {
    let (db, body) = (&portal.db, body_of(portal, record).await?);
    if let Event::Requested { .. } = event {
        for operator in operators::all(db, record.body).await? {
            let text = format!(
                "Una persona chiede di essere identificata in video.\n\nLa trovi in coda: {}",
                portal.link(&body, QUEUE_PAGE)
            );
            let subject = "Richiesta di video-identificazione";
            mail(tx, portal, record, &body, &operator, subject, &text, "requested").await?;
        }
        return Ok(());
    }
    let person = accounts::store::person(db, record.body, record.video.person).await?;
    let person = person.ok_or(VideoError::NotFound)?;
    let link = portal.link(&body, OWN_PAGE);
    let (key, subject, text) = match event {
        Event::Appointed { at, .. } => (
            "appointed",
            "Appuntamento per la video-identificazione",
            format!(
                "L'operatore ti aspetta il {} (ora italiana). Tieni pronti un documento d'identità \
                 valido e il cellulare, ed entra da qui: {link}",
                calendar::show(*at)
            ),
        ),
        Event::Taken { .. } => (
            "taken",
            "L'operatore è pronto a identificarti",
            format!("L'operatore ti aspetta adesso nella stanza riservata. Entra da qui: {link}"),
        ),
        Event::PutBack { .. } => (
            "put_back",
            "Video-identificazione interrotta",
            format!("La sessione è stata interrotta: sei di nuovo in coda. Segui da qui: {link}"),
        ),
        Event::Approved { expires_at, .. } => (
            "approved",
            "Identificazione riuscita",
            format!(
                "La tua identità è stata verificata in video. Vale fino al {}: ora puoi firmare. {link}",
                calendar::show_day(calendar::day_of(*expires_at))
            ),
        ),
        Event::Refused { .. } => (
            "refused",
            "Identificazione non riuscita",
            format!("La tua identità non è stata verificata. Il motivo e come proseguire: {link}"),
        ),
        Event::Lapsed => (
            "lapsed",
            "Richiesta di video-identificazione decaduta",
            format!("La richiesta è rimasta senza seguito ed è decaduta. Puoi rifarla: {link}"),
        ),
        _ => return Ok(()),
    };
    mail(tx, portal, record, &body, &person, subject, &text, key).await?;
    if matches!(event, Event::Taken { .. }) {
        let message = Message {
            channel: Channel::Sms,
            to: person.mobile.clone(),
            subject: String::new(),
            text: format!(
                "{}: l'operatore ti aspetta per la video-identificazione. {link}",
                body.name
            ),
            key: format!("video/{}/{}/taken/sms", record.id, record.version),
        };
        send(tx, portal, record, &message).await?;
    }
    Ok(())
}

/// Sends a code to a contact of the person's account.
pub(super) async fn send_code(
    tx: &mut Tx,
    portal: &Portal,
    record: &VideoRecord,
    contact: Contact,
    code: &str,
) -> Result<(), VideoError> {
    let person = accounts::store::person_in(tx, record.body, record.video.person).await?;
    let person = person.ok_or(VideoError::NotFound)?;
    let minutes = portal.settings.code_life.num_minutes();
    let text =
        format!("{code} è il codice per la tua video-identificazione. Vale {minutes} minuti.");
    let (channel, to, subject) = match contact {
        Contact::Mobile => (Channel::Sms, person.mobile, String::new()),
        Contact::Email => (Channel::Mail, person.email, "Codice di conferma".to_owned()),
    };
    let key = format!("video/{}/{}/code/{}", record.id, record.version, contact.key());
    send(tx, portal, record, &Message { channel, to, subject, text, key }).await
}

#[expect(clippy::too_many_arguments, reason = "one message: from where, to whom, with what")]
async fn mail(
    tx: &mut Tx,
    portal: &Portal,
    record: &VideoRecord,
    body: &Body,
    to: &Person,
    subject: &str,
    text: &str,
    key: &str,
) -> Result<(), VideoError> {
    let message = Message {
        channel: Channel::Mail,
        to: to.email.clone(),
        subject: subject.to_owned(),
        text: format!("Gentile {},\n\n{text}\n\n{}", to.name(), body.name),
        key: format!("video/{}/{}/{key}/{}", record.id, record.version, to.id.0),
    };
    send(tx, portal, record, &message).await
}

async fn send(
    tx: &mut Tx,
    portal: &Portal,
    record: &VideoRecord,
    message: &Message,
) -> Result<(), VideoError> {
    let (body, id, now) = (record.body.0, portal.new_id(), portal.now());
    notifications::send(tx, body, id, message, now).await?;
    Ok(())
}

async fn body_of(portal: &Portal, record: &VideoRecord) -> Result<Body, DbError> {
    let all = bodies::all(&portal.db).await?;
    let body = all.into_iter().find(|body| body.id == record.body);
    body.ok_or_else(|| DbError::from(sqlx::Error::RowNotFound))
}
