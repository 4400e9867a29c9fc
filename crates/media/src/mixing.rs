//! The thread of one shard: it drives the port that its calls' packets pass, owns the sound of its conferences and keeps their beat.
//!
//! It asks nothing of an asynchronous runtime, waits for no lock that others hold for long, and waits without a deadline while
//! there is no leg. Sessions never live here, only the packet side of them.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use confocal::conference::{
    ConferenceId, Generation, LegId, MediaReport, RecordingFailure, RecordingId, View,
};
use confocal_mixer::{Clip, ComplexityByLoad, Micros, MixerConfig, Probe, TICK};
use confocal_sound_files::QueueSink;
use confocal_transport::{Incoming, LinkId, PacketPort};
use tracing::{debug, warn};

use crate::beat::Beat;
use crate::pictures::{Composing, PictureDesk, PictureLines, PictureSeat};
use crate::priority;
use crate::reports::Reports;
use crate::room::{Room, Seat, Terms};
use crate::stats::{Counters, EngineStats};
use crate::studio::Studio;

/// Levels are told every fifth tick, which is every 100 ms.
const LEVEL_TICKS: u64 = 5;

/// What the port has counted is looked at every half second: whether packets come, what callers say they miss, and how well packets get
/// through; and whether somebody is alone.
const COUNT_TICKS: u64 = 25;

/// Pictures are sent on for so long at a time, then packets are looked at again, and the mix has its tick: a key frame for hundreds
/// takes longer.
const FORWARDING: Duration = Duration::from_millis(2);

/// Stats are made readable every fiftieth tick, which is every second.
const STATS_TICKS: u64 = 50;

/// What the thread is asked to do.
#[derive(Debug)]
enum Order {
    Seat { conference: ConferenceId, seat: Box<Seat> },
    Unseat { leg: LegId, generation: Generation },
    Agree { leg: LegId, generation: Generation, terms: Terms, pictures: Box<PictureLines> },
    LookAtHeard { leg: LegId, generation: Generation },
    Show { conference: ConferenceId, view: Box<View> },
    Connected { leg: LegId, generation: Generation, connected: bool },
    Play { conference: ConferenceId, to: Option<(LegId, Generation)>, clip: Box<Clip> },
    Record { conference: ConferenceId, recording: RecordingId, sink: Box<QueueSink> },
    StopRecording { conference: ConferenceId, recording: RecordingId },
    Stop,
}

/// The way to a shard's thread. Orders are carried out in order, before the next tick; there are a few a leg and change of
/// state, so their queue needs no bound of its own.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    queue: Sender<Order>,
    waker: Waker,
}

impl Orders {
    /// Takes a leg into its conference's mix, unless its session was closed in the meantime.
    pub(crate) fn seat(&self, conference: ConferenceId, seat: Seat) {
        self.give(Order::Seat { conference, seat: Box::new(seat) });
    }

    /// Takes a leg out of the mix; nothing happens if it is not in it in this generation.
    pub(crate) fn unseat(&self, leg: LegId, generation: Generation) {
        self.give(Order::Unseat { leg, generation });
    }

    /// Says what was agreed on a leg's media.
    pub(crate) fn agree(&self, leg: LegId, generation: Generation, terms: Terms, pictures: PictureLines) {
        self.give(Order::Agree { leg, generation, terms, pictures: Box::new(pictures) });
    }

    /// Says what is shown in a conference; nothing happens where nobody is.
    pub(crate) fn show(&self, conference: ConferenceId, view: View) {
        self.give(Order::Show { conference, view: Box::new(view) });
    }

    /// Says that whether a leg is heard has changed ([`Seat::heard`]).
    pub(crate) fn look_at_heard(&self, leg: LegId, generation: Generation) {
        self.give(Order::LookAtHeard { leg, generation });
    }

    /// Says that a leg's connection was interrupted, or is up again.
    pub(crate) fn connected(&self, leg: LegId, generation: Generation, connected: bool) {
        self.give(Order::Connected { leg, generation, connected });
    }

    /// Plays a sound to everyone in a conference, or to one leg; nothing happens where nobody is.
    pub(crate) fn play(&self, conference: ConferenceId, to: Option<(LegId, Generation)>, clip: Clip) {
        self.give(Order::Play { conference, to, clip: Box::new(clip) });
    }

