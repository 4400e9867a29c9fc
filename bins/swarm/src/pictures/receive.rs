//! One who receives pictures, as a browser does: asks again for what it misses, for key frames where nothing can be shown, and reports.
//! It decodes nothing; [`Watch`] tells what could be.
//!
//! A clock never lives here: moments are those of arrivals, in µs since 1970. Nor do keys.

use std::sync::Arc;
use std::time::Duration;

use confocal_rtp::rtcp::{Pli, RtcpWriter, WriteRtcpError};
use confocal_rtp::{Heard, Missing, Reception, RtpView};

use super::clip::Clips;
use super::watch::{Packet, Watch};

/// A key frame that has not come is asked for again after so long, in µs; as browsers do.
const ASK_AGAIN: i64 = 200_000;
/// Packets that are asked for at once.
const AT_ONCE: usize = 128;

/// What a receiver has seen and done.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReceiverStats {
    /// Packets of pictures, without those that were sent again.
    pub packets: u64,
    /// Their bytes, with RTP headers.
    pub bytes: u64,
    /// Packets that were missed and came later.
    pub recovered: u64,
    /// Packets asked for, each as often as it was.
    pub missed: u64,
    /// Key frames asked for.
    pub asked: u64,
    /// Leaps of more packets than can be asked for.
    pub leaps: u64,
    /// Streams that took the place of another one.
    pub restarts: u64,
}

/// One who receives pictures.
#[derive(Debug)]
pub struct Receiver {
    clips: Arc<Clips>,
    ssrc: u32,
    theirs: Option<u32>,
    payload_type: Option<u8>,
    again: Option<u8>,
    missing: Missing,
    reception: Reception,
    asked: Option<i64>,
    estimate: u64,
    /// What the packets make.
    pub watch: Watch,
    /// What it has seen and done.
    pub stats: ReceiverStats,
}

impl Receiver {
    /// One that reports under `ssrc`, says that it can take `estimate` bits a second, and keeps pictures with their bytes if it `keeps`.
    #[must_use]
    pub fn new(clips: Arc<Clips>, ssrc: u32, estimate: u64, keeps: bool) -> Self {
        Self {
            clips,
            ssrc,
            theirs: None,
            payload_type: None,
            again: None,
            missing: Missing::new(),
            reception: Reception::new(90_000),
            asked: None,
            estimate,
            watch: Watch::new(keeps),
            stats: ReceiverStats::default(),
        }
    }

    /// What was agreed on: the payload types of pictures, and of packets that are sent again; the other side's SSRC, if it was told.
    pub fn agree(&mut self, payload_type: u8, again: Option<u8>, theirs: Option<u32>) {
        (self.payload_type, self.again) = (Some(payload_type), again);
        self.theirs = theirs.or(self.theirs);
    }

    /// From now on is measured; so many pictures are expected.
    pub fn note(&mut self, room: usize) {
        self.watch.note(room);
        self.stats = ReceiverStats::default();
    }

    /// Whether a packet of that payload type is one of pictures.
    #[must_use]
    pub fn knows(&self, payload_type: u8) -> bool {
        self.payload_type == Some(payload_type) || self.again == Some(payload_type)
    }

    /// Takes a packet of pictures, which came at `at`.
    pub fn packet(&mut self, packet: &RtpView<'_>, at: i64) {
        let again = self.again == Some(packet.payload_type());
        let (mut sequence, mut payload) = (packet.sequence(), packet.payload());
        if again {
            // RFC 4588 section 4. Without a payload it fills the line (RFC 8888 and others probe so).
            let Some((original, rest)) = payload.split_first_chunk::<2>() else { return };
            (sequence, payload) = (u16::from_be_bytes(*original), rest);
        } else {
            if self.theirs.replace(packet.ssrc()).is_some_and(|before| before != packet.ssrc()) {
                self.stats.restarts += 1;
                (self.missing, self.reception) = (Missing::new(), Reception::new(90_000));
            }
            self.stats.packets += 1;
            self.stats.bytes += payload.len() as u64 + 12;
            self.reception.on_packet(sequence, packet.timestamp(), since(at));
        }
        match self.missing.on_packet(sequence, since(at)) {
            Heard::New | Heard::Old => {}
            Heard::Recovered => self.stats.recovered += 1,
            Heard::TooMany => self.stats.leaps += 1,
        }
        let (timestamp, marker) = (packet.timestamp(), packet.marker());
        self.watch.push(&Packet { sequence, timestamp, marker, payload, at }, &self.clips);
    }

