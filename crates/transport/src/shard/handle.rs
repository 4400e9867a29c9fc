//! How a session reaches the shard that its packets pass: orders, which the shard carries out before it looks at the next packet.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::Waker;

use confocal_rtp::srtp;
use tokio::sync::mpsc;

use super::routes::TransactionId;
use super::wire::{Path, Wire};
use crate::packet::LinkId;
use crate::sdp::{PICTURE_LINES, PictureShape, Voice};

/// A datagram on its way to a session.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) path: Path,
    pub(crate) bytes: Vec<u8>,
}

/// Where a session's own datagrams go, by the family of the address that they came from. Queues of pointers: a call has few such
/// datagrams, and room for many in each queue.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub(crate) v4: mpsc::Sender<Box<Datagram>>,
    pub(crate) v6: mpsc::Sender<Box<Datagram>>,
}

/// What our stream on a call is numbered by.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) ssrc: u32,
    pub(crate) cname: String,
    /// The sequence number and the timestamp that it starts with (RFC 3550 section 5.1).
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    /// How sound is coded, both ways.
    pub(crate) voice: Voice,
    /// The number of the audio level extension (RFC 6464), in what the caller sends.
    pub(crate) level_extension: Option<u8>,
}

/// What our stream on a line for pictures is numbered by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PictureStream {
    pub(crate) ssrc: u32,
    /// The SSRC of packets that are sent again (RFC 4588).
    pub(crate) rtx: u32,
    /// The sequence numbers and the timestamp that they start with.
    pub(crate) sequence: u16,
    pub(crate) rtx_sequence: u16,
    pub(crate) timestamp: u32,
}

/// What was agreed on a line for pictures.
#[derive(Clone, Debug)]
pub(crate) struct AgreedPictures {
    pub(crate) shape: PictureShape,
    /// The line's name.
    pub(crate) mid: String,
    /// The caller's SSRC, and that of packets that it sends again, where it has named them.
    pub(crate) theirs: Option<(u32, Option<u32>)>,
}

/// A call as the shard first hears of it.
#[derive(Debug)]
pub(crate) struct LinkSetup {
    pub(crate) inlet: Inlet,
    pub(crate) stream: Stream,
    pub(crate) pictures: [PictureStream; PICTURE_LINES],
}

/// The keys of a call, both ways (RFC 5764 section 4.2).
pub(crate) struct Keys {
    pub(crate) inbound: srtp::Receiver,
    pub(crate) outbound: srtp::Sender,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// What a session asks of its shard.
#[derive(Debug)]
pub(crate) enum Order {
    /// There is a new call.
    Open { link: LinkId, setup: Box<LinkSetup> },
    /// It answers to that ICE name (RFC 8445 section 5.3), besides the one before.
    Named { link: LinkId, ufrag: String },
    /// It sends a check, whose answer will be its own.
    Check { link: LinkId, id: TransactionId },
    /// A path is proven to be the caller's.
    Path { link: LinkId, path: Path, nominated: bool },
    /// These are its lines for pictures from now on.
    Pictures { link: LinkId, agreed: Box<[Option<AgreedPictures>; PICTURE_LINES]> },
    /// Its packets are protected by these from now on.
    Keys { link: LinkId, keys: Box<Keys> },
    /// It has ended.
    Close { link: LinkId },
}

/// The way to a shard.
#[derive(Clone, Debug)]
pub(crate) struct ShardHandle {
    orders: Sender<Order>,
    waker: Waker,
    wire: Arc<Wire>,
}

impl ShardHandle {
    pub(super) const fn new(orders: Sender<Order>, waker: Waker, wire: Arc<Wire>) -> Self {
        Self { orders, waker, wire }
    }

    /// Gives an order. A shard that has ended carries out none, and there is nothing left to ask it for.
    pub(crate) fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            self.waker.wake_by_ref();
        }
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }
}
