//! A conference's picture, made again and again: what has come is decoded, put together, encoded and given back.
//!
//! When it is due is told by it; threads never live here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use confocal_codecs::CodecError;
use confocal_pictures::{Canvas, Scaler, Tile};
use confocal_video::{SourceKey, Tier};
use tracing::{debug, warn};

use super::output::Output;
use super::pace::{Pace, Verdict};
use super::person::Person;
use super::scene::{Make, Scene};
use super::stage::{Composed, Ends, News};

/// A picture in which nothing changes is encoded for so many more times, in which it becomes as good as it can, and then once a second, for
/// those who missed something.
const SETTLING: u32 = 25;

/// A conference's composition.
pub(super) struct Composition {
    ends: Ends,
    scene: Scene,
    canvas: Option<Canvas>,
    people: BTreeMap<SourceKey, Person>,
    outputs: Vec<Output>,
    scaler: Scaler,
    pace: Pace,
    /// From where time is counted, as the packets' arrivals are.
    origin: Instant,
    due: Instant,
    /// Pictures since the last one in which something changed.
    unchanged: u32,
}

impl Composition {
    /// Of nothing yet; packets' arrivals count from `origin`.
    pub(super) fn new(ends: Ends, origin: Instant, now: Instant) -> Self {
        Self {
            ends,
            scene: Scene::default(),
            canvas: None,
            people: BTreeMap::new(),
            outputs: Vec::new(),
            scaler: Scaler::default(),
            pace: Pace::new(),
            origin,
            due: now,
            unchanged: 0,
        }
    }

    /// When the next picture is due.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// What is to be made from now on.
    pub(super) fn set(&mut self, scene: Scene) {
        self.people.retain(|source, person| {
            let codec = |portrait: &super::Portrait| portrait.source == Some((*source, person.codec));
            scene.portraits.iter().any(codec)
        });
        for (source, codec) in scene.portraits.iter().filter_map(|portrait| portrait.source) {
            if self.people.contains_key(&source) {
                continue;
            }
            match Person::new(codec) {
                Ok(person) => {
                    self.people.insert(source, person);
                }
                Err(error) => warn!(%error, "nothing is seen of somebody"),
            }
        }
        if let Err(error) = self.prepare(&scene) {
            warn!(%error, "no picture can be composed");
        }
        self.scene = scene;
        self.unchanged = 0;
    }

    /// Makes canvas and encoders ready.
    fn prepare(&mut self, scene: &Scene) -> Result<(), CodecError> {
        self.outputs.retain(|output| scene.makes.contains(&output.make));
        let Some(largest) = scene.largest() else {
            self.canvas = None;
            return Ok(());
        };
        let size = pixels(largest);
        if self.canvas.as_ref().is_none_or(|canvas| canvas.picture().size() != size) {
            self.canvas = Some(Canvas::new(size.0, size.1)?);
            for output in &mut self.outputs {
                output.fit(size)?;
            }
        }
        for make in &scene.makes {
            if !self.outputs.iter().any(|output| output.make == *make) {
                self.outputs.push(Output::new(*make, size)?);
            }
        }
        Ok(())
    }

    /// The next picture of that kind is to be a key frame.
    pub(super) fn key_frame(&mut self, make: Make) {
        if let Some(output) = self.outputs.iter_mut().find(|output| output.make == make) {
            output.key_frame = true;
        }
    }

    /// Makes the picture that is due, and says when the next one is.
    pub(super) fn make(&mut self) {
        let began = Instant::now();
        let due = self.due;
        self.take_packets(began);
        self.compose(began);
        let done = Instant::now();
        if let Some(largest) = self.scene.largest() {
            self.look_at_pace(done.saturating_duration_since(due), largest, done);
        }
        // What is late does not make the following ones late; what was missed is missed.
        let period = self.pace.period();
        self.due = (due + period).max(done);
        self.ends.wake();
    }

    fn take_packets(&mut self, now: Instant) {
        while let Ok(packet) = self.ends.packets.try_recv() {
            if let Some(person) = self.people.get_mut(&packet.source) {
                person.push(&packet.kept.view());
            }
            self.ends.recycle(packet.kept.payload);
        }
        let now = now.saturating_duration_since(self.origin);
        for (source, person) in &mut self.people {
            if person.advance(now) {
                // It is told again with the next picture if there was no room for it.
                self.ends.tell(News::KeyFrameWanted(*source));
            }
        }
    }

    fn compose(&mut self, now: Instant) {
        let Some(canvas) = &mut self.canvas else { return };
        let people = &self.people;
        let tiles: Vec<Tile<'_>> = self
            .scene
            .portraits
            .iter()
            .map(|portrait| Tile {
                id: portrait.id,
                rect: portrait.rect,
                picture: portrait.source.and_then(|(source, _)| people.get(&source)?.picture()),
                fit: portrait.fit,
                name: &portrait.name,
                muted: portrait.muted,
                speaking: portrait.speaking,
            })
            .collect();
        let changed = canvas.compose(&tiles) > 0;
        self.unchanged = if changed { 0 } else { self.unchanged.saturating_add(1) };
        let rests = self.unchanged > SETTLING && !self.unchanged.is_multiple_of(self.pace.rate());
        // 2^32 in 90 kHz are 13 hours; timestamps wrap.
        let timestamp = (now.saturating_duration_since(self.origin).as_micros() * 9 / 100) as u32;
        let timed_by =
            self.scene.timed_by.and_then(|source| Some((source, people.get(&source)?.timestamp()?)));
        let ends = &mut self.ends;
        for output in &mut self.outputs {
            if rests && !output.key_frame {
                continue;
            }
            let make = output.make;
            let made =
                output.make(canvas.picture(), timestamp, &mut self.scaler, |(sequence, bytes, marker)| {
                    let payload = ends.copy(bytes);
                    let packet = Composed { make, sequence, timestamp, marker, payload, made: now, timed_by };
                    if !ends.tell(News::Packet(packet)) {
                        debug!("a packet of a composed picture is lost: nobody takes them");
                    }
                });
            if let Err(error) = made {
                warn!(%error, "a composed picture is not encoded");
            }
        }
    }

    fn look_at_pace(&mut self, took: Duration, largest: Tier, now: Instant) {
        let top = self.pace.top();
        match self.pace.done(took, largest, now.saturating_duration_since(self.origin)) {
            Verdict::Same => {}
            Verdict::Changed => {
                debug!(rate = self.pace.rate(), top = ?self.pace.top(), "a composed picture is made otherwise");
                if self.pace.top() != top {
                    self.ends.tell(News::Top(self.pace.top()));
                }
            }
            Verdict::TooMuch => {
                self.ends.tell(News::TooMuch);
            }
        }
    }
}

/// Width and height of a size.
fn pixels(tier: Tier) -> (u32, u32) {
    let (width, height) = tier.size();
    (u32::from(width), u32::from(height))
}
