//! Few callers against a real conference in this process: what is measured is what there is.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::{IpAddr, Ipv4Addr};

use clap::Parser as _;
use http_conference::{Settings, conference};
use swarm::plan::Plan;
use swarm::report::Report;
use swarm::run::run;
use tokio::net::TcpListener;

/// Runs a conference, and callers with these arguments on it. Neither asks for real-time priority: other tests run beside them.
async fn measure(arguments: &[&str]) -> Report {
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let settings = Settings { media: vec![local], advertise: None, max_callers: 20 };
    let (routes, running) = conference(&settings, std::future::pending()).unwrap();
    let listener = TcpListener::bind((local, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (running, serving) =
        (tokio::spawn(running), tokio::spawn(async { axum::serve(listener, routes).await }));
    let fixed = ["swarm", "--url", &url, "--real-time", "false", "--warm-up", "1"];
    let report = run(&Plan::parse_from(fixed.iter().chain(arguments)), |_| {}).await.unwrap();
    running.abort();
    serving.abort();
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_callers_hear_two_talkers() {
    let report = measure(&[
        "--callers",
        "8",
        "--talkers",
        "2",
        "--sound",
        "tone",
        "--seconds",
        "4",
        "--target-pid",
        &pid(),
    ])
    .await;
    assert_eq!(report.listeners.len(), 8);
    for listener in &report.listeners {
        // A tone is spoken all the time: each frame of four seconds is due, but at the edges.
        assert!(listener.due >= 195, "{listener:?}");
        assert_eq!((listener.duplicates, listener.unsent), (0, 0), "{listener:?}");
    }
    // What a machine under load delays is late and not missing, unless it stops the mixing for 100 ms at a time.
    assert!(report.missing < 0.1, "{report}");
    // Two tones of −15 dBov, levelled by 6 dB at the most.
    let heard = report.heard_dbov.unwrap();
    assert!((-22.0..-4.0).contains(&heard), "{report}");
    assert!(report.load.target_cores.unwrap() > 0.0 && report.load.target_rss_mib.unwrap() > 1.0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lines_lose_is_missing_and_bursts_come_with_a_delay() {
    let bad = ["--callers", "4", "--talkers", "1", "--sound", "tone", "--seconds", "4", "--loss-down", "0.3"];
    let report = measure(&bad).await;
    // 600 frames: four standard deviations are 7.5 %.
    assert!((0.2..0.4).contains(&report.missing), "{report}");
    // Who talks alone has nothing to miss.
    assert!(!report.passed && report.failing == 3, "{report}");

    let report = measure(&[
        "--callers",
        "4",
        "--talkers",
        "1",
        "--sound",
        "bursts",
        "--seconds",
        "4",
        "--others",
        "nothing",
    ])
    .await;
    let delays = report.delays.as_ref().unwrap();
    assert!(delays.count >= 6, "{report}");
    // At least the wait of one packet in the jitter buffer, less what the media clock's phases differ.
    assert!(delays.min_ms.unwrap() > 5.0, "{report}");
    assert!(delays.gain_db.unwrap().abs() < 6.5, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_says_why() {
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let settings = Settings { media: vec![local], advertise: None, max_callers: 2 };
    let (routes, running) = conference(&settings, std::future::pending()).unwrap();
    let listener = TcpListener::bind((local, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (running, serving) =
        (tokio::spawn(running), tokio::spawn(async { axum::serve(listener, routes).await }));
    let plan = ["swarm", "--url", &url, "--real-time", "false", "--callers", "3", "--sound", "tone"];
    let error = run(&Plan::parse_from(plan), |_| {}).await.unwrap_err();
    let said = format!("{error:#}");
    assert!(said.contains("caller 3") && said.contains("full"), "{said}");
    running.abort();
    serving.abort();
    let nobody = ["swarm", "--url", "http://127.0.0.1:9", "--real-time", "false", "--sound", "tone"];
    let error = run(&Plan::parse_from(nobody), |_| {}).await.unwrap_err();
    assert!(format!("{error:#}").contains("127.0.0.1:9"), "{error:#}");
}

fn pid() -> String {
    std::process::id().to_string()
}