    /// Hands the mix of a conference to a sink, until that is stopped.
    pub(crate) fn record(&self, conference: ConferenceId, recording: RecordingId, sink: QueueSink) {
        self.give(Order::Record { conference, recording, sink: Box::new(sink) });
    }

    /// Lets go of the sink of a recording.
    pub(crate) fn stop_recording(&self, conference: ConferenceId, recording: RecordingId) {
        self.give(Order::StopRecording { conference, recording });
    }

    fn give(&self, order: Order) {
        // If the thread has ended with the engine, there is no mix to be in.
        if self.queue.send(order).is_ok() {
            self.waker.wake_by_ref();
        }
    }
}

/// A shard's running thread. Dropping it ends the thread and waits for that, a tick at most.
#[derive(Debug)]
pub(crate) struct Mixing {
    orders: Orders,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl Mixing {
    /// Starts the thread of the shard of that number.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub(crate) fn start<P: PacketPort>(
        number: usize,
        config: MixerConfig,
        music: Option<Clip>,
        port: P,
        studio: Arc<Studio>,
        reports: Reports,
        probe: Probe,
    ) -> std::io::Result<Self> {
        let (queue, orders) = channel();
        let waker = port.waker();
        let counters = Arc::new(Counters::default());
        let composing = Composing { studio, waker: waker.clone(), origin: port.picture_origin() };
        let desk = Desk {
            reports,
            counters: Arc::clone(&counters),
            complexity: ComplexityByLoad::new(u8::try_from(config.encoder.complexity).unwrap_or(0)),
            busy: Duration::ZERO,
            config,
            music,
            probe,
            origin: Instant::now(),
            pictures: PictureDesk::new(composing),
            port,
            rooms: Map::default(),
            places: HashMap::new(),
            links: Map::default(),
        };
        let thread = std::thread::Builder::new()
            // At most 15 bytes of a name are shown.
            .name(format!("confocal-mix-{number}"))
            .spawn(move || {
                priority::raise();
                desk.run(&orders);
            })?;
        Ok(Self { orders: Orders { queue, waker }, counters, thread: Some(thread) })
    }

    pub(crate) const fn orders(&self) -> &Orders {
        &self.orders
    }

    /// How well the thread keeps its beat.
    pub(crate) fn stats(&self) -> EngineStats {
        self.counters.read()
    }
}

impl Drop for Mixing {
    fn drop(&mut self) {
        self.orders.give(Order::Stop);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            warn!("a mixing thread panicked");
        }
    }
}

/// What is asked with each packet, by numbers of our own.
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What the thread has before it.
struct Desk<P> {
    port: P,
    config: MixerConfig,
    /// For whoever is alone.
    music: Option<Clip>,
    /// For all conferences.
    probe: Probe,
    reports: Reports,
    counters: Arc<Counters>,
    /// How hard the encoders work, by how long the last ticks took.
    complexity: ComplexityByLoad,
    /// Spent on ticks since that was looked at.
    busy: Duration,
    /// From where its time is counted.
    origin: Instant,
    rooms: Map<ConferenceId, Room>,
    pictures: PictureDesk,
    places: HashMap<LegId, (ConferenceId, Generation)>,
    /// Whose packets come on a link.
    links: Map<LinkId, (ConferenceId, LegId)>,
}

