//! Browsers that look on while two callers of `swarm` talk in turn and send pictures.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser as _;
use confocal_pictures::{Rect, arrange};
use confocal_testing::parts::{Browser, Page, Places};
use http_conference::{Layout, Settings, conference};
use serde::Deserialize;
use serde_json::{Value, json};
use swarm::plan::Plan;
use swarm::report::Report;
use swarm::run::run;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Who send pictures, in the first colours, and talk in turn.
pub(crate) const SENDERS: usize = 2;
/// How long each talks, in seconds.
pub(crate) const TURN: u64 = 5;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Enough for anything that is going to happen at all, on a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// What the senders' conference is called.
const CONFERENCE: &str = "swarm-0";
/// How many seconds a page may take to leave and join anew.
const JOIN_ANEW: u64 = 2;
/// How many seconds the senders stay on, so that nobody looks who sees them leave.
const LEAVING: u64 = 3;

/// A conference, and pages that have joined it and look on.
pub(crate) struct Onlookers {
    layout: Layout,
    url: String,
    directory: PathBuf,
    pages: Vec<Page>,
    // They end with this.
    browsers: Vec<Browser>,
}

/// What all pages saw.
pub(crate) struct Seen {
    /// When the first turn began, in ms of Unix time.
    pub(crate) began_ms: i64,
    /// How long after connecting the first picture was shown, in ms, each time a page joined anew.
    pub(crate) first_ms: Vec<f64>,
    /// Each page's.
    pub(crate) sights: Vec<Sight>,
}

/// What one page saw.
#[derive(Debug, Deserialize)]
pub(crate) struct Sight {
    /// For how many seconds it looked, from the first picture on.
    pub(crate) seconds: f64,
    /// Pictures decoded a second.
    pub(crate) rate: f64,
    /// How often the picture stood still, as Chromium counts it.
    pub(crate) freezes: u64,
    /// What was shown.
    pub(crate) frames: Vec<Frame>,
}

/// A picture that was shown.
#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    /// When, in ms of Unix time.
    pub(crate) at: f64,
    /// Whose picture was in each part that was looked at.
    pub(crate) seen: Vec<Option<u64>>,
}

impl Onlookers {
    /// Starts the conference and so many browsers, which join.
    pub(crate) async fn join(name: &str, layout: Layout, count: usize) -> Self {
        let directory = Places::find().scratch(name).unwrap();
        let settings = Settings { media: vec![LOCAL], advertise: None, max_callers: SENDERS + count, layout };
        let (routes, running) = conference(&settings, std::future::pending()).unwrap();
        tokio::spawn(running);
        let listener = TcpListener::bind((LOCAL, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });

        let mut these = Self { layout, url, directory, pages: Vec::new(), browsers: Vec::new() };
        for number in 0..count {
            let folder = these.directory.join(format!("chromium-{number}"));
            std::fs::create_dir_all(&folder).unwrap();
            let browser = Browser::start(&folder).await.unwrap();
            let page = browser.open(&these.url).await.unwrap();
            let names = json!([CONFERENCE, format!("Eye {}", number + 1)]);
            page.run(include_str!("eye.js"), &names, SOON).await.unwrap();
            page.run("await eye.join()", &Value::Null, SOON).await.unwrap();
            these.browsers.push(browser);
            these.pages.push(page);
        }
        these
    }

    /// Senders come in, and for so many seconds all look; before that each page leaves and joins anew so often. A picture of each window
    /// is beside the logs then.
    pub(crate) async fn look(&self, seconds: u64, joins: usize) -> Seen {
        let joining = joins as u64 * self.pages.len() as u64 * JOIN_ANEW;
        let senders = self.senders(joining + seconds + LEAVING).await;
        let mut first_ms = Vec::new();
        for _ in 0..joins {
            for page in &self.pages {
                let after = page.run("return await eye.joinAnew()", &Value::Null, SOON).await.unwrap();
                first_ms.push(after.as_f64().unwrap());
            }
        }
        let parts = self.parts(joins > 0);
        for page in &self.pages {
            page.run("eye.look(args)", &json!(parts), SOON).await.unwrap();
        }
        let began = Instant::now();
        tokio::time::sleep_until(began + Duration::from_secs(seconds) / 2).await;
        for (number, page) in self.pages.iter().enumerate() {
            page.screenshot(&self.directory.join(format!("window-{number}.png"))).await.unwrap();
        }
        tokio::time::sleep_until(began + Duration::from_secs(seconds)).await;
        // While the senders are still there: it is no freeze that they leave.
        let mut sights = Vec::new();
        for page in &self.pages {
            let sight = page.run("return await eye.looked()", &Value::Null, SOON).await.unwrap();
            sights.push(serde_json::from_value(sight).unwrap());
        }
        let report = senders.await.unwrap().unwrap();
        Seen { began_ms: report.began_ms, first_ms, sights }
    }

    /// The senders, who have come in, and stay for so many seconds.
    async fn senders(&self, seconds: u64) -> JoinHandle<anyhow::Result<Report>> {
        let (count, turn, seconds) = (SENDERS.to_string(), TURN.to_string(), seconds.to_string());
        #[rustfmt::skip]
        let plan = Plan::parse_from([
            "swarm", "--url", &self.url, "--callers", &count, "--talkers", &count, "--turns", &turn, "--sound", "tone",
            "--pictures", &count, "--warm-up", "0", "--seconds", &seconds,
        ]);
        let (said, mut heard) = mpsc::unbounded_channel();
        let senders = tokio::spawn(async move {
            let say = |line: &str| {
                // Nobody listens any more once they are connected.
                let _ = said.send(line.to_owned());
            };
            run(&plan, say).await
        });
        while let Some(said) = heard.recv().await {
            if said.contains("are connected") {
                return senders;
            }
        }
        panic!("the senders did not come in: {:?}", senders.await);
    }

    /// Which parts of the picture are looked at: each sender's tile of the grid, who came in before those who look on or after them; or all of
    /// it.
    fn parts(&self, before: bool) -> Vec<[f64; 4]> {
        if self.layout == Layout::Speaker {
            return vec![[0.0, 0.0, 1.0, 1.0]];
        }
        let (width, height) = (1280, 720);
        let people: Vec<usize> = (0..self.pages.len() + SENDERS).collect();
        let mut places = Vec::new();
        arrange(confocal_pictures::Layout::Grid, &people, &[], (width, height), &mut places);
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
        let part = |rect: Rect| {
            [
                share(rect.x, width),
                share(rect.y, height),
                share(rect.width, width),
                share(rect.height, height),
            ]
        };
        let first = if before { 0 } else { self.pages.len() };
        places.iter().skip(first).take(SENDERS).map(|place| part(place.rect)).collect()
    }
}
