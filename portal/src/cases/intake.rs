//! The form with which the service secretariat takes in an application that came on paper.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::Deserialize;

use super::application::{Application, Fault, Urgency};
use super::commands::{self, CaseError, NewCase};
use super::supply::{Service, Utility};
use crate::accounts::{self, Person, Role, UserId};
use crate::calendar;
use crate::organisations::{self, Operator, OperatorId, OperatorKind};
use crate::portal::Portal;
use crate::web::{Answer, Chrome, Visit, done, html_with};

/// The form, as typed. A fault carries the name of its field.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IntakeForm {
    cliente: String,
    delegato_cliente: String,
    operatore: String,
    ausilio: String,
    servizio: String,
    utenza: String,
    contratto: String,
    multisito: String,
    pod: String,
    pdr: String,
    indirizzo: String,
    localita: String,
    comune: String,
    provincia: String,
    regione: String,
    cap: String,
    data_reclamo: String,
    riferimento_reclamo: String,
    data_risposta: String,
    argomento: String,
    valore: String,
    descrizione: String,
    disponibilita: String,
    altre_disponibilita: String,
    urgenza: String,
}

/// One line of the form.
struct Field {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    required: bool,
    options: Vec<(String, String)>,
    /// What stands for no choice.
    empty: &'static str,
    fault: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "cases/new.html")]
