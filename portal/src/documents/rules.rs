//! Who sees which document (R-CASE-32…34, C-13). Lists and counters ask these rules as well,
//! so that nothing is decided twice.

use crate::{
    documents::{Kind, Sender},
    organisations::OperatorId,
};

/// From where somebody looks at the documents of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Service secretariat, or the assigned conciliator: everything (R-CASE-34).
    Service,
    /// Client and client's delegate.
    Activating,
    /// Secretariat and assigned delegate of an operator that takes part.
    Operator {
        /// Which.
        operator: OperatorId,
        /// It adhered (R-CASE-16).
        adhered: bool,
    },
}

/// What visibility depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visibility {
    /// Category.
    pub kind: Kind,
    /// Who sent it.
    pub sender: Sender,
    /// The operator that sent it, if one did.
    pub operator: Option<OperatorId>,
    /// The sender's choice (R-CASE-42).
    pub confidential: bool,
}

impl Visibility {
    /// A document as sent: compulsory ones are never confidential (R-CASE-33).
    pub fn new(
        kind: Kind,
        sender: Sender,
        operator: Option<OperatorId>,
        confidential: bool,
    ) -> Self {
        Self { kind, sender, operator, confidential: confidential && !kind.compulsory() }
    }

    /// `viewer` may know that the document exists, and open it.
    pub fn visible_to(&self, viewer: Viewer) -> bool {
        match viewer {
            Viewer::Service => true,
            Viewer::Activating => !self.confidential || self.sender == Sender::Activating,
            Viewer::Operator { operator, adhered } => {
                let open = adhered || self.kind.before_adhesion();
                open && (!self.confidential || self.operator == Some(operator))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn r_case_32_to_34_and_c_13_who_sees_what() {
        let convened = OperatorId(Uuid::from_u128(1));
        let aid = OperatorId(Uuid::from_u128(2));
        let operator = |operator| Viewer::Operator { operator, adhered: true };
        let waiting = Viewer::Operator { operator: convened, adhered: false };
        let viewers =
            [Viewer::Service, Viewer::Activating, operator(convened), operator(aid), waiting];
        let (free, secret) = (false, true);
        for (kind, sender, by, confidential, seen) in [
            (Kind::Attachment, Sender::Activating, None, free, [true, true, true, true, false]),
            (Kind::Attachment, Sender::Activating, None, secret, [true, true, false, false, false]),
            (
                Kind::Attachment,
                Sender::Convened,
                Some(convened),
                secret,
                [true, false, true, false, false],
            ),
            (Kind::Attachment, Sender::Aid, Some(aid), secret, [true, false, false, true, false]),
            // R-CASE-33: the flag does not count on compulsory documents.
            (Kind::Complaint, Sender::Activating, None, secret, [true, true, true, true, false]),
            // C-13: before adhesion only start notice and convening letters.
            (Kind::StartNotice, Sender::Service, None, free, [true, true, true, true, true]),
            (Kind::Convening, Sender::Service, None, free, [true, true, true, true, true]),
            (Kind::FinalMinutes, Sender::Service, None, free, [true, true, true, true, false]),
        ] {
            let document = Visibility::new(kind, sender, by, confidential);
            let result = viewers.map(|viewer| document.visible_to(viewer));
            assert_eq!(result, seen, "{kind:?} {sender:?} {confidential}");
        }
    }
}
