//! Chromium on a bad line: what is lost is repaired, what does not fit is not sent, a hidden tile
//! costs nothing, and another network path keeps the connection.

use crate::line::{Line, until};
use crate::peer::{behind, candidate, id};
use crate::{ROOM, media, routes};
use serde_json::{Value, json};
use signaling::media::Media;
use signaling::protocol::{Session, Watch};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;

/// Much more than it takes on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Pages {
    _child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Pages {
    fn open() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/chromium.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { _child: child, to, from }
    }

    async fn ask(&mut self, page: u8, ask: &str, sdp: &str) -> Value {
        let line = format!("{}\n", json!({ "page": page, "ask": ask, "sdp": sdp }));
        self.to.write_all(line.as_bytes()).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.from.next_line()).await;
        serde_json::from_str(&answer.unwrap().unwrap().expect("the script lives")).unwrap()
    }

    /// Offers, and takes the answer as if the media edge were behind `line`.
    async fn connect(
        &mut self,
        media: &Media,
        page: u8,
        ask: &str,
        line: Option<&mut Option<Line>>,
    ) -> String {
        let offer = self.ask(page, ask, "").await;
        let mut answer = media.connect(ROOM, id(page), offer.as_str().unwrap()).await.unwrap();
        if let Some(line) = line {
            let fresh = Line::to(candidate(&answer)).await;
            answer = behind(&answer, fresh.address);
            *line = Some(fresh);
        }
        self.ask(page, "answer", &answer).await;
        answer
    }

    async fn stats(&mut self, page: u8) -> Value {
        self.ask(page, "stats", "").await
    }

    /// How a counter of a page rises over so long.
    async fn rise(&mut self, page: u8, what: &str, over: Duration) -> f64 {
        let before = self.stats(page).await[what].as_f64().unwrap_or(0.0);
        tokio::time::sleep(over).await;
        self.stats(page).await[what].as_f64().unwrap_or(0.0) - before
    }

    async fn shows(&mut self, page: u8, height: u64) {
        until(&format!("page {page} shows {height} lines"), PATIENCE, async || {
            let stats = self.stats(page).await;
            (stats["height"] == height).then_some(()).ok_or(stats.to_string())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_on_a_bad_line_keeps_its_voice_and_gets_the_picture_that_fits() {
    let media = media();
    let mut pages = Pages::open();
    let mut line = None;
    pages.connect(&media, 0, "offer", None).await;
    let answer = pages.connect(&media, 1, "offer", Some(&mut line)).await;
    let line = line.unwrap();
    for said in ["useinbandfec=1;usedtx=1", "a=fmtp:97 apt=96", "a=rtcp-fb:96 transport-cc"] {
        assert!(answer.contains(said), "{said} is not in\n{answer}");
    }
    let together = [(0, Session::Plenary), (1, Session::Plenary)];
    media.route(ROOM, routes(1, &together)).await.unwrap();

    // A good line: the upper layer both ways.
    for page in [0, 1] {
        pages.shows(page, 480).await;
    }
    let stats = pages.stats(1).await;

    // Losses are repaired both ways, in a stream of their own.
    line.loses_one_of(20);
    let (resent, repaired) = (pages.stats(1).await["resent"].clone(), stats["repaired"].clone());
    until("losses are repaired both ways", PATIENCE, async || {
        let stats = pages.stats(1).await;
        let rose = |what: &str, before: &Value| stats[what].as_u64() > before.as_u64();
        (rose("resent", &resent) && rose("repaired", &repaired))
            .then_some(())
            .ok_or(stats.to_string())
    })
    .await;
    line.loses_one_of(0);

    // Nobody looks: no picture comes, the voice does.
    media.watch(ROOM, id(1), vec![Watch::None]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let second = Duration::from_secs(1);
    assert_eq!(pages.rise(1, "pictures", second).await, 0.0);
    assert!(pages.rise(1, "voices", second).await > 20.0);
    media.watch(ROOM, id(1), vec![Watch::Low]);
    pages.shows(1, 240).await;
    media.watch(ROOM, id(1), vec![Watch::High]);
    pages.shows(1, 480).await;

    // Little fits: the lower layer, and the voice suffers for a moment at most.
    line.takes(330_000);
    pages.shows(1, 240).await;
    let before = pages.stats(1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = pages.stats(1).await;
    let over = |what: &str| after[what].as_f64().unwrap() - before[what].as_f64().unwrap();
    let concealed = over("concealed") / over("samples");
    assert!(concealed < 0.1, "{concealed} of the voice was made up: {after}");
    line.takes(0);
    pages.shows(1, 480).await;

    // Another network: the same connection over another path.
    line.cut();
    let mut other = None;
    let began = Instant::now();
    pages.connect(&media, 1, "restart", Some(&mut other)).await;
    let frames = pages.stats(1).await["frames"].as_u64();
    until("pictures come over the new path", PATIENCE, async || {
        let stats = pages.stats(1).await;
        (stats["frames"].as_u64() > frames).then_some(()).ok_or(stats.to_string())
    })
    .await;
    println!("pictures over the new path after {:?}", began.elapsed());
    pages.shows(0, 480).await;
}
