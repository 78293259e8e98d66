//! What the dispute is about: sector, service and kind of use. The lists are those of the operator
//! register (R-ROLE-12, R-ROLE-16); a case and a delegate's domiciliation use the same words.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// Settore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sector {
    /// Elettrico e/o gas.
    ElectricityGas,
    /// Servizi idrici.
    Water,
    /// Telecalore.
    Heat,
}

/// Servizio (R-ROLE-16, C-08).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Elettrico.
    Electricity,
    /// Gas.
    Gas,
    /// Elettrico + Gas (dual fuel).
    DualFuel,
    /// Prosumer.
    Prosumer,
    /// Teleriscaldamento.
    Heating,
    /// Teleraffrescamento.
    Cooling,
    /// Teleriscaldamento + Teleraffrescamento.
    HeatingCooling,
    /// Acquedotto.
    Aqueduct,
    /// Depurazione.
    Treatment,
    /// Fognatura.
    Sewerage,
}

/// Tipo utenza (R-ROLE-17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Utility {
    /// Domestica.
    Domestic,
    /// Non domestica.
    NonDomestic,
}

words! { Sector {
    ElectricityGas = "electricity_gas", "Elettrico e/o Gas";
    Water = "water", "Servizi idrici";
    Heat = "heat", "Telecalore";
} }

words! { Service {
    Electricity = "electricity", "Elettrico";
    Gas = "gas", "Gas";
    DualFuel = "dual_fuel", "Elettrico + Gas";
    Prosumer = "prosumer", "Prosumer";
    Heating = "heating", "Teleriscaldamento";
    Cooling = "cooling", "Teleraffrescamento";
    HeatingCooling = "heating_cooling", "Teleriscaldamento + Teleraffrescamento";
    Aqueduct = "aqueduct", "Acquedotto";
    Treatment = "treatment", "Depurazione";
    Sewerage = "sewerage", "Fognatura";
} }

words! { Utility {
    Domestic = "domestic", "Domestica";
    NonDomestic = "non_domestic", "Non domestica";
} }

impl Service {
    /// The sector a service belongs to (R-ROLE-16).
    pub fn sector(self) -> Sector {
        match self {
            Self::Electricity | Self::Gas | Self::DualFuel | Self::Prosumer => {
                Sector::ElectricityGas
            }
            Self::Heating | Self::Cooling | Self::HeatingCooling => Sector::Heat,
            Self::Aqueduct | Self::Treatment | Self::Sewerage => Sector::Water,
        }
    }

    /// The application must state the POD (R-CLAIM-10).
    pub fn needs_pod(self) -> bool {
        matches!(self, Self::Electricity | Self::DualFuel | Self::Prosumer)
    }

    /// The application must state the PDR (R-CLAIM-10).
    pub fn needs_pdr(self) -> bool {
        matches!(self, Self::Gas | Self::DualFuel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_role_16_each_service_belongs_to_one_sector() {
        for (service, sector) in [
            (Service::DualFuel, Sector::ElectricityGas),
            (Service::Prosumer, Sector::ElectricityGas),
            (Service::Cooling, Sector::Heat),
            (Service::Sewerage, Sector::Water),
        ] {
            assert_eq!(service.sector(), sector, "{service:?}");
        }
    }

    #[test]
    fn r_claim_10_supply_points_by_service() {
        for (service, pod, pdr) in [
            (Service::Electricity, true, false),
            (Service::Gas, false, true),
            (Service::DualFuel, true, true),
            (Service::Aqueduct, false, false),
            (Service::Heating, false, false),
        ] {
            assert_eq!((service.needs_pod(), service.needs_pdr()), (pod, pdr), "{service:?}");
        }
    }

    #[test]
    fn a_key_and_its_serde_form_are_the_same_word() {
        for service in Service::ALL {
            assert_eq!(serde_json::to_value(service).unwrap(), service.key());
            assert_eq!(service.key().parse(), Ok(*service));
        }
        assert!("Elettrico".parse::<Service>().is_err());
    }
}
