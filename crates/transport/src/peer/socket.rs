//! The sockets that a connection of the WebRTC stack believes in: what it sends goes out at the shard's port, what it receives is what
//! the shard found to be for it.
//!
//! Only checks and handshakes (STUN and DTLS) pass. Media never does, in either direction: the stack holds the same keys, and what two
//! senders encrypt under one key can be read by anyone.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use confocal_rtp::{Kind, StunClass, StunView, kind};
use tokio::sync::mpsc;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::watch::{Shown, Watch};
use crate::packet::LinkId;
use crate::shard::{Datagram, Inlet, Order, ShardHandle};

/// Datagrams that wait for the stack: checks come each 50 ms at most, a flight of a handshake is a handful.
const WAITING: usize = 32;

/// Both sockets of one connection, until the stack asks for them.
#[derive(Clone)]
pub(super) struct Sockets(Arc<Shared>);

struct Shared {
    link: LinkId,
    shard: ShardHandle,
    incoming_v4: Mutex<Option<mpsc::Receiver<Box<Datagram>>>>,
    incoming_v6: Mutex<Option<mpsc::Receiver<Box<Datagram>>>>,
    watch: Mutex<Watch>,
    /// From where the following are counted, in ms.
    origin: Instant,
    /// When the stack sent a check last.
    asked: AtomicU64,
    /// When a check or its answer came last.
    heard: AtomicU64,
}

impl std::fmt::Debug for Sockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sockets").field(&self.0.link).finish()
    }
}

impl Sockets {
    /// The sockets of a link, and the shard's way into them.
    pub(super) fn new(link: LinkId, shard: ShardHandle, origin: Instant) -> (Self, Inlet) {
        let (v4, incoming_v4) = mpsc::channel(WAITING);
        let (v6, incoming_v6) = mpsc::channel(WAITING);
        let shared = Shared {
            link,
            shard,
            incoming_v4: Mutex::new(Some(incoming_v4)),
            incoming_v6: Mutex::new(Some(incoming_v6)),
            watch: Mutex::default(),
            origin,
            asked: AtomicU64::new(0),
            heard: AtomicU64::new(0),
        };
        (Self(Arc::new(shared)), Inlet { v4, v6 })
    }

    /// When the stack sent a check last, counted from the origin; zero if it has not.
    pub(super) fn asked(&self) -> Duration {
        Duration::from_millis(self.0.asked.load(Ordering::Relaxed))
    }

    /// When a check or its answer came last, counted from the origin.
    pub(super) fn heard(&self) -> Duration {
        Duration::from_millis(self.0.heard.load(Ordering::Relaxed))
    }

    /// The socket to use in place of one that the stack has bound.
    pub(super) fn in_place_of(&self, bound: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let incoming = if bound.is_ipv4() { &self.0.incoming_v4 } else { &self.0.incoming_v6 };
        let taken = incoming.lock().unwrap_or_else(PoisonError::into_inner).take();
        // One of each family is asked for, once.
        let incoming = Mutex::new(taken.ok_or(io::ErrorKind::AddrInUse)?);
        Ok(Arc::new(Socket { bound, incoming, shared: Arc::clone(&self.0) }))
    }
}

impl Shared {
    fn received(&self, datagram: &Datagram) {
        if kind(&datagram.bytes) == Kind::Stun {
            self.heard.store(self.millis(), Ordering::Relaxed);
        }
        let shown = self.watch().received(&datagram.bytes, datagram.path);
        self.tell(shown);
    }

    fn send(&self, bytes: &[u8], remote: SocketAddr) -> io::Result<usize> {
        let path = match kind(bytes) {
            kind @ (Kind::Stun | Kind::Dtls) => {
                let is_check =
                    || StunView::parse(bytes).is_some_and(|stun| stun.class() == StunClass::Request);
                if kind == Kind::Stun && is_check() {
                    self.asked.store(self.millis(), Ordering::Relaxed);
                }
                let mut watch = self.watch();
                let shown = watch.sent(bytes, remote);
                let path = watch.path_of(remote);
                drop(watch);
                // Before it is sent: its answer must not be faster.
                self.tell(shown);
                path.or_else(|| self.shard.wire().path_to(remote))
            }
            Kind::Rtp | Kind::Rtcp | Kind::Other => None,
        };
        if let Some(path) = path {
            // Lost on the way or lost here: both are said again.
            let _ = self.shard.wire().send(path, bytes);
        }
        Ok(bytes.len())
    }

    /// Now, as it is noted.
    fn millis(&self) -> u64 {
        // 2^64 ms are more than any process lives.
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tell(&self, shown: Option<Shown>) {
        let link = self.link;
        match shown {
            Some(Shown::Asked(id)) => self.shard.order(Order::Check { link, id }),
            Some(Shown::Proven { path, nominated }) => {
                self.shard.order(Order::Path { link, path, nominated })
            }
            None => {}
        }
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One socket, as the stack sees it.
struct Socket {
    bound: SocketAddr,
    incoming: Mutex<mpsc::Receiver<Box<Datagram>>>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Socket").field(&self.bound).finish()
    }
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.bound)
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(self.shared.send(transmit.contents, transmit.destination))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        match incoming.poll_recv(context) {
            Poll::Ready(Some(datagram)) => {
                self.shared.received(&datagram);
                let length = datagram.bytes.len().min(buffer.len());
                let (into, from) = (buffer.get_mut(..length), datagram.bytes.get(..length));
                if let (Some(into), Some(from)) = (into, from) {
                    into.copy_from_slice(from);
                }
                *meta = RecvMeta::default();
                (meta.addr, meta.len, meta.stride) = (datagram.path.remote, length, length.max(1));
                Poll::Ready(Ok(1))
            }
            // The shard has let go of the link: nothing will come any more, and the connection is closed from elsewhere.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
