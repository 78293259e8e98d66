//! The application (domanda di conciliazione): what the client states (R-CLAIM-08, R-CLAIM-09).

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::cases::supply::{Sector, Service, Utility};

/// Why a case is urgent (R-CASE-47).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Supply is suspended.
    Suspended,
    /// A formal notice of default states when suspension will start.
    NoticeOfDefault,
}

/// All data of an application except the parties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Day of the written complaint (R-CLAIM-04).
    pub complaint_on: NaiveDate,
    /// The operator's or the client's identifier of it.
    pub complaint_ref: String,
    /// Day of the reply; `None` when there was none (R-CLAIM-05).
    pub reply_on: Option<NaiveDate>,
    /// What the dispute is about.
    pub topic: String,
    /// Estimated value in euro cents; `None` when it cannot be quantified.
    pub value_cents: Option<i64>,
    /// The dispute in the client's words.
    pub description: String,
    /// When the client can meet, e.g. "Tutto il giorno".
    pub availability: String,
    /// More about that.
    pub other_availability: String,
    /// Service type.
    pub service: Service,
    /// Supply contract.
    pub contract: String,
    /// Kind of use.
    pub utility: Utility,
    /// Several supply points.
    pub multi_site: bool,
    /// Electricity supply point.
    pub pod: Option<String>,
    /// Gas supply point.
    pub pdr: Option<String>,
    /// Street and number.
    pub address: String,
    /// Part of the municipality; may be empty.
    pub locality: String,
    /// Comune.
    pub municipality: String,
    /// Two letters.
    pub province: String,
    /// Regione.
    pub region: String,
    /// Five digits.
    pub postal_code: String,
    /// R-CASE-47.
    pub urgency: Option<Urgency>,
}

/// Longest text of one line, in characters.
pub const LINE: usize = 200;

/// Longest text of several lines, in characters.
pub const TEXT: usize = 4000;

/// Complaints of an earlier year are typing errors: the energy markets were opened in 1999.
const FIRST_YEAR: i32 = 1999;

/// A field that is missing or does not fit the others: its name and what to do.
pub type Fault = (&'static str, &'static str);

impl Application {
    /// Everything that is wrong with it on `today`; an application can be sent when nothing is.
    pub fn faults(&self, today: NaiveDate) -> Vec<Fault> {
        const REQUIRED: &str = "Campo obbligatorio.";
        let texts = [
            ("complaint_ref", &self.complaint_ref),
            ("topic", &self.topic),
            ("description", &self.description),
            ("availability", &self.availability),
            ("contract", &self.contract),
            ("address", &self.address),
            ("municipality", &self.municipality),
            ("province", &self.province),
            ("region", &self.region),
            ("postal_code", &self.postal_code),
        ];
        let mut faults: Vec<Fault> = texts
            .into_iter()
            .filter(|(_, text)| text.trim().is_empty())
            .map(|(field, _)| (field, REQUIRED))
            .collect();
        let lines = [
            ("complaint_ref", self.complaint_ref.as_str()),
            ("topic", &self.topic),
            ("availability", &self.availability),
            ("other_availability", &self.other_availability),
            ("contract", &self.contract),
            ("pod", self.pod.as_deref().unwrap_or_default()),
            ("pdr", self.pdr.as_deref().unwrap_or_default()),
            ("address", &self.address),
            ("locality", &self.locality),
            ("municipality", &self.municipality),
            ("province", &self.province),
            ("region", &self.region),
            ("postal_code", &self.postal_code),
        ];
        faults.extend(
            lines
                .into_iter()
                .filter(|(_, text)| length(text) > LINE)
                .map(|(field, _)| (field, "Scrivi al massimo 200 caratteri.")),
        );
        if length(&self.description) > TEXT {
            faults.push(("description", "Scrivi al massimo 4000 caratteri."));
        }
        if self.complaint_on.year() < FIRST_YEAR {
            faults.push(("complaint_on", "Controlla l'anno del reclamo."));
        }
        if self.complaint_on > today {
            faults.push(("complaint_on", "La data del reclamo non può essere nel futuro."));
        }
        // R-CLAIM-05.
        if self.reply_on.is_some_and(|reply| reply < self.complaint_on) {
            faults.push(("reply_on", "La risposta non può precedere il reclamo."));
        }
        if self.reply_on.is_some_and(|reply| reply > today) {
            faults.push(("reply_on", "La data della risposta non può essere nel futuro."));
        }
        if self.value_cents.is_some_and(|cents| cents < 0) {
            faults.push(("value", "Il valore non può essere negativo."));
        }
        // R-CLAIM-10.
        if self.service.needs_pod() && self.pod.is_none() {
            faults.push(("pod", "Per questo servizio il POD è obbligatorio."));
        }
        if self.service.needs_pdr() && self.pdr.is_none() {
            faults.push(("pdr", "Per questo servizio il PDR è obbligatorio."));
        }
        // C-19: a notice of default counts for electricity, gas and water only.
        if self.urgency == Some(Urgency::NoticeOfDefault) && self.service.sector() == Sector::Heat {
            faults.push(("urgency", "Per il telecalore conta solo la fornitura già sospesa."));
        }
        faults
    }

    /// The value as people read it.
    pub fn value(&self) -> String {
        match self.value_cents {
            None => "Non quantificabile".to_owned(),
            Some(cents) => format!("€ {},{:02}", cents / 100, cents % 100),
        }
    }
}

/// Characters as a browser counts them: it sends two for the end of a line.
fn length(text: &str) -> usize {
    text.chars().filter(|c| *c != '\r').count()
}
