//! A caller's line for pictures: whoever sends on it, whoever receives, and the reports between them (RTCP). Keys never live here.

use std::sync::Arc;
use std::time::Duration;

use confocal_rtp::rtcp::{
    ReceiverReport, ReportBlocks, RtcpPacket, RtcpPackets, RtcpWriter, SenderReport, WriteRtcpError,
};
use confocal_rtp::{NtpTime, RtpView};

use super::clip::{Clips, timestamp};
use super::plan::PicturesPlan;
use super::receive::Receiver;
use super::round_trip::RoundTrip;
use super::send::Sender;
use crate::sdp::AgreedPictures;

/// Reports are so far apart, in µs: as browsers' are for pictures.
const REPORT_EVERY: i64 = 1_000_000;
/// The name of all that a caller sends (SDES CNAME), as with its sound.
const CNAME: &str = "caller";

/// A line for pictures.
#[derive(Debug)]
pub struct PictureLine {
    /// Whoever sends, if anybody does.
    pub sender: Option<Sender>,
    /// Whoever receives.
    pub receiver: Receiver,
    ssrc: u32,
    rate: u32,
    sound: u32,
    round_trip: RoundTrip,
    reported: Option<i64>,
    /// When the caller connected, in µs.
    pub connected: Option<i64>,
}

impl PictureLine {
    /// A line of a caller whose sound has the SSRC `sound`, and pictures the one after; with `place` it sends what is sent there. Pictures
    /// are kept with their bytes if it `keeps`.
    #[must_use]
    pub fn new(
        plan: &PicturesPlan,
        clips: &Arc<Clips>,
        sound: u32,
        place: Option<usize>,
        keeps: bool,
    ) -> Self {
        let ssrc = sound.wrapping_add(1);
        let estimate = u64::from(plan.estimate) * 1_000;
        Self {
            sender: place.map(|place| Sender::new(Arc::clone(clips), place, ssrc)),
            receiver: Receiver::new(Arc::clone(clips), ssrc, estimate, keeps),
            ssrc,
            rate: plan.rate,
            sound,
            round_trip: RoundTrip::default(),
            reported: None,
            connected: None,
        }
    }

    /// Pictures a second.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// The SSRCs that it sends under, of pictures and of packets sent again; `None` if it only receives.
    #[must_use]
    pub fn sources(&self) -> Option<(u32, u32)> {
        self.sender.as_ref().map(|sender| (sender.ssrc(), sender.ssrc().wrapping_add(1)))
    }

    /// What was agreed on.
    pub fn agree(&mut self, agreed: &AgreedPictures) {
        if let Some(sender) = &mut self.sender {
            sender.agree(agreed.payload_type, agreed.again);
        }
        self.receiver.agree(agreed.payload_type, agreed.again, agreed.ssrc);
    }

    /// From now on is measured; so many pictures are expected.
    pub fn note(&mut self, room: usize) {
        self.receiver.note(room);
        if let Some(sender) = &mut self.sender {
            sender.stats = super::send::SenderStats::default();
        }
    }

    /// Takes a packet, if it is one of pictures.
    pub fn packet(&mut self, packet: &RtpView<'_>, at: i64) -> bool {
        let known = self.receiver.knows(packet.payload_type());
        if known {
            self.receiver.packet(packet, at);
        }
        known
    }

    /// Takes a compound packet of RTCP that came at `at`.
    pub fn reports(&mut self, bytes: &[u8], at: i64) {
        let now = since(at);
        // What can't be read is the target's matter; it is not counted as pictures are.
        for packet in RtcpPackets::new(bytes).flatten() {
            match packet {
                RtcpPacket::SenderReport(report, blocks) => {
                    self.receiver.sender_report(&report, at);
                    self.blocks(blocks, at);
                }
                RtcpPacket::ReceiverReport(_, blocks) => self.blocks(blocks, at),
                RtcpPacket::Nack(nack) => {
                    if let Some(sender) = self.sender_of(nack.media_ssrc) {
                        sender.missed(nack.sequences(), now);
                    }
                }
                RtcpPacket::Pli(pli) => {
                    if let Some(sender) = self.sender_of(pli.media_ssrc) {
                        sender.key_frame_asked(at);
                    }
                }
                RtcpPacket::Fir(fir) => {
                    for (ssrc, number) in fir.entries() {
                        if let Some(sender) = self.sender_of(ssrc) {
                            sender.key_frame_commanded(number, at);
                        }
                    }
                }
                RtcpPacket::Remb(remb) => {
                    let mut about = remb.ssrcs();
                    if let Some(sender) = self.sender.as_mut()
                        && about.any(|ssrc| ssrc == sender.ssrc())
                    {
                        sender.allowed(remb.bitrate);
                    }
                }
                RtcpPacket::SourceDescription(_)
                | RtcpPacket::Goodbye(_)
                | RtcpPacket::TransportFeedback(_) => {}
            }
        }
    }

    fn blocks(&mut self, mut blocks: ReportBlocks<'_>, at: i64) {
        if let Some(block) = blocks.find(|block| block.ssrc == self.sound) {
            self.round_trip.reported(&block, at);
        }
    }

