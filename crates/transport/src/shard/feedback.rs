//! What a call's reports say: of our streams, read from the caller's; of the caller's, written in ours, with what is asked for.
//!
//! Packets of media never live here.

use std::time::{Duration, Instant};

use confocal_rtp::round_trip;
use confocal_rtp::rtcp::{ReceiverReport, ReportBlock, RtcpPacket, RtcpPackets, RtcpWriter, WriteRtcpError};
use confocal_rtp::srtp;

use super::link::Link;
use super::pictures::Pictures;
use super::reports::wall_time;
use super::wire::Path;
use crate::packet::{Incoming, PictureStats, StreamKind};
use crate::sdp::{PICTURE_LINES, PictureLine};

/// The time there and back as long as it is not known.
const USUAL_ROUND_TRIP: Duration = Duration::from_millis(100);

/// What we say that we can take of pictures is said again after so long (draft-alvestrand-rmcat-remb-03 has no rule; browsers go by
/// the last one for as long as there is no other, but one may be lost).
const LIMIT_AGAIN: Duration = Duration::from_secs(1);

/// How much the caller may send of pictures, and when that is to be said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    bits: u64,
    due: Instant,
}

impl Link {
    /// Reads an SRTCP packet: sends again what the caller misses, by `send`, and tells what else there is.
    pub(super) fn take_report(
        &mut self,
        path: Path,
        bytes: &mut [u8],
        arrival: Instant,
        room: &mut [u8],
        mut send: impl FnMut(Path, &[u8]),
        mut tell: impl FnMut(Incoming<'_>),
    ) {
        let Some(length) = self.unprotect(path, bytes, arrival, srtp::Receiver::unprotect_rtcp) else {
            return;
        };
        self.stats.reports += 1;
        let now = self.since(arrival);
        // What can't be read is passed over: it is authentic, so the caller's own matter.
        for packet in RtcpPackets::new(bytes.get(..length).unwrap_or_default()).flatten() {
            match packet {
                RtcpPacket::SenderReport(report, blocks) => {
                    let of = if self.voice.on_sender_report(&report, now) {
                        Some(StreamKind::Sound)
                    } else {
                        self.line_where(|line| line.reports.on_sender_report(&report, now))
                            .map(|(line, _)| StreamKind::Picture(line))
                    };
                    if let Some(of) = of {
                        tell(Incoming::SenderClock { of, timestamp: report.rtp_timestamp, ntp: report.ntp });
                    }
                    blocks.for_each(|block| self.take_block(&block));
                }
                RtcpPacket::ReceiverReport(_, blocks) => blocks.for_each(|block| self.take_block(&block)),
                RtcpPacket::Nack(nack) => {
                    let of = |line: &mut Pictures| line.reports.ssrc() == nack.media_ssrc;
                    let Some((line, _)) = self.line_where(of) else { continue };
                    for sequence in nack.sequences() {
                        if let Some((path, length)) = self.seal_again(line, sequence, now, room) {
                            send(path, room.get(..length).unwrap_or_default());
                        }
                    }
                }
                RtcpPacket::Pli(pli) => {
                    let of = |line: &mut Pictures| line.reports.ssrc() == pli.media_ssrc;
                    if let Some((line, _)) = self.line_where(of) {
                        self.stats.pictures.key_frames_wanted += 1;
                        tell(Incoming::KeyFrameWanted(line));
                    }
                }
                RtcpPacket::Fir(fir) => {
                    for (ssrc, number) in fir.entries() {
                        let Some((line, pictures)) = self.line_where(|line| line.reports.ssrc() == ssrc)
                        else {
                            continue;
                        };
                        if pictures.is_new_command(number) {
                            self.stats.pictures.key_frames_wanted += 1;
                            tell(Incoming::KeyFrameWanted(line));
                        }
                    }
                }
                RtcpPacket::Remb(remb) => {
                    self.stats.pictures.estimate = Some(remb.bitrate);
                    tell(Incoming::Estimate { bits: remb.bitrate });
                }
                RtcpPacket::SourceDescription(_)
                | RtcpPacket::Goodbye(_)
                | RtcpPacket::TransportFeedback(_) => {}
            }
        }
    }

    fn take_block(&mut self, block: &ReportBlock) {
        if block.ssrc == self.voice.ssrc() {
            self.stats.missed = Some(block.fraction_lost);
            self.stats.told_missed += 1;
        } else if self.line_where(|line| line.reports.ssrc() == block.ssrc).is_some() {
            self.stats.pictures.missed = Some(block.fraction_lost);
            self.stats.pictures.told_missed += 1;
        } else {
            return;
        }
        let told = round_trip(wall_time(), block.last_sr, block.delay_since_last_sr);
        self.stats.round_trip = told.or(self.stats.round_trip);
    }

    fn line_where(&mut self, is: impl Fn(&mut Pictures) -> bool) -> Option<(PictureLine, &mut Pictures)> {
        let lines = PictureLine::ALL.into_iter().zip(&mut self.pictures);
        lines
            .filter_map(|(line, pictures)| Some((line, pictures.as_deref_mut()?)))
            .find_map(|(line, pictures)| is(&mut *pictures).then_some((line, pictures)))
    }

    fn round_trip(&self) -> Duration {
        self.stats.round_trip.unwrap_or(USUAL_ROUND_TRIP)
    }

    fn seal_again(
        &mut self,
        line: PictureLine,
        sequence: u16,
        now: Duration,
        room: &mut [u8],
    ) -> Option<(Path, usize)> {
        let (round_trip, path) = (self.round_trip(), self.own.selected()?);
        let pictures = self.pictures.get_mut(line.index())?.as_deref_mut()?;
        let keys = &mut self.keys.as_mut()?.outbound;
        let length = pictures.seal_again(sequence, now, round_trip, keys, room)?;
        self.stats.pictures.repeated += 1;
        Some((path, length))
    }

    /// Writes our next report (RFC 3550 section 6), protected, into `out`, if it is due.
    pub(super) fn seal_report(&mut self, now: Instant, out: &mut [u8]) -> Option<(Path, usize)> {
        if self.rhythm.is_due(now) {
            self.rhythm.beat(now);
            let since = self.since(now);
            return self.seal_rtcp(out, |link, writer| {
                link.voice.write(writer, &link.stream.cname, true, since)?;
                for pictures in link.pictures.iter_mut().flatten() {
                    pictures.write_report(writer, &link.stream.cname, since)?;
                }
                link.write_limit(writer, now)
            });
        }
        self.limit.filter(|limit| now >= limit.due)?;
        self.seal_feedback(out, |link, writer| link.write_limit(writer, now))
    }

    /// Writes what is due to be asked for again of the caller's pictures, if anything is.
    pub(super) fn seal_missing(&mut self, now: Instant, out: &mut [u8]) -> Option<(Path, usize)> {
        if !self.misses() {
            return None;
        }
        let (since, round_trip) = (self.since(now), self.round_trip());
        self.seal_feedback(out, |link, writer| {
            let Self { pictures, stats, .. } = link;
            pictures
                .iter_mut()
                .flatten()
                .try_for_each(|line| line.write_missing(writer, since, round_trip, &mut stats.pictures))
        })
    }

    /// Whether packets of the caller's pictures are missing.
    pub(super) fn misses(&self) -> bool {
        self.pictures.iter().flatten().any(|pictures| pictures.misses())
    }

    /// Asks the caller for a key frame.
    pub(super) fn seal_key_frame(
        &mut self,
        line: PictureLine,
        now: Instant,
        out: &mut [u8],
    ) -> Option<(Path, usize)> {
        let since = self.since(now);
        self.seal_feedback(out, |link, writer| {
            let stats: &mut PictureStats = &mut link.stats.pictures;
            match link.pictures.get_mut(line.index()).and_then(Option::as_deref_mut) {
                Some(pictures) => pictures.write_key_frame(writer, since, stats),
                None => Ok(()),
            }
        })
    }

    /// The caller may send so many bits a second of pictures: to be said soon.
    pub(super) fn limit(&mut self, bits: u64, now: Instant) {
        if self.limit.is_none_or(|limit| limit.bits != bits) {
            self.limit = Some(Limit { bits, due: now });
        }
    }

    fn write_limit(&mut self, writer: &mut RtcpWriter<'_>, now: Instant) -> Result<(), WriteRtcpError> {
        let Some(limit) = &mut self.limit else { return Ok(()) };
        limit.due = now + LIMIT_AGAIN;
        let (mut ssrcs, mut count) = ([0; PICTURE_LINES], 0);
        let limited = self.pictures.iter().flatten().filter(|pictures| pictures.is_limited());
        for (place, ssrc) in ssrcs.iter_mut().zip(limited.filter_map(|pictures| pictures.theirs())) {
            *place = ssrc;
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        writer.remb(self.voice.ssrc(), limit.bits, &ssrcs[..count])
    }

    /// Feedback behind the report that has to come before it (RFC 3550 section 6.1); nothing, if there is none.
    fn seal_feedback(
        &mut self,
        out: &mut [u8],
        write: impl FnOnce(&mut Self, &mut RtcpWriter<'_>) -> Result<(), WriteRtcpError>,
    ) -> Option<(Path, usize)> {
        let mut empty = 0;
        let mut full = 0;
        let sealed = self.seal_rtcp(out, |link, writer| {
            writer.receiver_report(&ReceiverReport { ssrc: link.voice.ssrc() }, &[])?;
            writer.cname(link.voice.ssrc(), &link.stream.cname)?;
            empty = writer.len();
            let written = write(link, writer);
            full = writer.len();
            if full > empty { written } else { Err(WriteRtcpError::Nothing) }
        });
        sealed.filter(|_| full > empty)
    }

    fn seal_rtcp(
        &mut self,
        out: &mut [u8],
        write: impl FnOnce(&mut Self, &mut RtcpWriter<'_>) -> Result<(), WriteRtcpError>,
    ) -> Option<(Path, usize)> {
        let path = self.own.selected().filter(|_| self.keys.is_some())?;
        let mut writer = RtcpWriter::new(out);
        write(self, &mut writer).ok()?;
        let length = writer.len();
        let length = self.keys.as_mut()?.outbound.protect_rtcp(out, length).ok()?;
        Some((path, length))
    }
}
