//! What an offer asks for, and whether it can be answered at all; a caller's answer to an offer of ours is read alike.
//!
//! A pure function of the text. The WebRTC stack never sees an offer that was refused here, nor the text of one that was taken.

use std::collections::BTreeSet;
use std::io::Cursor;

use rtc::sdp::{MediaDescription, SessionDescription};

use super::direction::Direction;
use super::pictures::{PICTURE_LINES, PictureNow, PictureShape};
use super::shape::{AudioLine, Directions, Line, Shape};
use super::voice::Voice;

/// The largest SDP that is read, in bytes.
pub const MAX_SDP_BYTES: usize = 64 * 1024;

/// The most media lines of an offer. Its answer repeats them all, and has to fit into a Matrix event; browsers make a few.
pub(crate) const MAX_LINES: usize = 64;

/// The longest word of a media line that the answer repeats, in bytes.
const MAX_WORD_BYTES: usize = 64;

/// The header extension by which a sender claims its level (RFC 6464).
pub(crate) const AUDIO_LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// That by which a sender tells when a packet left, for receivers that estimate how much they can take
/// (<https://webrtc.googlesource.com/src/+/refs/heads/main/docs/native-code/rtp-hdrext/abs-send-time>).
pub(crate) const SEND_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";

/// That by which a packet tells its line (RFC 8843 section 15).
pub(crate) const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

/// An offer that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The media lines, never none of them, and what is the same in all descriptions of them.
    pub(crate) shape: Shape,
    /// What is only of now, line by line.
    pub(crate) now: Vec<LineNow>,
    /// What the caller wants on the audio line, seen from the caller.
    pub(crate) direction: Direction,
    /// What it says of the lines for pictures that are taken.
    pub(crate) pictures: [Option<PictureNow>; PICTURE_LINES],
    /// The caller's ICE credentials (RFC 8839 section 5.4).
    pub(crate) ice: IceCredentials,
    /// The caller only answers connectivity checks.
    pub(crate) ice_lite: bool,
    /// The caller's certificate, as `<hash> <hex>` (RFC 8122 section 5).
    pub(crate) fingerprint: String,
    /// The caller insists on being the DTLS client.
    pub(crate) dtls_client: bool,
    /// Candidates in the offer itself, without `a=`.
    pub(crate) candidates: Vec<String>,
}

/// What an offer says of a media line for the time being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineNow {
    /// It shares the audio line's ICE credentials, so its candidates are good for audio too.
    pub(crate) shares_ice: bool,
}

/// ICE credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IceCredentials {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
}

/// What a further offer of the same call has to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) shape: Shape,
    pub(crate) fingerprint: String,
}

/// Why an offer can't be answered. Each is the offering client's fault or limitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// It is larger than [`MAX_SDP_BYTES`].
    #[error("larger than {MAX_SDP_BYTES} bytes")]
    TooLarge,
    /// It is not an SDP, or a part that every offer has is missing or unreadable.
    #[error("not readable: {0}")]
    Malformed(&'static str),
    /// It has no audio line in use.
    #[error("no audio line")]
    NoAudio,
    /// Its audio line has neither Opus nor G.711.
    #[error("neither Opus nor G.711")]
    NoCodec,
    /// It has no DTLS certificate fingerprint (RFC 8122), so media could not be encrypted.
    #[error("no DTLS fingerprint")]
    NoFingerprint,
    /// It has several lines in use that are not bundled (RFC 8843).
    #[error("several media lines without BUNDLE")]
    NoBundle,
    /// A further offer names another certificate than the first: it would need a new session.
    #[error("the DTLS fingerprint changed")]
    FingerprintChanged,
    /// A further offer has the codec of the first no more, or not under its payload type.
    #[error("the codec or its payload type changed")]
    CodecChanged,
}

impl Offer {
    /// Reads an offer (RFC 8866, RFC 8829 section 5.2.1) and checks that it can be answered.
    ///
    /// # Errors
    ///
    /// [`OfferError`].
    pub fn parse(sdp: &str) -> Result<Self, OfferError> {
        Self::read(sdp, None)
    }

