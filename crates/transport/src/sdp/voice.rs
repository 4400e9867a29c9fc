//! How sound is coded on a call: chosen from what a caller's audio line has to offer.
//!
//! Coding and decoding never live here, nor what else a line says.

use rtc::sdp::MediaDescription;
use serde::{Deserialize, Serialize};

use super::offer::values;
use super::reduced::OPUS_PARAMETERS;

/// A way of coding sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioCodec {
    /// Opus (RFC 7587).
    #[default]
    Opus,
    /// G.711, µ-law (RFC 3551 section 4.5.14).
    Pcmu,
    /// G.711, A-law.
    Pcma,
}

impl AudioCodec {
    /// Those that are taken, the best first.
    const ALL: [Self; 3] = [Self::Opus, Self::Pcmu, Self::Pcma];

    /// How its timestamps count, in Hz.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Pcmu | Self::Pcma => 8_000,
        }
    }

    /// Its name in `a=rtpmap` (RFC 8866 section 6.6).
    pub(crate) const fn rtpmap(self) -> &'static str {
        match self {
            Self::Opus => "opus/48000/2",
            Self::Pcmu => "PCMU/8000",
            Self::Pcma => "PCMA/8000",
        }
    }

    /// The payload type that it has without being told (RFC 3551 section 6).
    const fn static_type(self) -> Option<u8> {
        match self {
            Self::Opus => None,
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
        }
    }

    /// Whether `a=rtpmap` tells of it. Some leave the channels out.
    fn is(self, encoding: &str) -> bool {
        let (name, short) = (self.rtpmap(), self.rtpmap().trim_end_matches("/2"));
        [name, short, &format!("{short}/1")].iter().any(|known| encoding.eq_ignore_ascii_case(known))
    }
}

/// How sound is coded on a call, both ways, and what the caller wants of what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// The codec.
    #[serde(default)]
    pub codec: AudioCodec,
    /// Its payload type, as the offer numbered it.
    #[serde(rename = "opus")]
    pub payload_type: u8,
    /// The highest sampling rate that is of use to the caller, in Hz (`maxplaybackrate`, RFC 7587 section 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_playback_rate: Option<u32>,
    /// The most bits a second that the caller takes (`maxaveragebitrate`, RFC 7587 section 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_average_bitrate: Option<u32>,
    /// The caller would like to be sent two channels (`stereo`, RFC 7587 section 6.1).
    #[serde(default, skip_serializing_if = "is_false")]
    pub wants_stereo: bool,
    /// The caller is likely to send two channels (`sprop-stereo`, RFC 7587 section 6.1).
    #[serde(default, skip_serializing_if = "is_false")]
    pub sends_stereo: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Voice {
    /// The best way of an audio line: that of before, under the same number, if it is still there. `None` if none is known here.
    pub(super) fn of(media: &MediaDescription, kept: Option<Self>) -> Option<Self> {
        let mut all = AudioCodec::ALL.into_iter().flat_map(|codec| payload_types(media, codec));
        let same = |(codec, number): &(AudioCodec, u8)| {
            kept.is_some_and(|kept| kept.codec == *codec && kept.payload_type == *number)
        };
        let first = all.next()?;
        let chosen = if same(&first) { first } else { all.find(same).unwrap_or(first) };
        let (codec, payload_type) = chosen;
        let asked = |name: &str| parameter(media, payload_type, name);
        let is_opus = codec == AudioCodec::Opus;
        Some(Self {
            codec,
            payload_type,
            max_playback_rate: asked("maxplaybackrate"),
            max_average_bitrate: asked("maxaveragebitrate"),
            wants_stereo: is_opus && asked("stereo") == Some(1),
            sends_stereo: is_opus && asked("sprop-stereo") == Some(1),
        })
    }

    /// What our side says of Opus in `a=fmtp`: that forward error correction is understood, and of two channels only what the caller
    /// asked for. What it is likely to send in two, we would like so; what it would like in two, we are likely to send so. Each is
    /// about its sender alone and no answer to the other's (RFC 7587 section 6.1, 7), and where it is not said it is one channel.
    pub(super) fn opus_parameters(self) -> String {
        let mut parameters = OPUS_PARAMETERS.to_owned();
        for (said, parameter) in [(self.sends_stereo, ";stereo=1"), (self.wants_stereo, ";sprop-stereo=1")] {
            if said {
                parameters.push_str(parameter);
            }
        }
        parameters
    }

    /// Whether packets of both are read alike.
    pub(crate) fn is_coded_as(self, other: Self) -> bool {
        self.codec == other.codec && self.payload_type == other.payload_type
    }
}

/// Under which numbers a line has a codec, in its order of preference.
fn payload_types(media: &MediaDescription, codec: AudioCodec) -> impl Iterator<Item = (AudioCodec, u8)> {
    let numbers: Vec<u8> = media.media_name.formats.iter().filter_map(|format| format.parse().ok()).collect();
    let named = move |number: u8| {
        let mut names = values(media, "rtpmap").filter_map(|value| {
            let (of, encoding) = value.split_once(' ')?;
            (of.parse() == Ok(number)).then(|| encoding.trim())
        });
        match names.next() {
            Some(encoding) => codec.is(encoding),
            None => codec.static_type() == Some(number),
        }
    };
    let numbers: Vec<u8> = numbers.into_iter().filter(|number| *number < 128 && named(*number)).collect();
    numbers.into_iter().map(move |number| (codec, number))
}

