//! The way from a tick to a file: a bounded queue whose one end never waits. How a file is made never lives here.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use confocal_mixer::{MAX_PAYLOAD_BYTES, Sink};

use crate::OggOpusWriter;

/// One tick, with its number.
struct Tick {
    number: u64,
    /// 0: silence.
    bytes: usize,
    packet: [u8; MAX_PAYLOAD_BYTES],
}

/// The end that the mixer has. It neither allocates nor waits: what finds no room is left out, and counted.
#[derive(Debug)]
pub struct QueueSink {
    ticks: SyncSender<Tick>,
    next: u64,
    left_out: Arc<AtomicU64>,
}

/// The end that writes.
#[derive(Debug)]
pub struct Recording {
    ticks: Receiver<Tick>,
    next: u64,
    left_out: Arc<AtomicU64>,
}

/// Whether more can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing waits, and more will come.
    Open,
    /// The sink is gone: that was all.
    Ended,
}

/// A queue of so many ticks (50 a second), all of its memory allocated here, 1.3 kB a tick.
#[must_use]
pub fn queue(ticks: usize) -> (QueueSink, Recording) {
    // Without room, a queue would be a meeting for which the sink can't wait.
    let (sender, receiver) = sync_channel(ticks.max(1));
    let left_out = Arc::new(AtomicU64::new(0));
    let sink = QueueSink { ticks: sender, next: 0, left_out: Arc::clone(&left_out) };
    (sink, Recording { ticks: receiver, next: 0, left_out })
}

impl Sink for QueueSink {
    fn take(&mut self, packet: Option<&[u8]>) {
        let number = self.next;
        self.next += 1;
        let mut tick = Tick { number, bytes: 0, packet: [0; MAX_PAYLOAD_BYTES] };
        if let Some(packet) = packet.filter(|packet| packet.len() <= MAX_PAYLOAD_BYTES) {
            tick.bytes = packet.len();
            tick.packet[..packet.len()].copy_from_slice(packet);
        }
        // If the other end is gone there is nobody to tell.
        if self.ticks.try_send(tick).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Recording {
    /// Writes what waits and returns at once. To be called more often than the queue is filled, from a thread that may be late. It
    /// should not wait in it: the sink would have to wake it.
    ///
    /// What was left out for want of room becomes silence, so that the time of the file stays that of the conference.
    ///
    /// # Errors
    ///
    /// Those of the file; the recording should then be given up.
    pub fn drain<W: Write>(&mut self, file: &mut OggOpusWriter<W>) -> io::Result<Drained> {
        loop {
            match self.ticks.try_recv() {
                Ok(tick) => {
                    while self.next < tick.number {
                        self.next += 1;
                        file.write(None)?;
                    }
                    self.next += 1;
                    file.write(Some(&tick.packet[..tick.bytes]).filter(|_| tick.bytes > 0))?;
                }
                Err(TryRecvError::Empty) => return Ok(Drained::Open),
                Err(TryRecvError::Disconnected) => return Ok(Drained::Ended),
            }
        }
    }

    /// Ticks that were left out for want of room: the writer was too slow.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}
