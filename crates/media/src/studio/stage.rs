//! The two ends of a composition: the one that a conference's thread has, and the one where it is made.
//!
//! What is made never lives here.

use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::task::Waker;
use std::time::Instant;

use confocal_video::{PicturePacket, SourceKey, Tier};

use super::scene::{Make, Scene};
use super::worker::Order;
use crate::pictures::KeptPacket;

/// Packets that wait to be decoded: those of sixteen people in two periods, each with a key frame.
const PACKETS_MAX: usize = 1_024;

/// What was made and waits to be sent.
const NEWS_MAX: usize = 512;

/// Memory of packets that is on its way back.
const EMPTIES_MAX: usize = 256;

/// A packet that came.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) source: SourceKey,
    pub(super) kept: KeptPacket,
}

/// What comes of a composition.
#[derive(Debug)]
pub(crate) enum News {
    /// A packet of the picture.
    Packet(Composed),
    /// Nothing can be decoded of a source before its next key frame.
    KeyFrameWanted(SourceKey),
    /// Nothing larger should be asked for from now on: there is no time for it, or there is again.
    Top(Tier),
    /// There is no time for the least that can be asked for.
    TooMuch,
}

/// A packet of a composed picture.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) make: Make,
    pub(crate) sequence: u16,
    /// Of 90 kHz.
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
    /// When it was put together.
    pub(crate) made: Instant,
    /// The timestamp of the picture in it by whose sound it is timed.
    pub(crate) timed_by: Option<(SourceKey, u32)>,
}

/// A conference's end. Dropping it ends the composition.
#[derive(Debug)]
pub(crate) struct Stage {
    number: u64,
    orders: Sender<Order>,
    packets: SyncSender<Packet>,
    empties: Receiver<Vec<u8>>,
    news: Receiver<News>,
}

impl Stage {
    /// What is to be made from now on.
    pub(crate) fn set(&self, scene: Scene) {
        // A thread that has ended makes nothing, and that is seen.
        let _ = self.orders.send(Order::Set(self.number, Box::new(scene)));
    }

    /// The next picture of that kind is to be a key frame.
    pub(crate) fn key_frame(&self, make: Make) {
        let _ = self.orders.send(Order::KeyFrame(self.number, make));
    }

    /// Takes a packet of a source that is in the scene, in that memory; never waits.
    pub(crate) fn push(&self, source: SourceKey, packet: &PicturePacket<'_>, memory: Vec<u8>) {
        // What finds no room is missing, as if the network had lost it, and a key frame is asked for.
        let _ = self.packets.try_send(Packet { source, kept: KeptPacket::copy(packet, memory) });
    }

    /// Memory that is of no use there any more.
    pub(crate) fn empty(&self) -> Option<Vec<u8>> {
        self.empties.try_recv().ok()
    }

    /// The next thing that came of it.
    pub(crate) fn news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End(self.number));
    }
}

/// The end where it is made.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) packets: Receiver<Packet>,
    empties: SyncSender<Vec<u8>>,
    news: SyncSender<News>,
    waker: Waker,
    /// Memory of packets that were taken, for those that are made.
    spare: Vec<Vec<u8>>,
}

impl Ends {
    /// Gives memory back that a packet came in.
    pub(super) fn recycle(&mut self, payload: Vec<u8>) {
        if self.spare.len() < EMPTIES_MAX {
            self.spare.push(payload);
        } else {
            // Where nobody wants it back it is freed.
            let _ = self.empties.try_send(payload);
        }
    }

    /// A copy of these bytes.
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut payload = self.spare.pop().unwrap_or_default();
        payload.clear();
        payload.extend_from_slice(bytes);
        payload
    }

    /// Tells; whether there was room for it.
    pub(super) fn tell(&self, news: News) -> bool {
        self.news.try_send(news).is_ok()
    }

    /// Says that there is something to be looked at.
    pub(super) fn wake(&self) {
        self.waker.wake_by_ref();
    }
}

/// Both ends of a composition of that number, which is made where `orders` are taken; `waker` wakes whoever sends what is made.
pub(super) fn stage(number: u64, orders: Sender<Order>, waker: Waker) -> (Stage, Ends) {
    let (packets, taken) = sync_channel(PACKETS_MAX);
    let (returned, empties) = sync_channel(EMPTIES_MAX);
    let (told, news) = sync_channel(NEWS_MAX);
    let stage = Stage { number, orders, packets, empties, news };
    (stage, Ends { packets: taken, empties: returned, news: told, waker, spare: Vec::new() })
}
