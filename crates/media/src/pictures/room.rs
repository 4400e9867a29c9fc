//! The pictures of one conference: its legs' lines, and what is done for them as packets come and at each tick.
//!
//! Which packet is next never lives here, nor who is let be seen.

use std::time::{Duration, Instant};

use confocal::conference::{Layout, LegId, StreamPurpose, View};
use confocal_transport::{Incoming, PacketPort, PictureLine, PicturePacket};
use confocal_video::{SourceKey, Tier, bits_for, glance};

use super::arranging::{self, Face};
use super::composed::{self, Came, Composing, Composition, make_of};
use super::lips::Played;
use super::queue::Waiting;
use super::seated::{PictureSeat, Seated};
use super::sender::{NEXT, UNSEEN, bearable};
use super::viewer::Viewer;
use super::watching::{self, Live, line_of, source};
use super::{LineTerms, PictureLines};
use crate::stats::SeenStats;
use crate::studio::{Make, can_make};

/// Whether pictures still come is looked at each fifth tick.
const LIVE_TICKS: u64 = 5;

/// How much senders may send, each 25th: twice a second.
const LIMIT_TICKS: u64 = 25;
const LIMIT_PERIOD: Duration = Duration::from_millis(500);

/// How often the time is looked at while a packet is sent to many.
const SENDS_AT_ONCE: usize = 16;

/// One conference.
#[derive(Debug)]
pub(super) struct PictureRoom {
    view: View,
    /// Ordered by leg.
    seats: Vec<Seated>,
    /// Somebody has a line for pictures: in a conference of voices alone there is nothing to do.
    has_lines: bool,
    /// Who sees whom has to be looked at.
    stale: bool,
    /// Where somebody is sent one.
    composition: Option<Composition>,
    /// No larger picture is composed.
    top: Tier,
    /// For sums.
    estimates: Vec<u64>,
    /// For choices.
    choosing: Choosing,
}

impl Default for PictureRoom {
    fn default() -> Self {
        Self {
            view: View::default(),
            seats: Vec::new(),
            has_lines: false,
            stale: false,
            composition: None,
            top: Tier::High,
            estimates: Vec::new(),
            choosing: Choosing::default(),
        }
    }
}

/// What is written down while it is decided who sees whom; the memory is used again.
#[derive(Debug, Default)]
struct Choosing {
    lives: Lives,
    wishes: Vec<SourceKey>,
    makes: Vec<Make>,
}

/// What becomes of a packet that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// It is forwarded.
    pub(super) forward: bool,
    /// It is decoded.
    pub(super) compose: bool,
}

/// Whose pictures come that may be shown.
#[derive(Debug, Default)]
struct Lives {
    cameras: Vec<Live>,
    screens: Vec<Live>,
}

impl PictureRoom {
    pub(super) const fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Its picture is composed.
    pub(super) const fn is_composed(&self) -> bool {
        self.composition.is_some()
    }

    pub(super) const fn has_lines(&self) -> bool {
        self.has_lines
    }

    pub(super) fn show(&mut self, view: View) {
        self.stale |= self.view != view;
        self.view = view;
    }

    pub(super) fn seat(&mut self, seat: PictureSeat, now: Duration) {
        let at = self.seats.partition_point(|other| other.seat.leg < seat.leg);
        let (leg, lines) = (seat.leg, seat.lines.clone());
        self.seats.insert(at, Seated::new(seat, self.top, now));
        self.agree(leg, lines);
    }

    pub(super) fn unseat(&mut self, leg: LegId) {
        if let Some(at) = self.find(leg) {
            self.seats.remove(at);
            self.look_for_lines();
        }
    }

    fn look_for_lines(&mut self) {
        let before = self.has_lines;
        self.has_lines = self.seats.iter().any(|seated| seated.seat.lines.are_there());
        self.stale |= before || self.has_lines;
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
        self.look_for_lines();
    }

