//! The pictures of one conference: its legs' lines, and what is done for them as packets come and at each tick.
//!
//! Which packet is next never lives here, nor who is let be seen.

use std::time::{Duration, Instant};

use confocal::conference::{LegId, ParticipantId, StreamPurpose, View};
use confocal_transport::{Incoming, LinkId, PacketPort, PictureLine};
use confocal_video::{SourceKey, glance};

use super::lips::Lips;
use super::queue::Waiting;
use super::sender::{Allowance, NEXT, Sender, UNSEEN, bearable};
use super::viewer::Viewer;
use super::watching::{self, Live, line_of, source};
use super::{LineTerms, PictureLines};
use crate::stats::SeenStats;

/// Whether pictures still come is looked at each fifth tick.
const LIVE_TICKS: u64 = 5;

/// How much senders may send, each 25th: twice a second.
const LIMIT_TICKS: u64 = 25;

/// How often the time is looked at while a packet is sent to many.
const SENDS_AT_ONCE: usize = 16;

/// A leg as it comes in.
#[derive(Debug)]
pub(crate) struct PictureSeat {
    pub(crate) leg: LegId,
    pub(crate) participant: ParticipantId,
    pub(crate) link: LinkId,
    pub(crate) lines: PictureLines,
}

/// One conference.
#[derive(Debug, Default)]
pub(super) struct PictureRoom {
    view: View,
    /// Ordered by leg.
    seats: Vec<Seated>,
    /// Who sees whom has to be looked at.
    stale: bool,
    /// For sums.
    estimates: Vec<u64>,
}

#[derive(Debug)]
struct Seated {
    seat: PictureSeat,
    senders: [Sender; 2],
    viewers: [Option<Viewer>; 2],
    /// What it says that it can take, in bits a second.
    estimate: Option<u64>,
    allowance: Allowance,
    lips: Lips,
}

impl Seated {
    /// What it sends on a line that may be shown.
    fn shows(&self, line: PictureLine, now: Duration) -> Option<&LineTerms> {
        let terms =
            self.seat.lines.line(line).filter(|line| line.terms.direction.receives() && !line.muted)?;
        self.senders.get(line.index())?.is_live(now).then_some(terms)
    }

    fn sender_mut(&mut self, line: PictureLine) -> Option<&mut Sender> {
        self.senders.get_mut(line.index())
    }

    /// Its lines on which it is sent pictures now.
    fn watched(&self) -> u64 {
        self.viewers.iter().flatten().filter(|viewer| viewer.wanted().is_some()).count() as u64
    }
}

impl PictureRoom {
    pub(super) const fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    pub(super) fn show(&mut self, view: View) {
        self.stale |= self.view != view;
        self.view = view;
    }

    pub(super) fn seat(&mut self, seat: PictureSeat) {
        let at = self.seats.partition_point(|other| other.seat.leg < seat.leg);
        let lines = seat.lines.clone();
        let leg = seat.leg;
        self.seats.insert(
            at,
            Seated {
                seat,
                senders: Default::default(),
                viewers: [None, None],
                estimate: None,
                allowance: Allowance::default(),
                lips: Lips::default(),
            },
        );
        self.agree(leg, lines);
    }

    pub(super) fn unseat(&mut self, leg: LegId) {
        if let Some(at) = self.find(leg) {
            self.seats.remove(at);
            self.stale = true;
        }
    }

    /// What holds for a leg's lines from now on.
    pub(super) fn agree(&mut self, leg: LegId, lines: PictureLines) {
        let Some(seated) = self.find(leg).and_then(|at| self.seats.get_mut(at)) else { return };
        for line in PictureLine::ALL {
            let (before, after) = (seated.seat.lines.line(line), lines.line(line));
            let receives =
                |line: Option<&LineTerms>| line.is_some_and(|line| line.terms.direction.receives());
            let purpose = |line: Option<&LineTerms>| line.map(|line| line.purpose);
            if (receives(before) && !receives(after)) || purpose(before) != purpose(after) {
                seated.senders[line.index()].forget();
            }
            let viewer = &mut seated.viewers[line.index()];
            match after.filter(|line| line.terms.direction.sends()).map(|line| line.terms.codec) {
                Some(codec) => viewer.get_or_insert_with(|| Viewer::new(codec)).code_by(codec),
                // Its numbers go on should there be pictures again.
                None => {
                    if let Some(viewer) = viewer {
                        viewer.wants(None, Duration::ZERO);
                    }
                }
            }
        }
        seated.seat.lines = lines;
        self.stale = true;
    }

