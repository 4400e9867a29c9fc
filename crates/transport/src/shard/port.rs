//! A shard's port as its thread drives it: waiting, receiving, telling packets apart, sending.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use confocal_rtp::{Kind, StunClass, StunView, kind};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta};
use tracing::debug;

use super::arrival::Clocks;
use super::batch::Batch;
use super::handle::{Order, ShardHandle};
use super::link::{Link, MAX_PICTURE_DATAGRAM, MISSING_RHYTHM, REPORT_RHYTHM};
use super::pace::Pace;
use super::routes::Routes;
use super::tcp::{Look, Stream};
use super::wire::{BindError, Path, Wire};
use crate::config::PortRange;
use crate::packet::{Incoming, LinkId, LinkStats, OutgoingAudio, OutgoingPicture, PacketPort, SendError};
use crate::sdp::PictureLine;

/// Sockets are known to the poll by their place, and so are listeners and connections, each from here on; last is the waker.
const LISTENERS: usize = 1 << 16;
const STREAMS: usize = 1 << 20;
const WOKEN: Token = Token(usize::MAX);

/// Batches that are read from one socket before others have their turn, and the mix has its tick.
const BATCHES: usize = 32;

/// One UDP port, on each listening address, and all calls on it.
pub struct UdpPort {
    wire: Arc<Wire>,
    orders: Receiver<Order>,
    poll: Poll,
    events: Events,
    waker: Waker,
    /// They are large: a table of them would move all of them when it grows.
    links: HashMap<LinkId, Box<Link>, foldhash::fast::RandomState>,
    routes: Routes,
    /// TCP connections, by their tokens.
    streams: HashMap<Token, Stream>,
    /// How many there have been.
    accepted: usize,
    /// What is received goes here: a buffer for each datagram of a batch, or for each heap of them. One piece of memory that nothing was
    /// written to yet, so that it takes no room until the kernel fills it, and where most heaps are of one datagram little then.
    buffers: Vec<u8>,
    scratch: [u8; MAX_PICTURE_DATAGRAM],
    /// Packets that are sent with the next look.
    batch: Batch,
    /// When what has arrived was looked at last: what is sent after it is sent then.
    looked: Instant,
    pace: Pace,
    /// Datagrams of this look.
    seen: usize,
    /// There was more than one look could take.
    more: bool,
    reports_due: Instant,
    /// From where arrivals of pictures are counted.
    origin: Instant,
    /// Pictures of some caller are missing, as far as was seen; and when that is looked at next.
    missing: bool,
    missing_due: Instant,
}

impl std::fmt::Debug for UdpPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UdpPort").field("wire", &self.wire).finish_non_exhaustive()
    }
}

struct PollWaker(mio::Waker);

impl Wake for PollWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It fails only when the operating system is out of everything; the next deadline wakes the thread then.
        let _ = self.0.wake();
    }
}

impl UdpPort {
    /// Binds a port: the lowest of `ports` that is free and not below `next`, or any.
    pub(crate) fn bind(
        listen: &[IpAddr],
        ports: Option<PortRange>,
        tcp: bool,
        next: &mut Option<u16>,
    ) -> Result<(Self, ShardHandle), BindError> {
        let wire = Arc::new(Wire::bind(listen, ports, tcp, next)?);
        let poll = Poll::new().map_err(BindError::Poll)?;
        for (place, io) in wire.ios().enumerate() {
            let (fd, token) = (io.as_raw_fd(), Token(place));
            poll.registry()
                .register(&mut SourceFd(&fd), token, Interest::READABLE)
                .map_err(BindError::Poll)?;
        }
        for (place, listener) in wire.listeners().iter().enumerate() {
            let (fd, token) = (listener.as_raw_fd(), Token(LISTENERS + place));
            poll.registry()
                .register(&mut SourceFd(&fd), token, Interest::READABLE)
                .map_err(BindError::Poll)?;
        }
        let waker = mio::Waker::new(poll.registry(), WOKEN).map_err(BindError::Poll)?;
        let waker = Waker::from(Arc::new(PollWaker(waker)));
        let (sender, orders) = channel();
        let handle = ShardHandle::new(sender, waker.clone(), Arc::clone(&wire));
        let buffers = vec![0; wire.buffer_bytes() * BATCH_SIZE];
        let port = Self {
            wire,
            orders,
            poll,
            events: Events::with_capacity(128),
            waker,
            links: HashMap::default(),
            routes: Routes::default(),
            streams: HashMap::new(),
            accepted: 0,
            buffers,
            scratch: [0; MAX_PICTURE_DATAGRAM],
            batch: Batch::new(),
            looked: Instant::now(),
            pace: Pace::starting(Instant::now()),
            seen: 0,
            more: false,
            reports_due: Instant::now(),
            origin: Instant::now(),
            missing: false,
            missing_due: Instant::now(),
        };
        Ok((port, handle))
    }

