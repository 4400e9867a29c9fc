//! What goes on, for `GET /stats`: put together from news and from the engine's figures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use confocal::conference::{ConferenceEvent, ConferenceId, LegId, LegNews};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::engine::SharedEngine;
use crate::process;

/// Who is in which conference. A clone is the same board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    conferences: BTreeMap<ConferenceId, String>,
    legs: BTreeMap<LegId, Leg>,
}

#[derive(Debug)]
struct Leg {
    conference: ConferenceId,
    member: String,
    state: LegNews,
    level_dbov: i8,
}

impl Board {
    /// Reads news until the driver ends.
    pub(crate) async fn follow(self, mut news: mpsc::UnboundedReceiver<ConferenceEvent>) {
        while let Some(event) = news.recv().await {
            self.lock().take(event);
        }
    }

    /// All of it as JSON. Counts are since the start; levels are in dBov.
    pub(crate) fn json(&self, engine: &SharedEngine) -> Value {
        let stats = engine.stats();
        let state = self.lock();
        let legs: Vec<Value> = state.legs.iter().map(|(id, leg)| state.leg(*id, leg, engine)).collect();
        json!({
            "process": process::usage(),
            "engine": {
                "ticks": stats.ticks, "late": stats.late, "skipped": stats.skipped, "legs": stats.legs,
            },
            "legs": legs,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, event: ConferenceEvent) {
        match event {
            ConferenceEvent::Opened { conference, group } => {
                self.conferences.insert(conference, group.as_str().to_owned());
            }
            ConferenceEvent::Closed { conference } => {
                self.conferences.remove(&conference);
            }
            ConferenceEvent::Leg { leg, state: LegNews::Left(_), .. } => {
                self.legs.remove(&leg);
            }
            ConferenceEvent::Leg { conference, member, leg, state, .. } => {
                let member = member.as_str().to_owned();
                self.legs.insert(leg, Leg { conference, member, state, level_dbov: -127 });
            }
            ConferenceEvent::Level { leg, level, .. } => {
                if let Some(leg) = self.legs.get_mut(&leg) {
                    leg.level_dbov = level.0;
                }
            }
            ConferenceEvent::Standing { .. }
            | ConferenceEvent::Floor { .. }
            | ConferenceEvent::Recording { .. }
            | ConferenceEvent::ActiveSpeaker { .. }
            | ConferenceEvent::Pictures { .. }
            // What the engine counts is read from it.
            | ConferenceEvent::Quality { .. }
            | ConferenceEvent::CallIgnored { .. } => {}
        }
    }

    fn leg(&self, id: LegId, leg: &Leg, engine: &SharedEngine) -> Value {
        let stats = engine.leg_stats(id).unwrap_or_default();
        let (link, mixer) = (stats.link, stats.mixer);
        json!({
            "leg": id,
            "conference": self.conferences.get(&leg.conference),
            "caller": leg.member,
            "state": leg.state,
            "level_dbov": leg.level_dbov,
            "link": {
                "received": link.received, "foreign": link.foreign, "unauthentic": link.unauthentic,
                "replayed": link.replayed, "lost": link.lost, "jitter_ms": millis(link.jitter),
                "reports": link.reports, "sent": link.sent, "unsent": link.unsent,
                "missed": link.missed.map(|part| f64::from(part) / 256.0),
                "round_trip_ms": link.round_trip.map(millis),
            },
            "mixer": {
                "received": mixer.received, "late": mixer.late, "duplicate": mixer.duplicate,
                "malformed": mixer.malformed, "discarded": mixer.discarded, "lost": mixer.lost,
                "concealed": mixer.concealed, "dtx": mixer.dtx, "buffered_ms": mixer.buffered_ms,
            },
        })
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}
