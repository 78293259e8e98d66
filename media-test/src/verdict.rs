//! From figures to four ticks. Pure.

use serde::{Deserialize, Serialize};

/// What must be reached, per direction (R-TEST-06), in bits a second.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// Default 1 Mbit/s.
    pub bits_per_second: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        // R-TEST-06
        Self { bits_per_second: 1_000_000 }
    }
}

/// What the browser found out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurements {
    /// `RTCPeerConnection` is there (R-TEST-07).
    pub webrtc: bool,
    /// `WebSocket` is there (R-TEST-07).
    pub websocket: bool,
    /// Devices can be listed (R-TEST-07).
    pub devices: bool,
    /// Bits a second from the hub; none if the probe failed.
    pub down: Option<u64>,
    /// Bits a second to the hub; none if the probe failed.
    pub up: Option<u64>,
    /// State of the microphone.
    pub microphone: Device,
    /// State of the webcam.
    pub webcam: Device,
}

/// What became of opening a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// It delivers.
    Works,
    /// There is none.
    Missing,
    /// The person or the system refused access.
    Denied,
    /// Another program holds it.
    Busy,
    /// It is open and delivers nothing.
    Silent,
}

/// One of the four checks (R-TEST-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Browser.
    Browser,
    /// Bandwidth.
    Bandwidth,
    /// Microphone.
    Microphone,
    /// Webcam.
    Webcam,
}

/// Tick and words of one check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tick {
    /// Which.
    pub item: Item,
    /// Green or red.
    pub green: bool,
    /// What was found and, when red, what helps. Italian.
    pub advice: String,
}

/// The whole verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// All green (R-TEST-04).
    pub ready: bool,
    /// The four, in the order of R-TEST-01.
    pub ticks: Vec<Tick>,
}

/// Judges one set of figures.
pub fn judge(m: &Measurements, thresholds: Thresholds) -> Verdict {
    let ticks =
        vec![browser(m), bandwidth(m, thresholds), microphone(m.microphone), webcam(m.webcam)];
    Verdict { ready: ticks.iter().all(|t| t.green), ticks }
}

fn tick(item: Item, green: bool, advice: impl Into<String>) -> Tick {
    Tick { item, green, advice: advice.into() }
}

fn browser(m: &Measurements) -> Tick {
    let green = m.webrtc && m.websocket && m.devices;
    let advice = if green {
        "Il browser è adatto agli incontri in videoconferenza."
    } else {
        "Il browser non è adatto: aggiornalo, oppure usa una versione recente di Chrome, Edge, \
         Firefox o Safari."
    };
    tick(Item::Browser, green, advice)
}

fn bandwidth(m: &Measurements, t: Thresholds) -> Tick {
    let (Some(down), Some(up)) = (m.down, m.up) else {
        return tick(
            Item::Bandwidth,
            false,
            "La misura della rete non è riuscita: controlla la connessione e premi «Aggiorna».",
        );
    };
    let megabits = |bits: u64| format!("{:.1}", bits as f64 / 1e6).replace('.', ",");
    let figures = format!("{} Mbit/s in ricezione, {} in invio", megabits(down), megabits(up));
    let slow = match (down < t.bits_per_second, up < t.bits_per_second) {
        (false, false) => return tick(Item::Bandwidth, true, format!("Rete adeguata: {figures}.")),
        (true, false) => "in ricezione",
        (false, true) => "in invio",
        (true, true) => "in ricezione e in invio",
    };
    tick(
        Item::Bandwidth,
        false,
        format!(
            "Rete lenta {slow} ({figures}): avvicinati al router o usa il cavo, e chiudi gli altri \
             programmi che usano internet."
        ),
    )
}

fn microphone(device: Device) -> Tick {
    let advice = match device {
        Device::Works => "Il microfono funziona.",
        Device::Missing => "Nessun microfono trovato: collegane uno e premi «Aggiorna».",
        Device::Denied => {
            "Il browser non può usare il microfono: consentilo dall'icona accanto all'indirizzo."
        }
        Device::Busy => {
            "Il microfono è usato da un'altra applicazione: chiudila e premi «Aggiorna»."
        }
        Device::Silent => {
            "Dal microfono non arriva alcun suono: controlla che non sia disattivato e parla."
        }
    };
    tick(Item::Microphone, device == Device::Works, advice)
}

fn webcam(device: Device) -> Tick {
    let advice = match device {
        Device::Works => "La webcam funziona.",
        Device::Missing => {
            "Nessuna webcam trovata: all'incontro si può partecipare anche solo con l'audio, ma per \
             l'identificazione video serve una webcam."
        }
        Device::Denied => {
            "Il browser non può usare la webcam: consentila dall'icona accanto all'indirizzo."
        }
        Device::Busy => "La webcam è usata da un'altra applicazione: chiudila e premi «Aggiorna».",
        Device::Silent => "Dalla webcam non arriva alcuna immagine: controlla che non sia coperta.",
    };
    tick(Item::Webcam, device == Device::Works, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Measurements {
        Measurements {
            webrtc: true,
            websocket: true,
            devices: true,
            down: Some(20_000_000),
            up: Some(1_000_000),
            microphone: Device::Works,
            webcam: Device::Works,
        }
    }

    fn red(m: Measurements) -> Vec<Item> {
        let verdict = judge(&m, Thresholds::default());
        assert_eq!(verdict.ready, verdict.ticks.iter().all(|t| t.green));
        assert_eq!(verdict.ticks.len(), 4);
        verdict.ticks.into_iter().filter(|t| !t.green).map(|t| t.item).collect()
    }

    #[test]
    fn r_test_04_all_green_says_ready() {
        assert_eq!(red(good()), []);
    }

    #[test]
    fn r_test_05_each_failing_item_is_named() {
        for (broken, item) in [
            (Measurements { webrtc: false, ..good() }, Item::Browser),
            (Measurements { websocket: false, ..good() }, Item::Browser),
            (Measurements { devices: false, ..good() }, Item::Browser),
            (Measurements { down: None, ..good() }, Item::Bandwidth),
            (Measurements { up: Some(999_999), ..good() }, Item::Bandwidth),
            (Measurements { down: Some(999_999), ..good() }, Item::Bandwidth),
            (Measurements { microphone: Device::Silent, ..good() }, Item::Microphone),
            (Measurements { microphone: Device::Busy, ..good() }, Item::Microphone),
            (Measurements { webcam: Device::Missing, ..good() }, Item::Webcam),
        ] {
            assert_eq!(red(broken), [item]);
        }
    }

    #[test]
    fn r_test_06_the_threshold_itself_is_enough() {
        let t = Thresholds { bits_per_second: 3 };
        let m = Measurements { down: Some(3), up: Some(3), ..good() };
        assert!(judge(&m, t).ready);
    }
}