    /// Writes what is to be asked for at `now`, if anything is.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`] when there is no room for it.
    pub fn ask(
        &mut self,
        now: i64,
        round_trip: Duration,
        writer: &mut RtcpWriter<'_>,
    ) -> Result<(), WriteRtcpError> {
        self.watch.look(now);
        let Some(media_ssrc) = self.theirs else { return Ok(()) };
        let sender_ssrc = self.ssrc;
        if self.watch.key_frame_wanted() {
            if self.asked.is_none_or(|asked| now - asked >= ASK_AGAIN) {
                self.asked = Some(now);
                self.stats.asked += 1;
                writer.pli(Pli { sender_ssrc, media_ssrc })?;
            }
        } else {
            self.asked = None;
        }
        if self.missing.is_empty() {
            return Ok(());
        }
        let mut sequences = [0; AT_ONCE];
        let count = self.missing.due(since(now), round_trip, &mut sequences);
        self.stats.missed += count as u64;
        if count > 0 {
            writer.nack(sender_ssrc, media_ssrc, sequences[..count].iter().copied())
        } else {
            Ok(())
        }
    }

    /// Writes how the pictures are received, and how much can be taken.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`] when there is no room for it.
    pub fn report(&mut self, now: i64, writer: &mut RtcpWriter<'_>) -> Result<(), WriteRtcpError> {
        let Some(theirs) = self.theirs else { return Ok(()) };
        let block = self.reception.report_block(theirs, since(now));
        let report = confocal_rtp::rtcp::ReceiverReport { ssrc: self.ssrc };
        writer.receiver_report(&report, block.as_slice())?;
        writer.remb(self.ssrc, self.estimate, &[theirs])
    }

    /// Takes note of the other side's report, which came at `at`.
    pub fn sender_report(&mut self, report: &confocal_rtp::rtcp::SenderReport, at: i64) {
        if self.theirs == Some(report.ssrc) {
            self.reception.on_sender_report(report.ntp, since(at));
        }
    }
}

