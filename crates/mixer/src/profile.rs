//! What a listener is sent, as far as it decides the bytes of a payload. Who listens is decided elsewhere.

use crate::codec::{Bandwidth, EncoderSettings, Signal};
use crate::frame::Codec;

/// How many packets in a hundred receivers on a lossy line are taken to lose.
const LOSSY_PERCENT: i32 = 10;

/// Bit/s for those who asked for less than is usual, and for those who asked for few.
const MODERATE_BITRATE: i32 = 32_000;
const THRIFTY_BITRATE: i32 = 16_000;

/// All that decides the bytes of an encoded mix. Legs of one profile that hear the same share one encoder, so there are few
/// values of each part. Payload type, SSRC and the like are each leg's own and no part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Profile {
    /// What the receiver can decode. With G.711 all else is of no effect.
    pub codec: Codec,
    /// The widest sound that is of use to the receiver (`maxplaybackrate`, RFC 7587 section 6.1).
    pub bandwidth: Bandwidth,
    /// How many bits a second.
    pub bitrate: BitrateClass,
    /// Whether the line loses packets.
    pub protection: Protection,
    /// How many channels the receiver would like. It is one for who takes fewer bits than is usual, which are better spent so.
    pub channels: Channels,
}

/// How many channels a listener is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One.
    #[default]
    Mono,
    /// Two, while there is somebody else in the conference who sends two ([`Mixer::set_stereo`](crate::Mixer::set_stereo)), and else
    /// one (`stereo=1`, RFC 7587 section 6.1).
    Stereo,
}

/// How many bits a second a listener is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BitrateClass {
    /// [`EncoderSettings::bitrate`] of the configuration.
    #[default]
    Usual,
    /// 32 kbit/s, or the usual rate if that is lower.
    Moderate,
    /// 16 kbit/s, or the usual rate if that is lower.
    Thrifty,
}

impl BitrateClass {
    /// The class for a receiver who takes at most `bits_per_second` (`maxaveragebitrate`, RFC 7587 section 6.1).
    #[must_use]
    pub const fn within(bits_per_second: u32, usual: i32) -> Self {
        if bits_per_second as i64 >= usual as i64 {
            Self::Usual
        } else if bits_per_second as i64 >= MODERATE_BITRATE as i64 {
            Self::Moderate
        } else {
            Self::Thrifty
        }
    }
}

/// What is done against loss on the way to a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Nothing: all bits are for the sound.
    #[default]
    Clean,
    /// Each packet has a coarse copy of the one before. It costs quality where nothing is lost.
    Lossy,
}

impl Profile {
    /// Bit/s that two channels take where one is encoded at `usual`: half as many again. RFC 7587 section 3.1.1 has 64 to 128 kbit/s for
    /// music in stereo.
    #[must_use]
    pub const fn stereo_bitrate(usual: i32) -> i32 {
        usual.saturating_add(usual / 2)
    }

    /// The encoder's settings for this profile, where `usual` are those of the configuration.
    pub(crate) fn settings(&self, usual: &EncoderSettings) -> EncoderSettings {
        let mut settings = *usual;
        settings.bandwidth = self.bandwidth.min(usual.bandwidth);
        settings.bitrate = match self.bitrate {
            BitrateClass::Usual => usual.bitrate,
            BitrateClass::Moderate => usual.bitrate.min(MODERATE_BITRATE),
            BitrateClass::Thrifty => usual.bitrate.min(THRIFTY_BITRATE),
        };
        if self.channels == Channels::Stereo {
            settings.bitrate = Self::stereo_bitrate(settings.bitrate);
            // Who sends two channels may well send music.
            settings.signal = Signal::Unknown;
        }
        if self.protection == Protection::Lossy {
            settings.inband_fec = true;
            settings.expected_loss_percent = usual.expected_loss_percent.max(LOSSY_PERCENT);
        }
        settings
    }

    /// The same where there are two channels to hear, or where there are not.
    pub(crate) fn for_channels(self, stereo: bool) -> Self {
        if stereo { self } else { Self { channels: Channels::Mono, ..self } }
    }

    /// The same with what is of no effect taken out.
    pub(crate) fn reduced(self) -> Self {
        match self.codec {
            Codec::Opus if self.bitrate == BitrateClass::Usual => self,
            Codec::Opus => Self { channels: Channels::Mono, ..self },
            Codec::Pcmu | Codec::Pcma => Self { codec: self.codec, ..Self::default() },
        }
    }

    /// In how many ways two of Opus differ. Any can be decoded by anyone, so the nearest will do where there is no room for more.
    pub(crate) fn distance(&self, other: &Self) -> u32 {
        // A rate beyond what was asked for may fill the line, so that is given up last.
        u32::from(self.bandwidth != other.bandwidth)
            + 2 * u32::from(self.protection != other.protection)
            + 4 * u32::from(self.bitrate != other.bitrate)
            // Two channels take still more.
            + 8 * u32::from(self.channels != other.channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_sent_no_more_bits_than_it_takes_if_it_takes_any_sound() {
        let usual = EncoderSettings { bitrate: 68_000, ..EncoderSettings::default() };
        let bitrate = |most| {
            let bitrate = BitrateClass::within(most, usual.bitrate);
            Profile { bitrate, ..Profile::default() }.settings(&usual).bitrate
        };
        assert_eq!(
            [510_000, 68_000, 67_999, 32_000, 31_999, 16_000].map(bitrate),
            [68_000, 68_000, 32_000, 32_000, 16_000, 16_000]
        );
    }

    #[test]
    fn two_channels_are_for_who_takes_the_bits() {
        let usual = EncoderSettings { bitrate: 68_000, signal: Signal::Voice, ..EncoderSettings::default() };
        let stereo = Profile { channels: Channels::Stereo, ..Profile::default() };
        assert_eq!(stereo.reduced(), stereo);
        let settings = stereo.settings(&usual);
        assert_eq!((settings.bitrate, settings.signal), (102_000, Signal::Unknown));
        for bitrate in [BitrateClass::Moderate, BitrateClass::Thrifty] {
            let fewer = Profile { bitrate, ..stereo };
            assert_eq!(fewer.reduced(), Profile { bitrate, ..Profile::default() });
        }
        let narrow = Profile { codec: Codec::Pcmu, ..stereo };
        assert_eq!(narrow.reduced(), Profile { codec: Codec::Pcmu, ..Profile::default() });
    }
}
