//! One who sends pictures: a clip in a loop, anew where a key frame is asked for; packets again that are missed.
//!
//! A clock never lives here: moments are told, as what has gone by since any fixed one. Nor do keys.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use confocal_rtp::{RTP_HEADER_BYTES, RtpHeader, Sent, SentConfig};
use confocal_video::{PayloadState, PictureCodec, packetise};

use super::clip::{Clips, MAX_PAYLOAD, Shot, timestamp};

/// Key frames are that far apart at the least, as in browsers.
const KEY_FRAMES_APART: Duration = Duration::from_millis(300);
/// What one may send is taken as enough for a size that needs no more than a tenth above it.
const ENOUGH: (u64, u64) = (11, 10);
/// A packet is sent again after that at the soonest.
const ROUND_TRIP: Duration = Duration::from_millis(20);

/// What a sender has done.
#[derive(Clone, Debug, Default)]
pub struct SenderStats {
    /// Pictures sent.
    pub pictures: u64,
    /// Those of them that were key frames.
    pub key_frames: u64,
    /// Requests for key frames that came.
    pub asked: u64,
    /// Packets sent again.
    pub repeated: u64,
    /// Pictures sent in the smaller size.
    pub less: u64,
}

/// One who sends pictures.
#[derive(Debug)]
pub struct Sender {
    clips: Arc<Clips>,
    place: usize,
    ssrc: u32,
    payload_type: u8,
    /// The payload type of packets that are sent again, where they have one of their own (RFC 4588).
    again: Option<u8>,
    sequence: u16,
    again_sequence: u16,
    state: PayloadState,
    /// What comes next.
    next: Shot,
    key_frame_wanted: bool,
    key_frame_at: Option<Duration>,
    less: bool,
    kept: Sent,
    waiting: VecDeque<(RtpHeader, Box<[u8]>)>,
    packets: u32,
    octets: u32,
    command: Option<u8>,
    /// What it has done.
    pub stats: SenderStats,
    /// When it sent which picture, in µs of the clock of arrivals.
    pub sent: Vec<(i64, Shot)>,
    /// When it was asked for key frames, in µs of the same clock.
    pub asked: Vec<i64>,
}

