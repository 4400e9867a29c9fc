//! Playing sounds into the conference, and handing its mix out as a whole. What is played, and what becomes of the mix, is decided
//! elsewhere.

use crate::codec::CodecError;
use crate::listening::Listening;
use crate::playing::{Audience, PlayError, PlayKey};
use crate::profile::Profile;
use crate::sink::{Sink, SinkKey};
use crate::source::Source;
use crate::stream::Made;
use crate::streams::Streams;

use super::Mixer;

/// A sink, and its place among those who listen.
#[derive(Debug)]
pub(super) struct Tap {
    key: SinkKey,
    sink: Box<dyn Sink>,
    pub(super) listening: Listening,
}

impl Tap {
    /// Hands over what was made in this tick.
    pub(super) fn fill(&mut self, streams: &Streams) {
        let packet = streams.for_leg(&self.listening).and_then(|(_, stream)| match stream.made() {
            Made::Payload { bytes, .. } => Some(stream.payload(bytes)),
            Made::Nothing | Made::Failed => None,
        });
        self.sink.take(packet);
        self.listening.end_tick();
    }
}

impl Mixer {
    /// Hands the whole mix to a sink from the next tick on, in every tick, until it is [stopped](Self::stop_recording). It is the one
    /// that legs of the default profile hear who only listen, so it costs nothing where there are such.
    ///
    /// # Errors
    ///
    /// [`CodecError`] if an encoder is needed for it that can't be made.
    pub fn record(&mut self, sink: Box<dyn Sink>) -> Result<SinkKey, CodecError> {
        self.wake();
        let shared = self.streams.add(Profile::default(), &self.config)?;
        let key = SinkKey(self.next_sink);
        self.next_sink += 1;
        self.taps.push(Tap { key, sink, listening: Listening::new(shared, &self.config) });
        Ok(key)
    }

    /// Gives a sink back. Unknown: nothing happens.
    pub fn stop_recording(&mut self, sink: SinkKey) -> Option<Box<dyn Sink>> {
        let at = self.taps.iter().position(|tap| tap.key == sink)?;
        let tap = self.taps.remove(at);
        self.streams.remove(tap.listening.shared);
        Some(tap.sink)
    }

    /// Plays a sound from the next tick on, to all or to one leg, until it is over or [stopped](Self::stop_playing). It is added to
    /// what is heard; nobody is made quieter for it. It plays on whether anyone is there or not, until the last leg leaves.
    ///
    /// Memory is allocated here.
    ///
    /// # Errors
    ///
    /// [`PlayError`]; nothing is played then.
    pub fn play(&mut self, to: Audience, source: Box<dyn Source>) -> Result<PlayKey, PlayError> {
        self.wake();
        match to {
            Audience::All => self.sounds.play(to, source),
            Audience::Leg(leg) => {
                let at = self.find(leg).map_err(|_| PlayError::NoSuchLeg)?;
                let key = self.sounds.play(to, source)?;
                self.stock_for(at);
                Ok(key)
            }
        }
    }

    /// Lets a sound die away within the next tick. One that is over, or unknown: nothing happens.
    pub fn stop_playing(&mut self, sound: PlayKey) {
        self.sounds.stop(sound);
    }

    /// Whether a sound is not over yet.
    #[must_use]
    pub fn is_playing(&self, sound: PlayKey) -> bool {
        self.sounds.is_playing(sound)
    }
}
