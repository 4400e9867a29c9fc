//! The threads on which pictures are composed: as many as are wanted, each started when it has something to do.
//!
//! A conference is on one of them. They come after everything else on the machine: sound must not be late for a picture.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;
use std::time::Instant;

use tracing::warn;

use super::composition::Composition;
use super::scene::{Make, Scene};
use super::stage::{Ends, Stage, stage};
use crate::priority;

/// What a thread is asked to do.
#[derive(Debug)]
pub(super) enum Order {
    Begin(u64, Box<Ends>, Instant),
    Set(u64, Box<Scene>),
    KeyFrame(u64, Make),
    End(u64),
    Stop,
}

/// The threads.
#[derive(Debug)]
pub(crate) struct Studio {
    threads: Mutex<Vec<Thread>>,
    threads_max: usize,
    numbers: AtomicU64,
}

/// One that runs.
#[derive(Debug)]
struct Thread {
    orders: Sender<Order>,
    /// How many compositions it has.
    load: Arc<AtomicUsize>,
    handle: Option<JoinHandle<()>>,
}

impl Studio {
    /// With so many threads at most. None is started before there is something to compose.
    pub(crate) const fn new(threads_max: usize) -> Self {
        Self { threads: Mutex::new(Vec::new()), threads_max, numbers: AtomicU64::new(0) }
    }

    /// A composition on the thread that has the fewest. Packets' arrivals count from `origin`; `waker` wakes whoever sends what is made.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub(crate) fn stage(&self, origin: Instant, waker: Waker) -> std::io::Result<Stage> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let load = |thread: &Thread| thread.load.load(Ordering::Relaxed);
        let free = threads.iter().any(|thread| load(thread) == 0);
        if !free && threads.len() < self.threads_max.max(1) {
            let number = threads.len();
            threads.push(Thread::start(number)?);
        }
        let thread = threads.iter().min_by_key(|thread| load(thread));
        let Some(thread) = thread else { return Err(std::io::ErrorKind::NotFound.into()) };
        thread.load.fetch_add(1, Ordering::Relaxed);
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (stage, ends) = stage(number, thread.orders.clone(), waker);
        // If it has ended, nothing comes of it.
        let _ = thread.orders.send(Order::Begin(number, Box::new(ends), origin));
        Ok(stage)
    }

    /// Compositions that there are.
    pub(crate) fn compositions(&self) -> u64 {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.iter().map(|thread| thread.load.load(Ordering::Relaxed) as u64).sum()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.iter() {
            let _ = thread.orders.send(Order::Stop);
        }
        for thread in threads {
            if thread.handle.take().is_some_and(|handle| handle.join().is_err()) {
                warn!("a thread that composes pictures panicked");
            }
        }
    }
}

impl Thread {
    fn start(number: usize) -> std::io::Result<Self> {
        let (orders, taken) = channel();
        let load = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&load);
        let handle = std::thread::Builder::new().name(format!("confocal-pic-{number}")).spawn(move || {
            priority::lower();
            run(&taken, &counted);
        })?;
        Ok(Self { orders, load, handle: Some(handle) })
    }
}

fn run(orders: &Receiver<Order>, load: &AtomicUsize) {
    let mut compositions: Vec<(u64, Composition)> = Vec::new();
    loop {
        // With nothing to compose it waits, however long.
        let next = compositions.iter().map(|(_, composition)| composition.due()).min();
        let order = match next {
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => orders.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match order {
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(order) => carry_out(order, &mut compositions, load),
            Err(RecvTimeoutError::Timeout) => {
                let first = compositions.iter_mut().min_by_key(|(_, composition)| composition.due());
                if let Some((_, composition)) = first {
                    composition.make();
                }
            }
        }
    }
}

fn carry_out(order: Order, compositions: &mut Vec<(u64, Composition)>, load: &AtomicUsize) {
    match order {
        Order::Begin(number, ends, origin) => {
            compositions.push((number, Composition::new(*ends, origin, Instant::now())));
        }
        Order::Set(number, scene) => {
            if let Some(composition) = find(compositions, number) {
                composition.set(*scene);
            }
        }
        Order::KeyFrame(number, make) => {
            if let Some(composition) = find(compositions, number) {
                composition.key_frame(make);
            }
        }
        Order::End(number) => {
            compositions.retain(|(is, _)| *is != number);
            load.fetch_sub(1, Ordering::Relaxed);
        }
        Order::Stop => {}
    }
}

fn find(compositions: &mut [(u64, Composition)], number: u64) -> Option<&mut Composition> {
    compositions.iter_mut().find(|(is, _)| *is == number).map(|(_, composition)| composition)
}