    /// Takes what has come from a leg; says what a packet is of use for.
    pub(super) fn take(&mut self, leg: LegId, incoming: &Incoming<'_>, now: Duration) -> Taken {
        let Some(seated) = self.find(leg).and_then(|at| self.seats.get_mut(at)) else {
            return Taken::default();
        };
        match incoming {
            Incoming::Picture(line, packet) => {
                if !seated.seat.lines.line(*line).is_some_and(|line| line.terms.direction.receives()) {
                    return Taken::default();
                }
                let Some(sender) = seated.sender_mut(*line) else { return Taken::default() };
                if glance(packet.codec, packet.payload).is_ok_and(|glance| glance.key_frame_starts) {
                    sender.requests.came(now);
                }
                self.stale |= sender.on_packet(now);
                let forward = sender.viewers > 0;
                let composition = self.composition.as_ref();
                let compose = composition.is_some_and(|composition| composition.has(source(leg, *line)));
                return Taken { forward, compose };
            }
            Incoming::KeyFrameWanted(line) => {
                let viewer = seated.viewers.get(line.index()).and_then(Option::as_ref);
                if let Some(shown) = viewer.and_then(Viewer::shown) {
                    self.want_key_frame(shown, now, false);
                }
            }
            Incoming::Estimate { bits } => seated.estimate = Some(*bits),
            Incoming::SenderClock { of, timestamp, ntp } => seated.lips.reported(*of, *timestamp, *ntp),
            Incoming::Sound(_) => {}
        }
        Taken::default()
    }

    /// A packet that is to be decoded; `memory` is asked for where none has come back.
    pub(super) fn compose(
        &mut self,
        of: SourceKey,
        packet: &PicturePacket<'_>,
        memory: impl FnOnce() -> Vec<u8>,
    ) {
        if let Some(composition) = &mut self.composition {
            composition.push(of, packet, memory);
        }
    }

    /// The next packet of the composed picture, and when the sound is sent that belongs to it; what else has come of it is seen to here.
    /// `too_much` is called where it is too much for the machine.
    pub(super) fn composed(
        &mut self,
        now: Duration,
        too_much: impl FnOnce(),
    ) -> Option<(crate::studio::Composed, Option<Instant>)> {
        let mut too_much = Some(too_much);
        loop {
            let seats = &self.seats;
            let came = self.composition.as_mut()?.came(|leg, line, timestamp| {
                let at = seats.binary_search_by_key(&leg, |seated| seated.seat.leg).ok()?;
                seats.get(at)?.lips.plays_at(line, timestamp, Instant::now())
            })?;
            match came {
                Came::Packet(packet, plays_at) => return Some((packet, plays_at)),
                Came::KeyFrameWanted(of) => self.want_key_frame(of, now, false),
                Came::Top(top) => self.compose_at_most(top, now),
                // Who is shown a composed picture because they can't be forwarded another has nothing else to fall back to.
                Came::TooMuch if self.view.layout == Layout::Grid => {
                    if let Some(too_much) = too_much.take() {
                        too_much();
                    }
                }
                Came::TooMuch => {}
            }
        }
    }

    fn compose_at_most(&mut self, top: Tier, now: Duration) {
        self.top = top;
        for seated in &mut self.seats {
            seated.tier.allow(top, now);
        }
        self.stale = true;
    }

    /// Whether others hear somebody may have changed.
    pub(super) fn look_again(&mut self) {
        self.stale |= self.composition.is_some();
    }

    /// A leg's voice is heard.
    pub(super) fn speaks(&mut self, leg: LegId, now: Duration) {
        if let Some(seated) = self.find(leg).and_then(|at| self.seats.get_mut(at)) {
            seated.speaks(now);
        }
    }

    /// Sound of a leg was played.
    pub(super) fn played(&mut self, leg: LegId, played: Played) {
        if let Some(seated) = self.find(leg).and_then(|at| self.seats.get_mut(at)) {
            seated.lips.played(played);
        }
    }

