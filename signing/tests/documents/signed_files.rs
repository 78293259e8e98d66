//! Signed files (P7M), made and judged by OpenSSL too (R-SIGN-29, R-SIGN-31).

use std::{path::PathBuf, process::Command};

use chrono::{DateTime, TimeDelta, Utc};
use signing::{
    Digest,
    verify::{
        Format, Indication, Level, Report, SubIndication, TrustAnchors, verify_beside, verify_file,
    },
};
use tempfile::TempDir;

use crate::{
    authority::{Authority, Identity, Role, now, rsa_key},
    outside_validators::run,
    process::Signed,
    sample::Layout,
};

const TEXT: &[u8] = b"Verbale di accordo\r\nletto, confermato e sottoscritto\n";

/// Two people of one authority, and a folder with what OpenSSL needs of them.
pub struct Bench {
    pub authority: Authority,
    pub anna: Identity,
    pub luca: Identity,
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let authority = Authority::new(now() - TimeDelta::minutes(10));
        let anna = authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U");
        let (key, role) = (rsa_key(2048), Role::Signer);
        let luca = authority.one_shot_with(key, role, "Luca", "Bianchi", "BNCLCU75B02F205X");
        let bench = Self { authority, anna, luca, folder: tempfile::tempdir().unwrap() };
        for (name, who) in [("anna", &bench.anna), ("luca", &bench.luca)] {
            bench.put(&format!("{name}.pem"), &who.cert.to_pem().unwrap());
            bench.put(&format!("{name}.key"), &who.key.private_key_to_pem_pkcs8().unwrap());
        }
        bench.put("ca.pem", &bench.authority.ca.cert.to_pem().unwrap());
        bench.put("root.pem", &bench.authority.root.cert.to_pem().unwrap());
        bench
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn sign(&self, content: &[u8], signers: &[&str], options: &[&str]) -> Vec<u8> {
        let (input, out) = (self.put("content", content), self.folder.path().join("out.p7m"));
        let mut command = self.openssl();
        command.args(["-sign", "-binary", "-outform", "DER", "-certfile", "ca.pem"]);
        for signer in signers {
            command.args(["-signer", &format!("{signer}.pem")]);
            command.args(["-inkey", &format!("{signer}.key")]);
        }
        run(command.args(options).arg("-in").arg(input).arg("-out").arg(&out));
        std::fs::read(out).unwrap()
    }

    fn openssl(&self) -> Command {
        let mut command = Command::new("openssl");
        command.arg("cms").current_dir(self.folder.path());
        command
    }

    /// Whether OpenSSL accepts it too, and the content that it finds.
    pub fn outside(&self, p7m: &[u8], beside: Option<&[u8]>) -> Option<Vec<u8>> {
        let path = self.put("judged.p7m", p7m);
        let mut command = self.openssl();
        command.args(["-verify", "-binary", "-inform", "DER", "-cades", "-purpose", "any"]);
        command.args(["-CAfile", "root.pem", "-out", "found", "-in"]).arg(path);
        if let Some(beside) = beside {
            command.arg("-content").arg(self.put("beside", beside));
        }
        let accepted = command.output().unwrap().status.success();
        accepted.then(|| std::fs::read(self.folder.path().join("found")).unwrap())
    }

    pub fn trust(&self) -> TrustAnchors {
        self.authority.trust()
    }

    fn told(&self, p7m: &[u8]) -> Report {
        verify_file(p7m, &self.trust(), now())
    }
}

pub const ENVELOPED: &[&str] = &["-nodetach", "-cades"];

#[test]
fn r_sign_31_signed_files_of_openssl_pass_with_everything_told() {
    let bench = Bench::new();
    for (what, signers, options) in [
        ("one signer", &["anna"][..], ENVELOPED),
        ("RSA", &["luca"], ENVELOPED),
        ("two signers", &["anna", "luca"], ENVELOPED),
        ("streamed", &["anna"], &["-nodetach", "-cades", "-stream"]),
        ("SHA-512", &["luca"], &["-nodetach", "-cades", "-md", "sha512"]),
        ("by key identifier", &["anna"], &["-nodetach", "-cades", "-keyid"]),
    ] {
        let p7m = bench.sign(TEXT, signers, options);
        assert_eq!(bench.outside(&p7m, None).as_deref(), Some(TEXT), "{what}");
        let report = bench.told(&p7m);
        assert!(report.accepted(), "{what}: {report:#?}");
        assert_eq!((report.format, report.signatures.len()), (Format::P7m, signers.len()));
        let content = report.content.as_ref().unwrap();
        assert_eq!((content.digest, content.inside), (Digest::of(TEXT), true));
        for signature in &report.signatures {
            assert_eq!(signature.indication, Indication::TotalPassed, "{what}");
            assert_eq!(signature.level, Some(Level::BB), "{what}");
            let signer = signature.signer.as_ref().unwrap();
            assert!(signer.qualified.compliance && signer.fiscal_code.is_some(), "{what}");
            let claimed: DateTime<Utc> = signature.claimed_time.unwrap();
            assert!((now() - claimed).abs() < TimeDelta::minutes(5), "{what}: {claimed}");
        }
    }
}