impl<P: PacketPort> Desk<P> {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            // Nobody is there: wait for someone, however long. Connections come up meanwhile.
            while self.places.is_empty() {
                if !self.look(orders, None) {
                    return;
                }
            }
            let mut beat = Beat::starting(self.now());
            while !self.places.is_empty() {
                if !self.look(orders, Some(self.origin + beat.deadline())) {
                    return;
                }
                let due = beat.take(self.now());
                for tick in due.first..due.first + due.count {
                    self.tick(tick);
                }
                self.counters.beat(due.count, due.late, due.skipped);
                if due.skipped > 0 {
                    debug!(skipped = due.skipped, "the mixing thread was held up");
                }
            }
        }
    }

    /// Waits for packets, orders or the deadline, and takes what there is; `false` to end.
    fn look(&mut self, orders: &Receiver<Order>, deadline: Option<Instant>) -> bool {
        // What waits is not waited for: what came meanwhile is looked at, and the next part of it sent.
        let wait = if self.pictures.has_waiting() { Some(Instant::now()) } else { deadline };
        self.port.wait(wait);
        loop {
            match orders.try_recv() {
                Ok(order) => {
                    if !self.carry_out(order) {
                        return false;
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        let Self { port, rooms, pictures, links, origin, reports, .. } = self;
        port.receive(|link, incoming| {
            // Packets may come a moment before their leg is in the mix, and after it has left.
            let Some((conference, leg)) = links.get(&link) else { return };
            if let Incoming::Sound(packet) = incoming {
                if let Some(room) = rooms.get_mut(conference) {
                    room.push(*leg, &packet, micros(*origin, packet.arrival));
                }
            } else {
                pictures.take(*conference, *leg, &incoming);
            }
        });
        pictures.collect(|conference| reports.fell_back(conference));
        if pictures.has_waiting() {
            let until = Instant::now() + FORWARDING;
            pictures.forward(deadline.map_or(until, |deadline| deadline.min(until)), port);
        }
        true
    }

    /// `false` to end.
    fn carry_out(&mut self, order: Order) -> bool {
        match order {
            Order::Seat { conference, seat } => self.seat(conference, *seat),
            Order::Unseat { leg, generation } => self.unseat(leg, generation),
            Order::Agree { leg, generation, terms, pictures } => {
                if let Some(room) = self.room_of(leg, generation) {
                    room.agree(leg, terms);
                }
                if let Some((conference, _)) = self.places.get(&leg).filter(|(_, of)| *of == generation) {
                    self.pictures.agree(*conference, leg, *pictures);
                }
            }
            Order::Show { conference, view } => self.pictures.show(conference, *view),
            Order::LookAtHeard { leg, generation } => {
                if let Some(room) = self.room_of(leg, generation) {
                    room.look_at_heard(leg);
                }
                if let Some((conference, _)) = self.places.get(&leg) {
                    self.pictures.look_again(*conference);
                }
            }
            Order::Connected { leg, generation, connected } => {
                let now = self.now();
                if let Some(room) = self.room_of(leg, generation) {
                    room.set_connected(leg, connected, now);
                }
            }
            Order::Play { conference, to, clip } => self.play(conference, to, clip),
            Order::Record { conference, recording, sink } => self.record(conference, recording, sink),
            Order::StopRecording { conference, recording } => self.stop_recording(conference, recording),
            Order::Stop => return false,
        }
        self.counters.set_legs(self.places.len());
        true
    }

    fn play(&mut self, conference: ConferenceId, to: Option<(LegId, Generation)>, clip: Box<Clip>) {
        let stale = |(leg, generation)| self.places.get(&leg) != Some(&(conference, generation));
        if to.is_some_and(stale) {
            return;
        }
        let Some(room) = self.rooms.get_mut(&conference) else { return };
        if let Err(error) = room.play(to.map(|(leg, _)| leg), clip) {
            debug!(%conference, %error, "a sound is not played");
        }
    }

    fn record(&mut self, conference: ConferenceId, recording: RecordingId, sink: Box<QueueSink>) {
        let (config, music) = (&self.config, &self.music);
        let new = || Room::new(config.clone(), music.clone());
        let room = self.rooms.entry(conference).or_insert_with(new);
        if let Err(error) = room.record(recording, sink) {
            warn!(%conference, %error, "a conference is not recorded");
            self.reports.recording_failed(conference, recording, RecordingFailure::Internal);
        }
        self.close_if_empty(conference);
    }

    fn stop_recording(&mut self, conference: ConferenceId, recording: RecordingId) {
        if let Some(room) = self.rooms.get_mut(&conference) {
            room.stop_recording(recording);
        }
        self.close_if_empty(conference);
    }

    fn close_if_empty(&mut self, conference: ConferenceId) {
        if self.rooms.get(&conference).is_some_and(Room::is_empty) {
            self.rooms.remove(&conference);
        }
    }

    fn seat(&mut self, conference: ConferenceId, mut seat: Seat) {
        let (leg, generation, link) = (seat.leg, seat.generation, seat.link);
        // It may have been closed, and taken out, while this order was on its way.
        if !self.reports.is_open(leg, generation) || self.places.contains_key(&leg) {
            return;
        }
        let (config, music, now) = (&self.config, &self.music, self.now());
        let new = || Room::new(config.clone(), music.clone());
        let room = self.rooms.entry(conference).or_insert_with(new);
        let arrived = self.port.stats(link).unwrap_or_default().arrived();
        let pictures = PictureSeat {
            leg,
            participant: seat.participant,
            name: Arc::clone(&seat.name),
            link,
            heard: Arc::clone(&seat.heard),
            lines: std::mem::take(&mut seat.pictures),
        };
        // Whoever changes it says so here afterwards, so it can't be missed.
        let view = seat.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match room.seat(seat, arrived, now) {
            Ok(()) => {
                self.pictures.seat(conference, pictures, view);
                self.places.insert(leg, (conference, generation));
                self.links.insert(link, (conference, leg));
            }
            Err(error) => {
                warn!(%leg, %error, "a leg was not taken into the mix");
                if room.is_empty() {
                    self.rooms.remove(&conference);
                }
            }
        }
    }

    fn unseat(&mut self, leg: LegId, generation: Generation) {
        let Some((conference, of)) = self.places.get(&leg).copied() else { return };
        if of != generation {
            return;
        }
        self.places.remove(&leg);
        let Some(room) = self.rooms.get_mut(&conference) else { return };
        let left = room.unseat(leg, &self.port);
        self.pictures.unseat(conference, leg);
        self.close_if_empty(conference);
        let Some((link, stats)) = left else { return };
        self.links.remove(&link);
        debug!(
            %leg, %generation, received = stats.link.received, sent = stats.link.sent, lost = stats.mixer.lost,
            late = stats.mixer.late, concealed = stats.mixer.concealed, unsent = stats.link.unsent,
            unauthentic = stats.link.unauthentic, "a leg left the mix"
        );
    }

    fn tick(&mut self, tick: u64) {
        let origin = self.origin;
        let began = Instant::now();
        let now = micros(origin, began);
        for (conference, room) in &mut self.rooms {
            room.tick(tick, now, &mut self.probe, &mut self.port);
            if tick.is_multiple_of(LEVEL_TICKS) {
                if self.pictures.has_lines(*conference) {
                    for (leg, played) in room.played(began) {
                        self.pictures.played(*conference, leg, played);
                    }
                }
                let changed = room.changed_levels();
                for level in changed.iter().filter(|level| level.speaking) {
                    self.pictures.speaks(*conference, level.leg);
                }
                if !changed.is_empty() && !self.reports.try_levels(changed) {
                    room.levels_not_told();
                }
            }
            if tick.is_multiple_of(COUNT_TICKS) {
                let reports = &self.reports;
                room.look_at_counts(&self.port, origin.elapsed(), |leg, generation, flowing| {
                    reports.try_report(leg, generation, MediaReport::Flow { leg, generation, flowing })
                });
                room.look_at_quality(&self.port, origin.elapsed(), |measured| {
                    reports.try_qualities(measured)
                });
                room.look_at_music(origin.elapsed());
            }
            if tick.is_multiple_of(STATS_TICKS) {
                room.publish_stats(&self.port, |leg| self.pictures.seen(*conference, leg));
            }
        }
        // After all sound, which is what must not be late.
        self.pictures.tick(tick, self.pictures.now(), &mut self.port);
        self.busy += began.elapsed();
        if tick.is_multiple_of(STATS_TICKS) {
            self.counters.set_pictures_overflown(self.pictures.overflown());
            self.look_at_load();
        }
    }

    /// Lets the encoders work as hard as there is time for.
    fn look_at_load(&mut self) {
        let period = TICK * u32::try_from(STATS_TICKS).unwrap_or(1);
        let busy = core::mem::take(&mut self.busy).as_micros() * 100 / period.as_micros();
        let complexity = self.complexity.note(u32::try_from(busy).unwrap_or(u32::MAX));
        // New rooms begin with it too.
        self.config.encoder.complexity = i32::from(complexity);
        for room in self.rooms.values_mut() {
            room.set_complexity(complexity);
        }
    }

    fn room_of(&mut self, leg: LegId, generation: Generation) -> Option<&mut Room> {
        let (conference, of) = self.places.get(&leg)?;
        if *of == generation { self.rooms.get_mut(conference) } else { None }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// The mixer's time of a moment.
fn micros(origin: Instant, at: Instant) -> Micros {
    // 2^64 µs are 580 000 years.
    Micros(u64::try_from(at.saturating_duration_since(origin).as_micros()).unwrap_or(u64::MAX))
}
