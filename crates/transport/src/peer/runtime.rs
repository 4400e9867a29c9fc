//! What a connection of the WebRTC stack runs on: tokio, but for its sockets, which are ours, and for its timer while it is idle.
//!
//! The sockets themselves never live here, see [`super::socket`].

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use super::socket::Sockets;
use crate::config::IceTimeouts;

/// Sleeps from here on are an idle connection's: the ICE agent looks around at least each 200 ms, whatever its timers say. Shorter
/// ones are handshakes' and checks' on their way.
const IDLE_FROM: Duration = Duration::from_millis(50);

/// The longest that an idle connection may sleep instead. A loss is noticed so much later at the most.
const IDLE: Duration = Duration::from_secs(2);

/// Idle connections wake up at the multiples of this, all together: one after the other they would wake a thread for each.
const TOGETHER: Duration = Duration::from_millis(100);

/// The runtime of one connection.
#[derive(Debug)]
pub(super) struct OwnRuntime {
    tokio: TokioRuntime,
    sockets: Sockets,
    idle: Arc<AtomicBool>,
    /// How long it sleeps while it is idle.
    nap: Duration,
    /// From where the multiples are counted: the same for all connections.
    origin: Instant,
}

/// What is missing from a time to the next multiple of a step.
fn to_the_next(step: Duration, time: Duration) -> Duration {
    let past = time.as_nanos() % step.as_nanos();
    // Below a step, which is far below 2^64 ns.
    step.saturating_sub(Duration::from_nanos(u64::try_from(past).unwrap_or(0)))
}

impl OwnRuntime {
    /// `idle` says whether the connection is up, so that it has nothing to do but keep itself alive, by these times.
    pub(super) fn new(
        sockets: Sockets,
        idle: Arc<AtomicBool>,
        timeouts: IceTimeouts,
        origin: Instant,
    ) -> Self {
        let shortest = timeouts.lost.min(timeouts.failed).min(timeouts.keepalive);
        Self { tokio: TokioRuntime, sockets, idle, nap: IDLE.min(shortest / 2), origin }
    }
}

impl Runtime for OwnRuntime {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        // Bound by the stack for its address alone; nothing ever passes it.
        self.sockets.in_place_of(socket.local_addr()?)
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        self.tokio.connect_tcp(remote)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        self.tokio.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        // A packet wakes it all the same.
        if duration >= IDLE_FROM && self.idle.load(Ordering::Relaxed) {
            let sleep = duration.max(self.nap);
            return self.tokio.sleep(sleep + to_the_next(TOGETHER, self.origin.elapsed() + sleep));
        }
        self.tokio.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn yield_now(&self) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.tokio.yield_now()
    }

    fn name(&self) -> &'static str {
        "confocal"
    }
}
