//! The demo, as a newcomer meets it: started by its command, opened by its URL, joined by one click, ended by Ctrl-C.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

use std::io::{BufRead as _, BufReader};
use std::process::Command;
use std::time::Duration;

use confocal_testing::parts::process::Running;
use confocal_testing::parts::{Browser, Page, Places};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

/// Listens to what the page plays and asks who speaks, until each of the two others was heard alone, or 60 s are over. Returns
/// the loudest RMS level in dBFS over 100 ms at which each was heard, by member.
const HEAR_BOTH: &str = r"
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 8192 });
    context.createMediaStreamSource(document.getElementById('sound').srcObject).connect(analyser);
    const samples = new Float32Array(4800);
    const heard = {};
    const end = performance.now() + 60000;
    while (performance.now() < end && Object.keys(heard).length < 2) {
      const { participants } = await (await fetch('/api/status')).json();
      const speaking = participants.filter((one) => one.legs.some((leg) => leg.speaking));
      analyser.getFloatTimeDomainData(samples);
      const rms = 10 * Math.log10(samples.reduce((sum, x) => sum + x * x, 0) / samples.length + 1e-20);
      if (speaking.length === 1 && rms > args) heard[speaking[0].member] = rms;
      await new Promise((go) => setTimeout(go, 100));
    }
    await context.close();
    return heard;";

/// Whether the first two of three tiles, above, show pictures of different colours; avatars stand on a dark grey.
const BOTH_SEEN: &str = r"
    const video = document.getElementById('picture');
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    const at = (x, y) => [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data].slice(0, 3);
    const [one, other] = [at(0.15, 0.15), at(0.85, 0.15)];
    const strong = (colour) => Math.max(...colour) - Math.min(...colour) > 60;
    const apart = one.some((part, index) => Math.abs(part - other[index]) > 60);
    return strong(one) && strong(other) && apart;";

/// What counts as heard: speech, well above any noise of a codec.
const HEARD_DBFS: f64 = -40.0;

#[tokio::test]
async fn one_click_joins_and_both_speakers_are_heard_and_ctrl_c_ends_everything() {
    let places = Places::find();
    let directory = places.scratch("demo-test").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["demo", "--yes"]);
    let (mut demo, _stdin, stdout) =
        Running::start_talking("the demo", command, &directory.join("demo.log")).unwrap();
    // Blocks this thread, which has nothing else to do; the demo ends with this process at the latest.
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let url = lines.find(|line| line.trim_start().starts_with("http://")).expect("the demo prints its URL");

    let browser = Browser::start(&directory).await.unwrap();
    let page = browser.open(url.trim()).await.unwrap();
    page.wait_for("!document.getElementById('join').disabled", SOON).await.unwrap();
    page.screenshot(&directory.join("before.png")).await.unwrap();
    page.run("document.getElementById('join').click()", &Value::Null, SOON).await.unwrap();
    page.wait_for("document.body.dataset.call === 'in'", SOON).await.unwrap();

    // The browser's made-up microphone beeps, and who beeps may be taken to speak.
    page.run("document.getElementById('mute').click()", &Value::Null, SOON).await.unwrap();
    page.wait_for("document.getElementById('mute').dataset.muted === 'true'", SOON).await.unwrap();

    // Who speaks is seen, in the colour of one of the two.
    page.wait_for("document.getElementById('picture').videoWidth > 0", SOON).await.unwrap();

    let heard = page.run(HEAR_BOTH, &json!(HEARD_DBFS), SOON * 3).await.unwrap();
    let speakers: Vec<&String> = heard.as_object().unwrap().keys().collect();
    assert_eq!(speakers.len(), 2, "both simulated speakers are heard: {heard}");
    assert!(speakers.iter().all(|speaker| !speaker.starts_with("@guest")), "neither is the guest: {heard}");
    shows_everyone(&page).await;
    page.screenshot(&directory.join("in-call.png")).await.unwrap();

    // Both are seen at once where that is asked for.
    page.run("document.querySelector('[data-layout=grid]').click()", &Value::Null, SOON).await.unwrap();
    page.wait_for(&format!("(() => {{ {BOTH_SEEN} }})()"), SOON).await.unwrap();
    page.screenshot(&directory.join("grid.png")).await.unwrap();

    let demo_run = format!("/demo-{}-", demo.id());
    assert!(running(&demo_run) > 0, "Synapse and the others run in the demo's directory");
    kill(Pid::from_raw(demo.id().cast_signed()), Signal::SIGINT).unwrap();
    let ended = tokio::time::timeout(SOON, async {
        loop {
            if let Some(status) = demo.ended() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(ended.await.expect("Ctrl-C ends the demo").success());
    assert_eq!(running(&demo_run), 0, "nothing that it started runs on");
}

/// The page shows the three of them, the call's controls, and no 1:1 room.
async fn shows_everyone(page: &Page) {
    page.wait_for("document.querySelectorAll('#participants > li').length === 3", SOON).await.unwrap();
    let shown = "const shown = (id) => {
           const it = document.getElementById(id);
           if (!it || it.hidden) return false;
           // Nothing may cover it or cut it off.
           const { left, top, width, height } = it.getBoundingClientRect();
           const at = (y) => document.elementFromPoint(left + width / 2, y);
           return it.contains(at(top + 2)) && it.contains(at(top + height - 2));
         };
         return { mute: shown('mute'), leave: shown('leave'), join: shown('join') };";
    let controls = page.run(shown, &Value::Null, SOON).await.unwrap();
    assert_eq!(controls, json!({ "mute": true, "leave": true, "join": false }));
}

/// How many processes have `part` in their command line.
fn running(part: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(part)).count()
}
