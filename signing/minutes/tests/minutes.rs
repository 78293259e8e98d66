//! The shipped templates, hostile text, broken templates.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sample;

use lopdf::{Document, Object};
use sample::form;
use signing::Digest;
use signing::ports::{
    EvidenceForm, EvidenceLine, MinutesAnnex, MinutesForm, MinutesSubject, TypesetError,
    Typesetter as _,
};
use signing_minutes::TypstTypesetter;

const TEMPLATES: [&str; 14] = [
    "conciliazione/accordo",
    "conciliazione/mancato_accordo",
    "conciliazione/mancata_comparizione_attivante",
    "conciliazione/mancata_comparizione_convenuto",
    "conciliazione/proposta",
    "conciliazione/aggiornamento",
    "conciliazione/rinuncia",
    "mediazione/accordo",
    "mediazione/mancato_accordo",
    "mediazione/mancata_comparizione_attivante",
    "mediazione/mancata_comparizione_convenuto",
    "mediazione/proposta",
    "mediazione/aggiornamento",
    "mediazione/rinuncia",
];

fn text_of(pdf: &[u8]) -> String {
    let document = Document::load_mem(pdf).unwrap();
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    document.extract_text(&pages).unwrap()
}

fn catalog(document: &Document) -> &lopdf::Dictionary {
    document.catalog().unwrap()
}

fn xmp(document: &Document) -> String {
    let id = catalog(document).get(b"Metadata").unwrap().as_reference().unwrap();
    let stream = document.get_object(id).unwrap().as_stream().unwrap();
    let bytes = stream.decompressed_content().unwrap_or_else(|_| stream.content.clone());
    String::from_utf8(bytes).unwrap()
}

#[test]
fn r_sign_04_every_shipped_template_gives_an_accessible_archive_document() {
    let typesetter = TypstTypesetter::shipped();
    for (template, by_hand) in TEMPLATES.iter().flat_map(|one| [(one, false), (one, true)]) {
        let form = MinutesForm { template: (*template).into(), by_hand, ..form() };
        let made = typesetter.minutes(&form).unwrap_or_else(|error| panic!("{template}: {error}"));
        let text: String = text_of(&made.pdf).split_whitespace().collect();
        assert_eq!(text.contains("sottoscrittoamano"), by_hand, "{template}");
        assert_ne!(text.contains("firmaelettronicaqualificata"), by_hand, "{template}");
        let document = Document::load_mem(&made.pdf).unwrap();
        let metadata = xmp(&document);
        for part in ["pdfaid:part>2<", "pdfaid:conformance>A<", "pdfuaid:part>1<"] {
            assert!(metadata.contains(part), "{template}: no {part} in {metadata}");
        }
        assert!(metadata.contains("Verbale di accordo"), "{template}: title");
        let catalog = catalog(&document);
        assert_eq!(catalog.get(b"Lang").unwrap().as_str().unwrap(), b"it-IT", "{template}");
        assert!(catalog.has(b"StructTreeRoot") && catalog.has(b"OutputIntents"), "{template}");
    }
}

#[test]
fn r_sign_26_every_field_of_a_preview_says_who_will_sign_there() {
    let typesetter = TypstTypesetter::shipped();
    let frozen = typesetter.minutes(&form()).unwrap();
    let preview = typesetter.minutes(&MinutesForm { is_preview: true, ..form() }).unwrap();
    assert_eq!(preview.fields, frozen.fields, "nothing moves");
    for (made, says) in [(&preview, true), (&frozen, false)] {
        let text: String = text_of(&made.pdf).split_whitespace().collect();
        for signer in form().signers {
            let words: String = format!("Qui firma {}", signer.name).split_whitespace().collect();
            assert_eq!(text.contains(&words), says, "{words}");
        }
    }
}

#[test]
fn r_sign_27_a_copy_says_which_one_it_is_and_whose() {
    let mark = "Copia n. 2 di 3, per Anna Rossi";
    let typesetter = TypstTypesetter::shipped();
    let made = typesetter.minutes(&MinutesForm { mark: mark.into(), ..form() }).unwrap();
    let text: String = text_of(&made.pdf).split_whitespace().collect();
    let words: String = mark.split_whitespace().collect();
    assert!(text.contains(&words), "{text}");
}

fn annex(name: &str, title: &str, content: &[u8]) -> MinutesAnnex {
    MinutesAnnex {
        name: name.into(),
        title: title.into(),
        media_type: "application/pdf".into(),
        digest: Digest::of(content),
        content: content.to_vec(),
    }
}

