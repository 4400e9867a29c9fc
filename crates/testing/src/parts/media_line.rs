//! A line between callers and a media port that holds up packets of sound, each for another time. Nothing is lost on it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::StartError;

/// The payload type of Opus in what Chromium offers.
const OPUS: u8 = 111;
/// More than any datagram has.
const DATAGRAM: usize = 2_048;

/// A running line; dropping it cuts it.
#[derive(Debug)]
pub struct MediaLine {
    passing: JoinHandle<()>,
}

impl MediaLine {
    /// The address that callers send to.
    pub const FRONT: Ipv4Addr = Ipv4Addr::LOCALHOST;
    /// The address that media has to be received on, and another one than callers are told.
    pub const BACK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

    /// Passes on what comes to UDP port `port` of [`FRONT`](Self::FRONT) to the same port of [`BACK`](Self::BACK), packets of sound (RTP
    /// whose payload type is Chromium's Opus) after anything between no time and `jitter`, and what comes back to whom it is for, at once.
    ///
    /// # Errors
    ///
    /// [`StartError::Port`] when the port is taken.
    pub async fn start(port: u16, jitter: Duration) -> Result<Self, StartError> {
        let front = UdpSocket::bind((Self::FRONT, port)).await.map_err(StartError::Port)?;
        Ok(Self { passing: tokio::spawn(pass(Arc::new(front), (Self::BACK, port).into(), jitter)) })
    }
}

impl Drop for MediaLine {
    fn drop(&mut self) {
        self.passing.abort();
    }
}

async fn pass(front: Arc<UdpSocket>, to: SocketAddr, jitter: Duration) {
    let mut callers: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
    // They end with this.
    let mut tasks = JoinSet::new();
    let mut chance = 1;
    let mut buffer = [0; DATAGRAM];
    loop {
        // An error is of a datagram sent before, to one who has gone.
        let Ok((length, caller)) = front.recv_from(&mut buffer).await else { continue };
        let back = match callers.get(&caller) {
            Some(back) => Arc::clone(back),
            None => {
                let Ok(back) = connected(to).await else { continue };
                tasks.spawn(bring_back(Arc::clone(&back), Arc::clone(&front), caller));
                callers.insert(caller, Arc::clone(&back));
                back
            }
        };
        let datagram = &buffer[..length];
        if is_sound(datagram) {
            let (at, datagram) = (Instant::now() + jitter.mul_f64(share(&mut chance)), datagram.to_vec());
            tasks.spawn(async move {
                sleep_until(at).await;
                let _ = back.send(&datagram).await;
            });
        } else {
            let _ = back.send(datagram).await;
        }
        while tasks.try_join_next().is_some() {}
    }
}

/// A socket of a caller's own, so that the focus tells callers apart.
async fn connected(to: SocketAddr) -> std::io::Result<Arc<UdpSocket>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(to).await?;
    Ok(Arc::new(socket))
}

async fn bring_back(back: Arc<UdpSocket>, front: Arc<UdpSocket>, caller: SocketAddr) {
    let mut buffer = [0; DATAGRAM];
    loop {
        match back.recv(&mut buffer).await {
            Ok(length) => drop(front.send_to(&buffer[..length], caller).await),
            // Nobody listens there yet, or any more; sockets tell it once for each datagram.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// RTP (RFC 3550; version 2, told from STUN and DTLS as RFC 7983 has it) of Opus.
fn is_sound(datagram: &[u8]) -> bool {
    matches!(datagram, [first, second, ..] if first >> 6 == 2 && second & 0x7f == OPUS)
}

/// A number from 0 to 1, of a sequence that is the same in each run (the linear congruential generator of Knuth's MMIX).
fn share(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f64 / f64::from(1 << 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::free_port;

    #[test]
    fn sound_is_told_from_pictures_reports_and_all_else() {
        let sound = [[0x80, 111], [0x90, 111 | 0x80]];
        let others = [[0x80, 96], [0x80, 200], [0x00, 1], [22, 254], [0x40, 111]];
        assert!(sound.iter().all(|it| is_sound(it)) && !others.iter().any(|it| is_sound(it)));
        assert!(!is_sound(&[]) && !is_sound(&[0x80]));
    }

    #[test]
    fn shares_are_spread_evenly() {
        let mut state = 1;
        let shares: Vec<f64> = (0..1_000).map(|_| share(&mut state)).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        let mean = shares.iter().sum::<f64>() / 1_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }

    #[tokio::test]
    async fn all_comes_through_both_ways_and_each_caller_gets_their_own() {
        let port = free_port().unwrap();
        let focus = UdpSocket::bind((MediaLine::BACK, port)).await.unwrap();
        let line = MediaLine::start(port, Duration::from_millis(20)).await.unwrap();
        let mut buffer = [0; DATAGRAM];
        for said in [&[0x80, 111, 1][..], &[0x00, 1, 2]] {
            let caller = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            caller.send_to(said, (MediaLine::FRONT, port)).await.unwrap();
            let (length, from) = focus.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], said);
            focus.send_to(said, from).await.unwrap();
            let (length, from) = caller.recv_from(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..length], from), (said, (MediaLine::FRONT, port).into()));
        }
        drop(line);
    }
}
