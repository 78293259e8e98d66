//! A hybrid-reference file (ISO 32000-1 §7.5.8.4): readers of cross-reference tables see the pages,
//! those that follow `/XRefStm` see the structure tree as well. No library at hand writes one.

use std::collections::BTreeMap;

use lopdf::{Document, Object, ObjectId, Stream, Writer, dictionary};

fn body(object: &Object) -> Vec<u8> {
    let mut bytes = Vec::new();
    Writer::write_object(&mut bytes, object).unwrap();
    bytes
}

fn put(pdf: &mut Vec<u8>, places: &mut BTreeMap<u32, usize>, number: u32, object: &Object) {
    places.insert(number, pdf.len());
    pdf.extend(format!("{number} 0 obj\n").bytes());
    pdf.extend(body(object));
    pdf.extend(b"\nendobj\n");
}

/// Writes `document` with its structure elements hidden in an object stream.
pub fn write(document: &Document) -> Vec<u8> {
    let hidden: Vec<ObjectId> = document
        .objects
        .iter()
        .filter(|(_, object)| object.as_dict().is_ok_and(|entries| entries.has_type(b"StructElem")))
        .map(|(id, _)| *id)
        .collect();
    assert!(!hidden.is_empty());
    let (container, references) = (document.max_id + 1, document.max_id + 2);
    let mut pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = BTreeMap::new();
    for (id, object) in &document.objects {
        if !hidden.contains(id) {
            put(&mut pdf, &mut places, id.0, object);
        }
    }
    let (mut numbers, mut packed) = (String::new(), Vec::new());
    for id in &hidden {
        numbers += &format!("{} {} ", id.0, packed.len());
        packed.extend(body(&document.objects[id]));
        packed.push(b'\n');
    }
    let entries = dictionary! {
        "Type" => "ObjStm", "N" => hidden.len() as i64, "First" => numbers.len() as i64,
    };
    let mut packed = Stream::new(entries, [numbers.into_bytes(), packed].concat());
    packed.compress().unwrap();
    put(&mut pdf, &mut places, container, &packed.into());

    let stream_at = pdf.len();
    let (mut index, mut rows) = (Vec::new(), Vec::new());
    for (place, id) in (0_u16..).zip(&hidden) {
        index.extend([i64::from(id.0).into(), Object::Integer(1)]);
        rows.push(2);
        rows.extend(container.to_be_bytes());
        rows.extend(place.to_be_bytes());
    }
    let size = i64::from(references) + 1;
    let entries = dictionary! {
        "Type" => "XRef", "Size" => size, "W" => vec![1.into(), 4.into(), 2.into()],
        "Index" => index, "Root" => document.trailer.get(b"Root").unwrap().clone(),
    };
    put(&mut pdf, &mut places, references, &Stream::new(entries, rows).into());

    let start = pdf.len();
    pdf.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").bytes());
    for number in 1..=references {
        pdf.extend(match places.get(&number) {
            Some(place) => format!("{place:010} 00000 n \n").into_bytes(),
            None => b"0000000000 65535 f \n".to_vec(),
        });
    }
    let mut trailer = document.trailer.clone();
    trailer.set("Size", size);
    trailer.set("XRefStm", stream_at as i64);
    pdf.extend(b"trailer\n");
    pdf.extend(body(&trailer.into()));
    pdf.extend(format!("\nstartxref\n{start}\n%%EOF\n").bytes());
    pdf
}