/// Names and contents of the associated files.
fn attached(pdf: &[u8]) -> Vec<(String, Vec<u8>)> {
    let document = Document::load_mem(pdf).unwrap();
    let files = catalog(&document).get(b"AF").unwrap();
    let (_, files) = document.dereference(files).unwrap();
    let one = |file: &Object| {
        let (_, file) = document.dereference(file).unwrap();
        let file = file.as_dict().unwrap();
        let name = lopdf::decode_text_string(file.get(b"UF").unwrap()).unwrap();
        let content = file.get_deref(b"EF", &document).unwrap().as_dict().unwrap();
        let stream = content.get_deref(b"F", &document).unwrap().as_stream().unwrap();
        let bytes = stream.decompressed_content().unwrap_or_else(|_| stream.content.clone());
        (name, bytes)
    };
    files.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn r_sign_04_annexes_are_associated_files_with_their_digests_in_the_text() {
    let annexes = vec![
        annex("bolletta gennaio.pdf", "Bolletta «contestata»", b"%PDF-1.7 uno"),
        annex("../../etc/pass#wd.pdf", "Secondo", b"due"),
    ];
    let with = MinutesForm { annexes: annexes.clone(), ..form() };
    let made = TypstTypesetter::shipped().minutes(&with).unwrap();
    let document = Document::load_mem(&made.pdf).unwrap();
    let metadata = xmp(&document);
    for part in ["pdfaid:part>3<", "pdfaid:conformance>A<", "pdfuaid:part>1<"] {
        assert!(metadata.contains(part), "no {part} in {metadata}");
    }
    let text: String =
        text_of(&made.pdf).split_whitespace().collect::<String>().replace('\u{200b}', "");
    for annex in &annexes {
        assert!(text.contains(&annex.digest.to_string()), "{} not in {text}", annex.digest);
    }
    let files = attached(&made.pdf);
    let contents: Vec<&[u8]> = files.iter().map(|(_, content)| content.as_slice()).collect();
    assert_eq!(contents, [&b"%PDF-1.7 uno"[..], b"due"]);
    assert!(files[0].0.contains("bolletta gennaio.pdf"), "{files:?}");
    assert!(!files[1].0.contains(".."), "{files:?}");
}

#[test]
fn r_sign_38_an_evidence_log_on_paper_holds_the_log_itself() {
    let line = |seq| EvidenceLine {
        seq,
        at: "20/11/2026 11:00:00 CET".into(),
        what: "Anna Rossi (Cliente): firma rifiutata. Motivo: \u{1f44d} no".into(),
        who: "Anna Rossi".into(),
        address: "192.0.2.7".into(),
        document: Digest::of(b"x").to_string(),
        hash: Digest::of(b"y").to_string(),
    };
    let log = EvidenceForm {
        title: "Registro delle evidenze – Verbale".into(),
        body: "Servizio".into(),
        process: "0".into(),
        document: Digest::of(b"x").to_string(),
        lines: (1..=60).map(line).collect(),
        log: "{\"format\":\"accordo-evidence\"}".into(),
        made_at: form().made_at,
    };
    let pdf = TypstTypesetter::shipped().evidence(&log).unwrap();
    let document = Document::load_mem(&pdf).unwrap();
    assert!(document.get_pages().len() > 1 && xmp(&document).contains("pdfaid:part>3<"));
    assert!(text_of(&pdf).contains("Anna Rossi"));
    assert_eq!(attached(&pdf), [("evidenze.json".to_owned(), log.log.into_bytes())]);
}

#[test]
fn r_sign_04_minutes_of_a_meeting_that_nobody_held_do_not_say_it_was() {
    let typesetter = TypstTypesetter::shipped();
    for template in TEMPLATES {
        let made = typesetter.minutes(&MinutesForm { template: template.into(), ..form() });
        let text: String = text_of(&made.unwrap().pdf).split_whitespace().collect();
        let absent = template.contains("mancata_comparizione");
        assert_eq!(text.contains("eraconvocato"), absent, "{template} {text}");
        assert_ne!(text.contains("sièt"), absent, "{template} {text}");
    }
}

#[test]
fn the_fields_lie_inside_the_page_in_order_and_apart() {
    let made = TypstTypesetter::shipped().minutes(&form()).unwrap();
    let names: Vec<&str> = made.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["client", "operator_delegate", "neutral"]);
    assert_eq!(made.fields[0].tooltip, "Firma di Anna Rossi, Cliente");
    let overlap =
        |a: &[f32; 4], b: &[f32; 4]| a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    for (index, field) in made.fields.iter().enumerate() {
        let [left, bottom, right, top] = field.rect;
        assert!(left > 60.0 && right < 536.0 && bottom > 50.0 && top < 780.0, "{field:?}");
        // base.typ: 7.4 cm × 2.3 cm
        assert!(
            (right - left - 209.8).abs() < 0.5 && (top - bottom - 65.2).abs() < 0.5,
            "{field:?}"
        );
        for other in &made.fields[index + 1..] {
            assert!(field.page != other.page || !overlap(&field.rect, &other.rect));
        }
    }
}

#[test]
fn the_same_form_gives_the_same_bytes() {
    let make = || TypstTypesetter::shipped().minutes(&form()).unwrap();
    assert_eq!(make(), make());
}

