//! Lines for pictures: which of a caller's video lines are taken, how pictures are coded on them, what was agreed on.
//!
//! At most two of a call: one for whoever is seen, and a second one for a shared screen. Which of the two a caller's own screen is on,
//! no description says; that is in the stream metadata. Packets never live here.

use confocal_video::PictureCodec;
use rtc::sdp::MediaDescription;
use serde::{Deserialize, Serialize};

use super::direction::Direction;
use super::offer::{MID_URI, SEND_TIME_URI, extension, is_word, values};

/// How many lines for pictures a call has at most.
pub(crate) const PICTURE_LINES: usize = 2;

/// One of a call's lines for pictures, by what is sent to the caller on it. What the caller sends on it the caller says elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PictureLine {
    /// Whoever is seen: in one stream with our voice.
    Camera,
    /// A shared screen: in a stream of its own.
    Screen,
}

impl PictureLine {
    /// Both.
    pub const ALL: [Self; PICTURE_LINES] = [Self::Camera, Self::Screen];

    /// Its place in lists that have one of each.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Camera => 0,
            Self::Screen => 1,
        }
    }
}

/// What was agreed on a line for pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureTerms {
    /// How pictures are coded, both ways; the same for as long as the line is there.
    pub codec: PictureCodec,
    /// Which way they flow, as we see it.
    pub direction: Direction,
    /// The id of the caller's stream (`a=msid`, RFC 8830), by which its metadata tells what the pictures are of; `None` where the
    /// line is in no stream.
    pub theirs: Option<String>,
    /// The id of ours.
    pub ours: String,
}

/// A line for pictures that is in use: what is kept of it from one description to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PictureShape {
    /// Which of the lines it is.
    pub(crate) line: usize,
    /// How pictures are coded on it.
    #[serde(with = "codec_name")]
    pub(crate) codec: PictureCodec,
    /// The payload type, as the caller numbered it.
    pub(crate) payload_type: u8,
    /// The payload type of packets that are sent again (RFC 4588).
    pub(crate) rtx: Option<u8>,
    /// What may be fed back.
    pub(crate) feedback: Feedback,
    /// The number of the extension that tells when a packet was sent.
    pub(crate) send_time: Option<u8>,
    /// The number of the extension that tells a packet's line (RFC 8843 section 15).
    pub(crate) mid: Option<u8>,
}

/// Kinds of feedback that both sides know (RFC 4585 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Feedback {
    /// Packets that are missed: `nack`.
    pub(crate) nack: bool,
    /// Pictures that are missed: `nack pli`.
    pub(crate) pli: bool,
    /// Key frames that are wanted: `ccm fir` (RFC 5104).
    pub(crate) fir: bool,
    /// How much can be taken: `goog-remb`.
    pub(crate) remb: bool,
}

impl Feedback {
    /// All of it, which is what we offer.
    pub(crate) const ALL: Self = Self { nack: true, pli: true, fir: true, remb: true };

    fn of(media: &MediaDescription, payload_type: u8) -> Self {
        let has = |wanted: &str| {
            values(media, "rtcp-fb").any(|value| {
                let of = |(number, rest): (&str, &str)| {
                    (number == "*" || number.parse() == Ok(payload_type)) && rest.trim() == wanted
                };
                value.split_once(' ').is_some_and(of)
            })
        };
        Self { nack: has("nack"), pli: has("nack pli"), fir: has("ccm fir"), remb: has("goog-remb") }
    }

    /// As the attribute says them.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        [(self.remb, "goog-remb"), (self.fir, "ccm fir"), (self.nack, "nack"), (self.pli, "nack pli")]
            .into_iter()
            .filter_map(|(has, name)| has.then_some(name))
    }
}

/// What a caller says of a line for pictures for the time being.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PictureNow {
    /// Which way they flow, seen from the caller.
    pub(crate) direction: Direction,
    /// The caller's stream.
    pub(crate) stream: Option<String>,
    /// The caller's SSRC, and that of packets that it sends again, where it names them.
    pub(crate) sources: Option<(u32, Option<u32>)>,
}

impl PictureNow {
    pub(super) fn of(media: &MediaDescription, direction: Direction) -> Self {
        Self { direction, stream: stream_of(media), sources: sources(media) }
    }
}

/// The codecs that are taken, the best first.
const CODECS: [PictureCodec; 2] = [PictureCodec::Vp8, PictureCodec::H264];

/// A codec's name in `a=rtpmap` (RFC 8866 section 6.6).
pub(crate) const fn rtpmap(codec: PictureCodec) -> &'static str {
    match codec {
        PictureCodec::Vp8 => "VP8/90000",
        PictureCodec::H264 => "H264/90000",
    }
}

