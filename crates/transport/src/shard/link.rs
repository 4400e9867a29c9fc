//! One call on a shard: its keys, its voice, which of its packets are what.
//!
//! Sockets never live here; datagrams come and go as bytes.

use std::time::{Duration, Instant};

use confocal_rtp::srtp::{self, UnprotectError};
use confocal_rtp::{AudioLevel, RtpHeader, RtpView};

use super::early::Early;
use super::feedback::Limit;
use super::handle::{AgreedPictures, Datagram, Inlet, Keys, LinkSetup, PictureStream, Stream};
use super::pictures::Pictures;
use super::reports::{Rhythm, StreamReports};
use super::routes::Own;
use super::wire::Path;
use crate::packet::{AudioPacket, Incoming, LinkStats, OutgoingAudio, OutgoingPicture, SendError};
use crate::sdp::{PICTURE_LINES, PictureLine};

/// The largest datagram of ours but for pictures: what fits every path that the internet has in use, tunnels among them.
pub(super) const MAX_DATAGRAM: usize = 1280;

/// The largest that is sent: pictures that came in packets of some size go on in such.
pub(super) const MAX_PICTURE_DATAGRAM: usize = 1452;

/// A call.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) own: Own,
    pub(super) stats: LinkStats,
    inlet: Inlet,
    pub(super) stream: Stream,
    /// The number of the next packet of our voice.
    sequence: u16,
    pub(super) keys: Option<Keys>,
    /// The keys before, until something is authentic under the new ones.
    former: Option<Box<srtp::Receiver>>,
    early: Early,
    /// From where time is counted.
    origin: Instant,
    pub(super) rhythm: Rhythm,
    /// What is reported of our voice and the caller's.
    pub(super) voice: StreamReports,
    /// Lines for pictures, once they were agreed on.
    pub(super) pictures: [Option<Box<Pictures>>; PICTURE_LINES],
    /// What is sent on them is numbered by these.
    picture_streams: [PictureStream; PICTURE_LINES],
    pub(super) limit: Option<Limit>,
}

impl Link {
    /// `origin` is that of all links of a port.
    pub(super) fn new(setup: LinkSetup, origin: Instant, now: Instant) -> Self {
        let LinkSetup { inlet, stream, pictures } = setup;
        Self {
            own: Own::default(),
            stats: LinkStats::default(),
            inlet,
            sequence: stream.sequence,
            origin,
            rhythm: Rhythm::new(stream.ssrc, now),
            voice: StreamReports::new(stream.ssrc, stream.voice.codec.clock_rate()),
            stream,
            keys: None,
            former: None,
            early: Early::default(),
            pictures: [const { None }; PICTURE_LINES],
            picture_streams: pictures,
            limit: None,
        }
    }

    /// These are the lines for pictures from now on.
    pub(super) fn agree(&mut self, agreed: [Option<AgreedPictures>; PICTURE_LINES]) {
        for ((pictures, agreed), stream) in self.pictures.iter_mut().zip(agreed).zip(self.picture_streams) {
            if agreed.is_some() || pictures.is_some() {
                pictures.get_or_insert_with(|| Box::new(Pictures::new(stream))).agree(agreed);
            }
        }
    }

