//! Calls over HTTP: two who hear each other, a hangup, and what is refused.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use http_conference::{Layout, Settings, conference};
use serde_json::Value;
use swarm::caller::Identity;
use swarm::line::Line;
use swarm::listen::decode;
use swarm::measure::amplitude;
use swarm::pump::{Playing, Pump, Seat};
use swarm::sdp::Answer;
use swarm::voice::{Sound, Voice, tone_of};
use tower::ServiceExt as _;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn service() -> Router {
    let settings = Settings { media: vec![LOCAL], advertise: None, max_callers: 4, layout: Layout::Speaker };
    let (routes, running) = conference(&settings, std::future::pending()).unwrap();
    tokio::spawn(running);
    routes
}

struct Reply {
    status: StatusCode,
    location: String,
    text: String,
}

async fn ask(routes: &Router, method: Method, path: &str, kind: &str, body: &str) -> Reply {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
    let response = routes.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let location = response.headers().get(header::LOCATION);
    let location = location.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Reply { status, location, text: String::from_utf8_lossy(&bytes).into_owned() }
}

async fn stats(routes: &Router) -> Value {
    serde_json::from_str(&ask(routes, Method::GET, "/stats", "", "").await.text).unwrap()
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within 20 s: {what}");
}

fn seat(talker: usize) -> Seat {
    let voice = Arc::new(Voice::of(Sound::Tone, talker).unwrap());
    Seat::new(&Identity::new().unwrap(), LOCAL, 1_000 + talker as u32, true, Playing::Voice(voice, 0), None)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hear_each_other_until_one_hangs_up() {
    let routes = service();
    let pump = Pump::start(Line::default(), 1, false).unwrap();
    let mut addresses = Vec::new();
    for talker in 0..2 {
        let seat = seat(talker);
        let reply =
            ask(&routes, Method::POST, "/conferences/a%20b", "application/sdp", seat.caller.offer()).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        assert!(reply.location.starts_with("/conferences/a%20b/"), "{}", reply.location);
        pump.add(seat, Answer::read(&reply.text).unwrap());
        addresses.push(reply.location);
    }
    let progress = Arc::clone(&pump.progress);
    until("both are connected", async || progress.connected.load(Ordering::Relaxed) == 2).await;
    until("both are seen", async || {
        let stats = stats(&routes).await;
        let legs = stats["legs"].as_array().unwrap();
        legs.len() == 2
            && legs
                .iter()
                .all(|leg| leg["conference"] == "a b" && leg["mixer"]["received"].as_u64() > Some(25))
    })
    .await;
    pump.note(100, vec![0, 1]);
    let before = progress.received.load(Ordering::Relaxed);
    until("a second of sound", async || progress.received.load(Ordering::Relaxed) > before + 110).await;

    assert_eq!(ask(&routes, Method::DELETE, &addresses[0], "", "").await.status, StatusCode::OK);
    assert_eq!(ask(&routes, Method::DELETE, &addresses[0], "", "").await.status, StatusCode::NOT_FOUND);
    until("one is left", async || stats(&routes).await["legs"].as_array().unwrap().len() == 1).await;

    let seats = pump.stop().unwrap();
    for (talker, seat) in seats.iter().enumerate() {
        let samples = decode(&seat.caller.arrivals, seat.caller.payloads.as_ref().unwrap()).unwrap().samples;
        // What came after the hangup is silence; what came first is whole.
        let heard = &samples[9_600..19_200];
        let (other, own) = (amplitude(heard, tone_of(1 - talker)), amplitude(heard, tone_of(talker)));
        assert!(other > 0.1 && own < 0.01, "caller {talker} hears the other at {other} and itself at {own}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_offer_is_refused_with_a_reason() {
    let routes = service();
    let offer = seat(0).caller.offer().to_owned();
    let post = async |kind: &str, body: &str| ask(&routes, Method::POST, "/conferences/x", kind, body).await;
    for (body, status, why) in [
        ("no offer", 400, "no SDP"),
        (&*offer.replace("m=audio", "m=video"), 422, "no audio line"),
        (&*offer.replace("a=fingerprint", "a=x"), 422, "fingerprint"),
        (&*offer.replace("opus/48000/2", "speex/16000"), 422, "codec"),
        (&*"a".repeat(70_000), 413, ""),
    ] {
        let reply = post("application/sdp", body).await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
        assert!(reply.text.contains(why), "{}", reply.text);
        assert_eq!(reply.location, "");
    }
    assert_eq!(post("text/plain", &offer).await.status.as_u16(), 415);
    let long = format!("/conferences/{}", "x".repeat(200));
    assert_eq!(ask(&routes, Method::POST, &long, "application/sdp", &offer).await.status.as_u16(), 400);
    // None of them left anything behind.
    until("no leg is left", async || stats(&routes).await["legs"] == Value::Array(Vec::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_let_in_than_may_be_and_candidates_come_later() {
    let routes = service();
    let mut addresses = Vec::new();
    for talker in 0..4 {
        let reply =
            ask(&routes, Method::POST, "/conferences/x", "application/sdp", seat(talker).caller.offer())
                .await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        addresses.push(reply.location);
    }
    let full = ask(&routes, Method::POST, "/conferences/x", "application/sdp", seat(4).caller.offer()).await;
    assert_eq!((full.status, &*full.text), (StatusCode::SERVICE_UNAVAILABLE, "the conference is full\n"));

    let trickle = async |path: &str, kind: &str| {
        let fragment =
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n";
        ask(&routes, Method::PATCH, path, kind, fragment).await.status.as_u16()
    };
    assert_eq!(trickle(&addresses[0], "application/trickle-ice-sdpfrag").await, 204);
    assert_eq!(trickle(&addresses[0], "application/sdp").await, 415);
    assert_eq!(trickle("/conferences/x/0123", "application/trickle-ice-sdpfrag").await, 404);
    // A call is of its conference only.
    let elsewhere = addresses[0].replace("/x/", "/y/");
    assert_eq!(ask(&routes, Method::DELETE, &elsewhere, "", "").await.status.as_u16(), 404);
    assert_eq!(ask(&routes, Method::DELETE, &addresses[0], "", "").await.status.as_u16(), 200);
    let room = ask(&routes, Method::POST, "/conferences/x", "application/sdp", seat(4).caller.offer()).await;
    assert_eq!(room.status, StatusCode::CREATED, "{}", room.text);

    let page = ask(&routes, Method::GET, "/", "", "").await;
    assert!(page.status == StatusCode::OK && page.text.contains("RTCPeerConnection"));
}
