//! The pictures of all conferences of a shard, and the packets that wait.
//!
//! What is done for one conference is its room's.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use confocal::conference::{ConferenceId, LegId, View};
use confocal_transport::{Incoming, PacketPort};

use super::composed::Composing;
use super::lips::Played;
use super::queue::Queue;
use super::room::PictureRoom;
use super::watching::source;
use super::{PictureLines, PictureSeat};
use crate::stats::SeenStats;

/// The pictures of a shard.
#[derive(Debug)]
pub(crate) struct PictureDesk {
    rooms: HashMap<ConferenceId, PictureRoom>,
    queue: Queue,
    composing: Composing,
    /// The conferences whose picture is composed.
    composed: Vec<ConferenceId>,
}

impl PictureDesk {
    /// Of a port that counts time from the same origin ([`PacketPort::picture_origin`]).
    pub(crate) fn new(composing: Composing) -> Self {
        Self { rooms: HashMap::new(), queue: Queue::default(), composing, composed: Vec::new() }
    }

    /// Takes a leg in, into a conference in which that is shown.
    pub(crate) fn seat(&mut self, conference: ConferenceId, seat: PictureSeat, view: View) {
        let room = self.rooms.entry(conference).or_default();
        room.show(view);
        room.seat(seat, self.composing.origin.elapsed());
    }

    pub(crate) fn unseat(&mut self, conference: ConferenceId, leg: LegId) {
        if let Some(room) = self.rooms.get_mut(&conference) {
            room.unseat(leg);
            if room.is_empty() {
                self.rooms.remove(&conference);
            }
        }
    }

    /// What is shown in a conference from now on; where nobody is, nothing happens.
    pub(crate) fn show(&mut self, conference: ConferenceId, view: View) {
        if let Some(room) = self.rooms.get_mut(&conference) {
            room.show(view);
        }
    }

    /// What holds for a leg's lines from now on.
    pub(crate) fn agree(&mut self, conference: ConferenceId, leg: LegId, lines: PictureLines) {
        if let Some(room) = self.rooms.get_mut(&conference) {
            room.agree(leg, lines);
        }
    }

    /// Takes what has come from a leg, but sound.
    pub(crate) fn take(&mut self, conference: ConferenceId, leg: LegId, incoming: &Incoming<'_>) {
        let now = match incoming {
            Incoming::Picture(_, packet) => packet.arrival,
            Incoming::Sound(_)
            | Incoming::KeyFrameWanted(_)
            | Incoming::Estimate { .. }
            | Incoming::SenderClock { .. } => self.now(),
        };
        self.take_at(conference, leg, incoming, now);
    }

    pub(super) fn take_at(
        &mut self,
        conference: ConferenceId,
        leg: LegId,
        incoming: &Incoming<'_>,
        now: Duration,
    ) {
        let Some(room) = self.rooms.get_mut(&conference) else { return };
        let taken = room.take(leg, incoming, now);
        let Incoming::Picture(line, packet) = incoming else { return };
        let of = source(leg, *line);
        if taken.forward {
            self.queue.push(conference, of, packet);
        }
        if taken.compose {
            room.compose(of, packet, || self.queue.memory());
        }
    }

    /// Whether others hear somebody in it may have changed.
    pub(crate) fn look_again(&mut self, conference: ConferenceId) {
        if let Some(room) = self.rooms.get_mut(&conference) {
            room.look_again();
        }
    }

    /// A leg's voice is heard.
    pub(crate) fn speaks(&mut self, conference: ConferenceId, leg: LegId) {
        let now = self.now();
        if let Some(room) = self.rooms.get_mut(&conference) {
            room.speaks(leg, now);
        }
    }

    /// Takes what was composed; calls `too_much` for each conference for which that is too much for the machine.
    pub(crate) fn collect(&mut self, mut too_much: impl FnMut(ConferenceId)) {
        // It is asked whenever packets came, and hardly ever is anything composed: the clock is not read for nothing.
        if self.composed.is_empty() {
            return;
        }
        let now = self.now();
        for conference in &self.composed {
            let Some(room) = self.rooms.get_mut(conference) else { continue };
            while let Some((packet, plays_at)) = room.composed(now, || too_much(*conference)) {
                self.queue.push_composed(*conference, packet, plays_at, now);
            }
        }
    }

    /// Somebody has a line for pictures.
    pub(crate) fn has_lines(&self, conference: ConferenceId) -> bool {
        self.rooms.get(&conference).is_some_and(PictureRoom::has_lines)
    }

    /// Sound of a leg was played.
    pub(crate) fn played(&mut self, conference: ConferenceId, leg: LegId, played: Played) {
        if let Some(room) = self.rooms.get_mut(&conference) {
            room.played(leg, played);
        }
    }

    /// Sends on what waits, until that moment.
    pub(crate) fn forward(&mut self, until: Instant, port: &mut impl PacketPort) {
        while let Some(waiting) = self.queue.first() {
            // A conference that has ended has nobody to send to.
            let room = self.rooms.get_mut(&waiting.conference);
            let done = room.is_none_or(|room| room.forward(waiting, until, port));
            if done {
                self.queue.drop_first();
            }
            if !done || Instant::now() >= until {
                return;
            }
        }
    }

    /// Whether packets wait.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The time of now.
    pub(crate) fn now(&self) -> Duration {
        self.composing.origin.elapsed()
    }

    /// What is to be done at each tick, after the mix.
    pub(crate) fn tick(&mut self, tick: u64, now: Duration, port: &mut impl PacketPort) {
        self.composed.clear();
        for (conference, room) in &mut self.rooms {
            room.tick(tick, now, &self.composing, port);
            if room.is_composed() {
                self.composed.push(*conference);
            }
        }
    }

    /// What a leg is shown.
    pub(crate) fn seen(&self, conference: ConferenceId, leg: LegId) -> SeenStats {
        self.rooms.get(&conference).map(|room| room.seen(leg)).unwrap_or_default()
    }

    /// Packets that were lost because too many waited.
    pub(crate) fn overflown(&self) -> u64 {
        self.queue.overflown
    }
}
