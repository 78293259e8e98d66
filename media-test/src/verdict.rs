//! From figures to four ticks. Pure.

use serde::{Deserialize, Serialize};

/// What must be reached (R-TEST-06).
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// Bits a second, per direction; default 1 Mbit/s.
    pub bits_per_second: u64,
    /// Milliseconds there and back, at most.
    pub round_trip_ms: u32,
    /// Share of packets that may be lost, in percent.
    pub loss_percent: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { bits_per_second: 1_000_000, round_trip_ms: 400, loss_percent: 5.0 }
    }
}

/// What the browser found out so far: a check that is not finished is missing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurements {
    /// What the browser can do (R-TEST-07).
    pub browser: Option<Browser>,
    /// What the network can do (R-TEST-06).
    pub network: Option<Network>,
    /// State of the microphone.
    pub microphone: Option<Device>,
    /// State of the webcam.
    pub webcam: Option<Device>,
}

/// What must be there (R-TEST-07).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Browser {
    /// `RTCPeerConnection`.
    pub webrtc: bool,
    /// `WebSocket`.
    pub websocket: bool,
    /// Devices can be listed.
    pub devices: bool,
}

/// What was measured of the network.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Bits a second from the hub; none if the probe failed.
    pub down: Option<u64>,
    /// Bits a second to the hub; none if the probe failed.
    pub up: Option<u64>,
    /// The ways for media that were tried.
    pub paths: Vec<Path>,
}

/// One way for media.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// Which.
    pub way: Way,
    /// A connection came about.
    pub works: bool,
    /// Milliseconds there and back.
    pub round_trip_ms: Option<u32>,
    /// Packets lost on the way to the hub, in percent.
    pub loss_percent: Option<f64>,
}

/// How media reach the hub, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// UDP to the hub itself.
    Direct,
    /// UDP to the relay.
    RelayUdp,
    /// TCP to the relay.
    RelayTcp,
    /// TLS to the relay: what strict networks let through.
    RelayTls,
}

impl Way {
    fn label(self) -> &'static str {
        match self {
            Self::Direct => "Via diretta",
            Self::RelayUdp => "Prima via di riserva (UDP)",
            Self::RelayTcp => "Seconda via di riserva (TCP)",
            Self::RelayTls => "Terza via di riserva (TLS)",
        }
    }
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
    /// Figures behind it, one line each. Italian.
    pub details: Vec<String>,
}

/// The verdict on what was measured so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Nothing is missing.
    pub complete: bool,
    /// Complete and all green (R-TEST-04).
    pub ready: bool,
    /// In the order of R-TEST-01.
    pub ticks: Vec<Tick>,
}

/// Judges one set of figures.
pub fn judge(m: &Measurements, thresholds: Thresholds) -> Verdict {
    let ticks: Vec<Tick> = [
        m.browser.map(browser),
        m.network.as_ref().map(|network| bandwidth(network, thresholds)),
        m.microphone.map(microphone),
        m.webcam.map(webcam),
    ]
    .into_iter()
    .flatten()
    .collect();
    let complete = ticks.len() == 4;
    Verdict { complete, ready: complete && ticks.iter().all(|t| t.green), ticks }
}

fn tick(item: Item, green: bool, advice: impl Into<String>) -> Tick {
    Tick { item, green, advice: advice.into(), details: Vec::new() }
}

fn browser(b: Browser) -> Tick {
    let green = b.webrtc && b.websocket && b.devices;
    let advice = if green {
        "Il browser è adatto agli incontri in videoconferenza."
    } else {
        "Il browser non è adatto: aggiornalo, oppure usa una versione recente di Chrome, Edge, \
         Firefox o Safari."
    };
    tick(Item::Browser, green, advice)
}