    /// Takes what has come from a leg; whether it is a packet that somebody is to be shown.
    pub(super) fn take(&mut self, leg: LegId, incoming: &Incoming<'_>, now: Duration) -> bool {
        let Some(at) = self.find(leg) else { return false };
        let Some(seated) = self.seats.get_mut(at) else { return false };
        match incoming {
            Incoming::Picture(line, packet) => {
                if !seated.seat.lines.line(*line).is_some_and(|line| line.terms.direction.receives()) {
                    return false;
                }
                let Some(sender) = seated.sender_mut(*line) else { return false };
                if glance(packet.codec, packet.payload).is_ok_and(|glance| glance.key_frame_starts) {
                    sender.requests.came(now);
                }
                self.stale |= sender.on_packet(now);
                sender.viewers > 0
            }
            Incoming::KeyFrameWanted(line) => {
                let viewer = seated.viewers.get(line.index()).and_then(Option::as_ref);
                if let Some(shown) = viewer.and_then(Viewer::shown) {
                    self.want_key_frame(shown, now, false);
                }
                false
            }
            Incoming::Estimate { bits } => {
                seated.estimate = Some(*bits);
                false
            }
            Incoming::SenderClock { of, timestamp, ntp } => {
                seated.lips.reported(*of, *timestamp, *ntp);
                false
            }
            Incoming::Sound(_) => false,
        }
    }

    /// The sound of that timestamp is sent in the mix at that moment.
    pub(super) fn played(&mut self, leg: LegId, timestamp: u32, rate: u32, at: Instant) {
        if let Some(seated) = self.find(leg).and_then(|at| self.seats.get_mut(at)) {
            seated.lips.played(timestamp, rate, at);
        }
    }

    fn want_key_frame(&mut self, of: SourceKey, now: Duration, urgent: bool) {
        let (leg, line) = line_of(of);
        let seated = self.find(leg).and_then(|at| self.seats.get_mut(at));
        if let Some(sender) = seated.and_then(|seated| seated.sender_mut(line)) {
            sender.requests.want(now, urgent);
        }
    }

    /// Sends a packet to all who look at its sender, until that moment; whether it is done.
    pub(super) fn forward(
        &mut self,
        waiting: &mut Waiting,
        until: Instant,
        port: &mut impl PacketPort,
    ) -> bool {
        let of = source(waiting.leg, waiting.line);
        let mut now = Instant::now();
        let sender = self.find(waiting.leg).and_then(|at| self.seats.get(at));
        let plays_at =
            sender.and_then(|sender| sender.lips.plays_at(waiting.line, waiting.packet().timestamp, now));
        let from = match waiting.served {
            Some(leg) => self.seats.partition_point(|seated| seated.seat.leg <= leg),
            None => 0,
        };
        let (mut sends, mut switched, mut done) = (0, false, true);
        for seated in self.seats.iter_mut().skip(from) {
            if sends >= SENDS_AT_ONCE {
                now = Instant::now();
                if now >= until {
                    done = false;
                    break;
                }
                sends = 0;
            }
            for line in PictureLine::ALL {
                let Some(viewer) = seated.viewers.get_mut(line.index()).and_then(Option::as_mut) else {
                    continue;
                };
                if viewer.looks_at(of) {
                    let before = viewer.switches;
                    viewer.forward(of, &waiting.packet(), plays_at, now, (port, seated.seat.link, line));
                    switched |= viewer.switches != before;
                    sends += 1;
                }
            }
            waiting.served = Some(seated.seat.leg);
        }
        if switched {
            self.count_viewers();
        }
        done
    }

    /// What is to be done at each tick.
    pub(super) fn tick(&mut self, tick: u64, now: Duration, port: &mut impl PacketPort) {
        if tick.is_multiple_of(LIVE_TICKS) {
            self.look_who_is_live(now);
        }
        if std::mem::take(&mut self.stale) {
            self.assign(now);
        }
        for seated in &mut self.seats {
            for line in PictureLine::ALL {
                let link = seated.seat.link;
                if seated.sender_mut(line).is_some_and(|sender| sender.requests.due(now)) {
                    port.ask_key_frame(link, line);
                }
            }
        }
        if tick.is_multiple_of(LIMIT_TICKS) {
            self.limit(now, port);
        }
    }

    fn look_who_is_live(&mut self, now: Duration) {
        for seated in &mut self.seats {
            for sender in &mut seated.senders {
                let live = sender.is_live(now);
                self.stale |= live != sender.was_live;
                sender.was_live = live;
            }
        }
    }