    fn carry_out_orders(&mut self, take: &mut impl FnMut(LinkId, Incoming<'_>)) {
        while let Ok(order) = self.orders.try_recv() {
            self.carry_out(order, take);
        }
    }

    fn carry_out(&mut self, order: Order, take: &mut impl FnMut(LinkId, Incoming<'_>)) {
        match order {
            Order::Open { link, setup } => {
                self.links.insert(link, Box::new(Link::new(*setup, self.origin, Instant::now())));
            }
            Order::Named { link: id, ufrag } => {
                if let Some(link) = self.links.get_mut(&id) {
                    self.routes.name(id, &mut link.own, ufrag);
                }
            }
            Order::Check { link, id } => {
                if let Some(of) = self.links.get_mut(&link) {
                    self.routes.check(link, &mut of.own, id);
                }
            }
            Order::Path { link: id, path, nominated } => {
                if let Some(link) = self.links.get_mut(&id) {
                    self.routes.prove(id, &mut link.own, path, nominated);
                }
            }
            Order::Keys { link: id, keys } => {
                let Self { links, wire, scratch, missing, .. } = self;
                if let Some(link) = links.get_mut(&id) {
                    for (arrival, path, mut bytes) in link.set_keys(*keys, Instant::now()) {
                        deliver(id, link, path, &mut bytes, arrival, (wire, scratch), take);
                        *missing |= link.misses();
                    }
                }
            }
            Order::Pictures { link, agreed } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.agree(*agreed);
                }
            }
            Order::Close { link } => {
                if let Some(closed) = self.links.remove(&link) {
                    self.routes.remove(link, &closed.own);
                }
            }
        }
    }

