//! The companies that cases are opened against.

pub mod store;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::words;

/// One operator (operatore, gestore).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorId(pub Uuid);

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperatorKind {
    /// Sells or manages the service: cases are opened against it.
    Seller,
    /// Runs the network: technical aid.
    Distributor,
}

words!(OperatorKind {
    Seller = "seller", "Venditore o gestore";
    Distributor = "distributor", "Distributore";
});

/// An operator of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Which.
    pub id: OperatorId,
    /// Company name, unique within the body.
    pub name: String,
    /// What it does.
    pub kind: OperatorKind,
    /// The procedure is compulsory for it.
    pub compulsory: bool,
}
