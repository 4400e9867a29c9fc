//! `cargo xtask bench-restarts`: how long people in a conference hear nothing when the focus crashed, from the moment at which it is
//! started again.
//!
//! Three people with matrix-js-sdk in Chromium, each with a tone. The focus is killed; when nobody hears anything any more it is
//! started; the time ends when the last of them hears the others again. Nobody clicks.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use clap::Args;
use confocal_testing::parts::{Browser, PageServer, Person, Scene};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::figures::{machine, spread, today};
use crate::setup::{Consent, Need, node, packages, python};
use crate::steps::{Steps, cargo};

/// What people say, in Hz: no harmonics of each other.
const TONES: [f64; 3] = [437.0, 631.0, 1013.0];

const NAMES: [&str; 3] = ["anna", "bert", "cleo"];

/// How long silence, or sound, may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What counts as heard, and what as silence, in dBFS.
const HEARD: f64 = -45.0;
const SILENT: f64 = -70.0;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// How often the focus is killed.
    #[arg(long, default_value_t = 10)]
    restarts: u32,
}

/// Installs what is needed, measures, and prints a table in Markdown.
pub(crate) fn run(steps: &Steps, consent: Consent, args: &BenchArgs) -> anyhow::Result<()> {
    let needs = Need::BUILD.into_iter().chain(Need::PYTHON).chain(Need::PAGES).chain(Need::BROWSER);
    packages::ensure(steps, consent, &needs.collect::<Vec<_>>())?;
    python::parts(steps, consent)?;
    node::pages(steps, consent)?;
    steps.step("Building the focus", "build-focus", |log| {
        cargo(steps, log, &["build", "--workspace", "--all-features"])
    })?;
    let runtime = Runtime::new().context("could not start the runtime")?;
    let what = format!("Measuring {} restarts", args.restarts);
    let gaps = steps.step(&what, "bench-restarts", |_| runtime.block_on(measure(steps, args.restarts)))?;
    steps.say(&format!(
        "\n| {} restarts, three browsers | median | p95 | min – max |\n| --- | --- | --- | --- |\n\
         | the new process is started → the last one hears the others again | {} |\n\n{}; debug profile; {}.",
        args.restarts,
        spread(gaps),
        machine(),
        today(),
    ));
    Ok(())
}

/// Milliseconds of each restart.
async fn measure(steps: &Steps, count: u32) -> anyhow::Result<Vec<f64>> {
    let places = steps.places();
    let binary = places.target().join("debug/focus");
    let mut scene = Scene::start(places, "bench-restarts", &binary, Default::default()).await?;
    let pages = PageServer::start(places).await?;
    let browser = Browser::start(&scene.directory).await?;
    let owner = scene.synapse.register("owner").await?;
    let room = owner.create_room(&json!({ "preset": "private_chat", "name": "Bench" })).await?;
    let mut people = Vec::new();
    for (name, tone) in NAMES.into_iter().zip(TONES) {
        let user = scene.synapse.register(name).await?;
        owner.invite(&room, &user.user_id).await?;
        user.join(&room).await?;
        let person = Person::start(&pages, &browser, &user, tone).await?;
        person.join(&room, json!({})).await?;
        people.push(person);
    }
    let mut gaps = Vec::new();
    for _ in 0..count {
        others_are(&people, "heard", |level| level > HEARD).await?;
        scene.focus.kill();
        others_are(&people, "silent", |level| level < SILENT).await?;
        let started = SystemTime::now();
        scene.focus.start().await?;
        let mut last = Duration::ZERO;
        for person in &people {
            last = last.max(person.sound_since(started).await?.duration_since(started)?);
        }
        gaps.push(last.as_secs_f64() * 1000.0);
    }
    Ok(gaps)
}

/// Waits until the level of each other one's tone is as `wanted`, for everyone.
async fn others_are(people: &[Person], what: &str, wanted: impl Fn(f64) -> bool) -> anyhow::Result<()> {
    let from = Instant::now();
    for (ears, person) in people.iter().enumerate() {
        loop {
            let levels = person.levels(&TONES).await?;
            let others = levels.iter().enumerate().filter(|(tone, _)| *tone != ears);
            if others.map(|(_, level)| *level).all(&wanted) {
                break;
            }
            ensure!(from.elapsed() < PATIENCE, "not {what} for {}: {levels:?}", NAMES[ears]);
        }
    }
    Ok(())
}