fn bandwidth(n: &Network, t: Thresholds) -> Tick {
    let (green, advice) = speed(n, t)
        .and_then(|()| path(n, t))
        .map_or_else(|problem| (false, problem), |words| (true, words.to_owned()));
    let mut details = Vec::new();
    if let (Some(down), Some(up)) = (n.down, n.up) {
        let figures = format!("{} Mbit/s in ricezione, {} in invio", megabits(down), megabits(up));
        details.push(format!("Velocità: {figures}"));
    }
    details.extend(n.paths.iter().take(8).map(shown));
    Tick { details, ..tick(Item::Bandwidth, green, advice) }
}

fn speed(n: &Network, t: Thresholds) -> Result<(), String> {
    let (Some(down), Some(up)) = (n.down, n.up) else {
        return Err("La misura della rete non è riuscita: controlla la connessione e premi \
             «Aggiorna»."
            .to_owned());
    };
    let slow = match (down < t.bits_per_second, up < t.bits_per_second) {
        (false, false) => return Ok(()),
        (true, false) => "in ricezione",
        (false, true) => "in invio",
        (true, true) => "in ricezione e in invio",
    };
    Err(format!(
        "La rete è lenta {slow} (servono {} Mbit/s). Avvicinati all'apparecchio di internet di casa o \
         collegati con il cavo, e chiudi gli altri programmi aperti. Poi premi «Aggiorna».",
        megabits(t.bits_per_second)
    ))
}

/// Whether audio and video get through, and well enough, on the best way that works.
fn path(n: &Network, t: Thresholds) -> Result<&'static str, String> {
    let Some(best) = n.paths.iter().filter(|path| path.works).min_by_key(|path| path.way) else {
        return Err(
            "La rete a cui sei collegato non lascia passare audio e video. Prova con un'altra, \
             per esempio quella del telefono. Se usi una VPN, spegnila. In ufficio, chiedi a chi \
             si occupa dei computer di consentire questo sito."
                .to_owned(),
        );
    };
    if best.round_trip_ms.is_some_and(|ms| ms > t.round_trip_ms) {
        return Err(
            "La rete risponde in ritardo: parlandovi vi interrompereste a vicenda. Avvicinati \
             all'apparecchio di internet di casa o collegati con il cavo. Se usi una VPN, spegnila."
                .to_owned(),
        );
    }
    if best.loss_percent.is_some_and(|percent| percent > t.loss_percent) {
        return Err(
            "Una parte dell'audio e del video si perde per strada. Avvicinati all'apparecchio di \
             internet di casa o collegati con il cavo, oppure prova un'altra rete."
                .to_owned(),
        );
    }
    Ok(match best.way {
        Way::Direct => "La rete è adatta all'incontro.",
        _ => "La rete è adatta all'incontro: passa per una via di riserva.",
    })
}

fn shown(path: &Path) -> String {
    let label = path.way.label();
    if !path.works {
        return format!("{label}: non passa");
    }
    let mut words = format!("{label}: funziona");
    if let Some(ms) = path.round_trip_ms {
        words.push_str(&format!(", risposta in {ms} ms"));
    }
    if let Some(percent) = path.loss_percent {
        words.push_str(&format!(", perdite {} %", decimal(percent)));
    }
    words
}

fn megabits(bits: u64) -> String {
    decimal(bits as f64 / 1e6)
}

fn decimal(number: f64) -> String {
    format!("{number:.1}").replace('.', ",")
}

