//! `cargo xtask demo`: a conference to try, on this machine: Synapse, the focus, a group room with two speakers in conference,
//! and a page to join it from.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use confocal_testing::parts::{
    AiortcCaller, CallerEvent, CallerOptions, DemoSite, FocusOptions, FocusProcess, Shown, ShownCodec,
    SiteRoom, Sound, Synapse, User, free_port, synthesise,
};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::setup::{Consent, Need, node, packages, python};
use crate::steps::{Steps, cargo};

const ROOM_NAME: &str = "Demo room";

/// What the speakers' cameras show: a colour each, in which a bar moves.
const ALICE: [u8; 3] = [24, 128, 112];
const BOB: [u8; 3] = [208, 112, 32];

/// How long a speaker may take to be in the conference.
const CONNECT: Duration = Duration::from_secs(60);

/// How to run the demo.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The page's port on 127.0.0.1; any free one if absent.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Start everything, see both speakers connected, end everything.
    #[arg(long)]
    no_wait: bool,
}

/// Everything that runs. Dropped in this order: who calls ends before who is called.
struct Demo {
    site: DemoSite,
    speakers: Vec<AiortcCaller>,
    focus: FocusProcess,
    // Its processes end when the last holder lets go, which the site is as well.
    _synapse: Arc<Synapse>,
}

/// Installs what is needed and runs the demo until Ctrl-C.
pub(crate) fn run(steps: &Steps, consent: Consent, args: &DemoArgs) -> anyhow::Result<()> {
    let needs = Need::BUILD.into_iter().chain(Need::PYTHON).chain(Need::PAGES).chain([Need::Espeak]);
    packages::ensure(steps, consent, &needs.collect::<Vec<_>>())?;
    python::parts(steps, consent)?;
    node::pages(steps, consent)?;
    // The whole workspace, as the tests do: with the same features nothing is built twice.
    steps.step("Building the focus", "build-focus", |log| cargo(steps, log, &["build", "--workspace"]))?;
    let runtime = Runtime::new().context("could not start the runtime")?;
    let mut demo = start(steps, &runtime, args.port)?;
    steps.say(&format!(
        "\nThe demo is ready. Open this page and join the conference:\n\n    {}/\n",
        demo.site.base_url()
    ));
    if args.no_wait {
        return Ok(());
    }
    steps.say("Ctrl-C ends it.");
    let ended = runtime.block_on(wait_for_end(&mut demo));
    steps.say("Ending what was started.");
    ended
}

fn start(steps: &Steps, runtime: &Runtime, port: u16) -> anyhow::Result<Demo> {
    let places = steps.places();
    let speech = steps.act("Having the speakers' dialogue spoken", || {
        runtime.block_on(synthesise(places)).map_err(anyhow::Error::from)
    })?;
    let directory = places.scratch("demo")?;
    let (mut focus, synapse) =
        steps.act(&format!("Starting Synapse (all logs: {})", directory.display()), || {
            runtime.block_on(async {
                let synapse_port = free_port()?;
                let options = FocusOptions {
                    homeserver_url: format!("http://127.0.0.1:{synapse_port}"),
                    server_name: Synapse::SERVER_NAME.to_owned(),
                    settings: Default::default(),
                };
                let binary = places.target().join("debug/focus");
                let focus = FocusProcess::prepare(&binary, &directory, &options).await?;
                let synapse =
                    Synapse::start(places, &directory, synapse_port, &[focus.registration()]).await?;
                Ok((focus, Arc::new(synapse)))
            })
        })?;
    steps.act("Starting the focus", || runtime.block_on(focus.start()).map_err(anyhow::Error::from))?;
    steps.act("Bringing two speakers into a conference", || {
        runtime.block_on(async {
            let (first, second, room) = group_room(&synapse).await?;
            let mut speakers = Vec::new();
            let speaking = [(&first, speech.first, ALICE), (&second, speech.second, BOB)];
            for (user, file, colour) in speaking {
                let options = CallerOptions {
                    group_room: Some(room.room_id.clone()),
                    sound: Sound::File(file),
                    picture: Some(Shown { colour, codec: ShownCodec::Vp8 }),
                    ..CallerOptions::new(&room.focus_user_id)
                };
                let mut speaker = AiortcCaller::start(places, &directory, user, &options)?;
                let log = speaker.log().display().to_string();
                speaker
                    .connected(CONNECT)
                    .await
                    .with_context(|| format!("{} is not in it; see {log}", user.user_id))?;
                speakers.push(speaker);
            }
            let site = DemoSite::start(places, port, Arc::clone(&synapse), room, focus.status()).await?;
            Ok(Demo { site, speakers, focus, _synapse: synapse })
        })
    })
}

/// The two speakers, and the room they are in, which the first one owns.
async fn group_room(synapse: &Synapse) -> anyhow::Result<(User, User, SiteRoom)> {
    let first = synapse.register("alice").await?;
    let second = synapse.register("bob").await?;
    first.set_display_name("Alice (simulated)").await?;
    second.set_display_name("Bob (simulated)").await?;
    // Whoever comes may do all that moderators may: it is a demo.
    let options = json!({
        "name": ROOM_NAME,
        "preset": "private_chat",
        "invite": [second.user_id],
        "power_level_content_override": { "users_default": 50 },
    });
    let room_id = first.create_room(&options).await?;
    second.join(&room_id).await?;
    let focus_user_id = FocusProcess::user_id(&room_id);
    let room = SiteRoom { room_id, name: ROOM_NAME.to_owned(), owner: first.clone(), focus_user_id };
    Ok((first, second, room))
}

/// Waits for Ctrl-C (or SIGTERM); an error when a part of the demo ends before.
async fn wait_for_end(demo: &mut Demo) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut look = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = look.tick() => {
                if let Some(status) = demo.focus.ended() {
                    bail!("the focus ended ({status}); see {}", demo.focus.log().display());
                }
                for speaker in &mut demo.speakers {
                    check(speaker)?;
                }
            }
        }
    }
}

/// Reads what a speaker has said; an error when it has nothing more to say.
fn check(speaker: &mut AiortcCaller) -> anyhow::Result<()> {
    while let Some(event) = speaker.try_next() {
        let Some(last) = last_words(event) else { continue };
        bail!("a simulated speaker left: {last}; see {}", speaker.log().display());
    }
    Ok(())
}

/// Why the call is over, if it is.
fn last_words(event: CallerEvent) -> Option<String> {
    if let CallerEvent::Hangup { reason } | CallerEvent::Rejected { reason } = event {
        Some(reason.unwrap_or_else(|| "no reason given".to_owned()))
    } else if let CallerEvent::Error { message } = event {
        Some(message)
    } else if event == CallerEvent::Failed {
        Some("the connection failed".to_owned())
    } else {
        (event == CallerEvent::Ended).then(|| "it ended".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use confocal_testing::parts::Places;

    #[test]
    fn the_focus_is_looked_for_where_cargo_builds_it() {
        let places = Places::find();
        // This test's own program lies in the same profile's directory.
        let own = std::env::current_exe().expect("known");
        assert!(own.starts_with(places.target().join("debug")), "{} is elsewhere", own.display());
    }
}