    /// Reads a further description of a call, whose audio line and codec have to be those of `kept`. Lines for pictures may come
    /// and go.
    pub(crate) fn parse_again(sdp: &str, kept: &Kept) -> Result<Self, OfferError> {
        let offer = Self::parse_answer(sdp, &kept.shape)?;
        if !offer.fingerprint.eq_ignore_ascii_case(&kept.fingerprint) {
            return Err(OfferError::FingerprintChanged);
        }
        Ok(offer)
    }

    /// Reads an answer to an offer of ours, which had the lines of `shape`.
    pub(crate) fn parse_answer(sdp: &str, shape: &Shape) -> Result<Self, OfferError> {
        let answer = Self::read(sdp, Some(shape))?;
        if answer.shape.voice.is_coded_as(shape.voice) { Ok(answer) } else { Err(OfferError::CodecChanged) }
    }

    /// What a further offer has to keep of this one.
    pub(crate) fn kept(&self) -> Kept {
        Kept { shape: self.shape.clone(), fingerprint: self.fingerprint.clone() }
    }

    /// The widest answer to it (RFC 3264 section 6.1), seen from us: on the second line for pictures we send only while there is a
    /// screen to show.
    pub(crate) fn directions(&self) -> Directions {
        let [camera, screen] = self
            .pictures
            .each_ref()
            .map(|now| now.as_ref().map_or(Direction::Inactive, |now| now.direction.reversed()));
        let screen = if self.shape.screen { screen } else { screen.without_sending() };
        Directions { audio: self.direction.reversed(), pictures: [camera, screen] }
    }

    fn read(sdp: &str, before: Option<&Shape>) -> Result<Self, OfferError> {
        if sdp.len() > MAX_SDP_BYTES {
            return Err(OfferError::TooLarge);
        }
        let session = SessionDescription::unmarshal(&mut Cursor::new(sdp))
            .map_err(|_| OfferError::Malformed("session description"))?;

        let kept = before.map(Shape::audio_line);
        let audio = choose_audio(&session, kept.as_ref())?;
        let media = session.media_descriptions.get(audio).ok_or(OfferError::NoAudio)?;
        let voice = Voice::of(media, kept.map(|kept| kept.voice)).ok_or(OfferError::NoCodec)?;
        let both = Levels { session: &session, media };

        let fingerprint = both.fingerprint().ok_or(OfferError::NoFingerprint)?;
        let bundle = check_bundle(&session, media)?;
        let ice = IceCredentials {
            ufrag: both.ice_value("ice-ufrag").ok_or(OfferError::Malformed("ice-ufrag"))?,
            pwd: both.ice_value("ice-pwd").ok_or(OfferError::Malformed("ice-pwd"))?,
        };

        let lines = lines(&session)?;
        let screen = before.is_some_and(|before| before.screen);
        let (chosen, pictures) = choose_pictures(&session, bundle.as_ref(), before);
        let shape = Shape {
            lines,
            audio,
            voice,
            level_extension: extension(media, AUDIO_LEVEL_URI),
            send_time: extension(media, SEND_TIME_URI),
            bundled: bundle.is_some(),
            pictures: chosen,
            screen,
        };
        Ok(Self {
            shape,
            now: lines_now(&session, &ice),
            pictures,
            direction: both.direction(),
            ice,
            ice_lite: session.has_attribute("ice-lite"),
            fingerprint,
            dtls_client: both.value("setup") == Some("active"),
            candidates: values(media, "candidate").map(|value| format!("candidate:{value}")).collect(),
        })
    }
}

/// Attributes of the audio line, and those of the session where the line has none of its own.
struct Levels<'a> {
    session: &'a SessionDescription,
    media: &'a MediaDescription,
}

