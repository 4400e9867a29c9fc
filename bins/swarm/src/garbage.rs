//! A flood of random datagrams: noise of every length, and such as begin like STUN, DTLS, RTP and RTCP.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::line::Chance;

/// A running flood; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Garbage {
    end: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Garbage {
    /// Sends `rate` datagrams a second to `to`, 100 times a second a hundredth of them.
    pub(crate) fn start(to: SocketAddr, rate: u32, seed: u64) -> anyhow::Result<Self> {
        let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(any).context("no port for garbage")?;
        socket.connect(to)?;
        let (end, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ended, count) = (Arc::clone(&end), Arc::clone(&sent));
        let thread = thread::Builder::new().name("garbage".to_owned()).spawn(move || {
            let mut chance = Chance::new(seed);
            let mut room = [0; 1_200];
            let begun = Instant::now();
            let mut done = 0;
            while !ended.load(Ordering::Relaxed) {
                let due = begun.elapsed().as_micros() as u64 * u64::from(rate) / 1_000_000;
                while done < due {
                    done += 1;
                    let length = fill(&mut room, &mut chance);
                    // Refused ones (ECONNREFUSED) were sent too.
                    let _ = socket.send(&room[..length]);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(10));
            }
        })?;
        Ok(Self { end, sent, thread: Some(thread) })
    }

    /// How many were sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Garbage {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes one datagram and tells its length.
fn fill(room: &mut [u8], chance: &mut Chance) -> usize {
    let length = chance.below(room.len() as u64) as usize + 1;
    for chunk in room[..length].chunks_mut(8) {
        let bytes = chance.bits().to_le_bytes();
        chunk.copy_from_slice(&bytes[..chunk.len()]);
    }
    // By RFC 7983: STUN, DTLS, RTP, RTCP; or whatever it is.
    let head: &[u8] = match chance.below(5) {
        0 => &[0, 1],
        1 => &[22, 254, 253],
        2 => &[0x80, 111],
        3 => &[0x81, 201],
        _ => &[],
    };
    let known = head.len().min(length);
    room[..known].copy_from_slice(&head[..known]);
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_come() {
        let (mut chance, mut room) = (Chance::new(1), [0; 1_200]);
        let kinds: std::collections::HashSet<_> = (0..1_000)
            .map(|_| {
                let length = fill(&mut room, &mut chance);
                format!("{:?}", confocal_rtp::kind(&room[..length]))
            })
            .collect();
        assert_eq!(kinds.len(), 5, "{kinds:?}");
    }
}
