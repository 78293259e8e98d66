//! `hub minutes`: how the minutes of a template look, and whether all templates can be used, without a
//! meeting (R-SIGN-04, R-SIGN-40).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::DateTime;
use clap::{Args, Subcommand};
use portal::procedures::Procedures;
use signing::Digest;
use signing::ports::{
    MinutesAnnex, MinutesForm, MinutesSigner, MinutesSubject, TypesetError, Typesetter as _,
};
use signing_minutes::TypstTypesetter;

use crate::error::HubError;

/// What to do with templates.
#[derive(Subcommand)]
pub enum Command {
    /// Write a sample of a template as PDF.
    Preview {
        /// E.g. `conciliazione/accordo`.
        template: String,
        /// PDF to write.
        #[arg(long, short, default_value = "anteprima.pdf")]
        out: PathBuf,
        /// Which templates.
        #[command(flatten)]
        templates: Templates,
    },
    /// Typeset samples of all templates that the procedures name; exit code 0 only if all can be used.
    Check(Templates),
}

/// Which templates.
#[derive(Args)]
pub struct Templates {
    /// Folder whose templates go before the shipped ones, as in `[minutes] templates`.
    #[arg(long)]
    pub templates: Option<PathBuf>,
    /// Host name of a body with templates of its own.
    #[arg(long, default_value = "")]
    pub body: String,
}

impl Templates {
    fn typesetter(&self) -> TypstTypesetter {
        match &self.templates {
            Some(folder) => TypstTypesetter::with_folder(folder.clone()),
            None => TypstTypesetter::shipped(),
        }
    }
}

/// Carries the command out.
#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
pub fn run(command: &Command) -> Result<ExitCode, HubError> {
    let (names, templates, out) = match command {
        Command::Preview { template, templates, out } => {
            (vec![template.clone()], templates, Some(out))
        }
        Command::Check(templates) => (named(), templates, None),
    };
    let typesetter = templates.typesetter();
    let mut all_good = true;
    for name in names {
        // A short document and one with everything: either may hit what the other does not.
        let made = typesetter
            .minutes(&sample(&name, &templates.body, false))
            .and_then(|_| typesetter.minutes(&sample(&name, &templates.body, true)));
        match (made, out) {
            (Ok(made), Some(out)) => {
                std::fs::write(out, made.pdf).map_err(HubError::io(out.display().to_string()))?;
                println!("{name}: {}", out.display());
            }
            (Ok(_), None) => println!("{name}: ok"),
            (Err(error), _) => {
                all_good = false;
                println!("{name}: {}", explained(&error, templates));
            }
        }
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Why a template of this folder cannot be used, if one cannot.
pub fn first_fault(folder: &Path) -> Option<String> {
    let templates = Templates { templates: Some(folder.to_owned()), body: String::new() };
    let typesetter = templates.typesetter();
    named().into_iter().find_map(|name| {
        let made = typesetter.minutes(&sample(&name, "", true));
        made.err().map(|error| format!("{name}: {}", explained(&error, &templates)))
    })
}

/// The templates that the shipped procedures name, each once.
fn named() -> Vec<String> {
    let procedures = Procedures::shipped();
    let mut names: Vec<String> = procedures
        .all()
        .flat_map(|profile| profile.minutes.iter().map(|minutes| minutes.template.clone()))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What is wrong, with the line it is about.
fn explained(error: &TypesetError, templates: &Templates) -> String {
    let TypesetError::Template(text) = error else { return error.to_string() };
    let mut told = format!("ERROR {text}");
    let mut parts = text.splitn(4, ':');
    let place = (parts.next(), parts.next(), parts.next());
    if let (Some(file), Some(line), Some(column)) = place
        && let (Ok(line), Ok(column)) = (line.parse::<usize>(), column.parse::<usize>())
        && let Some(source) = source(file, templates)
        && let Some(wrong) = source.lines().nth(line.saturating_sub(1))
    {
        let pointer = " ".repeat(column.saturating_sub(1));
        told.push_str(&format!("\n  {line:>4} | {wrong}\n       | {pointer}^"));
    }
    told
}

fn source(file: &str, templates: &Templates) -> Option<String> {
    let folder = templates.templates.as_ref()?;
    let own = folder.join(&templates.body).join(file);
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    read(&own).or_else(|| read(&folder.join(file)))
}

/// Minutes of nobody. `full`: with long texts, many people and an annex.
fn sample(template: &str, house: &str, full: bool) -> MinutesForm {
    let people = [
        ("client", "Cliente", "Anna Rossi", "RSSNNA80A41H501U"),
        ("operator_delegate", "Delegato dell'Operatore", "Luca Bianchi", ""),
        ("neutral", "Conciliatrice", "Maria Verdi", "VRDMRA75B42F205X"),
    ];
    let people = if full { &people[..] } else { &people[2..] };
    let text = "Testo di esempio del verbale: le parti concordano quanto segue.\n\n1. Primo punto;\n\
                2. secondo punto, con importo di € 1.250,00.";
    let content = b"Allegato di esempio".to_vec();
    let annex = MinutesAnnex {
        name: "esempio.txt".to_owned(),
        title: "Allegato di esempio".to_owned(),
        media_type: "text/plain".to_owned(),
        digest: Digest::of(&content),
        content,
    };
    MinutesForm {
        template: template.to_owned(),
        house: house.to_owned(),
        body: "Organismo di esempio".to_owned(),
        case_number: "N/2026/000000".to_owned(),
        title: "Verbale di esempio – pratica N/2026/000000".to_owned(),
        meeting_day: "20 novembre 2026".to_owned(),
        meeting_time: "10:00–11:12".to_owned(),
        mode: "Stanza virtuale".to_owned(),
        subjects: people
            .iter()
            .map(|(_, role, name, code)| MinutesSubject {
                role: (*role).to_owned(),
                name: (*name).to_owned(),
                fiscal_code: (*code).to_owned(),
                powers: if code.is_empty() { "procura speciale".to_owned() } else { String::new() },
            })
            .collect(),
        dispute: "Fatturazione di consumi ricostruiti.".to_owned(),
        text: if full { [text; 8].join("\n\n") } else { text.to_owned() },
        signers: people
            .iter()
            .map(|(field, role, name, _)| MinutesSigner {
                field: (*field).to_owned(),
                role: (*role).to_owned(),
                name: (*name).to_owned(),
            })
            .collect(),
        annexes: if full { vec![annex] } else { Vec::new() },
        mark: if full { "Copia n. 1 di 2, per Anna Rossi".to_owned() } else { String::new() },
        is_preview: false,
        by_hand: full,
        made_at: DateTime::UNIX_EPOCH,
    }
}
