//! Which whole pictures a receiver's packets make, by their headers: sequence numbers, timestamps, markers, and descriptors of VP8.
//!
//! Written apart from what the conference has for the same (`confocal-video`), so that what is measured does not judge itself. A picture
//! counts once all its packets are there, and so are all since the last key frame: then a decoder could show it. Decoders never live
//! here, nor clocks: times are those of arrivals, in µs.

use super::clip::{Clips, Shot, mark};
use super::descriptor::Descriptor;

/// Packets that are held at the most, a power of two: more than a second of any stream that is sent here.
const SLOTS: usize = 1_024;
/// What is missing for so long is waited for no more: a key frame is wanted. In µs.
const PATIENCE: i64 = 300_000;

/// A packet of pictures; one that was sent again is as the one that it repeats.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Its place in the stream.
    pub sequence: u16,
    /// Its time on the media clock, of 90 kHz.
    pub timestamp: u32,
    /// It says that it is the last one of its picture.
    pub marker: bool,
    /// The payload with its descriptor.
    pub payload: &'a [u8],
    /// When it came, in µs.
    pub at: i64,
}

/// A whole picture that could be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When the last of what it needs came, in µs.
    pub at: i64,
    /// Its time on the media clock.
    pub timestamp: u32,
    /// It is a key frame.
    pub key_frame: bool,
    /// Whose it is, if its first packet is that of a picture that somebody sends.
    pub shot: Option<Shot>,
    /// Its bytes, if they are kept.
    pub data: Option<Box<[u8]>>,
}

/// What may not be, and was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Payloads that are none of VP8.
    pub malformed: u64,
    /// Pictures that begin in their middle, or have several times, or end without a marker.
    pub torn: u64,
    /// Pictures whose time is not after that of the one before.
    pub backwards: u64,
    /// Pictures that follow one another without a gap, but whose picture ids don't.
    pub picture_ids: u64,
}

impl Faults {
    /// All of them.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.malformed + self.torn + self.backwards + self.picture_ids
    }
}

#[derive(Clone, Debug)]
struct Slot {
    sequence: i64,
    timestamp: u32,
    at: i64,
    marker: bool,
    starts: bool,
    key_frame: bool,
    picture_id: Option<(u16, u32)>,
    mark: u64,
    data: Option<Box<[u8]>>,
}

/// What is known of one stream.
#[derive(Clone, Debug)]
pub struct Watch {
    slots: Box<[Option<Slot>]>,
    highest: Option<i64>,
    /// The packet with which the next picture begins; unknown before a key frame.
    next: Option<i64>,
    /// Where key frames begin that may be gone on with.
    key_frames: Vec<i64>,
    /// Since when something is missing before what is there.
    stalled: Option<i64>,
    last: Option<Last>,
    keeps: bool,
    noting: bool,
    /// When the first picture was whole, in µs.
    pub first: Option<i64>,
    /// The pictures since it began to note them; and before, those since the last key frame, where bytes are kept.
    pub notes: Vec<Note>,
    /// When it began to see somebody else, and whom.
    pub changes: Vec<(i64, usize)>,
    /// How long each time something was missing, until it went on, in µs.
    pub recoveries: Vec<i64>,
    /// Key frames that were gone on with, the first one included.
    pub key_frames_seen: u64,
    /// What may not be.
    pub faults: Faults,
}

/// The picture before.
#[derive(Clone, Copy, Debug)]
struct Last {
    at: i64,
    timestamp: u32,
    end: i64,
    picture_id: Option<(u16, u32)>,
    place: Option<usize>,
}

impl Watch {
    /// Waits for a key frame. With `keeps` pictures are kept with their bytes, to be decoded later.
    #[must_use]
    pub fn new(keeps: bool) -> Self {
        Self {
            slots: vec![None; SLOTS].into_boxed_slice(),
            highest: None,
            next: None,
            key_frames: Vec::new(),
            stalled: None,
            last: None,
            keeps,
            noting: false,
            first: None,
            notes: Vec::new(),
            changes: Vec::new(),
            recoveries: Vec::new(),
            key_frames_seen: 0,
            faults: Faults::default(),
        }
    }