/// What of a codec is spoken, in `a=fmtp`.
pub(crate) const fn parameters(codec: PictureCodec) -> Option<&'static str> {
    match codec {
        PictureCodec::Vp8 => None,
        PictureCodec::H264 => Some("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
    }
}

/// Whether a format is a codec as it is spoken here.
fn is(codec: PictureCodec, format: &Format<'_>) -> bool {
    if !format.encoding.eq_ignore_ascii_case(rtpmap(codec)) {
        return false;
    }
    match codec {
        PictureCodec::Vp8 => true,
        PictureCodec::H264 => {
            let profile = parameter(format.parameters, "profile-level-id");
            parameter(format.parameters, "packetization-mode") == Some("1")
                && profile.is_some_and(is_constrained_baseline)
        }
    }
}

/// RFC 6184 section 8.1: `profile_idc` 66 with `constraint_set1_flag`.
fn is_constrained_baseline(profile: &str) -> bool {
    let bytes = u32::from_str_radix(profile, 16).ok().filter(|_| profile.len() == 6);
    bytes.is_some_and(|bytes| bytes >> 16 == 0x42 && bytes >> 8 & 0x40 != 0)
}

impl PictureShape {
    /// A line as it is taken: with the codec of before, or the best one. `None` if none is known here.
    pub(super) fn of(line: usize, media: &MediaDescription, kept: Option<PictureCodec>) -> Option<Self> {
        let formats = formats(media);
        let find = |codec: PictureCodec| {
            let mut all = formats.iter().filter(|format| is(codec, format));
            // The level that everybody has, if there is a choice.
            let usual = |format: &&Format<'_>| format.parameters.to_ascii_lowercase().contains("42e01f");
            all.clone().find(usual).or_else(|| all.next()).map(|format| (codec, format.number))
        };
        let kept = kept.and_then(find);
        let (codec, payload_type) = kept.or_else(|| CODECS.into_iter().find_map(find))?;
        let again = formats.iter().find(|format| {
            format.encoding.eq_ignore_ascii_case("rtx/90000")
                && parameter(format.parameters, "apt").and_then(|apt| apt.parse().ok()) == Some(payload_type)
        });
        Some(Self {
            line,
            codec,
            payload_type,
            rtx: again.map(|format| format.number),
            feedback: Feedback::of(media, payload_type),
            send_time: extension(media, SEND_TIME_URI),
            mid: extension(media, MID_URI),
        })
    }
}

/// A format of a line: number, name and parameters.
struct Format<'a> {
    number: u8,
    encoding: &'a str,
    parameters: &'a str,
}

fn formats(media: &MediaDescription) -> Vec<Format<'_>> {
    let find = |key: &str, number: u8| {
        values(media, key).find_map(|value| {
            let (of, text) = value.split_once(' ')?;
            (of.parse() == Ok(number)).then(|| text.trim())
        })
    };
    let numbers = media.media_name.formats.iter().filter_map(|format| format.parse().ok());
    let format = |number: u8| {
        let encoding = find("rtpmap", number)?;
        Some(Format { number, encoding, parameters: find("fmtp", number).unwrap_or_default() })
    };
    numbers.filter(|number| *number < 128).filter_map(format).collect()
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|parameter| {
        let (known, value) = parameter.split_once('=')?;
        known.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The first word of `a=msid`, or of the form that older clients have.
fn stream_of(media: &MediaDescription) -> Option<String> {
    let of_line = values(media, "msid").next();
    let of_source =
        || values(media, "ssrc").find_map(|value| value.split_once(' ')?.1.trim().strip_prefix("msid:"));
    let named = of_line.or_else(of_source)?.split_whitespace().next()?;
    (named != "-" && is_word(named)).then(|| named.to_owned())
}

/// The pair of `a=ssrc-group:FID` (RFC 5576, RFC 4588), or the first of `a=ssrc`.
fn sources(media: &MediaDescription) -> Option<(u32, Option<u32>)> {
    let pair = values(media, "ssrc-group").find_map(|value| {
        let mut words = value.split_whitespace();
        let mut numbers = (words.next()? == "FID").then_some(words)?.map_while(|word| word.parse().ok());
        Some((numbers.next()?, numbers.next()))
    });
    pair.or_else(|| {
        let first = values(media, "ssrc").next()?.split_whitespace().next()?;
        Some((first.parse().ok()?, None))
    })
}

/// A codec in a memo.
mod codec_name {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::PictureCodec;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
    pub(super) fn serialize<S: Serializer>(codec: &PictureCodec, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match codec {
            PictureCodec::Vp8 => "vp8",
            PictureCodec::H264 => "h264",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PictureCodec, D::Error> {
        match String::deserialize(from)?.as_str() {
            "vp8" => Ok(PictureCodec::Vp8),
            "h264" => Ok(PictureCodec::H264),
            other => Err(D::Error::unknown_variant(other, &["vp8", "h264"])),
        }
    }
}