    /// What has gone by since the origin.
    pub(super) fn since(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.origin)
    }

    /// Passes a check or a part of a handshake to the session. One that finds no room is dropped: it will be said again.
    pub(super) fn hand_in(&self, path: Path, bytes: &[u8]) {
        let inlet = if path.remote.is_ipv4() { &self.inlet.v4 } else { &self.inlet.v6 };
        if let Ok(place) = inlet.try_reserve() {
            place.send(Box::new(Datagram { path, bytes: bytes.to_vec() }));
        }
    }

    /// Takes keys, and gives out what was waiting for them.
    pub(super) fn set_keys(
        &mut self,
        keys: Keys,
        now: Instant,
    ) -> impl Iterator<Item = (Instant, Path, Vec<u8>)> + use<> {
        self.former = self.keys.replace(keys).map(|former| Box::new(former.inbound));
        self.early.take(now)
    }

    /// Reads an SRTP packet, which is decrypted in place. `None` for what is of no use; why is counted.
    pub(super) fn open<'a>(
        &mut self,
        path: Path,
        bytes: &'a mut [u8],
        arrival: Instant,
    ) -> Option<Incoming<'a>> {
        let length = self.unprotect(path, bytes, arrival, srtp::Receiver::unprotect_rtp)?;
        let Ok(packet) = RtpView::parse(bytes.get(..length)?) else {
            self.stats.foreign += 1;
            return None;
        };
        if packet.payload_type() != self.stream.voice.payload_type {
            return self.open_picture(&packet, arrival);
        }
        self.stats.received += 1;
        let since = self.since(arrival);
        self.voice.received(packet.ssrc(), packet.sequence(), packet.timestamp(), since);
        let level = self.stream.level_extension.and_then(|id| packet.extension(id));
        Some(Incoming::Sound(AudioPacket {
            codec: self.stream.voice.codec,
            sequence: packet.sequence(),
            timestamp: packet.timestamp(),
            marker: packet.marker(),
            claimed_level: level.and_then(AudioLevel::read).map(|level| level.minus_dbov),
            payload: packet.payload(),
            arrival,
        }))
    }

    /// A packet that is not sound. The two lines may have the same payload types: then its SSRC or its name tells which it is of.
    fn open_picture<'a>(&mut self, packet: &RtpView<'a>, arrival: Instant) -> Option<Incoming<'a>> {
        let since = self.since(arrival);
        let (mut found, mut fitting) = (None, 0);
        for (line, pictures) in PictureLine::ALL.into_iter().zip(&self.pictures) {
            let Some((pictures, again)) =
                pictures.as_deref().and_then(|of| Some((of, of.knows(packet.payload_type())?)))
            else {
                continue;
            };
            fitting += 1;
            found = Some((line, again));
            if pictures.owns(packet, again) {
                fitting = 1;
                break;
            }
        }
        let Some((line, again)) = found.filter(|_| fitting == 1) else {
            self.stats.foreign += 1;
            return None;
        };
        let pictures = self.pictures.get_mut(line.index())?.as_deref_mut()?;
        let packet = pictures.open(packet, again, since, &mut self.stats.pictures)?;
        Some(Incoming::Picture(line, packet))
    }

    pub(super) fn unprotect(
        &mut self,
        path: Path,
        bytes: &mut [u8],
        arrival: Instant,
        unprotect: impl Fn(&mut srtp::Receiver, &mut [u8]) -> Result<usize, UnprotectError>,
    ) -> Option<usize> {
        let Some(keys) = &mut self.keys else {
            self.early.keep(path, bytes, arrival);
            return None;
        };
        // Only while keys change: what does not open is of no use afterwards.
        let copy = self.former.is_some().then(|| bytes.to_vec());
        let mut opened = unprotect(&mut keys.inbound, bytes);
        match (&opened, copy) {
            (Ok(_), _) => self.former = None,
            (Err(_), Some(copy)) => {
                bytes.copy_from_slice(&copy);
                if let Some(former) = &mut self.former {
                    opened = unprotect(former, bytes);
                }
            }
            (Err(_), None) => {}
        }
        match opened {
            Ok(length) => {
                self.own.follow(path);
                Some(length)
            }
            Err(UnprotectError::Replayed | UnprotectError::TooOld) => {
                self.stats.replayed += 1;
                None
            }
            Err(_) => {
                self.stats.unauthentic += 1;
                None
            }
        }
    }

    /// Writes the next packet of our stream, protected, into `out`: where it goes, and how long it is.
    pub(super) fn seal(
        &mut self,
        packet: OutgoingAudio<'_>,
        now: Instant,
        out: &mut [u8],
    ) -> Result<(Path, usize), SendError> {
        let (Some(keys), Some(path)) = (&mut self.keys, self.own.selected()) else {
            return Err(SendError::NotReady);
        };
        let header = RtpHeader {
            marker: packet.marker,
            payload_type: self.stream.voice.payload_type,
            sequence: self.sequence,
            timestamp: self.stream.timestamp.wrapping_add(packet.timestamp),
            ssrc: self.stream.ssrc,
        };
        let room = out.get_mut(..MAX_DATAGRAM).ok_or(SendError::Unfit)?;
        let length = keys
            .outbound
            .protect_rtp_from(&header, &[], packet.payload, room)
            .map_err(|_| SendError::Unfit)?;
        self.sequence = self.sequence.wrapping_add(1);
        let since = self.since(now);
        self.voice.sent(header.timestamp, packet.payload.len(), since);
        Ok((path, length))
    }

    /// Writes a packet of pictures, protected, into `out`: where it goes, and how long it is.
    pub(super) fn seal_picture(
        &mut self,
        packet: OutgoingPicture<'_>,
        now: Instant,
        out: &mut [u8],
    ) -> Result<(Path, usize), SendError> {
        let (since, plays_at) = (self.since(now), self.since(packet.plays_at.unwrap_or(now)));
        let (Some(keys), Some(path)) = (&mut self.keys, self.own.selected()) else {
            return Err(SendError::NotReady);
        };
        let pictures = self.pictures.get_mut(packet.line.index()).and_then(Option::as_deref_mut);
        let pictures = pictures.ok_or(SendError::NotReady)?;
        let (length, news) = pictures.seal(&packet, since, plays_at, &mut keys.outbound, out)?;
        if news {
            self.rhythm.hurry();
        }
        Ok((path, length))
    }

    /// What has passed.
    pub(super) fn stats(&self) -> LinkStats {
        LinkStats { jitter: self.voice.jitter(), lost: self.voice.lost(), ..self.stats }
    }
}

/// How long feedback may be late: what is missing is looked for at this rhythm.
pub(super) const MISSING_RHYTHM: Duration = Duration::from_millis(5);

/// How long a report may be late: they are looked for at this rhythm.
pub(super) const REPORT_RHYTHM: Duration = Duration::from_millis(200);