/// A number in `a=fmtp` (RFC 8866 section 6.15).
fn parameter(media: &MediaDescription, payload_type: u8, name: &str) -> Option<u32> {
    values(media, "fmtp").find_map(|value| {
        let (of, parameters) = value.split_once(' ')?;
        if of.parse() != Ok(payload_type) {
            return None;
        }
        parameters.split(';').find_map(|parameter| {
            let (known, value) = parameter.split_once('=')?;
            known.trim().eq_ignore_ascii_case(name).then(|| value.trim().parse().ok())?
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rtc::sdp::SessionDescription;

    use super::*;

    fn line(formats: &str, attributes: &[&str]) -> MediaDescription {
        let attributes: String = attributes.iter().map(|attribute| format!("a={attribute}\r\n")).collect();
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF {formats}\r\n{attributes}"
        );
        let session = SessionDescription::unmarshal(&mut Cursor::new(sdp)).unwrap();
        session.media_descriptions[0].clone()
    }

    fn chosen(
        formats: &str,
        attributes: &[&str],
        kept: Option<(AudioCodec, u8)>,
    ) -> Option<(AudioCodec, u8)> {
        let kept = kept.map(|(codec, payload_type)| Voice {
            codec,
            payload_type,
            max_playback_rate: None,
            max_average_bitrate: None,
            wants_stereo: false,
            sends_stereo: false,
        });
        Voice::of(&line(formats, attributes), kept).map(|voice| (voice.codec, voice.payload_type))
    }

    #[test]
    fn opus_counts_more_than_g711_and_that_more_than_nothing() {
        let names = ["rtpmap:111 OPUS/48000/2", "rtpmap:0 PCMU/8000", "rtpmap:8 PCMA/8000"];
        assert_eq!(chosen("0 8 111", &names, None), Some((AudioCodec::Opus, 111)));
        assert_eq!(chosen("8 0", &names, None), Some((AudioCodec::Pcmu, 0)));
        assert_eq!(chosen("8 126", &[], None), Some((AudioCodec::Pcma, 8)));
        assert_eq!(chosen("96", &["rtpmap:96 PCMA/8000/1"], None), Some((AudioCodec::Pcma, 96)));
        assert_eq!(chosen("9 13 126", &["rtpmap:126 telephone-event/8000"], None), None);
        assert_eq!(chosen("0", &["rtpmap:0 speex/8000"], None), None, "the number was given to another");
        assert_eq!(chosen("111", &["rtpmap:63 opus/48000/2"], None), None, "it is not on the line");
    }

    #[test]
    fn what_was_taken_before_is_taken_again() {
        let names = ["rtpmap:111 opus/48000/2", "rtpmap:109 opus/48000/2"];
        assert_eq!(chosen("111 109 0", &names, Some((AudioCodec::Opus, 109))), Some((AudioCodec::Opus, 109)));
        assert_eq!(chosen("111 109 0", &names, Some((AudioCodec::Pcmu, 0))), Some((AudioCodec::Pcmu, 0)));
        assert_eq!(chosen("111 109", &names, Some((AudioCodec::Pcmu, 0))), Some((AudioCodec::Opus, 111)));
    }

    #[test]
    fn what_the_caller_wants_is_read() {
        let line = line(
            "111",
            &[
                "rtpmap:111 opus/48000/2",
                "fmtp:111 minptime=10; MaxPlaybackRate=16000;maxaveragebitrate=20000;x",
            ],
        );
        let voice = Voice::of(&line, None).unwrap();
        assert_eq!((voice.max_playback_rate, voice.max_average_bitrate), (Some(16_000), Some(20_000)));
    }

    #[test]
    fn two_channels_are_spoken_of_only_where_the_caller_does_each_way_for_itself() {
        let parameters = |said: &str| {
            let fmtp = format!("fmtp:111 minptime=10{said}");
            Voice::of(&line("111", &["rtpmap:111 opus/48000/2", &fmtp]), None).unwrap().opus_parameters()
        };
        let none = "minptime=10;useinbandfec=1";
        for said in ["", ";useinbandfec=1", ";stereo=0;sprop-stereo=0", ";stereo=2", ";x-stereo=1"] {
            assert_eq!(parameters(said), none, "{said}");
        }
        assert_eq!(parameters(";stereo=1"), format!("{none};sprop-stereo=1"), "it would like to be sent two");
        assert_eq!(parameters("; sprop-stereo=1"), format!("{none};stereo=1"), "it is likely to send two");
        assert_eq!(parameters(";stereo=1; sprop-stereo=1"), format!("{none};stereo=1;sprop-stereo=1"));
        let narrow = line("0", &["fmtp:0 stereo=1;sprop-stereo=1"]);
        let narrow = Voice::of(&narrow, None).unwrap();
        assert!(!narrow.wants_stereo && !narrow.sends_stereo, "G.711 has one");
    }

    #[test]
    fn a_memo_of_a_time_with_opus_only_is_read() {
        let voice: Voice = serde_json::from_str(r#"{"opus":109}"#).unwrap();
        assert_eq!((voice.codec, voice.payload_type), (AudioCodec::Opus, 109));
        assert!(!voice.wants_stereo && !voice.sends_stereo);
        assert_eq!(serde_json::to_string(&voice).unwrap(), r#"{"codec":"opus","opus":109}"#);
    }
}
