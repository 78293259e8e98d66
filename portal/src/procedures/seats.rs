//! Seats and sides: the places at the table, independent of who fills them.

use serde::{Deserialize, Serialize};

use crate::{cases::Part, words::words};

/// A place at the table, independent of who fills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatKind {
    /// Conciliator or mediator.
    Neutral,
    /// The activating party.
    Client,
    /// Acts for or beside the activating party.
    ClientDelegate,
    /// Acts for the convened operator.
    OperatorDelegate,
    /// Acts for a distributor.
    DistributorDelegate,
    /// Acts for a second distributor.
    SecondDistributorDelegate,
    /// Acts for a sewerage manager.
    SewerageDelegate,
    /// Acts for a treatment manager.
    TreatmentDelegate,
    /// Named by the conciliator, beside the activating party (R-MEET-47).
    ExtraActivating,
    /// Named by the conciliator, beside the convened operator.
    ExtraConvened,
    /// Named by the conciliator, beside technical aid.
    ExtraAid,
    /// Typed in to get and sign an own copy of minutes (R-SIGN-26); no seat in any room.
    Recipient,
}

impl SeatKind {
    /// The seat of the delegate of an operator that takes part as `part`.
    pub fn of_delegate(part: Part) -> Self {
        match part {
            Part::Convened => Self::OperatorDelegate,
            Part::Distributor => Self::DistributorDelegate,
            Part::SecondDistributor => Self::SecondDistributorDelegate,
            Part::Sewerage => Self::SewerageDelegate,
            Part::Treatment => Self::TreatmentDelegate,
        }
    }

    /// The extra seat of a side; nobody else is neutral.
    pub fn extra(side: Side) -> Option<Self> {
        match side {
            Side::Neutral => None,
            Side::Activating => Some(Self::ExtraActivating),
            Side::Convened => Some(Self::ExtraConvened),
            Side::Aid => Some(Self::ExtraAid),
        }
    }

    /// Whether the conciliator named the person for one room.
    pub fn is_extra(self) -> bool {
        matches!(self, Self::ExtraActivating | Self::ExtraConvened | Self::ExtraAid)
    }

    /// The side this seat belongs to.
    pub fn side(self) -> Side {
        match self {
            Self::Neutral | Self::Recipient => Side::Neutral,
            Self::Client | Self::ClientDelegate | Self::ExtraActivating => Side::Activating,
            Self::OperatorDelegate | Self::ExtraConvened => Side::Convened,
            Self::DistributorDelegate
            | Self::SecondDistributorDelegate
            | Self::SewerageDelegate
            | Self::TreatmentDelegate
            | Self::ExtraAid => Side::Aid,
        }
    }
}

/// The sides of a procedure; a breakout is opened for one of them (R-MEET-16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Conciliator or mediator.
    Neutral,
    /// Client and the client's delegate.
    Activating,
    /// The convened operator.
    Convened,
    /// Technical aid.
    Aid,
}

words! { Side {
    Neutral = "neutral";
    Activating = "activating";
    Convened = "convened";
    Aid = "aid";
} }

words! { SeatKind {
    Neutral = "neutral";
    Client = "client";
    ClientDelegate = "client_delegate";
    OperatorDelegate = "operator_delegate";
    DistributorDelegate = "distributor_delegate";
    SecondDistributorDelegate = "second_distributor_delegate";
    SewerageDelegate = "sewerage_delegate";
    TreatmentDelegate = "treatment_delegate";
    ExtraActivating = "extra_activating";
    ExtraConvened = "extra_convened";
    ExtraAid = "extra_aid";
    Recipient = "recipient";
} }

/// What a side is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideName {
    /// Alone, as in a list: "Parte invitata".
    pub name: String,
    /// Within a sentence, with its article: "la parte invitata".
    pub the: String,
}

/// What the sides are called (R-SIGN-40).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideNames {
    neutral: SideName,
    activating: SideName,
    convened: SideName,
    aid: SideName,
}

impl SideNames {
    /// The name of a side.
    pub fn of(&self, side: Side) -> &SideName {
        match side {
            Side::Neutral => &self.neutral,
            Side::Activating => &self.activating,
            Side::Convened => &self.convened,
            Side::Aid => &self.aid,
        }
    }
}

/// Names of the seats (R-CASE-08).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatLabels {
    neutral: String,
    client: String,
    client_delegate: String,
    operator_delegate: String,
    distributor_delegate: String,
    second_distributor_delegate: String,
    sewerage_delegate: String,
    treatment_delegate: String,
}

impl SeatLabels {
    /// The name of a seat as people read it.
    pub fn of(&self, seat: SeatKind) -> &str {
        match seat {
            SeatKind::Neutral => &self.neutral,
            SeatKind::Client => &self.client,
            SeatKind::ClientDelegate => &self.client_delegate,
            SeatKind::OperatorDelegate => &self.operator_delegate,
            SeatKind::DistributorDelegate => &self.distributor_delegate,
            SeatKind::SecondDistributorDelegate => &self.second_distributor_delegate,
            SeatKind::SewerageDelegate => &self.sewerage_delegate,
            SeatKind::TreatmentDelegate => &self.treatment_delegate,
            SeatKind::ExtraActivating | SeatKind::ExtraConvened | SeatKind::ExtraAid => {
                "Persona ammessa"
            }
            SeatKind::Recipient => "Destinatario",
        }
    }
}
