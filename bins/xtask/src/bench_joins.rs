//! `cargo xtask bench-joins`: how long it takes to get into a conference, measured from outside the focus.
//!
//! Each join is a new user with matrix-js-sdk in Chromium, who invites the focus user, makes a 1:1 room and calls, while a
//! speaker is already in the conference. Two proxies, between the homeserver and the focus, see when an `m.call.invite` reaches
//! the focus (pushed, or read back after its join) and when it sends the `m.call.answer`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use confocal_testing::parts::{
    AiortcCaller, Browser, CallerOptions, FocusProcess, PageServer, Person, Scene, Sound, User,
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::figures::{machine, spread, today};
use crate::setup::{Consent, Need, node, packages, python};
use crate::steps::{Steps, cargo};

/// How long the speaker may take to be in the conference.
const CONNECT: Duration = Duration::from_secs(60);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// How many people join, one after the other.
    #[arg(long, default_value_t = 20)]
    joins: u32,
}

/// One join, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Join {
    invite_to_answer: f64,
    click_to_sound: f64,
}

/// Installs what is needed, measures, and prints a table in Markdown.
pub(crate) fn run(steps: &Steps, consent: Consent, args: &BenchArgs) -> anyhow::Result<()> {
    let needs = Need::BUILD.into_iter().chain(Need::PYTHON).chain(Need::PAGES).chain(Need::BROWSER);
    packages::ensure(steps, consent, &needs.collect::<Vec<_>>())?;
    python::parts(steps, consent)?;
    node::pages(steps, consent)?;
    steps.step("Building the focus", "build-focus", |log| cargo(steps, log, &["build", "--workspace"]))?;
    let runtime = Runtime::new().context("could not start the runtime")?;
    let what = format!("Measuring {} joins", args.joins);
    let joins = steps.step(&what, "bench-joins", |_| runtime.block_on(measure(steps, args.joins)))?;
    steps.say(&table(&joins));
    Ok(())
}

async fn measure(steps: &Steps, count: u32) -> anyhow::Result<Vec<Join>> {
    let places = steps.places();
    let binary = places.target().join("debug/focus");
    let scene = Scene::start(places, "bench-joins", &binary, Default::default()).await?;
    let owner = scene.synapse.register("owner").await?;
    let room = owner.create_room(&json!({ "preset": "private_chat", "name": "Bench" })).await?;
    let options = CallerOptions {
        group_room: Some(room.clone()),
        sound: Sound::Tone { hertz: 437.0, dbfs: -20.0 },
        ..CallerOptions::new(&FocusProcess::user_id(&room))
    };
    let mut speaker = AiortcCaller::start(places, &scene.directory, &owner, &options)?;
    speaker.connected(CONNECT).await?;
    let pages = PageServer::start(places).await?;
    let browser = Browser::start(&scene.directory).await?;
    let mut joins = Vec::new();
    for number in 1..=count {
        let user = scene.synapse.register(&format!("guest{number}")).await?;
        owner.invite(&room, &user.user_id).await?;
        user.join(&room).await?;
        joins.push(join(&scene, &pages, &browser, &user, &room).await?);
    }
    Ok(joins)
}

async fn join(
    scene: &Scene,
    pages: &PageServer,
    browser: &Browser,
    user: &User,
    room: &str,
) -> anyhow::Result<Join> {
    let person = Person::start(pages, browser, user, 631.0).await?;
    scene.transactions.watch_for("\"m.call.invite\"");
    scene.requests.watch_for("m.call.");
    person.join(room, json!({})).await?;
    let click_to_sound = person.first_sound().await?;
    // Towards the homeserver, the first that speaks of a call is what was read back, if anything was, the last the answer.
    let requests = scene.requests.seen();
    let answer = *requests.last().context("no answer was seen")?;
    let earlier = &requests[..requests.len() - 1];
    let invite: Instant = scene
        .transactions
        .seen()
        .into_iter()
        .chain(earlier.iter().copied())
        .min()
        .context("no invite was seen before the answer")?;
    person.hang_up().await?;
    person.page.close().await?;
    ensure!(answer > invite, "the answer was seen before the invite");
    Ok(Join { invite_to_answer: (answer - invite).as_secs_f64() * 1000.0, click_to_sound })
}

/// The figures, the machine and the day, in Markdown.
fn table(joins: &[Join]) -> String {
    let answers = spread(joins.iter().map(|join| join.invite_to_answer).collect());
    let sounds = spread(joins.iter().map(|join| join.click_to_sound).collect());
    format!(
        "\n| {} joins | median | p95 | min – max |\n| --- | --- | --- | --- |\n\
         | `m.call.invite` reaches the focus → `m.call.answer` is sent | {answers} |\n\
         | click → first sound heard in the browser | {sounds} |\n\n\
         {}; debug profile; {}.",
        joins.len(),
        machine(),
        today(),
    )
}
