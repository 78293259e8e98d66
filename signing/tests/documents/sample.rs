//! Documents to sign: a small tagged one, in all ways in which a PDF can be written.

use lopdf::{
    Dictionary, Document, IncrementalDocument, Object, ObjectId, SaveOptions, Stream, StringFormat,
    dictionary,
};
use signing::{pades::add_signature_fields, ports::FieldPlace};

/// How a PDF keeps its objects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layout {
    Table,
    ObjectStreams,
    Hybrid,
}

pub const FIELDS: [&str; 3] = ["client", "operator_delegate", "conciliator"];
pub const TIMESTAMP_FIELD: &str = "document_timestamp";

/// Two tagged pages and a text field.
pub fn minutes(layout: Layout) -> Vec<u8> {
    let mut document = Document::with_version("1.7");
    let pages = document.new_object_id();
    let root = document.new_object_id();
    let element = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica",
        "Encoding" => "WinAnsiEncoding",
    });
    let mut kids = Vec::new();
    let mut marked = Vec::new();
    let mut nums = Vec::new();
    for (index, line) in ["Verbale di accordo", "Importo: 100 euro"].into_iter().enumerate() {
        let drawn = format!("/P <</MCID 0>> BDC BT /F1 18 Tf 60 760 Td ({line}) Tj ET EMC");
        let content = document.add_object(Stream::new(Dictionary::new(), drawn.into_bytes()));
        let page = document.new_object_id();
        let paragraph = document.add_object(dictionary! {
            "Type" => "StructElem", "S" => "P", "P" => element, "Pg" => page, "K" => 0,
        });
        document.objects.insert(
            page,
            Object::Dictionary(dictionary! {
                "Type" => "Page",
                "Parent" => pages,
                "Contents" => content,
                "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
                "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
                "StructParents" => index as i64,
            }),
        );
        kids.push(page.into());
        marked.push(paragraph.into());
        nums.extend([Object::Integer(index as i64), vec![paragraph.into()].into()]);
    }
    document.objects.insert(
        pages,
        Object::Dictionary(dictionary! {
            "Type" => "Pages", "Kids" => kids, "Count" => 2,
        }),
    );
    let parents = document.add_object(dictionary! { "Nums" => nums });
    document.objects.insert(
        element,
        Object::Dictionary(dictionary! {
            "Type" => "StructElem", "S" => "Document", "P" => root, "K" => marked,
        }),
    );
    document.objects.insert(
        root,
        Object::Dictionary(dictionary! {
            "Type" => "StructTreeRoot", "K" => element, "ParentTree" => parents,
            "ParentTreeNextKey" => 2,
        }),
    );
    let amount = document.add_object(dictionary! {
        "FT" => "Tx", "T" => Object::string_literal("importo"),
        "V" => Object::string_literal("100"),
    });
    let form = document.add_object(dictionary! { "Fields" => vec![amount.into()] });
    let catalog = document.add_object(dictionary! {
        "Type" => "Catalog", "Pages" => pages, "StructTreeRoot" => root,
        "MarkInfo" => dictionary! { "Marked" => true }, "Lang" => Object::string_literal("it"),
        "AcroForm" => form,
    });
    let info = document.add_object(dictionary! { "Title" => Object::string_literal("Verbale") });
    document.trailer.set("Root", catalog);
    document.trailer.set("Info", info);
    let id = Object::String(vec![7; 16], StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![id.clone(), id]);
    write(document, layout)
}

/// The document with its fields, ready for the first signature.
pub fn with_fields(layout: Layout) -> Vec<u8> {
    reserved(&minutes(layout), &FIELDS)
}

/// A document with signature fields of these names.
pub fn reserved(pdf: &[u8], names: &[&str]) -> Vec<u8> {
    let places: Vec<_> = names
        .iter()
        .zip(0_u8..)
        .map(|(name, index)| {
            let (left, bottom) =
                (40.0 + 180.0 * f32::from(index % 3), 80.0 + f32::from(index / 3) * 60.0);
            FieldPlace {
                name: (*name).to_owned(),
                page: 2,
                rect: [left, bottom, left + 170.0, bottom + 50.0],
                tooltip: format!("Firma: {name}, però"),
            }
        })
        .collect();
    add_signature_fields(pdf, &places, &[TIMESTAMP_FIELD]).unwrap()
}

/// What is shown in a signature field. Written in a new way each time: fonts by reference, the
/// page's resources inherited from the tree.
pub fn appearance(line: &str) -> Vec<u8> {
    let mut document = Document::with_version("1.7");
    let pages = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica",
    });
    let drawn = format!("BT /F1 9 Tf 4 30 Td ({line}) Tj ET");
    let content = document.add_object(Stream::new(Dictionary::new(), drawn.into_bytes()));
    let page = document.add_object(dictionary! {
        "Type" => "Page", "Parent" => pages, "Contents" => content,
    });
    document.objects.insert(
        pages,
        Object::Dictionary(dictionary! {
            "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1,
            "MediaBox" => vec![0.into(), 0.into(), 170.into(), 50.into()],
            "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
        }),
    );
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    write(document, Layout::ObjectStreams)
}

fn write(mut document: Document, layout: Layout) -> Vec<u8> {
    if layout == Layout::Hybrid {
        return crate::hybrid::write(&document);
    }
    let streams = matches!(layout, Layout::ObjectStreams);
    if !streams {
        document.reference_table.cross_reference_type = lopdf::xref::XrefType::CrossReferenceTable;
    }
    let options = SaveOptions {
        use_object_streams: streams,
        use_xref_streams: streams,
        ..SaveOptions::default()
    };
    let mut out = Vec::new();
    document.save_with_options(&mut out, options).unwrap();
    out
}

/// A revision as an attacker would append it: any object may be changed.
pub struct Revision {
    pub update: IncrementalDocument,
}

impl Revision {
    pub fn after(pdf: &[u8]) -> Self {
        let document = Document::load_mem(pdf).unwrap();
        let mut update = IncrementalDocument::create_from(pdf.to_vec(), document);
        for key in [&b"Index"[..], b"W", b"Type", b"Length", b"Filter"] {
            update.new_document.trailer.remove(key);
        }
        Self { update }
    }

    pub fn catalog(&self) -> ObjectId {
        let trailer = &self.update.get_prev_documents().trailer;
        trailer.get(b"Root").and_then(Object::as_reference).unwrap()
    }

    pub fn page(&self, number: u32) -> ObjectId {
        self.update.get_prev_documents().get_pages()[&number]
    }

    pub fn form(&self) -> ObjectId {
        let catalog = self.update.get_prev_documents().catalog().unwrap();
        catalog.get(b"AcroForm").and_then(Object::as_reference).unwrap()
    }

    pub fn field(&self, name: &str) -> ObjectId {
        let document = self.update.get_prev_documents();
        let fields = signing::pdf::signature_fields(document);
        fields.into_iter().find(|field| field.name == name).unwrap().id
    }

    pub fn edit(&mut self, id: ObjectId) -> &mut Dictionary {
        self.update.opt_clone_object_to_new_document(id).unwrap();
        self.update.new_document.get_dictionary_mut(id).unwrap()
    }

    pub fn add(&mut self, object: impl Into<Object>) -> ObjectId {
        self.update.new_document.add_object(object)
    }

    pub fn write(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.update.save_to(&mut out).unwrap();
        out
    }
}
