//! An engine on standard input and output, to try a client against by hand or by script.
//!
//! One JSON object a line in: `{"open": 1, "offer": "v=0…"}`, `{"renegotiate": 1, "offer": "…"}`,
//! `{"candidates": 1, "lines": ["candidate:…"]}`, `{"heard": 1, "is": false}`, `{"close": 1}`. All legs are in one conference. Each report goes out as one line.
//! The address to listen on is the only argument; without it, 127.0.0.1. Matrix and its events never live here.

use std::error::Error;
use std::io::{BufRead, Write};

use confocal::conference::{
    Candidate, ConferenceId, Generation, LegId, MediaCommand, MediaReport, OfferNumber, ParticipantId, Sdp,
};
use confocal::ports::{MediaEngine, ReportSink};
use confocal_media::{Engine, EngineConfig};
use confocal_transport::TransportConfig;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1".to_owned()).parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let transport =
        TransportConfig { listen: vec![listen], allow_private: true, ..TransportConfig::default() };
    let (sink, mut reports) = ReportSink::new();
    let config = EngineConfig { transport, ..EngineConfig::default() };
    let mut engine = Engine::start(config, sink, runtime.handle().clone())?;
    runtime.spawn(async move {
        while let Some(report) = reports.recv().await {
            let mut out = std::io::stdout().lock();
            // Whoever read it is gone: the end of the input will end this too.
            let _ = writeln!(out, "{}", line(&report)).and_then(|()| out.flush());
        }
    });
    for input in std::io::stdin().lock().lines() {
        if let Some(command) = command(&serde_json::from_str(&input?)?) {
            engine.execute(command);
        }
    }
    runtime.block_on(engine.shutdown());
    Ok(())
}

fn command(value: &Value) -> Option<MediaCommand> {
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    let offer = || Some(Sdp(value.get("offer")?.as_str()?.to_owned()));
    let generation = Generation(1);
    if let Some(leg) = number("open") {
        let (conference, participant) = (ConferenceId(1), ParticipantId(leg));
        return Some(MediaCommand::Open {
            leg: LegId(leg),
            generation,
            conference,
            participant,
            number: OfferNumber(0),
            offer: offer()?,
            theirs: None,
            name: format!("caller {leg}").into(),
            memo: None,
        });
    }
    if let Some(leg) = number("renegotiate") {
        return Some(MediaCommand::Renegotiate {
            leg: LegId(leg),
            generation,
            number: OfferNumber(1),
            offer: offer()?,
            theirs: None,
        });
    }
    if let Some(leg) = number("candidates") {
        let lines = value.get("lines")?.as_array()?.iter().filter_map(Value::as_str);
        let bare = |line: &str| Candidate { line: line.to_owned(), mid: None, line_index: None };
        return Some(MediaCommand::AddCandidates {
            leg: LegId(leg),
            generation,
            candidates: lines.map(bare).collect(),
        });
    }
    if let Some(leg) = number("heard") {
        let heard = value.get("is")?.as_bool()?;
        return Some(MediaCommand::SetHeard { leg: LegId(leg), generation, heard });
    }
    Some(MediaCommand::Close { leg: LegId(number("close")?), generation })
}

fn line(report: &MediaReport) -> Value {
    match report {
        MediaReport::AnswerReady { leg, answer, agreed, .. } => {
            json!({"answer": leg.0, "sdp": answer.0, "held": agreed.held})
        }
        MediaReport::OfferReady { leg, offer, .. } => json!({"offer": leg.0, "sdp": offer.0}),
        MediaReport::OfferRefused { leg, why, .. } => json!({"refused": leg.0, "why": format!("{why:?}")}),
        MediaReport::NoOffer { leg, .. } => json!({"no_offer": leg.0}),
        MediaReport::TransportUp { leg, .. } => json!({"up": leg.0}),
        MediaReport::TransportLost { leg, .. } => json!({"lost": leg.0}),
        MediaReport::TransportFailed { leg, .. } => json!({"failed": leg.0}),
        MediaReport::Flow { leg, flowing, .. } => json!({"flow": leg.0, "flowing": flowing}),
        MediaReport::RecordingFailed { recording, why, .. } => {
            json!({"recording": recording.0, "failed": format!("{why:?}")})
        }
        MediaReport::FellBack { conference } => json!({"fell_back": conference.0}),
        MediaReport::Levels(levels) => {
            let of =
                |level: &confocal::conference::LegLevel| json!([level.leg.0, level.level.0, level.speaking]);
            json!({"levels": levels.iter().map(of).collect::<Vec<_>>()})
        }
        MediaReport::Quality(measured) => json!({"quality": measured}),
    }
}