#[test]
fn a_signed_file_may_be_text_and_may_hold_another() {
    let bench = Bench::new();
    let p7m = bench.sign(TEXT, &["anna"], ENVELOPED);
    let pem = openssl::base64::encode_block(&p7m);
    let lines = pem.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap());
    let lines: Vec<_> = lines.collect();
    let armoured = format!("-----BEGIN CMS-----\n{}\n-----END CMS-----\n", lines.join("\n"));
    for text in [pem.as_bytes(), armoured.as_bytes()] {
        assert!(bench.told(text).accepted());
    }
    let outer = bench.told(&bench.sign(&p7m, &["luca"], ENVELOPED));
    let inner = outer.content.as_ref().unwrap().report.as_ref().unwrap();
    assert!(outer.accepted() && inner.accepted());
    assert_eq!(inner.signatures[0].signer.as_ref().unwrap().name, "Anna Rossi");

    // What is broken inside is not made good by a signature around it.
    let mut broken = p7m.clone();
    let at = broken.windows(7).position(|seven| seven == b"Verbale").unwrap();
    broken[at] ^= 1;
    let outer = bench.told(&bench.sign(&broken, &["luca"], ENVELOPED));
    assert_eq!(outer.signatures[0].indication, Indication::TotalPassed);
    assert!(!outer.accepted());

    let signed = Signed::new(Layout::Table);
    let mut trust = bench.trust();
    trust.extend(signed.authority.trust());
    let around = bench.sign(signed.pdf(), &["anna"], ENVELOPED);
    let report = verify_file(&around, &trust, now());
    let inside = report.content.as_ref().unwrap().report.as_ref().unwrap();
    assert!(report.accepted() && inside.format == Format::Pdf && inside.signatures.len() == 3);
}

#[test]
fn r_sign_29_a_signature_beside_its_document_is_for_that_document_alone() {
    let bench = Bench::new();
    let p7s = bench.sign(TEXT, &["anna"], &["-cades"]);
    let another = b"Un altro verbale";
    assert!(bench.outside(&p7s, Some(TEXT)).is_some());
    assert!(bench.outside(&p7s, Some(another)).is_none());
    let report = verify_beside(&p7s, TEXT, &bench.trust(), now());
    assert!(report.accepted() && !report.content.unwrap().inside);
    let report = verify_beside(&p7s, another, &bench.trust(), now());
    assert_eq!(report.signatures[0].sub_indication, Some(SubIndication::HashFailure));
    assert_eq!(bench.told(&p7s).problems, ["the signed document is not in the file"]);
    let p7m = bench.sign(TEXT, &["anna"], ENVELOPED);
    let report = verify_beside(&p7m, another, &bench.trust(), now());
    assert_eq!(report.problems, ["the signed file holds another document"]);
}

#[test]
fn altered_signed_files_are_refused_with_the_reason() {
    let bench = Bench::new();
    let p7m = bench.sign(TEXT, &["anna"], ENVELOPED);
    let flipped = |at: usize| {
        let mut bytes = p7m.clone();
        bytes[at] ^= 1;
        bytes
    };
    let find = |needle: &[u8]| p7m.windows(needle.len()).position(|w| w == needle).unwrap();
    let last = p7m.len() - 1;
    let stranger = TrustAnchors::from_pem(
        &Authority::new(now() - TimeDelta::minutes(10)).root.cert.to_pem().unwrap(),
    );
    for (what, bytes, expected) in [
        ("content", flipped(find(b"Verbale")), SubIndication::HashFailure),
        ("signature value", flipped(last), SubIndication::SigCryptoFailure),
        (
            "SHA-1",
            bench.sign(TEXT, &["anna"], &["-nodetach", "-cades", "-md", "sha1"]),
            SubIndication::CryptoConstraintsFailureNoPoe,
        ),
        (
            "no certificate named",
            bench.sign(TEXT, &["anna"], &["-nodetach"]),
            SubIndication::SigConstraintsFailure,
        ),
        (
            "no certificate",
            bench.sign(TEXT, &["anna"], &["-nodetach", "-cades", "-nocerts"]),
            SubIndication::NoSigningCertificateFound,
        ),
    ] {
        let report = bench.told(&bytes);
        assert!(!report.accepted(), "{what}");
        assert_eq!(report.signatures[0].sub_indication, Some(expected), "{what}: {report:#?}");
        if what != "SHA-1" {
            assert_eq!(bench.outside(&bytes, None), None, "{what}");
        }
    }
    let report = verify_file(&p7m, &stranger.unwrap(), now());
    let found = report.signatures[0].sub_indication;
    assert_eq!(found, Some(SubIndication::NoCertificateChainFound));
    for (what, bytes, problem) in [
        ("cut", p7m[..last].to_vec(), "neither a PDF nor a signed file"),
        ("something after it", [&p7m[..], b"x"].concat(), "neither a PDF nor a signed file"),
        ("words", b"Buongiorno".to_vec(), "neither a PDF nor a signed file"),
        ("nothing", Vec::new(), "the signed file is damaged"),
        ("a certificate", bench.anna.der(), "the signed file is damaged"),
    ] {
        let found = bench.told(&bytes);
        let told = found.problems == [problem] || what == "nothing" && !found.problems.is_empty();
        assert!(told && !found.accepted(), "{what}: {:?}", found.problems);
    }
}