    /// From now on pictures are noted; so many are expected. What was counted before counts no more. Where bytes are kept, those since the
    /// last key frame stay: a decoder begins with them.
    pub fn note(&mut self, room: usize) {
        self.noting = true;
        self.notes.reserve(room);
        self.recoveries.clear();
        self.key_frames_seen = 0;
        self.faults = Faults::default();
    }

    /// Whether nothing can be shown before a key frame.
    #[must_use]
    pub const fn key_frame_wanted(&self) -> bool {
        self.next.is_none()
    }

    /// Takes a packet.
    pub fn push(&mut self, packet: &Packet<'_>, clips: &Clips) {
        let Ok((descriptor, data)) = Descriptor::read(packet.payload) else {
            self.faults.malformed += 1;
            return;
        };
        let highest = *self.highest.get_or_insert_with(|| packet.sequence.into());
        let sequence = highest + i64::from(packet.sequence.wrapping_sub(highest as u16).cast_signed());
        if self.next.is_some_and(|next| sequence < next) || sequence <= highest - SLOTS as i64 {
            return;
        }
        self.highest = Some(highest.max(sequence));
        if self.next.is_some_and(|next| sequence >= next + SLOTS as i64) {
            self.give_up();
        }
        if descriptor.key_frame && !self.key_frames.contains(&sequence) {
            self.key_frames.push(sequence);
            self.key_frames.sort_unstable();
        }
        self.slots[place(sequence)] = Some(Slot {
            sequence,
            timestamp: packet.timestamp,
            at: packet.at,
            marker: packet.marker,
            starts: descriptor.starts,
            key_frame: descriptor.key_frame,
            picture_id: descriptor.picture_id,
            mark: if descriptor.starts { mark(data) } else { 0 },
            data: self.keeps.then(|| data.into()),
        });
        self.advance(packet.at, clips);
    }