impl<'a> Levels<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        values(self.media, key).next().or_else(|| self.session_values(key).next())
    }

    fn session_values(&self, key: &str) -> impl Iterator<Item = &'a str> {
        let attributes = &self.session.attributes;
        let key = key.to_owned();
        attributes.iter().filter(move |a| a.key == key).filter_map(|a| a.value.as_deref()).map(str::trim)
    }

    /// RFC 8839 section 5.4: 4 to 256 characters of `ice-char`. Short ones are let through, being no danger to us.
    fn ice_value(&self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        let fits = (1..=256).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| value.to_owned())
    }

    /// SHA-256 if there is one, else the first of another hash that is long enough to be trusted.
    fn fingerprint(&self) -> Option<String> {
        let mut all: Vec<&str> = values(self.media, "fingerprint").collect();
        if all.is_empty() {
            all = self.session_values("fingerprint").collect();
        }
        let usable: Vec<String> = all.into_iter().filter_map(checked_fingerprint).collect();
        usable.iter().find(|value| value.starts_with("sha-256 ")).or_else(|| usable.first()).cloned()
    }

    fn direction(&self) -> Direction {
        let of_media = Direction::ALL.into_iter().find(|way| self.media.has_attribute(way.as_str()));
        let of_session = || Direction::ALL.into_iter().find(|way| self.session.has_attribute(way.as_str()));
        // RFC 8866 section 6.7: sendrecv is what is meant when nothing is said.
        of_media.or_else(of_session).unwrap_or(Direction::SendRecv)
    }
}

pub(super) fn values<'a>(media: &'a MediaDescription, key: &str) -> impl Iterator<Item = &'a str> {
    let key = key.to_owned();
    media.attributes.iter().filter(move |a| a.key == key).filter_map(|a| a.value.as_deref()).map(str::trim)
}

/// `<hash> <hex pairs>` in one spelling, if it has the length that its hash makes.
fn checked_fingerprint(value: &str) -> Option<String> {
    let (hash, hex) = value.split_once(' ')?;
    let hash = hash.to_ascii_lowercase();
    let length = match hash.as_str() {
        "sha-256" => 32,
        "sha-384" => 48,
        "sha-512" => 64,
        _ => return None,
    };
    let hex = hex.trim().to_ascii_uppercase();
    let pairs: Vec<&str> = hex.split(':').collect();
    let well_formed =
        pairs.iter().all(|pair| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (pairs.len() == length && well_formed).then(|| format!("{hash} {hex}"))
}

/// A line is in use unless its port is 0; with `bundle-only` port 0 only says that it has no port of its own (RFC 8843
/// section 6).
fn in_use(media: &MediaDescription) -> bool {
    media.media_name.port.value != 0 || media.has_attribute("bundle-only")
}

/// The audio line to answer: that of before, else the first with a codec that is known.
fn choose_audio(session: &SessionDescription, kept: Option<&AudioLine>) -> Result<usize, OfferError> {
    let audio: Vec<(usize, &MediaDescription)> = session
        .media_descriptions
        .iter()
        .enumerate()
        .filter(|(_, media)| media.media_name.media == "audio" && in_use(media))
        .collect();
    if audio.is_empty() {
        return Err(OfferError::NoAudio);
    }
    if let Some(kept) = kept {
        let same = audio.iter().find(|(_, media)| mid_of(media) == kept.mid.as_deref());
        return same.map(|(index, _)| *index).ok_or(OfferError::NoAudio);
    }
    let with_codec = audio.iter().find(|(_, media)| Voice::of(media, None).is_some());
    with_codec.map(|(index, _)| *index).ok_or(OfferError::NoCodec)
}

/// The lines that the offer bundles with its audio line, if it does. Several lines in use must all be.
fn check_bundle<'a>(
    session: &'a SessionDescription,
    audio: &MediaDescription,
) -> Result<Option<BTreeSet<&'a str>>, OfferError> {
    let bundles: Vec<BTreeSet<&str>> = session
        .attributes
        .iter()
        .filter(|attribute| attribute.key == "group")
        .filter_map(|attribute| attribute.value.as_deref())
        .filter_map(|value| value.trim().strip_prefix("BUNDLE"))
        .map(|mids| mids.split_whitespace().collect())
        .collect();
    let ours = mid_of(audio).and_then(|mid| bundles.into_iter().find(|bundle| bundle.contains(mid)));
    let several = session.media_descriptions.iter().filter(|media| in_use(media)).count() > 1;
    if several && ours.is_none() {
        return Err(OfferError::NoBundle);
    }
    Ok(ours)
}

