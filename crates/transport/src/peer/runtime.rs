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

/// How long an idle connection sleeps instead where it is not known when it has something to do again.
const IDLE: Duration = Duration::from_secs(2);

/// Idle connections wake up at the multiples of this, all together: one after the other they would wake a thread for each.
const TOGETHER: Duration = Duration::from_millis(100);

/// The runtime of one connection.
#[derive(Debug)]
pub(super) struct OwnRuntime {
    tokio: TokioRuntime,
    sockets: Sockets,
    idle: Arc<AtomicBool>,
    timeouts: IceTimeouts,
    /// From where the multiples are counted: the same for all connections.
    origin: Instant,
}

/// What is missing from a time to the next multiple of a step.
fn to_the_next(step: Duration, time: Duration) -> Duration {
    let past = time.as_nanos() % step.as_nanos();
    // Below a step, which is far below 2^64 ns.
    step.saturating_sub(Duration::from_nanos(u64::try_from(past).unwrap_or(0)))
}

/// How long a connection that is up can sleep at `now`, after a check of its own at `asked` and a sign of the other side at `heard`: until
/// the next check is due, or until it is lost. All are counted from one origin; zero is never.
fn nap(now: Duration, asked: Duration, heard: Duration, timeouts: IceTimeouts) -> Duration {
    let check = (!asked.is_zero()).then(|| asked + timeouts.keepalive);
    // Lost is what was not heard for longer than that.
    let loss = (!heard.is_zero()).then(|| heard + timeouts.lost + Duration::from_millis(1));
    let next = check.into_iter().chain(loss).min().and_then(|next| next.checked_sub(now));
    let shortest = timeouts.lost.min(timeouts.failed).min(timeouts.keepalive);
    next.filter(|left| !left.is_zero()).unwrap_or_else(|| IDLE.min(shortest / 2))
}

impl OwnRuntime {
    /// `idle` says whether the connection is up, so that it has nothing to do but keep itself alive, by these times.
    pub(super) fn new(
        sockets: Sockets,
        idle: Arc<AtomicBool>,
        timeouts: IceTimeouts,
        origin: Instant,
    ) -> Self {
        Self { tokio: TokioRuntime, sockets, idle, timeouts, origin }
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
            let now = self.origin.elapsed();
            let sleep = duration.max(nap(now, self.sockets.asked(), self.sockets.heard(), self.timeouts));
            return self.tokio.sleep(sleep + to_the_next(TOGETHER, now + sleep));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_sleeps_until_its_next_check_or_until_it_is_lost() {
        let timeouts = IceTimeouts::default();
        let at = Duration::from_millis;
        let nap = |now, asked, heard| nap(at(now), at(asked), at(heard), timeouts).as_millis();
        assert_eq!(nap(10_000, 9_900, 9_910), 3_900, "a check each 4 s");
        assert_eq!(nap(12_500, 9_900, 12_490), 1_400, "woken by a check of the other side");
        assert_eq!(nap(14_000, 13_900, 6_000), 1_001, "lost after 9 s");
        // A check that should have been sent, and was not: it is looked at again, but not all the time.
        assert_eq!(nap(14_000, 9_900, 13_000), 2_000);
        assert_eq!(nap(500, 0, 400), 8_901, "one that answers checks only");
        assert_eq!(nap(500, 0, 0), 2_000);
    }
}