    fn sender_of(&mut self, ssrc: u32) -> Option<&mut Sender> {
        self.sender.as_mut().filter(|sender| sender.ssrc() == ssrc)
    }

    /// Writes what is due to be told at `at`, `number` being that of the last picture and `moment` when it was due (µs since 1970): what is
    /// missed, what is asked for, and each second a report. How many bytes; 0 if nothing is due.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`] when there is no room for it.
    pub fn feedback(&mut self, at: i64, clock: (u64, i64), out: &mut [u8]) -> Result<usize, WriteRtcpError> {
        let mut writer = RtcpWriter::new(out);
        let due = self.reported.is_none_or(|last| at - last >= REPORT_EVERY);
        if due {
            self.reported = Some(at);
            if let Some(sender) = &self.sender {
                let (packets, octets) = sender.totals();
                let (number, moment) = clock;
                let ntp = NtpTime::from_unix(since(moment));
                let rtp_timestamp = timestamp(number, self.rate);
                let ssrc = sender.ssrc();
                writer.sender_report(&SenderReport { ssrc, ntp, rtp_timestamp, packets, octets }, &[])?;
            }
            self.receiver.report(at, &mut writer)?;
        }
        // Feedback comes behind a report (RFC 3550 section 6.1); one that says nothing is taken back if nothing follows.
        let mut own = [0; 1_200];
        let mut feedback = RtcpWriter::new(&mut own);
        self.receiver.ask(at, self.round_trip.value(), &mut feedback)?;
        let asked = feedback.len();
        if asked == 0 && writer.is_empty() {
            return Ok(0);
        }
        if writer.is_empty() {
            writer.receiver_report(&ReceiverReport { ssrc: self.ssrc }, &[])?;
        }
        writer.cname(self.ssrc, CNAME)?;
        let length = writer.len();
        let end = length + asked;
        let place = out.get_mut(length..end).ok_or(WriteRtcpError::NoRoom)?;
        place.copy_from_slice(own.get(..asked).unwrap_or_default());
        Ok(end)
    }
}

fn since(at: i64) -> Duration {
    Duration::from_micros(at.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::pictures::clip::Clip;
    use crate::pictures::scene::Scene;
    use crate::plan::Plan;

    const SOUND: u32 = 100;

    fn line(place: Option<usize>) -> PictureLine {
        let clip = Clip { frames: vec![vec![0; 500], vec![1; 100]], bits: 500_000 };
        let clips = Arc::new(Clips::new(vec![[clip.clone(), clip]], 25, Scene::Numbered));
        let mut line = PictureLine::new(&Plan::parse_from(["swarm"]).pictures, &clips, SOUND, place, false);
        line.agree(&AgreedPictures { payload_type: 96, again: Some(97), ssrc: Some(900) });
        line
    }

    fn kinds(line: &mut PictureLine, at: i64) -> Vec<String> {
        let mut out = [0; 1_500];
        let length = line.feedback(at, (25, at), &mut out).expect("room");
        let name = |packet: RtcpPacket<'_>| {
            let whole = format!("{packet:?}");
            whole.split(['(', ' ']).next().unwrap_or_default().to_owned()
        };
        RtcpPackets::new(&out[..length]).map(|packet| name(packet.expect("a packet"))).collect()
    }

    #[test]
    fn each_second_there_is_a_report_and_between_only_what_is_due() {
        let mut line = line(Some(0));
        assert_eq!(
            kinds(&mut line, 5_000_000),
            ["SenderReport", "ReceiverReport", "Remb", "SourceDescription", "Pli"]
        );
        assert_eq!(kinds(&mut line, 5_020_000), [""; 0]);
        assert_eq!(kinds(&mut line, 5_200_000), ["ReceiverReport", "SourceDescription", "Pli"]);
        assert_eq!(kinds(&mut line, 6_000_000)[0], "SenderReport");
    }

    #[test]
    fn only_what_is_about_its_own_pictures_counts() {
        let mut line = line(Some(0));
        let told = |line: &mut PictureLine, ssrc: u32| {
            let mut room = [0; 200];
            let mut writer = RtcpWriter::new(&mut room);
            writer.pli(confocal_rtp::rtcp::Pli { sender_ssrc: 900, media_ssrc: ssrc }).expect("room");
            writer.fir(900, &[(ssrc, 1), (ssrc, 1)]).expect("room");
            writer.remb(900, 50_000, &[ssrc]).expect("room");
            let length = writer.len();
            line.reports(&room[..length], 0);
            let sender = line.sender.as_mut().expect("it sends");
            sender.picture(0, Duration::ZERO, 0);
            (sender.stats.asked, sender.sent.last().map(|(_, shot)| shot.less))
        };
        assert_eq!(told(&mut line, SOUND), (0, Some(false)));
        assert_eq!(told(&mut line, SOUND + 2), (0, Some(false)));
        let mut fresh = self::line(Some(0));
        assert_eq!(told(&mut fresh, SOUND + 1), (2, Some(true)));
    }
}
