//! One call on a shard: its keys, its stream, what has passed.
//!
//! Sockets never live here; datagrams come and go as bytes.

use std::time::{Duration, Instant};

use confocal_rtp::srtp::{self, UnprotectError};
use confocal_rtp::{AudioLevel, RtpHeader, RtpView};

use super::early::Early;
use super::handle::{Datagram, Inlet, Keys, LinkSetup, Stream};
use super::reports::Reports;
use super::routes::Own;
use super::wire::Path;
use crate::packet::{AudioPacket, LinkStats, OutgoingAudio, SendError};

/// The largest datagram that is sent: what fits every path that the internet has in use, tunnels among them.
pub(super) const MAX_DATAGRAM: usize = 1280;

/// A call.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) own: Own,
    pub(super) stats: LinkStats,
    inlet: Inlet,
    stream: Stream,
    /// The number of the next packet of ours.
    sequence: u16,
    keys: Option<Keys>,
    /// The keys before, until something is authentic under the new ones.
    former: Option<srtp::Receiver>,
    early: Early,
    reports: Reports,
}

impl Link {
    pub(super) fn new(setup: LinkSetup, now: Instant) -> Self {
        let LinkSetup { inlet, stream } = setup;
        Self {
            own: Own::default(),
            stats: LinkStats::default(),
            inlet,
            sequence: stream.sequence,
            reports: Reports::new(stream.ssrc, stream.voice.codec.clock_rate(), now),
            stream,
            keys: None,
            former: None,
            early: Early::default(),
        }
    }

    /// Passes a check or a part of a handshake to the session. One that finds no room is dropped: it will be said again.
    pub(super) fn hand_in(&self, path: Path, bytes: &[u8]) {
        let inlet = if path.remote.is_ipv4() { &self.inlet.v4 } else { &self.inlet.v6 };
        if let Ok(place) = inlet.try_reserve() {
            place.send(Datagram { path, bytes: bytes.to_vec() });
        }
    }

    /// Takes keys, and gives out what was waiting for them.
    pub(super) fn set_keys(
        &mut self,
        keys: Keys,
        now: Instant,
    ) -> impl Iterator<Item = (Instant, Path, Vec<u8>)> + use<> {
        self.former = self.keys.replace(keys).map(|former| former.inbound);
        self.early.take(now)
    }

    /// Reads an SRTP packet, which is decrypted in place. `None` for what is not sound for the mix; why is counted.
    pub(super) fn open<'a>(
        &mut self,
        path: Path,
        bytes: &'a mut [u8],
        arrival: Instant,
    ) -> Option<AudioPacket<'a>> {
        let length = self.unprotect(path, bytes, arrival, srtp::Receiver::unprotect_rtp)?;
        let Ok(packet) = RtpView::parse(bytes.get(..length)?) else {
            self.stats.foreign += 1;
            return None;
        };
        if packet.payload_type() != self.stream.voice.payload_type {
            self.stats.foreign += 1;
            return None;
        }
        self.stats.received += 1;
        self.reports.received(packet.ssrc(), packet.sequence(), packet.timestamp(), arrival);
        let level = self.stream.level_extension.and_then(|id| packet.extension(id));
        Some(AudioPacket {
            codec: self.stream.voice.codec,
            sequence: packet.sequence(),
            timestamp: packet.timestamp(),
            marker: packet.marker(),
            claimed_level: level.and_then(AudioLevel::read).map(|level| level.minus_dbov),
            payload: packet.payload(),
            arrival,
        })
    }

    /// Reads an SRTCP packet.
    pub(super) fn take_report(&mut self, path: Path, bytes: &mut [u8], arrival: Instant) {
        let Some(length) = self.unprotect(path, bytes, arrival, srtp::Receiver::unprotect_rtcp) else {
            return;
        };
        self.stats.reports += 1;
        if let Some(compound) = bytes.get(..length) {
            self.reports.take(compound, arrival, &mut self.stats);
        }
    }

    fn unprotect(
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
        let length = keys
            .outbound
            .protect_rtp_from(&header, &[], packet.payload, out)
            .map_err(|_| SendError::Unfit)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.reports.sent(header.timestamp, packet.payload.len(), now);
        Ok((path, length))
    }

    /// Writes our next report (RFC 3550 section 6), protected, into `out`, if it is due.
    pub(super) fn seal_report(&mut self, now: Instant, out: &mut [u8]) -> Option<(Path, usize)> {
        let (keys, path) = (self.keys.as_mut()?, self.own.selected()?);
        if !self.reports.is_due(now) {
            return None;
        }
        let length = self.reports.write(&self.stream.cname, now, out)?;
        let length = keys.outbound.protect_rtcp(out, length).ok()?;
        Some((path, length))
    }

    /// What has passed.
    pub(super) fn stats(&self) -> LinkStats {
        LinkStats { jitter: self.reports.jitter(), lost: self.reports.lost(), ..self.stats }
    }
}

/// How long a report may be late: they are looked for at this rhythm.
pub(super) const REPORT_RHYTHM: Duration = Duration::from_millis(100);
