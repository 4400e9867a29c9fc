//! One leg's place among the streams. The streams themselves, and the choice of place, never live here.

use crate::config::MixerConfig;
use crate::frame::TICK_MS;
use crate::profile::Profile;
use crate::protection::LossWatch;

/// To what a leg listens.
#[derive(Debug)]
pub(crate) struct Listening {
    /// It is sent to.
    pub(crate) sending: bool,
    /// The number of its profile's shared stream.
    pub(crate) shared: usize,
    pub(crate) place: Place,
    /// Its place is a stream that is for it alone.
    pub(crate) own: bool,
    /// Ticks in which everything is sent, still to come.
    warm_up: u32,
    warm_up_ticks: u32,
    /// What it asked for, and how its line is.
    pub(crate) wish: Profile,
    pub(crate) losses: LossWatch,
    /// Mixes that libopus failed to encode.
    pub(crate) encode_errors: u64,
}

/// Where a leg hears the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere yet: its stream begins with the next tick.
    None,
    /// In the mix of all voices, shared by all of its profile who do not speak.
    Shared,
    /// In the mix without its speaker's voice: the number of a personal stream.
    Personal(usize),
}

impl Listening {
    pub(crate) fn new(shared: usize, config: &MixerConfig) -> Self {
        let warm_up_ticks = config.warm_up_ms.div_ceil(TICK_MS);
        Self {
            sending: true,
            shared,
            place: Place::None,
            own: false,
            warm_up: warm_up_ticks,
            warm_up_ticks,
            wish: Profile::default(),
            losses: LossWatch::default(),
            encode_errors: 0,
        }
    }

    /// Off: nothing is sent. On again: as a new stream, with its warm-up.
    pub(crate) const fn set_sending(&mut self, sending: bool) {
        if sending && !self.sending {
            self.warm_up = self.warm_up_ticks;
        }
        if sending != self.sending {
            self.place = Place::None;
        }
        self.sending = sending;
    }

    pub(crate) const fn is_personal(&self) -> bool {
        matches!(self.place, Place::Personal(_))
    }

    pub(crate) const fn is_beginning(&self) -> bool {
        self.warm_up > 0
    }

    /// It is sent what all of its profile are sent, or nothing, and goes on being so.
    pub(crate) const fn is_settled(&self) -> bool {
        !self.is_beginning() && (!self.sending || matches!(self.place, Place::Shared))
    }

    pub(crate) const fn end_tick(&mut self) {
        self.warm_up = self.warm_up.saturating_sub(1);
    }
}
