//! Two channels: who sends them, and whether anybody hears them. How they are decoded, added up and encoded never lives here.

use crate::codec::CodecError;
use crate::key::{LegKey, SpeakerKey};
use crate::mix_bus::MixBus;
use crate::profile::Channels;
use crate::stereo::Stereo;

use super::{Leg, Mixer};

impl Mixer {
    /// Whether a leg's sound is decoded to two channels, since its sender says that it is likely to send two (`sprop-stereo=1`, RFC 7587
    /// section 6.1). Those hear two who asked for two ([`Profile::channels`](crate::Profile::channels)), all others half the sum, as
    /// without. `false`, as at the start: it is decoded to one. Unknown leg: nothing happens.
    ///
    /// It takes 130 kB for the leg, another encoding for those who hear two, and memory for their streams; nothing where nobody sends
    /// two. Who begins to hear two, or ceases to, hears a small seam, as encoders of one and of two channels can't go on from each
    /// other.
    ///
    /// # Errors
    ///
    /// [`CodecError`] if a decoder or an encoder is needed that can't be made: what can't be had in two channels is then in one.
    pub fn set_stereo(&mut self, leg: LegKey, stereo: bool) -> Result<(), CodecError> {
        let Ok(at) = self.find(leg) else { return Ok(()) };
        let speaker = self.legs[at].speaker;
        if self.legs[at].input.is_stereo() == stereo {
            return Ok(());
        }
        self.wake();
        if stereo {
            self.legs[at].input.set_stereo(Some(Box::new(Stereo::new()?)));
            let voices = self.voices.sounding_max();
            self.sides.get_or_insert_with(|| MixBus::with_voices(voices)).add(speaker);
        } else {
            self.legs[at].input.set_stereo(None);
            self.remove_side(speaker);
        }
        self.consider_stereo()
    }

    /// One leg less of this speaker sends two channels.
    pub(super) fn remove_side(&mut self, speaker: SpeakerKey) {
        if let Some(sides) = &mut self.sides {
            sides.remove(speaker);
        }
        if !self.legs.iter().any(|leg| leg.input.is_stereo()) {
            self.sides = None;
        }
    }

    /// Lets those who asked for it hear two channels from now on, or no more, if that has changed.
    pub(super) fn consider_stereo(&mut self) -> Result<(), CodecError> {
        let stereo = self.is_stereo_of_use();
        if stereo == self.is_stereo {
            return Ok(());
        }
        self.wake();
        if stereo {
            self.streams.allow_stereo(&self.config)?;
        }
        self.is_stereo = stereo;
        for Leg { listening, .. } in self.legs.iter_mut().filter(|leg| asks_for_two(leg)) {
            self.streams.change(listening, listening.wish.for_channels(stereo), &self.config)?;
        }
        if !stereo {
            self.streams.forbid_stereo();
        }
        Ok(())
    }

    /// Somebody sends two channels, and somebody else asked for two.
    fn is_stereo_of_use(&self) -> bool {
        // There mostly is nobody who sends two, and then nobody has to be looked for.
        let sends = |leg: &&Leg| leg.input.is_stereo();
        let Some(sender) = self.sides.as_ref().and_then(|_| self.legs.iter().find(sends)) else {
            return false;
        };
        let other = |leg: &Leg| leg.speaker != sender.speaker;
        // Of all listeners one is another than the sender, or of all senders one is another than the listener.
        self.legs.iter().any(|leg| asks_for_two(leg) && other(leg))
            || self.legs.iter().any(asks_for_two)
                && self.legs.iter().any(|leg| leg.input.is_stereo() && other(leg))
    }
}

fn asks_for_two(leg: &Leg) -> bool {
    leg.listening.wish.reduced().channels == Channels::Stereo
}
