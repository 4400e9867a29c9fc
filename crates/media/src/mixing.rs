//! The mixing thread: it owns every conference's sound and keeps the beat.
//!
//! It asks nothing of an asynchronous runtime, waits for no lock that others hold for long, and sleeps without a deadline while
//! there is no leg. Sessions never live here, only the packet side of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use confocal::conference::{ConferenceId, Generation, LegId, MediaReport};
use confocal_mixer::{ComplexityByLoad, Micros, MixerConfig, TICK};
use confocal_transport::{AudioLink, Direction};
use tracing::{debug, warn};

use crate::beat::Beat;
use crate::reports::Reports;
use crate::room::{Room, Seat};
use crate::stats::Counters;

/// Levels are told every fifth tick, which is every 100 ms, and whether packets come.
const LEVEL_TICKS: u64 = 5;

/// Stats are made readable every fiftieth tick, which is every second.
const STATS_TICKS: u64 = 50;

/// What the thread is asked to do.
#[derive(Debug)]
enum Order<L> {
    Seat { conference: ConferenceId, seat: Box<Seat<L>> },
    Unseat { leg: LegId, generation: Generation },
    Direct { leg: LegId, generation: Generation, direction: Direction },
    Connected { leg: LegId, generation: Generation, connected: bool },
    Stop,
}

/// The way to the mixing thread. Orders are carried out in order, before the next tick; there are a few a leg and change of
/// state, so their queue needs no bound of its own.
#[derive(Debug)]
pub(crate) struct Orders<L>(Sender<Order<L>>);

impl<L> Clone for Orders<L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<L> Orders<L> {
    /// Takes a leg into its conference's mix, unless its session was closed in the meantime.
    pub(crate) fn seat(&self, conference: ConferenceId, seat: Seat<L>) {
        self.give(Order::Seat { conference, seat: Box::new(seat) });
    }

    /// Takes a leg out of the mix; nothing happens if it is not in it in this generation.
    pub(crate) fn unseat(&self, leg: LegId, generation: Generation) {
        self.give(Order::Unseat { leg, generation });
    }

    /// Says which way a leg's media flows, seen from us.
    pub(crate) fn direct(&self, leg: LegId, generation: Generation, direction: Direction) {
        self.give(Order::Direct { leg, generation, direction });
    }

    /// Says that a leg's connection was interrupted, or is up again.
    pub(crate) fn connected(&self, leg: LegId, generation: Generation, connected: bool) {
        self.give(Order::Connected { leg, generation, connected });
    }

    fn give(&self, order: Order<L>) {
        // The thread has ended with the engine: there is no mix to be in.
        let _ = self.0.send(order);
    }
}

/// The running thread. Dropping it ends the thread and waits for that, a tick at most.
#[derive(Debug)]
pub(crate) struct Mixing<L> {
    orders: Orders<L>,
    thread: Option<JoinHandle<()>>,
}

impl<L: AudioLink> Mixing<L> {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub(crate) fn start(
        config: MixerConfig,
        reports: Reports,
        counters: Arc<Counters>,
    ) -> std::io::Result<Self> {
        let (sender, orders) = channel();
        let desk = Desk {
            reports,
            counters,
            complexity: ComplexityByLoad::new(u8::try_from(config.encoder.complexity).unwrap_or(0)),
            busy: Duration::ZERO,
            config,
            origin: Instant::now(),
            rooms: HashMap::new(),
            places: HashMap::new(),
        };
        let thread =
            std::thread::Builder::new().name("confocal-mixer".to_owned()).spawn(move || desk.run(&orders))?;
        Ok(Self { orders: Orders(sender), thread: Some(thread) })
    }

    pub(crate) const fn orders(&self) -> &Orders<L> {
        &self.orders
    }
}

impl<L> Drop for Mixing<L> {
    fn drop(&mut self) {
        self.orders.give(Order::Stop);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            warn!("the mixing thread panicked");
        }
    }
}

/// What the thread has before it.
struct Desk<L> {
    config: MixerConfig,
    reports: Reports,
    counters: Arc<Counters>,
    /// How hard the encoders work, by how long the last ticks took.
    complexity: ComplexityByLoad,
    /// Spent on ticks since that was looked at.
    busy: Duration,
    /// From where its time is counted.
    origin: Instant,
    rooms: HashMap<ConferenceId, Room<L>>,
    places: HashMap<LegId, (ConferenceId, Generation)>,
}

