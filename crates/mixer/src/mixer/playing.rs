//! Playing sounds into the conference, and handing its mix out as a whole. What is played, and what becomes of the mix, is decided
//! elsewhere.

use crate::playing::{Audience, PlayError, PlayKey};
use crate::source::Source;

use super::Mixer;

impl Mixer {
    /// Plays a sound from the next tick on, to all or to one leg, until it is over or [stopped](Self::stop_playing). It is added to
    /// what is heard; nobody is made quieter for it. It plays on whether anyone is there or not, until the last leg leaves.
    ///
    /// Memory is allocated here.
    ///
    /// # Errors
    ///
    /// [`PlayError`]; nothing is played then.
    pub fn play(&mut self, to: Audience, source: Box<dyn Source>) -> Result<PlayKey, PlayError> {
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
