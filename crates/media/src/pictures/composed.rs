//! The composed picture of one conference, as its thread sees it: what is asked of the studio, and the way back.
//!
//! Who is in it is told; making it never lives here.

use std::task::Waker;
use std::time::{Duration, Instant};

use confocal::conference::LegId;
use confocal_transport::PicturePacket;
use confocal_video::{KeyFrameRequests, PictureCodec, SourceKey, Tier};
use tracing::warn;

use super::watching::line_of;
use crate::studio::{Composed, Make, News, Scene, Stage, Studio};

/// The names of composed pictures among sources are above those of all legs.
const COMPOSED: u64 = 1 << 63;

/// How fast the delay of the sound by which a picture is timed is followed: an eighth of the way with each packet.
const FOLLOW: i64 = 8;

/// The name of a composed picture as a source of pictures.
pub(super) const fn source(make: Make) -> SourceKey {
    let codec = match make.codec {
        PictureCodec::Vp8 => 0,
        PictureCodec::H264 => 1,
    };
    let tier = match make.tier {
        Tier::Low => 0,
        Tier::Medium => 1,
        Tier::High => 2,
    };
    SourceKey(COMPOSED | codec << 2 | tier)
}

/// Which composed picture has that name; `None`: it is a caller's.
pub(super) fn make_of(of: SourceKey) -> Option<Make> {
    let is = |make: &Make| source(*make) == of;
    let codecs = [PictureCodec::Vp8, PictureCodec::H264].into_iter();
    codecs.flat_map(|codec| Tier::ALL.map(|tier| Make { codec, tier })).find(is)
}

/// From where compositions come, and who is woken by what they make.
#[derive(Debug)]
pub(crate) struct Composing {
    pub(crate) studio: std::sync::Arc<Studio>,
    pub(crate) waker: Waker,
    /// From where arrivals of packets count.
    pub(crate) origin: Instant,
}

/// A composition and what was asked of it.
#[derive(Debug)]
pub(super) struct Composition {
    stage: Stage,
    scene: Scene,
    requests: Vec<(Make, KeyFrameRequests)>,
    /// How much later than a picture its sound is sent, in microseconds.
    lag: Option<i64>,
}

/// What has come of a composition.
#[derive(Debug)]
pub(super) enum Came {
    /// A packet, to be sent to all who look at it; its sound is sent at that moment.
    Packet(Composed, Option<Instant>),
    KeyFrameWanted(SourceKey),
    /// Nothing larger than that should be asked for.
    Top(Tier),
    TooMuch,
}

impl Composition {
    /// A new one; `None` where there is no thread for it.
    pub(super) fn begin(composing: &Composing) -> Option<Self> {
        match composing.studio.stage(composing.origin, composing.waker.clone()) {
            Ok(stage) => Some(Self { stage, scene: Scene::default(), requests: Vec::new(), lag: None }),
            Err(error) => {
                warn!(%error, "there is no thread to compose pictures on");
                None
            }
        }
    }

    /// What is to be made from now on. Those sources are given back of which pictures are wanted that were not wanted before.
    pub(super) fn set(&mut self, scene: Scene) -> Vec<SourceKey> {
        if scene == self.scene {
            return Vec::new();
        }
        let sources = scene.portraits.iter().filter_map(|portrait| portrait.source);
        let new = sources.map(|(source, _)| source).filter(|source| !self.has(*source)).collect();
        self.requests.retain(|(make, _)| scene.makes.contains(make));
        for make in &scene.makes {
            if !self.requests.iter().any(|(is, _)| is == make) {
                self.requests.push((*make, KeyFrameRequests::new()));
            }
        }
        if scene.timed_by != self.scene.timed_by {
            self.lag = None;
        }
        self.stage.set(scene.clone());
        self.scene = scene;
        new
    }

    /// Whether pictures of that source are in it.
    pub(super) fn has(&self, source: SourceKey) -> bool {
        self.scene.size_of(source).is_some()
    }

    /// In which size they are shown, in pixels.
    pub(super) fn size_of(&self, source: SourceKey) -> Option<(u32, u32)> {
        self.scene.size_of(source)
    }

    /// A packet of a source that is in it; `memory` is asked for where none has come back.
    pub(super) fn push(
        &mut self,
        source: SourceKey,
        packet: &PicturePacket<'_>,
        memory: impl FnOnce() -> Vec<u8>,
    ) {
        let memory = self.stage.empty().unwrap_or_else(memory);
        self.stage.push(source, packet, memory);
    }

    /// Somebody wants a key frame of a picture that is made.
    pub(super) fn want_key_frame(&mut self, make: Make, now: Duration, urgent: bool) {
        if let Some((_, requests)) = self.requests.iter_mut().find(|(is, _)| *is == make) {
            requests.want(now, urgent);
        }
    }

    /// Asks for the key frames that are due.
    pub(super) fn tick(&mut self, now: Duration) {
        for (make, requests) in &mut self.requests {
            if requests.due(now) {
                self.stage.key_frame(*make);
                // It comes for certain, with the next picture.
                requests.came(now);
            }
        }
    }

    /// The next thing that has come; `plays_at` says when the sound is sent that belongs to a picture of a caller.
    pub(super) fn came(
        &mut self,
        plays_at: impl Fn(LegId, confocal_transport::PictureLine, u32) -> Option<Instant>,
    ) -> Option<Came> {
        Some(match self.stage.news()? {
            News::KeyFrameWanted(source) => Came::KeyFrameWanted(source),
            News::Top(tier) => Came::Top(tier),
            News::TooMuch => Came::TooMuch,
            News::Packet(packet) => {
                let sound = packet.timed_by.and_then(|(source, timestamp)| {
                    let (leg, line) = line_of(source);
                    plays_at(leg, line, timestamp)
                });
                if let Some(sound) = sound {
                    let lag = micros_between(packet.made, sound);
                    self.lag = Some(self.lag.map_or(lag, |before| before + (lag - before) / FOLLOW));
                }
                let at = self.lag.and_then(|lag| moved(packet.made, lag));
                Came::Packet(packet, at)
            }
        })
    }
}

/// From one moment to another, negative if that was before.
fn micros_between(from: Instant, to: Instant) -> i64 {
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    micros(to.saturating_duration_since(from)) - micros(from.saturating_duration_since(to))
}

fn moved(moment: Instant, micros: i64) -> Option<Instant> {
    let by = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { moment.checked_sub(by) } else { moment.checked_add(by) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_are_nobody_elses() {
        for codec in [PictureCodec::Vp8, PictureCodec::H264] {
            for tier in Tier::ALL {
                let make = Make { codec, tier };
                assert_eq!(make_of(source(make)), Some(make));
            }
        }
        assert_eq!(make_of(SourceKey(7)), None);
    }

    #[test]
    fn moments_move_both_ways() {
        let now = Instant::now();
        for micros in [-70_000, 0, 1, 120_000] {
            assert_eq!(micros_between(now, moved(now, micros).unwrap()), micros);
        }
    }
}