impl<L: AudioLink> Desk<L> {
    fn run(mut self, orders: &Receiver<Order<L>>) {
        loop {
            // Nobody is there: wait for someone, however long.
            while self.places.is_empty() {
                let Ok(order) = orders.recv() else { return };
                if !self.carry_out(order) {
                    return;
                }
            }
            let mut beat = Beat::starting(self.now());
            while !self.places.is_empty() {
                if !self.wait(orders, beat.deadline()) {
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

    /// Carries out orders until the deadline; `false` to end.
    fn wait(&mut self, orders: &Receiver<Order<L>>, deadline: Duration) -> bool {
        loop {
            let left = deadline.saturating_sub(self.now());
            let order = if left.is_zero() {
                match orders.try_recv() {
                    Ok(order) => order,
                    Err(TryRecvError::Empty) => return true,
                    Err(TryRecvError::Disconnected) => return false,
                }
            } else {
                match orders.recv_timeout(left) {
                    Ok(order) => order,
                    Err(RecvTimeoutError::Timeout) => return true,
                    Err(RecvTimeoutError::Disconnected) => return false,
                }
            };
            if !self.carry_out(order) {
                return false;
            }
        }
    }

    /// `false` to end.
    fn carry_out(&mut self, order: Order<L>) -> bool {
        match order {
            Order::Seat { conference, seat } => self.seat(conference, *seat),
            Order::Unseat { leg, generation } => self.unseat(leg, generation),
            Order::Direct { leg, generation, direction } => {
                if let Some(room) = self.room_of(leg, generation) {
                    room.direct(leg, direction);
                }
            }
            Order::Connected { leg, generation, connected } => {
                let now = self.now();
                if let Some(room) = self.room_of(leg, generation) {
                    room.set_connected(leg, connected, now);
                }
            }
            Order::Stop => return false,
        }
        self.counters.set_legs(self.places.len());
        true
    }

    fn seat(&mut self, conference: ConferenceId, seat: Seat<L>) {
        let (leg, generation) = (seat.leg, seat.generation);
        // It may have been closed, and taken out, while this order was on its way.
        if !self.reports.is_open(leg, generation) || self.places.contains_key(&leg) {
            return;
        }
        let (config, now) = (&self.config, self.now());
        let room = self.rooms.entry(conference).or_insert_with(|| Room::new(config.clone()));
        match room.seat(seat, now) {
            Ok(()) => {
                self.places.insert(leg, (conference, generation));
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
        let Some(room) = self.room_of(leg, generation) else { return };
        let stats = room.unseat(leg);
        let empty = room.is_empty();
        if let Some((conference, _)) = self.places.remove(&leg)
            && empty
        {
            self.rooms.remove(&conference);
        }
        if let Some(stats) = stats {
            debug!(
                %leg, %generation, received = stats.link.received, sent = stats.link.sent, lost = stats.mixer.lost,
                late = stats.mixer.late, concealed = stats.mixer.concealed, overrun = stats.link.overrun,
                unsent = stats.link.unsent, "a leg left the mix"
            );
        }
    }

    fn tick(&mut self, tick: u64) {
        let origin = self.origin;
        let micros = |at: Instant| Micros(whole_micros(at.saturating_duration_since(origin)));
        let began = Instant::now();
        let now = micros(began);
        for room in self.rooms.values_mut() {
            room.tick(tick, now, micros);
            if tick.is_multiple_of(LEVEL_TICKS) {
                let changed = room.changed_levels();
                if !changed.is_empty() && !self.reports.try_levels(changed) {
                    room.levels_not_told();
                }
                let reports = &self.reports;
                room.tell_flow(origin.elapsed(), |leg, generation, flowing| {
                    reports.try_report(leg, generation, MediaReport::Flow { leg, generation, flowing })
                });
            }
            if tick.is_multiple_of(STATS_TICKS) {
                room.publish_stats();
            }
        }
        self.busy += began.elapsed();
        if tick.is_multiple_of(STATS_TICKS) {
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

    fn room_of(&mut self, leg: LegId, generation: Generation) -> Option<&mut Room<L>> {
        let (conference, of) = self.places.get(&leg)?;
        if *of == generation { self.rooms.get_mut(conference) } else { None }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

fn whole_micros(span: Duration) -> u64 {
    // 2^64 µs are 580 000 years.
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