impl Sender {
    /// One at `place` of its conference, whose packets have `ssrc`, and those sent again the one after.
    #[must_use]
    pub fn new(clips: Arc<Clips>, place: usize, ssrc: u32) -> Self {
        Self {
            clips,
            place,
            ssrc,
            payload_type: 0,
            again: None,
            // Below 2^15, as RFC 3711 section 3.3.1 advises.
            sequence: (ssrc & 0x7fff) as u16,
            again_sequence: (ssrc.rotate_left(7) & 0x7fff) as u16,
            state: PayloadState::new((ssrc >> 3) as u16),
            next: Shot { place, less: false, index: 0 },
            key_frame_wanted: true,
            key_frame_at: None,
            less: false,
            kept: Sent::new(SentConfig::default()),
            waiting: VecDeque::new(),
            packets: 0,
            octets: 0,
            command: None,
            stats: SenderStats::default(),
            sent: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// What was agreed on: the payload types of pictures, and of packets that are sent again.
    pub const fn agree(&mut self, payload_type: u8, again: Option<u8>) {
        self.payload_type = payload_type;
        self.again = again;
    }

    /// Its SSRC.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Its place in its conference.
    #[must_use]
    pub const fn place(&self) -> usize {
        self.place
    }

    /// Packets and octets sent so far, as reports tell them.
    #[must_use]
    pub const fn totals(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// Makes the next picture, which is the one of that number since the beginning of all. It is sent at `now`, which is `at` on the clock
    /// of arrivals (µs); its packets come out of [`Self::poll`].
    pub fn picture(&mut self, number: u64, now: Duration, at: i64) {
        let may = self.key_frame_at.is_none_or(|last| now.saturating_sub(last) >= KEY_FRAMES_APART);
        let length = self.clips.clip(self.place, self.next.less).map_or(0, |clip| clip.frames.len());
        if (self.key_frame_wanted && may) || self.next.index as usize >= length {
            self.key_frame_wanted = false;
            self.key_frame_at = Some(now);
            self.next = Shot { place: self.place, less: self.less, index: 0 };
            self.stats.key_frames += 1;
        }
        let clips = Arc::clone(&self.clips);
        let clip = clips.clip(self.place, self.next.less);
        let Some(frame) = clip.and_then(|clip| clip.frames.get(self.next.index as usize)) else { return };
        let timestamp = timestamp(number, self.clips.rate);
        let Self { sequence, waiting, state, payload_type, ssrc, .. } = self;
        packetise(PictureCodec::Vp8, frame, MAX_PAYLOAD, state, |payload, marker| {
            let header = RtpHeader {
                marker,
                payload_type: *payload_type,
                sequence: *sequence,
                timestamp,
                ssrc: *ssrc,
            };
            *sequence = sequence.wrapping_add(1);
            waiting.push_back((header, payload.into()));
        });
        self.stats.pictures += 1;
        self.stats.less += u64::from(self.next.less);
        self.sent.push((at, self.next));
        self.next.index += 1;
    }

    /// Writes the next packet, not protected yet, and tells how long it is; `None` if none waits.
    pub fn poll(&mut self, now: Duration, out: &mut [u8]) -> Option<usize> {
        let (header, payload) = self.waiting.pop_front()?;
        header.write(out).ok()?;
        let length = RTP_HEADER_BYTES + payload.len();
        out.get_mut(RTP_HEADER_BYTES..length)?.copy_from_slice(&payload);
        if header.ssrc == self.ssrc {
            self.kept.keep(header.sequence, out.get(..length)?, now);
            self.packets = self.packets.wrapping_add(1);
            self.octets = self.octets.wrapping_add(payload.len() as u32);
        }
        Some(length)
    }

    /// A key frame is asked for (PLI, RFC 4585 section 6.3.1).
    pub fn key_frame_asked(&mut self, at: i64) {
        self.key_frame_wanted = true;
        self.stats.asked += 1;
        self.asked.push(at);
    }

    /// A key frame is asked for by a command of that number (FIR, RFC 5104 section 4.3.1), which may be a repetition.
    pub fn key_frame_commanded(&mut self, number: u8, at: i64) {
        if self.command.replace(number) != Some(number) {
            self.key_frame_asked(at);
        }
    }

    /// Packets are missed (RFC 4585 section 6.2.1): they go before all that waits.
    pub fn missed(&mut self, sequences: impl Iterator<Item = u16>, now: Duration) {
        for sequence in sequences {
            let Some(packet) = self.kept.again(sequence, now, ROUND_TRIP) else { continue };
            let Ok(view) = confocal_rtp::RtpView::parse(packet) else { continue };
            let (mut header, mut payload) = (view.header(), view.payload().to_vec());
            if let Some(payload_type) = self.again {
                // RFC 4588 section 4: the sequence number that it had, and then its payload.
                let ssrc = self.ssrc.wrapping_add(1);
                header = RtpHeader { payload_type, sequence: self.again_sequence, ssrc, ..header };
                self.again_sequence = self.again_sequence.wrapping_add(1);
                payload.splice(0..0, sequence.to_be_bytes());
            }
            self.stats.repeated += 1;
            self.waiting.push_front((header, payload.into()));
        }
    }

    /// So many bits a second may be sent (REMB): the smaller size, or the full one, begins with a key frame.
    pub fn allowed(&mut self, bits: u64) {
        let full = self.clips.clip(self.place, false).map_or(0, |clip| u64::from(clip.bits));
        let less = bits * ENOUGH.0 < full * ENOUGH.1;
        if less != self.less {
            self.less = less;
            self.key_frame_wanted = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use confocal_rtp::RtpView;

    use super::*;
    use crate::pictures::clip::Clip;
    use crate::pictures::descriptor::Descriptor;
    use crate::pictures::scene::Scene;

    const SSRC: u32 = 1_000;

    /// Ten frames that say which they are, the first one of three packets and a key frame.
    fn clip(less: bool) -> Clip {
        let frame = |index: u8| {
            let mut frame = vec![index | u8::from(index > 0), u8::from(less), index];
            frame.resize(if index == 0 { 3_000 } else { 300 }, 9);
            frame
        };
        Clip { frames: (0..10).map(frame).collect(), bits: if less { 100_000 } else { 500_000 } }
    }

    fn sender() -> Sender {
        let clips = Clips::new(vec![[clip(false), clip(true)]], 25, Scene::Numbered);
        let mut sender = Sender::new(Arc::new(clips), 0, SSRC);
        sender.agree(96, Some(97));
        sender
    }

    struct Out {
        header: RtpHeader,
        payload: Vec<u8>,
    }

    fn drain(sender: &mut Sender, now: Duration) -> Vec<Out> {
        let mut room = [0; 1_500];
        let mut all = Vec::new();
        while let Some(length) = sender.poll(now, &mut room) {
            let view = RtpView::parse(&room[..length]).expect("a packet");
            all.push(Out { header: view.header(), payload: view.payload().to_vec() });
        }
        all
    }

    /// The pictures of those numbers, 40 ms each: what they show, as sent.
    fn run(sender: &mut Sender, numbers: std::ops::Range<u64>) -> Vec<(bool, u32)> {
        let from = sender.sent.len();
        for number in numbers {
            let now = Duration::from_millis(number * 40);
            sender.picture(number, now, number as i64 * 40_000);
            drain(sender, now);
        }
        sender.sent[from..].iter().map(|(_, shot)| (shot.less, shot.index)).collect()
    }

    #[test]
    fn a_picture_is_packets_of_one_time_with_the_marker_at_its_end() {
        let mut sender = sender();
        sender.picture(2, Duration::ZERO, 0);
        let out = drain(&mut sender, Duration::ZERO);
        assert_eq!(out.iter().map(|out| out.header.marker).collect::<Vec<_>>(), [false, false, true]);
        let first = out[0].header;
        for (index, Out { header, .. }) in (0..).zip(&out) {
            assert_eq!(header.sequence, first.sequence + index);
            assert_eq!((header.timestamp, header.ssrc, header.payload_type), (7_200, SSRC, 96));
        }
        assert!(Descriptor::read(&out[0].payload).expect("a descriptor").0.key_frame);
        assert_eq!(sender.totals(), (3, out.iter().map(|out| out.payload.len() as u32).sum()));
    }

    #[test]
    fn the_clip_goes_round_and_begins_anew_when_a_key_frame_is_asked_for() {
        let mut sender = sender();
        let shown: Vec<u32> = run(&mut sender, 0..15).into_iter().map(|(_, index)| index).collect();
        assert_eq!(shown, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4]);
        sender.key_frame_asked(0);
        // The last one was 200 ms ago: it waits for another 100.
        let shown: Vec<u32> = run(&mut sender, 15..20).into_iter().map(|(_, index)| index).collect();
        assert_eq!(shown, [5, 6, 7, 0, 1]);
        assert_eq!((sender.stats.key_frames, sender.stats.asked), (3, 1));
    }

    #[test]
    fn a_command_that_is_repeated_is_one() {
        let mut sender = sender();
        for number in [7, 7, 8] {
            sender.key_frame_commanded(number, 0);
        }
        assert_eq!(sender.stats.asked, 2);
    }

    #[test]
    fn packets_are_sent_again_in_a_stream_of_their_own() {
        let mut sender = sender();
        sender.picture(0, Duration::ZERO, 0);
        let out = drain(&mut sender, Duration::ZERO);
        let lost = &out[1];
        sender.missed([lost.header.sequence, 9].into_iter(), Duration::from_millis(30));
        let again = drain(&mut sender, Duration::from_millis(30));
        assert_eq!(again.len(), 1, "what was never sent is not sent again");
        assert_eq!((again[0].header.ssrc, again[0].header.payload_type), (SSRC + 1, 97));
        assert_eq!(again[0].header.timestamp, lost.header.timestamp);
        let (number, payload) = again[0].payload.split_at(2);
        assert_eq!((number, payload), (&lost.header.sequence.to_be_bytes()[..], &lost.payload[..]));
        sender.missed([lost.header.sequence].into_iter(), Duration::from_millis(40));
        assert!(drain(&mut sender, Duration::from_millis(40)).is_empty(), "not twice within a round trip");
    }

    #[test]
    fn who_may_send_less_sends_the_smaller_size_from_a_key_frame_on() {
        let mut sender = sender();
        run(&mut sender, 0..9);
        sender.allowed(100_000);
        assert_eq!(run(&mut sender, 9..11), [(true, 0), (true, 1)]);
        sender.allowed(460_000);
        assert_eq!(run(&mut sender, 11..18)[6], (false, 0), "300 ms later: a tenth less is enough");
        sender.allowed(2_000_000);
        assert_eq!(run(&mut sender, 18..19), [(false, 1)], "no news");
        assert_eq!(sender.stats.less, 8);
    }
}