    /// Reads what has arrived at one socket.
    fn drain(&mut self, socket: usize, take: &mut impl FnMut(LinkId, Incoming<'_>)) {
        let mut buffers = std::mem::take(&mut self.buffers);
        let bytes = buffers.len() / BATCH_SIZE;
        let mut meta = [RecvMeta::default(); BATCH_SIZE];
        for batch in 0..BATCHES {
            let received = {
                let mut slices = buffers.chunks_exact_mut(bytes).map(IoSliceMut::new);
                // There are as many as a batch has.
                let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
                    std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
                self.wire.receive(socket, &mut slices, &mut meta)
            };
            match received {
                Ok(count) => {
                    let clocks = Clocks::now();
                    for (buffer, meta) in buffers.chunks_exact_mut(bytes).zip(&meta).take(count) {
                        let arrival = clocks.arrival(meta.timestamp);
                        let path = Path {
                            remote: meta.addr,
                            socket: socket as u8,
                            local: self.wire.local(socket, meta.dst_ip),
                        };
                        let heap = buffer.get_mut(..meta.len).unwrap_or_default();
                        // The kernel may have put several of one sender together.
                        for datagram in heap.chunks_mut(meta.stride.max(1)) {
                            self.seen += 1;
                            self.sort(path, datagram, arrival, take);
                        }
                    }
                    self.more |= batch + 1 == BATCHES;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // A reply of some peer's machine that nobody listens there (ICMP) is told so on a shared port; the next read goes on.
                Err(error) => debug!(%error, "a socket could not be read"),
            }
        }
        self.buffers = buffers;
    }

    /// Tells whose a datagram is and what it is. One that is nobody's is dropped without a word: anyone may send anything.
    fn sort(
        &mut self,
        path: Path,
        datagram: &mut [u8],
        arrival: Instant,
        take: &mut impl FnMut(LinkId, Incoming<'_>),
    ) {
        let kind = kind(datagram);
        let known = self.routes.by_address(path.remote);
        let id = match kind {
            // Also from an address that is known: behind it there may be a new call.
            Kind::Stun => self.called(datagram, take).or(known),
            Kind::Dtls | Kind::Rtp | Kind::Rtcp => known,
            Kind::Other => None,
        };
        let Self { links, wire, scratch, missing, .. } = self;
        let Some((id, link)) = id.and_then(|id| Some((id, links.get_mut(&id)?))) else { return };
        match kind {
            Kind::Stun | Kind::Dtls => link.hand_in(path, datagram),
            Kind::Rtp | Kind::Rtcp => {
                deliver(id, link, path, datagram, arrival, (wire, scratch), take);
                *missing |= link.misses();
            }
            Kind::Other => {}
        }
    }

    /// The call whose name a check calls, or whose check it answers.
    fn called(&mut self, datagram: &[u8], take: &mut impl FnMut(LinkId, Incoming<'_>)) -> Option<LinkId> {
        let stun = StunView::parse(datagram)?;
        let find = |routes: &Routes| match stun.class() {
            StunClass::Success | StunClass::Error => routes.by_check(stun.transaction_id()),
            StunClass::Request | StunClass::Indication => routes.by_name(stun.username()?.0),
        };
        find(&self.routes).or_else(|| {
            // It may have been told a moment ago.
            self.carry_out_orders(take);
            find(&self.routes)
        })
    }

    /// Looks after TCP connections: those that the poll told of.
    fn look_at_streams(&mut self, take: &mut impl FnMut(LinkId, Incoming<'_>)) {
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            match event.token() {
                token @ Token(STREAMS..) if token != WOKEN => self.read_stream(token, take),
                Token(place @ LISTENERS..STREAMS) => self.accept(place - LISTENERS, take),
                Token(_) => {}
            }
        }
        events.clear();
        self.events = events;
    }

    fn accept(&mut self, listener: usize, take: &mut impl FnMut(LinkId, Incoming<'_>)) {
        let wire = Arc::clone(&self.wire);
        let Some(listener) = wire.listeners().get(listener) else { return };
        loop {
            match Stream::accept(listener, wire.tcp(), self.streams.len(), Instant::now()) {
                Ok(Some(stream)) => {
                    let token = Token(STREAMS + self.accepted % (WOKEN.0 - STREAMS));
                    self.accepted += 1;
                    let fd = stream.stream.as_raw_fd();
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    if let Err(error) = self.poll.registry().register(&mut SourceFd(&fd), token, interest) {
                        debug!(%error, "a connection can't be waited on");
                        stream.close(wire.tcp());
                        continue;
                    }
                    self.streams.insert(token, stream);
                    self.read_stream(token, take);
                }
                Ok(None) => break,
                // Such as too many open files, which trying again at once does not change.
                Err(error) => {
                    debug!(%error, "connections are not taken");
                    break;
                }
            }
        }
    }

    fn read_stream(&mut self, token: Token, take: &mut impl FnMut(LinkId, Incoming<'_>)) {
        let Some(mut stream) = self.streams.remove(&token) else { return };
        let (wire, arrival) = (Arc::clone(&self.wire), Instant::now());
        let look = stream.read(wire.tcp(), |path, datagram| self.sort(path, datagram, arrival, take));
        match look {
            Look::Open => drop(self.streams.insert(token, stream)),
            Look::Ended => stream.close(wire.tcp()),
        }
    }

    /// Closes connections that belong to no call, or no more.
    fn close_strangers(&mut self, now: Instant) {
        let (wire, routes) = (&self.wire, &self.routes);
        let strange = |stream: &Stream| stream.is_old(now) && routes.by_address(stream.path.remote).is_none();
        for (_, stream) in self.streams.extract_if(|_, stream| strange(stream)) {
            stream.close(wire.tcp());
        }
    }

    /// Gives to the network what has been sent.
    fn flush(&mut self) {
        let links = &mut self.links;
        self.batch.send(&self.wire, |id| {
            if let Some(link) = links.get_mut(&id) {
                link.stats.sent -= 1;
                link.stats.unsent += 1;
            }
        });
    }

    /// Asks callers for what is missing of their pictures.
    fn ask_for_missing(&mut self, now: Instant) {
        if !self.missing || now < self.missing_due {
            return;
        }
        self.missing_due = now + MISSING_RHYTHM;
        self.missing = false;
        for link in self.links.values_mut() {
            if let Some((path, length)) = link.seal_missing(now, &mut self.scratch) {
                // It is asked for again if it does not come.
                let _ = self.wire.send(path, self.scratch.get(..length).unwrap_or_default());
            }
            self.missing |= link.misses();
        }
    }

    fn send_reports(&mut self, now: Instant) {
        if now < self.reports_due {
            return;
        }
        self.reports_due = now + REPORT_RHYTHM;
        self.close_strangers(now);
        for link in self.links.values_mut() {
            if let Some((path, length)) = link.seal_report(now, &mut self.scratch) {
                // One that is lost is followed by the next.
                let _ = self.wire.send(path, self.scratch.get(..length).unwrap_or_default());
            }
        }
    }
}

/// Hands over a packet that is media, or what a report tells. What that asks for again goes out by the wire, from the room beside it.
fn deliver(
    id: LinkId,
    link: &mut Link,
    path: Path,
    bytes: &mut [u8],
    arrival: Instant,
    (wire, room): (&Wire, &mut [u8]),
    take: &mut impl FnMut(LinkId, Incoming<'_>),
) {
    if kind(bytes) == Kind::Rtcp {
        // What is lost once more is asked for once more.
        let send = |path, datagram: &[u8]| drop(wire.send(path, datagram));
        link.take_report(path, bytes, arrival, room, send, |incoming| take(id, incoming));
    } else if let Some(packet) = link.open(path, bytes, arrival) {
        take(id, packet);
    }
}

impl PacketPort for UdpPort {
    fn waker(&self) -> Waker {
        self.waker.clone()
    }

    fn wait(&mut self, deadline: Option<Instant>) {
        self.flush();
        if self.more {
            return;
        }
        let mut left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(rest) = self.pace.rest().filter(|_| left != Some(Duration::ZERO)) {
            std::thread::sleep(left.map_or(rest, |left| left.min(rest)));
            left = Some(Duration::ZERO);
        }
        if left == Some(Duration::ZERO) && !self.wire.takes_tcp() {
            return;
        }
        // Datagrams are looked for anyway; connections only when they are told of.
        match self.poll.poll(&mut self.events, left) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => debug!(%error, "waiting for packets failed"),
        }
    }

    fn receive(&mut self, mut take: impl FnMut(LinkId, Incoming<'_>)) {
        self.flush();
        self.seen = 0;
        self.more = false;
        self.carry_out_orders(&mut take);
        for socket in 0..self.wire.len() {
            self.drain(socket, &mut take);
        }
        if self.wire.takes_tcp() {
            self.look_at_streams(&mut take);
        }
        let now = Instant::now();
        self.looked = now;
        self.pace.note(self.seen, now);
        self.ask_for_missing(now);
        self.send_reports(now);
    }

    fn send(&mut self, link: LinkId, packet: OutgoingAudio<'_>) -> Result<(), SendError> {
        let to = self.links.get_mut(&link).ok_or(SendError::Closed)?;
        // There is a place, since one that is full is sent at once.
        let place = self.batch.place().ok_or(SendError::Full)?;
        let (path, length) = to.seal(packet, self.looked, place)?;
        to.stats.sent += 1;
        if self.batch.queue(link, path, length) {
            self.flush();
        }
        Ok(())
    }

    fn send_picture(&mut self, link: LinkId, packet: OutgoingPicture<'_>) -> Result<(), SendError> {
        let link = self.links.get_mut(&link).ok_or(SendError::Closed)?;
        let (path, length) = link.seal_picture(packet, Instant::now(), &mut self.scratch)?;
        let stats = &mut link.stats.pictures;
        match self.wire.send(path, self.scratch.get(..length).unwrap_or_default()) {
            Ok(()) => {
                stats.sent += 1;
                stats.sent_bytes += (packet.head.len() + packet.payload.len()) as u64;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                stats.unsent += 1;
                Err(SendError::Full)
            }
            Err(_) => {
                stats.unsent += 1;
                Ok(())
            }
        }
    }

    fn ask_key_frame(&mut self, link: LinkId, line: PictureLine) {
        let Some(link) = self.links.get_mut(&link) else { return };
        if let Some((path, length)) = link.seal_key_frame(line, Instant::now(), &mut self.scratch) {
            // Whoever waits for one asks again.
            let _ = self.wire.send(path, self.scratch.get(..length).unwrap_or_default());
        }
    }

    fn limit_pictures(&mut self, link: LinkId, bits: u64) {
        let now = Instant::now();
        if let Some(link) = self.links.get_mut(&link) {
            link.limit(bits, now);
        }
    }

    fn picture_origin(&self) -> Instant {
        self.origin
    }

    fn stats(&self, link: LinkId) -> Option<LinkStats> {
        self.links.get(&link).map(|link| link.stats())
    }
}