struct IntakePage {
    chrome: Chrome,
    failed: Option<String>,
    groups: Vec<(&'static str, Vec<Field>)>,
}

/// Whom the form offers.
struct Offered {
    clients: Vec<Person>,
    delegates: Vec<Person>,
    operators: Vec<Operator>,
}

pub(super) async fn show(State(portal): State<Portal>, visit: Visit) -> Answer {
    visit.require(&[Role::ServiceSecretariat])?;
    page(&portal, visit, &IntakeForm::default(), StatusCode::OK, &[], None).await
}

pub(super) async fn create(
    State(portal): State<Portal>,
    visit: Visit,
    Form(form): Form<IntakeForm>,
) -> Answer {
    visit.require(&[Role::ServiceSecretariat])?;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let new = match form.read(calendar::day_of(portal.now())) {
        Ok(new) => new,
        Err(faults) => {
            let told = "Alcuni campi sono da correggere.".to_owned();
            return page(&portal, visit, &form, status, &faults, Some(told)).await;
        }
    };
    match commands::open(&portal, &visit.actor, new).await {
        Ok(case) => Ok(done(&format!("/pratiche/{case}"), "La pratica è stata inserita.")),
        Err(error @ (CaseError::Unfit(_) | CaseError::Refused(_))) => {
            let told = error.explained()?;
            page(&portal, visit, &form, status, &[], Some(told)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(
    portal: &Portal,
    visit: Visit,
    form: &IntakeForm,
    status: StatusCode,
    faults: &[Fault],
    failed: Option<String>,
) -> Answer {
    let (db, body) = (&portal.db, visit.body.id);
    let offered = Offered {
        clients: accounts::store::persons_with_role(db, body, Role::Client).await?,
        delegates: accounts::store::persons_with_role(db, body, Role::ClientDelegate).await?,
        operators: organisations::store::all(db, body).await?,
    };
    let groups = form.groups(&offered, faults);
    html_with(status, &IntakePage { chrome: visit.chrome, failed, groups })
}

const CHOOSE: &str = "Scegli dall'elenco.";
const DATE: &str = "Scrivi la data come gg/mm/aaaa.";
const VALUE: &str = "Scrivi l'importo in euro, ad esempio 123,45.";

/// A form that is being read: what is wrong with it so far.
#[derive(Default)]
struct Reading {
    faults: Vec<Fault>,
}

impl Reading {
    /// What a field says; a fault if it cannot be read.
    fn take<T, E>(
        &mut self,
        name: &'static str,
        told: &'static str,
        read: Result<T, E>,
    ) -> Option<T> {
        if read.is_err() {
            self.faults.push((name, told));
        }
        read.ok()
    }

    /// Adds what is wrong with the application. A rule that looks at a field which could not be read
    /// says nothing.
    fn add(&mut self, faults: Vec<Fault>) {
        let unread: Vec<&str> = self.faults.iter().map(|(field, _)| *field).collect();
        let faults = faults.into_iter().map(|(field, told)| (field_name(field), told));
        self.faults.extend(
            faults.filter(|(field, _)| {
                !unread.contains(field) && !unread.contains(&decided_by(field))
            }),
        );
    }
}

/// The field that a rule about `field` looks at as well.
fn decided_by(field: &str) -> &str {
    match field {
        "pod" | "pdr" | "urgenza" => "servizio",
        "data_risposta" => "data_reclamo",
        other => other,
    }
}

impl IntakeForm {
    /// The case that the form describes, or everything that is wrong with it.
    fn read(&self, today: NaiveDate) -> Result<NewCase, Vec<Fault>> {
        let mut reading = Reading::default();
        let client = reading.take("cliente", CHOOSE, self.cliente.parse());
        let operator = reading.take("operatore", CHOOSE, self.operatore.parse());
        let delegate = reading.take("delegato_cliente", CHOOSE, optional(&self.delegato_cliente));
        let aid = reading.take("ausilio", CHOOSE, optional(&self.ausilio));
        let service = reading.take("servizio", CHOOSE, self.servizio.parse());
        let utility = reading.take("utenza", CHOOSE, self.utenza.parse());
        let complaint_on = reading.take("data_reclamo", DATE, self.data_reclamo.parse());
        let reply_on = reading.take("data_risposta", DATE, optional(&self.data_risposta));
        let value_cents = reading.take("valore", VALUE, cents(&self.valore));
        let urgency = match self.urgenza.as_str() {
            "" => Ok(None),
            "sospesa" => Ok(Some(Urgency::Suspended)),
            "mora" => Ok(Some(Urgency::NoticeOfDefault)),
            _ => Err(()),
        };
        let urgency = reading.take("urgenza", CHOOSE, urgency);
        let text = |text: &str| text.trim().to_owned();
        let point = |text: &str| Some(text.trim().to_uppercase()).filter(|text| !text.is_empty());
        let application = Application {
            complaint_on: complaint_on.unwrap_or(today),
            complaint_ref: text(&self.riferimento_reclamo),
            reply_on: reply_on.flatten(),
            topic: text(&self.argomento),
            value_cents: value_cents.flatten(),
            description: text(&self.descrizione),
            availability: text(&self.disponibilita),
            other_availability: text(&self.altre_disponibilita),
            service: service.unwrap_or(Service::ALL[0]),
            contract: text(&self.contratto),
            utility: utility.unwrap_or(Utility::ALL[0]),
            multi_site: self.multisito == "si",
            pod: point(&self.pod),
            pdr: point(&self.pdr),
            address: text(&self.indirizzo),
            locality: text(&self.localita),
            municipality: text(&self.comune),
            province: text(&self.provincia),
            region: text(&self.regione),
            postal_code: text(&self.cap),
            urgency: urgency.flatten(),
        };
        reading.add(application.faults(today));
        match (client, operator) {
            (Some(client), Some(operator)) if reading.faults.is_empty() => Ok(NewCase {
                client: UserId(client),
                client_delegate: delegate.flatten().map(UserId),
                operator: OperatorId(operator),
                aid: aid.flatten().map(OperatorId),
                application,
            }),
            _ => Err(reading.faults),
        }
    }

    fn groups(&self, offered: &Offered, faults: &[Fault]) -> Vec<(&'static str, Vec<Field>)> {
        let field = |name, label, kind, value: &str, required, options| Field {
            name,
            label,
            kind,
            value: value.to_owned(),
            required,
            options,
            empty: match name {
                "multisito" | "urgenza" => "No",
                _ if required => "Scegli…",
                _ => "Nessuno",
            },
            fault: faults.iter().find(|(field, _)| *field == name).map(|(_, told)| *told),
        };
        let text =
            |name, label, value, required| field(name, label, "text", value, required, Vec::new());
        let people = |people: &[Person]| {
            people
                .iter()
                .map(|p| (p.id.0.to_string(), format!("{} ({})", p.name(), p.fiscal_code)))
                .collect()
        };
        let operators = |kind: Option<OperatorKind>| {
            offered
                .operators
                .iter()
                .filter(|o| kind.is_none_or(|kind| o.kind == kind))
                .map(|o| (o.id.0.to_string(), o.name.clone()))
                .collect::<Vec<_>>()
        };
        let words = |words: &[(&str, &str)]| {
            words.iter().map(|(key, label)| ((*key).to_owned(), (*label).to_owned())).collect()
        };
        let services: Vec<_> = Service::ALL.iter().map(|s| (s.key(), s.label())).collect();
        let utilities: Vec<_> = Utility::ALL.iter().map(|u| (u.key(), u.label())).collect();
        let choice = |name, label, value: &str, required, options| {
            field(name, label, "select", value, required, options)
        };
        let none = Vec::new;
        vec![
            (
                "Parti",
                vec![
                    choice("cliente", "Cliente", &self.cliente, true, people(&offered.clients)),
                    choice(
                        "delegato_cliente",
                        "Delegato del cliente",
                        &self.delegato_cliente,
                        false,
                        people(&offered.delegates),
                    ),
                    choice(
                        "operatore",
                        "Operatore convenuto",
                        &self.operatore,
                        true,
                        operators(Some(OperatorKind::Seller)),
                    ),
                    choice(
                        "ausilio",
                        "Distributore o gestore da convocare come ausilio tecnico",
                        &self.ausilio,
                        false,
                        operators(None),
                    ),
                ],
            ),
            (
                "Fornitura",
                vec![
                    choice("servizio", "Servizio", &self.servizio, true, words(&services)),
                    choice("utenza", "Tipo utenza", &self.utenza, true, words(&utilities)),
                    text("contratto", "Contratto", &self.contratto, true),
                    choice(
                        "multisito",
                        "Più punti di fornitura",
                        &self.multisito,
                        false,
                        words(&[("si", "Sì")]),
                    ),
                    text("pod", "POD (servizio elettrico)", &self.pod, false),
                    text("pdr", "PDR (servizio gas)", &self.pdr, false),
                    text("indirizzo", "Indirizzo della fornitura", &self.indirizzo, true),
                    text("localita", "Località", &self.localita, false),
                    text("comune", "Comune", &self.comune, true),
                    text("provincia", "Provincia (sigla)", &self.provincia, true),
                    text("regione", "Regione", &self.regione, true),
                    text("cap", "CAP", &self.cap, true),
                ],
            ),
            (
                "Controversia",
                vec![
                    field(
                        "data_reclamo",
                        "Data del reclamo",
                        "date",
                        &self.data_reclamo,
                        true,
                        none(),
                    ),
                    text(
                        "riferimento_reclamo",
                        "Identificativo del reclamo",
                        &self.riferimento_reclamo,
                        true,
                    ),
                    field(
                        "data_risposta",
                        "Data della risposta, se c'è stata",
                        "date",
                        &self.data_risposta,
                        false,
                        none(),
                    ),
                    text("argomento", "Argomento", &self.argomento, true),
                    text("valore", "Valore in euro, se quantificabile", &self.valore, false),
                    field(
                        "descrizione",
                        "Descrizione",
                        "textarea",
                        &self.descrizione,
                        true,
                        none(),
                    ),
                    text(
                        "disponibilita",
                        "Disponibilità per l'incontro",
                        &self.disponibilita,
                        true,
                    ),
                    text(
                        "altre_disponibilita",
                        "Altre indicazioni",
                        &self.altre_disponibilita,
                        false,
                    ),
                    choice(
                        "urgenza",
                        "Urgenza",
                        &self.urgenza,
                        false,
                        words(&[
                            ("sospesa", "Fornitura sospesa"),
                            ("mora", "Costituzione in mora"),
                        ]),
                    ),
                ],
            ),
        ]
    }
}

/// The field of this form for a field of the application.
fn field_name(field: &'static str) -> &'static str {
    match field {
        "complaint_ref" => "riferimento_reclamo",
        "topic" => "argomento",
        "description" => "descrizione",
        "availability" => "disponibilita",
        "other_availability" => "altre_disponibilita",
        "locality" => "localita",
        "contract" => "contratto",
        "address" => "indirizzo",
        "municipality" => "comune",
        "province" => "provincia",
        "region" => "regione",
        "postal_code" => "cap",
        "complaint_on" => "data_reclamo",
        "reply_on" => "data_risposta",
        "value" => "valore",
        "urgency" => "urgenza",
        same => same,
    }
}

fn optional<T: std::str::FromStr>(text: &str) -> Result<Option<T>, T::Err> {
    if text.trim().is_empty() { Ok(None) } else { text.trim().parse().map(Some) }
}

/// Euro as Italians write them: `1.234,56`; nothing for none.
fn cents(text: &str) -> Result<Option<i64>, std::num::ParseIntError> {
    let text = text.trim().replace('.', "");
    if text.is_empty() {
        return Ok(None);
    }
    let (euro, rest) = text.split_once(',').unwrap_or((&text, ""));
    let rest: i64 = format!("{rest:0<2}").parse::<u8>()?.into();
    let euro = euro.parse::<u32>()?;
    Ok(Some(i64::from(euro) * 100 + rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_claim_08_a_value_is_read_as_italians_write_it() {
        for (text, cents_) in [
            ("", Some(None)),
            ("123", Some(Some(12_300))),
            ("123,4", Some(Some(12_340))),
            ("1.234,56", Some(Some(123_456))),
            ("0,05", Some(Some(5))),
            ("12,345", None),
            ("-3", None),
            ("1,-5", None),
            ("molto", None),
        ] {
            assert_eq!(cents(text).ok(), cents_, "{text}");
        }
    }
}