fn since(at: i64) -> Duration {
    Duration::from_micros(at.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use confocal_rtp::RtpHeader;
    use confocal_rtp::rtcp::{RtcpPacket, RtcpPackets};

    use super::*;
    use crate::pictures::clip::Clip;
    use crate::pictures::scene::Scene;
    use crate::pictures::send::Sender;

    const THEIRS: u32 = 77;
    const ROUND_TRIP: Duration = Duration::from_millis(20);

    fn clips() -> Arc<Clips> {
        let frame = |index: u8| {
            let mut frame = vec![u8::from(index > 0), index];
            frame.resize(2_500, index);
            frame
        };
        let clip = Clip { frames: (0..100).map(frame).collect(), bits: 500_000 };
        Arc::new(Clips::new(vec![[clip.clone(), clip]], 25, Scene::Numbered))
    }

    /// A sender and a receiver, and the line between them: time goes by in steps of 20 ms, a picture each second one.
    struct Pair {
        sender: Sender,
        receiver: Receiver,
        step: u64,
    }

    impl Pair {
        fn new() -> Self {
            let clips = clips();
            let mut sender = Sender::new(Arc::clone(&clips), 0, THEIRS);
            sender.agree(96, Some(97));
            let mut receiver = Receiver::new(clips, 5, 2_000_000, false);
            receiver.agree(96, Some(97), Some(THEIRS));
            Self { sender, receiver, step: 0 }
        }

        /// One step, in which packets are lost that `loses` says, by sequence number and whether they are sent again.
        fn step(&mut self, loses: &mut impl FnMut(u16, bool) -> bool) -> Vec<RtpHeader> {
            let now = Duration::from_millis(self.step * 20);
            let at = now.as_micros() as i64;
            if self.step.is_multiple_of(2) {
                self.sender.picture(self.step / 2, now, at);
            }
            let mut room = [0; 1_500];
            let mut all = Vec::new();
            while let Some(length) = self.sender.poll(now, &mut room) {
                let view = RtpView::parse(&room[..length]).expect("a packet");
                let header = view.header();
                let again = header.payload_type == 97;
                all.push(header);
                if !loses(header.sequence, again) {
                    self.receiver.packet(&view, at);
                }
            }
            let mut feedback = [0; 1_500];
            let mut writer = RtcpWriter::new(&mut feedback);
            self.receiver.ask(at, ROUND_TRIP, &mut writer).expect("room");
            let length = writer.len();
            for packet in RtcpPackets::new(&feedback[..length]).map(|packet| packet.expect("a packet")) {
                if let RtcpPacket::Pli(pli) = packet {
                    assert_eq!((pli.sender_ssrc, pli.media_ssrc), (5, THEIRS));
                    self.sender.key_frame_asked(at);
                } else if let RtcpPacket::Nack(nack) = packet {
                    self.sender.missed(nack.sequences(), now);
                } else {
                    panic!("{packet:?}");
                }
            }
            self.step += 1;
            all
        }
    }

    #[test]
    fn it_asks_for_a_key_frame_until_it_has_one_and_no_more() {
        let mut pair = Pair::new();
        for _ in 0..30 {
            pair.step(&mut |_, _| true);
        }
        assert_eq!(pair.receiver.stats.asked, 3, "at once, and each 200 ms");
        for _ in 0..100 {
            pair.step(&mut |_, _| false);
        }
        assert!(!pair.receiver.watch.key_frame_wanted());
        assert!(pair.receiver.stats.asked <= 5, "{:?}", pair.receiver.stats);
    }

    #[test]
    fn a_lost_packet_is_asked_for_and_comes_again() {
        let mut pair = Pair::new();
        pair.receiver.watch.note(0);
        let mut count = 0;
        for _ in 0..400 {
            pair.step(&mut |_, again| {
                count += u32::from(!again);
                !again && count % 20 == 10
            });
        }
        let stats = pair.receiver.stats;
        assert!(stats.recovered >= 25 && stats.missed >= stats.recovered, "{stats:?}");
        assert_eq!(pair.receiver.watch.notes.len(), 200, "no picture is missing");
        assert_eq!(stats.asked, 0, "none but the first key frame, which comes by itself");
        let recoveries = &pair.receiver.watch.recoveries;
        assert!(!recoveries.is_empty() && recoveries.iter().all(|time| *time <= 60_000), "{recoveries:?}");
    }

    #[test]
    fn what_never_comes_again_ends_with_a_key_frame() {
        let mut pair = Pair::new();
        pair.receiver.watch.note(0);
        for _ in 0..20 {
            pair.step(&mut |_, _| false);
        }
        let mut lost = None;
        for _ in 0..60 {
            pair.step(&mut |sequence, again| again || *lost.get_or_insert(sequence) == sequence);
        }
        assert_eq!(pair.receiver.stats.asked, 1);
        assert_eq!(pair.sender.stats.key_frames, 2);
        let [recovery] = pair.receiver.watch.recoveries[..] else {
            panic!("{:?}", pair.receiver.watch.recoveries);
        };
        assert!((300_000..=420_000).contains(&recovery), "{recovery}");
        let indices: Vec<u32> =
            pair.receiver.watch.notes.iter().filter_map(|note| Some(note.shot?.index)).collect();
        assert_eq!(indices[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(indices[10], 0, "and nothing is shown between");
    }

    #[test]
    fn it_tells_how_it_receives_and_what_it_can_take() {
        let mut pair = Pair::new();
        for _ in 0..50 {
            pair.step(&mut |_, again| again);
        }
        let mut room = [0; 200];
        let mut writer = RtcpWriter::new(&mut room);
        pair.receiver.report(1_000_000, &mut writer).expect("room");
        let length = writer.len();
        let all: Vec<RtcpPacket<'_>> = RtcpPackets::new(&room[..length]).map(Result::unwrap).collect();
        let [RtcpPacket::ReceiverReport(report, mut blocks), RtcpPacket::Remb(remb)] = all[..] else {
            panic!("{all:?}");
        };
        assert_eq!((report.ssrc, remb.sender_ssrc, remb.bitrate), (5, 5, 2_000_000));
        let block = blocks.next().expect("a block");
        assert_eq!((block.ssrc, block.cumulative_lost), (THEIRS, 0));
    }
}