    fn want_key_frame(&mut self, of: SourceKey, now: Duration, urgent: bool) {
        if let Some(make) = make_of(of) {
            if let Some(composition) = &mut self.composition {
                composition.want_key_frame(make, now, urgent);
            }
            return;
        }
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
        let of = waiting.source;
        let mut now = Instant::now();
        let plays_at = match make_of(of) {
            Some(_) => waiting.plays_at,
            None => {
                let (leg, line) = line_of(of);
                let sender = self.find(leg).and_then(|at| self.seats.get(at));
                sender.and_then(|sender| sender.lips.plays_at(line, waiting.packet().timestamp, now))
            }
        };
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
    pub(super) fn tick(
        &mut self,
        tick: u64,
        now: Duration,
        composing: &Composing,
        port: &mut impl PacketPort,
    ) {
        if !self.has_lines && !self.stale {
            return;
        }
        if tick.is_multiple_of(LIVE_TICKS) {
            self.look_who_is_live(now);
        }
        if std::mem::take(&mut self.stale) {
            self.assign(now, composing);
        }
        if let Some(composition) = &mut self.composition {
            composition.tick(now);
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
            self.look_at_tiers(now, port);
        }
    }

    /// Looks which size of the composed picture each can take who is sent it.
    fn look_at_tiers(&mut self, now: Duration, port: &impl PacketPort) {
        for seated in &mut self.seats {
            let composed = |viewer: &Viewer| viewer.wanted().is_some_and(|of| make_of(of).is_some());
            if seated.viewers.iter().flatten().any(composed)
                && let Some(stats) = port.stats(seated.seat.link)
            {
                self.stale |= seated.look_at_tier(&stats.pictures, LIMIT_PERIOD, now);
            }
        }
    }

    fn look_who_is_live(&mut self, now: Duration) {
        for seated in &mut self.seats {
            for sender in &mut seated.senders {
                let live = sender.is_live(now);
                self.stale |= live != sender.was_live;
                sender.was_live = live;
            }
            self.stale |= seated.look_who_speaks(now) && self.composition.is_some();
        }
    }

    /// Decides who sees whom.
    fn assign(&mut self, now: Duration, composing: &Composing) {
        let mut choosing = std::mem::take(&mut self.choosing);
        let Choosing { lives, wishes, makes } = &mut choosing;
        self.look_at_lives(now, lives);
        wishes.clear();
        makes.clear();
        for seated in &mut self.seats {
            for line in PictureLine::ALL {
                let chosen = choose(&self.view, lives, seated, line);
                let Some(watched) = seated.viewers.get_mut(line.index()).and_then(Option::as_mut) else {
                    continue;
                };
                watched.foreign = chosen == Chosen::Foreign;
                let of = match chosen {
                    Chosen::Nobody | Chosen::Foreign => None,
                    Chosen::One(of) => Some(of),
                    Chosen::All(make) => {
                        if !makes.contains(&make) {
                            makes.push(make);
                        }
                        Some(composed::source(make))
                    }
                };
                if watched.wants(of, now) {
                    wishes.extend(of);
                }
            }
        }
        makes.sort_unstable();
        self.compose_for(makes, lives, now, composing);
        for wish in wishes {
            self.want_key_frame(*wish, now, true);
        }
        self.choosing = choosing;
        self.count_viewers();
    }

    fn look_at_lives(&self, now: Duration, lives: &mut Lives) {
        lives.cameras.clear();
        lives.screens.clear();
        for seated in &self.seats {
            for line in PictureLine::ALL {
                let Some(LineTerms { terms, purpose, .. }) = seated.shows(line, now) else { continue };
                let PictureSeat { leg, participant, .. } = seated.seat;
                let live = Live { leg, line, participant, codec: terms.codec };
                match purpose {
                    StreamPurpose::UserMedia => lives.cameras.push(live),
                    StreamPurpose::ScreenShare => lives.screens.push(live),
                }
            }
        }
    }

    /// Has that composed, and nothing that nobody is sent.
    fn compose_for(&mut self, makes: &[Make], lives: &Lives, now: Duration, composing: &Composing) {
        if makes.is_empty() {
            if self.composition.take().is_some() && self.top != Tier::High {
                // What was too much then need not be another time.
                self.compose_at_most(Tier::High, now);
            }
            return;
        }
        let shared = lives.screens.iter().find(|live| Some(live.leg) == self.view.screen);
        let screen = shared.filter(|live| can_make(live.codec)).map(|live| (live.source(), live.codec));
        let scene = arranging::scene(&self.view, &self.faces(lives), screen, makes.to_vec());
        if self.composition.is_none() {
            self.composition = Composition::begin(composing);
        }
        let Some(composition) = &mut self.composition else { return };
        for of in composition.set(scene) {
            self.want_key_frame(of, now, true);
        }
    }

    /// Everyone, by participant.
    fn faces(&self, lives: &Lives) -> Vec<Face> {
        let mut faces: Vec<Face> = Vec::new();
        for seated in &self.seats {
            let PictureSeat { leg, participant, name, .. } = &seated.seat;
            let live = lives.cameras.iter().find(|live| live.leg == *leg && can_make(live.codec));
            let camera = live.map(|live| (live.source(), live.codec));
            let (muted, speaking) = (seated.is_muted(), seated.is_speaking());
            match faces.iter_mut().find(|face| face.participant == *participant) {
                // Of one who has several devices each counts for what it does.
                Some(face) => {
                    face.muted &= muted;
                    face.speaking |= speaking;
                    face.camera = face.camera.or(camera);
                }
                None => {
                    let name = std::sync::Arc::clone(name);
                    faces.push(Face { participant: *participant, name, muted, speaking, camera });
                }
            }
        }
        faces.sort_unstable_by_key(|face| face.participant);
        faces
    }

    fn count_viewers(&mut self) {
        for seated in &mut self.seats {
            for sender in &mut seated.senders {
                sender.viewers = 0;
            }
        }
        for at in 0..self.seats.len() {
            for line in PictureLine::ALL {
                let viewer = self.seats.get(at).and_then(|seated| seated.viewers.get(line.index())?.as_ref());
                for of in viewer.map(Viewer::all_looked_at).into_iter().flatten().flatten() {
                    self.count_viewer(of);
                }
            }
        }
    }

    fn count_viewer(&mut self, of: SourceKey) {
        if make_of(of).is_some() {
            return;
        }
        let (leg, line) = line_of(of);
        let seated = self.find(leg).and_then(|at| self.seats.get_mut(at));
        if let Some(sender) = seated.and_then(|seated| seated.sender_mut(line)) {
            sender.viewers += 1;
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
        let tile = self.composition.as_ref().and_then(|composition| composition.size_of(of));
        let tile = tile.map(|(width, height)| bits_for(width, height).max(UNSEEN));
        if !estimates.is_empty() {
            bearable(estimates, purpose == StreamPurpose::ScreenShare).max(tile.unwrap_or(0))
        } else if let Some(bits) = tile {
            bits
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
            stats.composed |= viewer.wanted().is_some_and(|of| make_of(of).is_some());
        }
        stats
    }

    fn find(&self, leg: LegId) -> Option<usize> {
        self.seats.binary_search_by_key(&leg, |seated| seated.seat.leg).ok()
    }
}

/// What is shown on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Nobody,
    /// Somebody would be, in a way of coding that the caller does not know.
    Foreign,
    /// One sender, forwarded.
    One(SourceKey),
    /// A composed picture.
    All(Make),
}

/// Chooses what a leg is shown on a line.
fn choose(view: &View, lives: &Lives, seated: &Seated, line: PictureLine) -> Chosen {
    let Some(watched) = seated.viewers.get(line.index()).and_then(Option::as_ref) else {
        return Chosen::Nobody;
    };
    if !seated.can_watch(line) {
        return Chosen::Nobody;
    }
    let viewer = seated.seat.participant;
    let screen = watching::screen(view, &lives.screens, viewer);
    let forwarded = |live: Live| {
        if live.codec == watched.codec() { Chosen::One(live.source()) } else { Chosen::Foreign }
    };
    if line == PictureLine::Screen {
        return screen.map_or(Chosen::Nobody, forwarded);
    }
    let composed = can_make(watched.codec())
        .then(|| Chosen::All(Make { codec: watched.codec(), tier: seated.tier.tier() }));
    if let (Layout::Grid, Some(all)) = (view.layout, composed) {
        return all;
    }
    // Who has no line for screens sees the screen in place of the speaker.
    let second = seated.viewers.get(PictureLine::Screen.index()).and_then(Option::as_ref);
    let can_see = |screen: &Live| second.is_some_and(|second| second.codec() == screen.codec);
    let screen = screen.filter(|screen| !seated.can_watch(PictureLine::Screen) || !can_see(screen));
    let one = screen.or_else(|| watching::camera(view, &lives.cameras, viewer, watched.shown()));
    match one.map_or(Chosen::Nobody, forwarded) {
        Chosen::Foreign => composed.unwrap_or(Chosen::Foreign),
        chosen @ (Chosen::Nobody | Chosen::One(_) | Chosen::All(_)) => chosen,
    }
}