    /// Decides who sees whom.
    fn assign(&mut self, now: Duration) {
        let (mut cameras, mut screens) = (Vec::new(), Vec::new());
        for seated in &self.seats {
            for line in PictureLine::ALL {
                let Some(LineTerms { terms, purpose, .. }) = seated.shows(line, now) else { continue };
                let PictureSeat { leg, participant, .. } = seated.seat;
                let live = Live { leg, line, participant, codec: terms.codec };
                match purpose {
                    StreamPurpose::UserMedia => cameras.push(live),
                    StreamPurpose::ScreenShare => screens.push(live),
                }
            }
        }
        let mut wishes = Vec::new();
        for seated in &mut self.seats {
            let viewer = seated.seat.participant;
            let sends = |line| seated.seat.lines.line(line).is_some_and(|line| line.terms.direction.sends());
            let has_screen_line = sends(PictureLine::Screen);
            let mut screen = watching::screen(&self.view, &screens, viewer);
            for line in PictureLine::ALL.into_iter().rev() {
                let can = sends(line);
                let Some(watched) = seated.viewers.get_mut(line.index()).and_then(Option::as_mut) else {
                    continue;
                };
                let chosen = match line {
                    _ if !can => None,
                    PictureLine::Screen => screen.take(),
                    // Who has no line for screens sees the screen in place of the speaker.
                    PictureLine::Camera if screen.is_some() && !has_screen_line => screen.take(),
                    PictureLine::Camera => watching::camera(&self.view, &cameras, viewer, watched.shown()),
                };
                let known = chosen.filter(|chosen| chosen.codec == watched.codec());
                watched.foreign = chosen.is_some() && known.is_none();
                if watched.wants(known.map(|known| known.source()), now) {
                    wishes.extend(watched.wanted());
                }
            }
        }
        for wish in wishes {
            self.want_key_frame(wish, now, true);
        }
        self.count_viewers();
    }

    fn count_viewers(&mut self) {
        for at in 0..self.seats.len() {
            for line in PictureLine::ALL {
                let Some(leg) = self.seats.get(at).map(|seated| seated.seat.leg) else { continue };
                let of = source(leg, line);
                let all = self.seats.iter().flat_map(|seated| seated.viewers.iter().flatten());
                let viewers = all.filter(|viewer| viewer.looks_at(of)).count();
                if let Some(sender) = self.seats.get_mut(at).and_then(|seated| seated.sender_mut(line)) {
                    sender.viewers = u32::try_from(viewers).unwrap_or(u32::MAX);
                }
            }
        }
    }

    /// Tells senders how much of their pictures is of use.
    fn limit(&mut self, now: Duration, port: &mut impl PacketPort) {
        let mut estimates = std::mem::take(&mut self.estimates);
        for at in 0..self.seats.len() {
            let mut bits = None;
            for line in PictureLine::ALL {
                let Some(seated) = self.seats.get(at) else { continue };
                let Some(terms) = seated.seat.lines.line(line) else { continue };
                if terms.terms.direction.receives() {
                    let of = source(seated.seat.leg, line);
                    *bits.get_or_insert(0) += self.of_use(seated, of, terms.purpose, &mut estimates);
                }
            }
            if let (Some(bits), Some(seated)) = (bits, self.seats.get_mut(at))
                && let Some(bits) = seated.allowance.of(bits, now)
            {
                port.limit_pictures(seated.seat.link, bits);
            }
        }
        self.estimates = estimates;
    }

    /// How many bits a second of a line are of use.
    fn of_use(
        &self,
        seated: &Seated,
        of: SourceKey,
        purpose: StreamPurpose,
        estimates: &mut Vec<u64>,
    ) -> u64 {
        estimates.clear();
        for other in &self.seats {
            if other.viewers.iter().flatten().any(|viewer| viewer.looks_at(of)) {
                // It shares the way with what else it is sent.
                estimates.push(other.estimate.unwrap_or(u64::MAX) / other.watched().max(1));
            }
        }
        let participant = seated.seat.participant;
        if !estimates.is_empty() {
            bearable(estimates, purpose == StreamPurpose::ScreenShare)
        } else if self.view.speaker == Some(participant) || self.view.before.contains(&participant) {
            NEXT
        } else {
            UNSEEN
        }
    }

    /// What a leg is shown.
    pub(super) fn seen(&self, leg: LegId) -> SeenStats {
        let viewers = self.find(leg).and_then(|at| self.seats.get(at)).map(|seated| &seated.viewers);
        let mut stats = SeenStats::default();
        for viewer in viewers.into_iter().flatten().flatten() {
            stats.lines += u64::from(viewer.shown().is_some());
            stats.switches += viewer.switches;
            stats.foreign |= viewer.foreign;
        }
        stats
    }

    fn find(&self, leg: LegId) -> Option<usize> {
        self.seats.binary_search_by_key(&leg, |seated| seated.seat.leg).ok()
    }
}