fn microphone(device: Device) -> Tick {
    let advice = match device {
        Device::Works => "Il microfono funziona.",
        Device::Missing => "Nessun microfono trovato: collegane uno e premi «Aggiorna».",
        Device::Denied => {
            "Il browser non ha il permesso di usare il microfono. Premi il simbolo accanto \
             all'indirizzo della pagina, consenti il microfono e premi «Aggiorna»."
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
            "Il browser non ha il permesso di usare la webcam. Premi il simbolo accanto \
             all'indirizzo della pagina, consenti la fotocamera e premi «Aggiorna»."
        }
        Device::Busy => "La webcam è usata da un'altra applicazione: chiudila e premi «Aggiorna».",
        Device::Silent => "Dalla webcam non arriva alcuna immagine: controlla che non sia coperta.",
    };
    tick(Item::Webcam, device == Device::Works, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECT: Path =
        Path { way: Way::Direct, works: true, round_trip_ms: Some(12), loss_percent: Some(0.0) };

    fn network(paths: Vec<Path>) -> Option<Network> {
        Some(Network { down: Some(20_000_000), up: Some(1_000_000), paths })
    }

    fn good() -> Measurements {
        Measurements {
            browser: Some(Browser { webrtc: true, websocket: true, devices: true }),
            network: network(vec![DIRECT]),
            microphone: Some(Device::Works),
            webcam: Some(Device::Works),
        }
    }

    fn red(m: &Measurements) -> Vec<Item> {
        let verdict = judge(m, Thresholds::default());
        assert!(verdict.complete);
        assert_eq!(verdict.ready, verdict.ticks.iter().all(|t| t.green));
        assert_eq!(verdict.ticks.len(), 4);
        verdict.ticks.into_iter().filter(|t| !t.green).map(|t| t.item).collect()
    }

    #[test]
    fn r_test_04_all_green_says_ready() {
        assert_eq!(red(&good()), []);
    }

    #[test]
    fn r_test_02_what_is_not_measured_yet_has_no_tick_and_is_not_ready() {
        for part in [
            Measurements { webcam: None, ..good() },
            Measurements { network: None, ..good() },
            Measurements::default(),
        ] {
            let verdict = judge(&part, Thresholds::default());
            assert!(!verdict.ready && !verdict.complete && verdict.ticks.len() < 4);
        }
    }

    #[test]
    fn r_test_05_07_each_failing_item_is_named() {
        let browser = |webrtc, websocket, devices| Measurements {
            browser: Some(Browser { webrtc, websocket, devices }),
            ..good()
        };
        let net = |change: fn(&mut Network)| {
            let mut m = good();
            change(m.network.as_mut().unwrap());
            m
        };
        for (broken, item) in [
            (browser(false, true, true), Item::Browser),
            (browser(true, false, true), Item::Browser),
            (browser(true, true, false), Item::Browser),
            (net(|n| n.down = None), Item::Bandwidth),
            (net(|n| n.up = Some(999_999)), Item::Bandwidth),
            (net(|n| n.down = Some(999_999)), Item::Bandwidth),
            (net(|n| n.paths.clear()), Item::Bandwidth),
            (net(|n| n.paths[0].works = false), Item::Bandwidth),
            (net(|n| n.paths[0].round_trip_ms = Some(401)), Item::Bandwidth),
            (net(|n| n.paths[0].loss_percent = Some(5.1)), Item::Bandwidth),
            (Measurements { microphone: Some(Device::Silent), ..good() }, Item::Microphone),
            (Measurements { microphone: Some(Device::Busy), ..good() }, Item::Microphone),
            (Measurements { microphone: Some(Device::Denied), ..good() }, Item::Microphone),
            (Measurements { webcam: Some(Device::Missing), ..good() }, Item::Webcam),
        ] {
            assert_eq!(red(&broken), [item]);
        }
    }

    #[test]
    fn a_relay_is_enough_and_the_best_way_counts() {
        let blocked = Path { works: false, ..DIRECT };
        let tls = Path { way: Way::RelayTls, round_trip_ms: Some(80), ..DIRECT };
        let slow = Path { way: Way::RelayTcp, round_trip_ms: Some(900), ..DIRECT };
        for (paths, reds) in [
            (vec![blocked, tls], vec![]),
            (vec![slow, DIRECT], vec![]),
            (vec![tls, slow], vec![Item::Bandwidth]),
        ] {
            assert_eq!(red(&Measurements { network: network(paths), ..good() }), reds);
        }
    }

    #[test]
    fn r_test_06_the_threshold_itself_is_enough() {
        let t = Thresholds { bits_per_second: 1_000_001, ..Thresholds::default() };
        assert!(!judge(&good(), t).ready);
        let t = Thresholds { bits_per_second: 1_000_000, ..t };
        assert!(judge(&good(), t).ready);
    }
}