/// The lines for pictures that are taken: those of before, then the first others that are in use and bundled, as long as there is
/// a place for them.
fn choose_pictures(
    session: &SessionDescription,
    bundle: Option<&BTreeSet<&str>>,
    before: Option<&Shape>,
) -> ([Option<PictureShape>; PICTURE_LINES], [Option<PictureNow>; PICTURE_LINES]) {
    let (mut chosen, mut now) = ([const { None }; PICTURE_LINES], [const { None }; PICTURE_LINES]);
    let kept = |index: usize, mid: &str| {
        let before = before?;
        let place = before.picture_place(index)?;
        let same = before.lines.get(index).is_some_and(|line| line.mid.as_deref() == Some(mid));
        let shape = before.pictures.get(place)?.as_ref().filter(|_| same)?;
        Some((place, shape.codec))
    };
    let usable = |(index, media): (usize, &MediaDescription)| {
        let mid = mid_of(media).filter(|_| media.media_name.media == "video" && in_use(media))?;
        bundle.filter(|bundle| bundle.contains(mid))?;
        let kept = kept(index, mid);
        let shape = PictureShape::of(index, media, kept.map(|(_, codec)| codec))?;
        let direction = Levels { session, media }.direction();
        Some((kept.map(|(place, _)| place), shape, PictureNow::of(media, direction)))
    };
    let lines = session.media_descriptions.iter().enumerate().filter_map(usable);
    let (old, new): (Vec<_>, Vec<_>) = lines.partition(|(place, ..)| place.is_some());
    for (place, shape, said) in old.into_iter().chain(new) {
        let place = place.or_else(|| chosen.iter().position(Option::is_none));
        if let Some((chosen, now)) = place.and_then(|place| chosen.get_mut(place).zip(now.get_mut(place))) {
            *chosen = Some(shape);
            *now = Some(said);
        }
    }
    // A line that was made for a screen of ours is as good for the caller's camera: browsers take the first that is free.
    let sends = now[1].as_ref().is_some_and(|now: &PictureNow| now.direction.sends());
    if chosen[0].is_none() && sends && before.is_none_or(|before| !before.screen) {
        chosen.swap(0, 1);
        now.swap(0, 1);
    }
    (chosen, now)
}

fn mid_of(media: &MediaDescription) -> Option<&str> {
    values(media, "mid").next().filter(|mid| !mid.is_empty())
}

fn lines(session: &SessionDescription) -> Result<Vec<Line>, OfferError> {
    if session.media_descriptions.len() > MAX_LINES {
        return Err(OfferError::Malformed("number of media lines"));
    }
    let mut seen = BTreeSet::new();
    session
        .media_descriptions
        .iter()
        .map(|media| {
            let mid = mid_of(media);
            // RFC 5888 section 4: a token, unique in the description.
            if let Some(mid) = mid
                && (!is_word(mid) || !seen.insert(mid))
            {
                return Err(OfferError::Malformed("mid"));
            }
            let name = &media.media_name;
            let (media_kind, proto) = (name.media.clone(), name.protos.join("/"));
            let format = name.formats.first().cloned().unwrap_or_default();
            if ![&media_kind, &proto, &format].into_iter().all(|word| is_word(word)) {
                return Err(OfferError::Malformed("media line"));
            }
            Ok(Line { media: media_kind, proto, format, mid: mid.map(str::to_owned) })
        })
        .collect()
}

/// A token of RFC 8866 section 9, or what clients take for one.
pub(super) fn is_word(text: &str) -> bool {
    (1..=MAX_WORD_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn lines_now(session: &SessionDescription, ice: &IceCredentials) -> Vec<LineNow> {
    let now = |media: &MediaDescription| LineNow {
        shares_ice: values(media, "ice-ufrag").next().is_none_or(|ufrag| ufrag == ice.ufrag),
    };
    session.media_descriptions.iter().map(now).collect()
}

/// The number of a header extension on a line: `<id>[/direction] <uri>`, RFC 8285 section 5. Ids above 14 need the two-byte form,
/// which is not worth having here.
pub(super) fn extension(media: &MediaDescription, uri: &str) -> Option<u8> {
    values(media, "extmap").find_map(|value| {
        let mut words = value.split_whitespace();
        let id = words.next()?;
        let id = id.split_once('/').map_or(id, |(id, _)| id);
        let id: u8 = id.parse().ok().filter(|id| (1..=14).contains(id))?;
        (words.next() == Some(uri)).then_some(id)
    })
}