    /// Gives up what is missing for too long. To be called now and then, `now` being in µs of the clock of arrivals.
    pub fn look(&mut self, now: i64) {
        if self.next.is_some() && self.stalled.is_some_and(|since| now - since > PATIENCE) {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.next = None;
        // It goes on with a key frame, which may be there in part.
        let highest = self.highest.unwrap_or_default();
        self.key_frames.retain(|start| *start > highest - SLOTS as i64);
    }

    fn slot(&self, sequence: i64) -> Option<&Slot> {
        self.slots[place(sequence)].as_ref().filter(|slot| slot.sequence == sequence)
    }

    /// The last packet of the picture that begins with that one, if all of it is there.
    fn end(&self, start: i64) -> Option<i64> {
        let timestamp = self.slot(start)?.timestamp;
        for sequence in start..=self.highest? {
            let slot = self.slot(sequence)?;
            // Where the marker is missing the next picture's beginning ends it, which is a fault.
            if slot.timestamp != timestamp || (slot.starts && sequence != start) {
                return Some(sequence - 1);
            }
            if slot.marker {
                return Some(sequence);
            }
        }
        None
    }

    fn advance(&mut self, now: i64, clips: &Clips) {
        loop {
            if let Some(next) = self.next
                && let Some(end) = self.end(next)
            {
                if self.slot(next).is_some_and(|slot| slot.starts) {
                    self.take(next, end, clips);
                } else {
                    self.faults.torn += 1;
                    self.give_up();
                }
                continue;
            }
            // A whole key frame needs nothing that is missing before it.
            let ahead = self.key_frames.iter().copied().find_map(|start| Some((start, self.end(start)?)));
            if let Some((start, end)) = ahead.filter(|(start, _)| self.next.is_none_or(|next| *start > next))
            {
                self.take(start, end, clips);
                continue;
            }
            break;
        }
        let highest = self.highest.unwrap_or_default();
        let waits = match self.next {
            // What is last may still be on its way; there is a gap if a packet is missing before one that is there.
            Some(next) => (next..highest).any(|sequence| self.slot(sequence).is_none()),
            None => self.first.is_some(),
        };
        if waits {
            self.stalled.get_or_insert(now);
        } else if let Some(since) = self.stalled.take() {
            self.recoveries.push(now - since);
        }
    }

    /// Takes out a whole picture.
    fn take(&mut self, start: i64, end: i64, clips: &Clips) {
        let Some(first) = self.slot(start) else { return };
        let (timestamp, key_frame, picture_id, mark) =
            (first.timestamp, first.key_frame, first.picture_id, first.mark);
        let (mut at, mut data, mut marker) = (0, self.keeps.then(Vec::new), false);
        for sequence in start..=end {
            if let Some(slot) = self.slots[place(sequence)].take() {
                at = at.max(slot.at);
                marker = slot.marker;
                if let (Some(data), Some(part)) = (&mut data, slot.data) {
                    data.extend_from_slice(&part);
                }
            }
        }
        self.faults.torn += u64::from(!marker);
        if let Some(last) = self.last {
            at = at.max(last.at);
            self.faults.backwards += u64::from(timestamp.wrapping_sub(last.timestamp).cast_signed() <= 0);
            if last.end + 1 == start
                && let (Some((before, bits)), Some((id, _))) = (last.picture_id, picture_id)
            {
                self.faults.picture_ids += u64::from(before.wrapping_add(1) & mask(bits) != id & mask(bits));
            }
        }
        let shot = clips.find(mark);
        let seen = self.last.and_then(|last| last.place);
        let place = shot.map(|shot| shot.place).or(seen);
        if let Some(place) = place
            && seen != Some(place)
        {
            self.changes.push((at, place));
        }
        self.key_frames_seen += u64::from(key_frame);
        self.first.get_or_insert(at);
        self.last = Some(Last { at, timestamp, end, picture_id, place });
        self.next = Some(end + 1);
        self.key_frames.retain(|start| *start > end);
        if key_frame && !self.noting {
            self.notes.clear();
        }
        if self.noting || self.keeps {
            self.notes.push(Note { at, timestamp, key_frame, shot, data: data.map(Vec::into_boxed_slice) });
        }
    }
}

const fn mask(bits: u32) -> u16 {
    (1 << bits) - 1
}

const fn place(sequence: i64) -> usize {
    sequence.rem_euclid(SLOTS as i64) as usize
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use confocal_video::{PayloadState, PictureCodec, packetise};
    use proptest::prelude::*;

    use super::*;
    use crate::pictures::clip::{Clip, MAX_PAYLOAD};
    use crate::pictures::scene::Scene;

    fn frame(place: usize, index: u32) -> Vec<u8> {
        let mut frame = vec![u8::from(index > 0), place as u8, index as u8];
        frame.resize(if index == 0 { 4_000 } else { 1_500 }, index as u8);
        frame
    }

    static CLIPS: LazyLock<Clips> = LazyLock::new(clips);

    fn clips() -> Clips {
        let clip =
            |place: usize| Clip { frames: (0..10).map(|index| frame(place, index)).collect(), bits: 1 };
        Clips::new((0..2).map(|place| [clip(place), clip(place + 2)]).collect(), 25, Scene::Numbered)
    }

    struct Sent {
        sequence: u16,
        timestamp: u32,
        marker: bool,
        payload: Vec<u8>,
    }

    /// Pictures of a sender after one another, and their packets.
    struct Stream {
        sequence: u16,
        timestamp: u32,
        state: PayloadState,
    }

    impl Stream {
        fn new(sequence: u16) -> Self {
            Self { sequence, timestamp: 0xffff_f000, state: PayloadState::new(0x7ffe) }
        }

        fn picture(&mut self, place: usize, index: u32) -> Vec<Sent> {
            let mut all = Vec::new();
            packetise(
                PictureCodec::Vp8,
                &frame(place, index),
                MAX_PAYLOAD,
                &mut self.state,
                |payload, marker| {
                    let (sequence, timestamp) = (self.sequence, self.timestamp);
                    self.sequence = self.sequence.wrapping_add(1);
                    all.push(Sent { sequence, timestamp, marker, payload: payload.to_vec() });
                },
            );
            self.timestamp = self.timestamp.wrapping_add(3_600);
            all
        }
    }

    fn push(watch: &mut Watch, sent: &Sent, at: i64) {
        let Sent { sequence, timestamp, marker, payload } = sent;
        let packet = Packet { sequence: *sequence, timestamp: *timestamp, marker: *marker, payload, at };
        watch.push(&packet, &CLIPS);
    }

    fn noting() -> Watch {
        let mut watch = Watch::new(true);
        watch.note(0);
        watch
    }

    fn indices(watch: &Watch) -> Vec<u32> {
        watch.notes.iter().filter_map(|note| Some(note.shot?.index)).collect()
    }

    #[test]
    fn pictures_are_whole_with_their_last_packet_whatever_comes_first() {
        let (mut watch, mut stream) = (noting(), Stream::new(65_534));
        let mut all = stream.picture(0, 0);
        all.extend(stream.picture(0, 1));
        for (at, index) in [(1, 0), (2, 4), (3, 2), (4, 5), (5, 3), (6, 1)] {
            assert!(watch.notes.is_empty() && watch.key_frame_wanted());
            push(&mut watch, &all[index], at);
        }
        assert_eq!(indices(&watch), [0, 1]);
        assert_eq!(watch.notes.iter().map(|note| note.at).collect::<Vec<_>>(), [6, 6]);
        assert_eq!(watch.notes[1].data.as_deref(), Some(&frame(0, 1)[..]));
        assert_eq!((watch.first, watch.faults.sum(), watch.key_frame_wanted()), (Some(6), 0, false));
    }

    #[test]
    fn what_is_lost_is_waited_for_then_a_key_frame_is_wanted_and_gone_on_with() {
        let (mut watch, mut stream) = (noting(), Stream::new(7));
        let mut at = 0;
        for index in 0..6 {
            for (packet, sent) in stream.picture(0, index).iter().enumerate() {
                if (index, packet) != (2, 1) {
                    push(&mut watch, sent, at);
                }
            }
            at += 40_000;
        }
        assert_eq!(indices(&watch), [0, 1], "what follows a loss can't be shown");
        watch.look(420_000);
        assert!(
            !watch.key_frame_wanted(),
            "it is missed since the fourth picture came, 300 ms ago and no more"
        );
        watch.look(421_000);
        assert!(watch.key_frame_wanted());
        for sent in stream.picture(0, 0) {
            push(&mut watch, &sent, 500_000);
        }
        assert_eq!(indices(&watch), [0, 1, 0]);
        assert_eq!((watch.recoveries.as_slice(), watch.key_frames_seen), (&[380_000][..], 2));
        assert_eq!(watch.faults.sum(), 0, "a gap is no fault");
    }

    #[test]
    fn what_comes_again_in_time_is_shown_with_all_that_waited() {
        let (mut watch, mut stream) = (noting(), Stream::new(7));
        let mut lost = None;
        for index in 0..4 {
            for (packet, sent) in stream.picture(0, index).into_iter().enumerate() {
                if (index, packet) == (1, 0) {
                    lost = Some(sent);
                } else {
                    push(&mut watch, &sent, i64::from(index) * 40_000);
                }
            }
        }
        assert_eq!(indices(&watch), [0]);
        push(&mut watch, &lost.expect("one"), 130_000);
        assert_eq!(indices(&watch), [0, 1, 2, 3]);
        assert_eq!(watch.recoveries, [90_000]);
    }

    #[test]
    fn somebody_else_is_noticed_by_their_pictures() {
        let (mut watch, mut stream) = (noting(), Stream::new(7));
        for (number, (place, index)) in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0)].into_iter().enumerate() {
            for sent in stream.picture(place, index) {
                push(&mut watch, &sent, number as i64 * 40_000);
            }
        }
        assert_eq!(watch.changes, [(0, 0), (80_000, 1), (160_000, 0)]);
    }

    #[test]
    fn faults_are_told_by_kind() {
        let broken = |change: fn(&mut Vec<Sent>)| {
            let (mut watch, mut stream) = (noting(), Stream::new(7));
            let mut all: Vec<Sent> = (0..3).flat_map(|index| stream.picture(0, index)).collect();
            change(&mut all);
            all.iter().for_each(|sent| push(&mut watch, sent, 0));
            watch.faults
        };
        // Four packets, then two of each.
        assert_eq!(broken(|_| ()), Faults::default());
        assert_eq!(broken(|all| all[5].marker = false), Faults { torn: 1, ..Faults::default() });
        assert_eq!(broken(|all| all[4].payload[0] &= !0x10), Faults { torn: 1, ..Faults::default() });
        assert_eq!(broken(|all| all[4].payload = vec![0x90]), Faults { malformed: 1, ..Faults::default() });
        let earlier = |all: &mut Vec<Sent>| {
            for sent in &mut all[6..] {
                sent.timestamp = all_first();
            }
        };
        assert_eq!(broken(earlier), Faults { backwards: 1, ..Faults::default() });
        let jump = |all: &mut Vec<Sent>| all[4..6].iter_mut().for_each(|sent| sent.payload[3] ^= 0x40);
        assert_eq!(broken(jump), Faults { picture_ids: 2, ..Faults::default() });
    }

    fn all_first() -> u32 {
        Stream::new(0).timestamp
    }

    #[test]
    fn before_it_notes_only_what_a_decoder_needs_is_kept() {
        let (mut watch, mut stream) = (Watch::new(true), Stream::new(7));
        for index in [0, 1, 2, 0, 1] {
            for sent in stream.picture(0, index) {
                push(&mut watch, &sent, 0);
            }
        }
        assert_eq!(indices(&watch), [0, 1]);
        watch.note(10);
        for sent in stream.picture(0, 0) {
            push(&mut watch, &sent, 0);
        }
        assert_eq!(indices(&watch), [0, 1, 0]);
        let mut keeps_none = Watch::new(false);
        for sent in stream.picture(0, 0) {
            push(&mut keeps_none, &sent, 0);
        }
        assert!(keeps_none.notes.is_empty() && keeps_none.first.is_some());
    }

    proptest! {
        /// However packets are lost, doubled and mixed up, a picture is told once, in order, and only if all since a key frame came.
        #[test]
        fn only_what_a_decoder_could_show_is_told(
            lost in proptest::collection::btree_set(0_usize..66, 0..20),
            swaps in proptest::collection::vec((0_usize..66, 0_usize..4), 0..40),
            doubled in proptest::collection::btree_set(0_usize..66, 0..20),
        ) {
            let (mut watch, mut stream) = (noting(), Stream::new(65_500));
            let mut packets: Vec<(usize, Sent)> = Vec::new();
            let mut pictures = Vec::new();
            for number in 0..30_usize {
                let from = packets.len();
                for sent in stream.picture(0, number as u32 % 10) {
                    packets.push((packets.len(), sent));
                }
                pictures.push((number % 10 == 0, from..packets.len()));
            }
            let mut order: Vec<usize> = (0..packets.len()).filter(|packet| !lost.contains(packet)).collect();
            for (from, by) in swaps {
                if from + by < order.len() {
                    order.swap(from, from + by);
                }
            }
            order.extend(doubled.iter().filter(|packet| !lost.contains(packet)));
            for packet in &order {
                push(&mut watch, &packets[*packet].1, 0);
            }
            // What could be shown if each packet came in its turn; of what is late, a key frame that is whole before it is not held up.
            let mut shown = false;
            let mut expected = Vec::new();
            for (number, (key, range)) in pictures.into_iter().enumerate() {
                let whole = range.clone().all(|packet| !lost.contains(&packet));
                shown = whole && (shown || key);
                if shown {
                    expected.push(0xffff_f000_u32.wrapping_add(number as u32 * 3_600));
                }
            }
            let told: Vec<u32> = watch.notes.iter().map(|note| note.timestamp).collect();
            let mut rest = expected.iter();
            prop_assert!(told.iter().all(|time| rest.any(|other| other == time)), "{told:?} of {expected:?}");
            if order.is_sorted() {
                prop_assert_eq!(told, expected);
            }
            prop_assert_eq!(watch.faults.sum(), 0);
        }
    }
}
