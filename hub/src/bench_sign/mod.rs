//! `hub bench-sign`: what a signature costs on this machine, by kind of key.
//!
//! It measures the product's own code in the product's own binary, with everything that a signature
//! does to a document: the parts of the file are read, the field is filled, the appearance taken
//! over, the CMS built and checked. The private key is at hand, as it is for a trust service.

mod document;
mod keys;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use clap::Args;
use openssl::error::ErrorStack;
use serde::Serialize;
use serde_json::{Map, Value, json};
use signing::Digest;
use signing::pades::{DocumentError, Meta, SignerChain, finish, prepare};

use crate::error::HubError;
use document::{FIELDS, Material};
use keys::{ALGORITHMS, Issuer, Pen, Signer};

/// Rounds before it counts: tables, caches and the allocator settle.
const WARM_UP: u32 = 20;

/// Arguments of `hub bench-sign`.
#[derive(Args)]
pub struct Arguments {
    /// Folder for document, appearance, keys and certificates, so that another program can do the
    /// same, and for one signed document of each kind.
    #[arg(long)]
    pub folder: PathBuf,
    /// Measured seconds of each figure.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Size of the document at least.
    #[arg(long, default_value_t = 200_000)]
    pub bytes: usize,
}

/// What one kind of key makes of the document, by processor time of one thread.
#[derive(Debug, Serialize)]
struct Figures {
    /// PAdES B-B signatures of the document.
    per_second: f64,
    /// Whole documents: fields reserved, then three people sign in turn.
    documents_per_second: f64,
    /// One signature, µs.
    signature_us: f64,
    /// The least that it can cost, µs: SHA-256 of the document and the key's raw signature.
    floor_us: f64,
    /// The second in the first.
    floor_share: f64,
}

/// Measures and prints one JSON object.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub fn run(arguments: &Arguments) -> Result<(), HubError> {
    let at = now();
    let material = Material::typeset(arguments.bytes, at)?;
    let issuer = Issuer::new(at).map_err(|e| keys_failed(&e))?;
    std::fs::create_dir_all(&arguments.folder)
        .map_err(HubError::io(arguments.folder.display().to_string()))?;
    let save = |name: &str, bytes: &[u8]| {
        let file = arguments.folder.join(name);
        std::fs::write(&file, bytes).map_err(HubError::io(file.display().to_string()))
    };
    save("document.pdf", &material.pdf)?;
    save("appearance.pdf", &material.appearance)?;
    save("root.pem", &issuer.certificate.to_pem().map_err(|e| keys_failed(&e))?)?;
    let time = Duration::from_secs_f64(arguments.seconds);
    let mut algorithms = Map::new();
    for algorithm in ALGORITHMS {
        let signer = issuer.signer(algorithm).map_err(|e| keys_failed(&e))?;
        let name = algorithm.name;
        let key = signer.key.private_key_to_pem_pkcs8().map_err(|e| keys_failed(&e))?;
        save(&format!("{name}.key.pem"), &key)?;
        let chain: Result<Vec<_>, _> = signer.chain.iter().map(|one| one.to_pem()).collect();
        save(&format!("{name}.chain.pem"), &chain.map_err(|e| keys_failed(&e))?.concat())?;
        let mut bench = Bench::new(&material, &signer, at)?;
        save(&format!("{name}.pdf"), &bench.sign(&material.pdf, FIELDS[0])?)?;
        let figures = bench.measure(time)?;
        algorithms.insert(name.to_owned(), json!(figures));
    }
    let report = json!({
        "document_bytes": material.pdf.len(),
        "field": FIELDS[0],
        "algorithms": Value::Object(algorithms),
    });
    println!("{report:#}");
    Ok(())
}

struct Bench<'a> {
    material: &'a Material,
    chain: SignerChain,
    pen: Pen,
    meta: Meta,
    at: DateTime<Utc>,
}

impl<'a> Bench<'a> {
    fn new(material: &'a Material, signer: &Signer, at: DateTime<Utc>) -> Result<Self, HubError> {
        let chain: Result<Vec<_>, _> = signer.chain.iter().map(|one| one.to_der()).collect();
        Ok(Self {
            material,
            chain: SignerChain::from_der(chain.map_err(|e| keys_failed(&e))?)
                .map_err(|e| signing_failed(&e))?,
            pen: signer.pen().map_err(|e| keys_failed(&e))?,
            meta: Meta {
                name: "Anna Rossi".to_owned(),
                reason: "Sottoscrizione del verbale".to_owned(),
                location: "Roma".to_owned(),
            },
            at,
        })
    }

    /// One signature.
    fn sign(&mut self, pdf: &[u8], field: &str) -> Result<Vec<u8>, HubError> {
        let shown = Some(&self.material.appearance[..]);
        let prepared = prepare(pdf, field, &self.chain, shown, &self.meta, self.at)
            .map_err(|e| signing_failed(&e))?;
        let raw = self.pen.sign(&prepared.to_sign()).map_err(|e| keys_failed(&e))?;
        finish(prepared, &raw, None).map_err(|e| signing_failed(&e))
    }

    /// A whole document.
    fn document(&mut self) -> Result<Vec<u8>, HubError> {
        let mut pdf = self.material.reserve().map_err(|e| signing_failed(&e))?;
        for field in FIELDS {
            pdf = self.sign(&pdf, field)?;
        }
        Ok(pdf)
    }

    fn floor(&mut self) -> Result<usize, HubError> {
        let digest = Digest::of(&self.material.pdf);
        Ok(self.pen.sign(&digest).map_err(|e| keys_failed(&e))?.len())
    }

    fn measure(&mut self, time: Duration) -> Result<Figures, HubError> {
        let material = self.material;
        let signature =
            repeated(time, || self.sign(&material.pdf, FIELDS[0]).map(|pdf| pdf.len()))?;
        let floor = repeated(time, || self.floor())?;
        let document = repeated(time, || self.document().map(|pdf| pdf.len()))?;
        let us = |each: f64| (each * 1e7).round() / 10.0;
        Ok(Figures {
            per_second: rounded(1.0 / signature),
            documents_per_second: rounded(1.0 / document),
            signature_us: us(signature),
            floor_us: us(floor),
            floor_share: (floor / signature * 1e3).round() / 1e3,
        })
    }
}

/// Processor seconds for each run of `once`, over at least `time`. What others take of a busy
/// machine does not count.
fn repeated(
    time: Duration,
    mut once: impl FnMut() -> Result<usize, HubError>,
) -> Result<f64, HubError> {
    for _ in 0..WARM_UP {
        std::hint::black_box(once()?);
    }
    let (began, busy, mut runs) = (clock(), busy_ns()?, 0_u32);
    while began.elapsed() < time {
        std::hint::black_box(once()?);
        runs += 1;
    }
    Ok((busy_ns()? - busy) as f64 / 1e9 / f64::from(runs.max(1)))
}

/// Processor time of this thread (proc(5)).
fn busy_ns() -> Result<u64, HubError> {
    const FILE: &str = "/proc/thread-self/schedstat";
    let text = std::fs::read_to_string(FILE).map_err(HubError::io(FILE))?;
    let first = text.split(' ').next().and_then(|busy| busy.parse().ok());
    first.ok_or_else(|| HubError::Failed(format!("{FILE} has no figures")))
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn keys_failed(error: &ErrorStack) -> HubError {
    HubError::Failed(format!("keys: {error}"))
}

fn signing_failed(error: &DocumentError) -> HubError {
    HubError::Failed(format!("signing: {error}"))
}

#[expect(clippy::disallowed_methods, reason = "the command line is the edge that owns the clock")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the command line is the edge that owns the clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
