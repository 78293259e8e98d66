//! Signature fields in the structure tree: a reader that speaks the page finds them (PDF/UA-1).

use lopdf::{Object, ObjectId, dictionary};

use super::update::Update;
use crate::pades::DocumentError;

/// Hangs `widget` on a `/Form` element at the end of the document's structure (PDF/UA-1 §7.18.4)
/// and sets the tab order of its page (§7.18.3). An untagged document stays as it is.
pub(super) fn tag_widget(
    update: &mut Update<'_>,
    widget: ObjectId,
    page: ObjectId,
) -> Result<(), DocumentError> {
    let catalog = update.dictionary(update.catalog())?;
    let Ok(root) = catalog.get(b"StructTreeRoot").and_then(Object::as_reference) else {
        return Ok(());
    };
    let parent = first_element(update, root)?;
    let element = update.add(dictionary! {
        "Type" => "StructElem",
        "S" => "Form",
        "P" => parent,
        "K" => dictionary! { "Type" => "OBJR", "Obj" => widget, "Pg" => page },
    })?;
    update.push(parent, b"K", [element.into()])?;
    let key = next_key(update, root)?;
    add_to_parent_tree(update, root, key, element)?;
    update.edit(root)?.set("ParentTreeNextKey", key + 1);
    update.edit(widget)?.set("StructParent", key);
    update.edit(page)?.set("Tabs", "S");
    Ok(())
}

/// The outermost element, usually `/Document`.
fn first_element(update: &Update<'_>, root: ObjectId) -> Result<ObjectId, DocumentError> {
    let missing = DocumentError::Structure("the structure tree is empty");
    let mut kids = update.dictionary(root)?.get(b"K").ok();
    if let Some(Object::Reference(id)) = kids
        && let Object::Array(_) = update.get(*id)?
    {
        kids = Some(update.get(*id)?);
    }
    match kids {
        Some(Object::Reference(id)) => Ok(*id),
        Some(Object::Array(kids)) => {
            kids.iter().find_map(|kid| kid.as_reference().ok()).ok_or(missing)
        }
        _ => Err(missing),
    }
}

fn next_key(update: &Update<'_>, root: ObjectId) -> Result<i64, DocumentError> {
    update
        .dictionary(root)?
        .get(b"ParentTreeNextKey")
        .and_then(Object::as_i64)
        .map_err(|_| DocumentError::Structure("the structure tree has no next key"))
}

/// Adds `key` → `element`; keys only grow, so it goes to the end (ISO 32000-1 §7.9.7).
fn add_to_parent_tree(
    update: &mut Update<'_>,
    root: ObjectId,
    key: i64,
    element: ObjectId,
) -> Result<(), DocumentError> {
    let tree = match update.dictionary(root)?.get(b"ParentTree").ok().cloned() {
        Some(Object::Reference(id)) => id,
        Some(Object::Dictionary(inline)) => {
            let id = update.add(inline)?;
            update.edit(root)?.set("ParentTree", id);
            id
        }
        _ => return Err(DocumentError::Structure("the structure tree has no parent tree")),
    };
    let pair = [key.into(), element.into()];
    if update.dictionary(tree)?.has(b"Kids") {
        let leaf = update.add(dictionary! {
            "Limits" => vec![key.into(), key.into()],
            "Nums" => pair.to_vec(),
        })?;
        update.push(tree, b"Kids", [leaf.into()])
    } else {
        update.push(tree, b"Nums", pair)
    }
}