#[test]
fn what_people_write_is_never_read_as_code() {
    let hostile =
        "#panic(\"x\") $1/0$ *no* _no_ `raw` @ref <label> \\ [x] = titolo #read(\"/etc/passwd\")";
    let made = TypstTypesetter::shipped()
        .minutes(&MinutesForm {
            text: format!("= {hostile}\n#include \"/base.typ\""),
            dispute: hostile.into(),
            case_number: "#eval(\"1+1\")".into(),
            subjects: vec![MinutesSubject {
                role: "#raw".into(),
                name: hostile.into(),
                fiscal_code: "*b*".into(),
                powers: "#1".into(),
            }],
            ..form()
        })
        .unwrap();
    let text: String = text_of(&made.pdf).split_whitespace().collect();
    for verbatim in ["#panic(\"x\")$1/0$*no*", "#eval(\"1+1\")", "@ref<label>"] {
        assert!(text.contains(verbatim), "{verbatim} not in {text}");
    }
}

#[test]
fn a_long_text_moves_the_fields_to_a_later_page() {
    let text = "Un paragrafo dell'accordo, abbastanza lungo da riempire una riga.\n\n".repeat(90);
    let made = TypstTypesetter::shipped().minutes(&MinutesForm { text, ..form() }).unwrap();
    assert!(made.fields.iter().all(|field| field.page >= 3), "{:?}", made.fields);
}

#[test]
fn a_character_that_cannot_be_printed_is_named() {
    let made =
        TypstTypesetter::shipped().minutes(&MinutesForm { text: "ok 👍".into(), ..form() });
    assert!(matches!(made, Err(TypesetError::Character('👍'))), "{made:?}");
}

#[test]
fn an_appearance_has_exactly_the_size_of_its_field() {
    let lines = ["Anna Rossi", "Firma elettronica qualificata", "20/11/2026 11:15:02 CET"];
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let pdf = TypstTypesetter::shipped().appearance(&lines, 209.75, 65.25).unwrap();
    let document = Document::load_mem(&pdf).unwrap();
    let pages = document.get_pages();
    assert_eq!(pages.len(), 1);
    let page = document.get_dictionary(pages[&1]).unwrap();
    let media: Vec<f32> = page
        .get(b"MediaBox")
        .and_then(Object::as_array)
        .unwrap()
        .iter()
        .map(|number| number.as_float().unwrap())
        .collect();
    assert_eq!(media, [0.0, 0.0, 209.75, 65.25]);
    assert!(text_of(&pdf).contains("Anna Rossi"));
}

#[test]
fn templates_of_a_folder_go_before_the_shipped_ones_and_their_faults_are_located() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link.txt")).unwrap();
    write("own/good.typ", "#import \"/base.typ\": *\n#show: minutes\nParole nostre\n#signatures()");
    write("own/broken.typ", "#import \"/base.typ\": *\n#show: minutes\n\n#nosuch()\n");
    write("own/nofield.typ", "#import \"/base.typ\": *\n#show: minutes\nNiente firme");
    write(
        "own/twice.typ",
        "#import \"/base.typ\": *\n#show: minutes\n#signatures()\n#signatures()",
    );
    write("own/outside.typ", "#import \"/base.typ\": *\n#show: minutes\n#read(\"/link.txt\")");
    write("own/above.typ", "#import \"/base.typ\": *\n#show: minutes\n#read(\"../../secret\")");
    write(
        "own/noannex.typ",
        "#import \"/base.typ\": *\n#show: minutes\n#for one in form.signers { signature-field(one.field) }",
    );
    write(
        "organismo.example.it/own/good.typ",
        "#import \"/base.typ\": *\n#show: minutes\nDi questo organismo\n#signatures()",
    );
    write("own/package.typ", "#import \"@preview/x:0.1.0\": *\n");
    let typesetter = TypstTypesetter::with_folder(folder.path().to_owned());
    let make =
        |name: &str| typesetter.minutes(&MinutesForm { template: format!("own/{name}"), ..form() });

    assert!(text_of(&make("good").unwrap().pdf).contains("Parole nostre"));
    typesetter.minutes(&form()).expect("the shipped ones are still there");
    let in_house = |house: &str| {
        let form = MinutesForm { template: "own/good".into(), house: house.into(), ..form() };
        text_of(&typesetter.minutes(&form).unwrap().pdf)
    };
    assert!(in_house("organismo.example.it").contains("Di questo organismo"));
    for other in ["altro.example.it", "../organismo.example.it", ""] {
        assert!(in_house(other).contains("Parole nostre"), "{other}");
    }
    let forgotten = MinutesForm {
        template: "own/noannex".into(),
        annexes: vec![annex("a.pdf", "A", b"a")],
        ..form()
    };
    match typesetter.minutes(&forgotten) {
        Err(TypesetError::Template(text)) => assert!(text.contains("0 of 1 annexes"), "{text}"),
        other => panic!("{other:?}"),
    }
    let faults = [
        ("broken", "own/broken.typ:4:2: unknown variable: nosuch"),
        ("nofield", "the signature field `client` is not placed"),
        ("twice", "the signature field `client` is placed twice"),
        ("outside", "own/outside.typ:3:"),
        ("above", "own/above.typ:3:"),
        ("package", "own/package.typ:1:"),
    ];
    for (name, expected) in faults {
        match make(name) {
            Err(TypesetError::Template(text)) => {
                assert!(text.contains(expected), "{name}: {text}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(
        matches!(make("missing"), Err(TypesetError::NoTemplate(name)) if name == "own/missing")
    );
}
