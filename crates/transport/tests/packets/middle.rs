//! Someone in the middle, as a NAT is, who may drop, double and damage packets.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::pair::Between;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    Damage,
    Drop,
}

/// It decides on each packet of media that the inner end sends; all else passes.
pub(crate) struct Middle {
    /// Where the inner end sends to.
    inner: SocketAddr,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

struct State {
    inner: UdpSocket,
    /// Towards the outer end; another one after a move.
    outer: Mutex<Arc<UdpSocket>>,
    outer_end: Mutex<Option<SocketAddr>>,
    inner_end: Mutex<Option<SocketAddr>>,
    ended: AtomicBool,
}

impl Middle {
    pub(crate) fn start(fates: impl Fn(u32) -> Vec<Fate> + Send + 'static) -> Self {
        let state = Arc::new(State {
            inner: socket(),
            outer: Mutex::new(Arc::new(socket())),
            outer_end: Mutex::default(),
            inner_end: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let (outwards, inwards) = (Arc::clone(&state), Arc::clone(&state));
        let threads = vec![
            std::thread::spawn(move || outwards.pass_outwards(fates)),
            std::thread::spawn(move || inwards.pass_inwards()),
        ];
        Self { inner: state.inner.local_addr().unwrap(), state, threads }
    }

    /// From now on all comes from, and goes to, another port.
    pub(crate) fn move_away(&self) {
        *self.state.outer.lock().unwrap() = Arc::new(socket());
    }
}

impl Between for Middle {
    fn leads_to(&self, outer_end: SocketAddr) -> u16 {
        *self.state.outer_end.lock().unwrap() = Some(outer_end);
        self.inner.port()
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl State {
    fn pass_outwards(&self, fates: impl Fn(u32) -> Vec<Fate>) {
        let mut buffer = [0; 2048];
        let mut number = 0;
        while !self.ended.load(Ordering::Relaxed) {
            let Ok((length, from)) = self.inner.recv_from(&mut buffer) else { continue };
            *self.inner_end.lock().unwrap() = Some(from);
            let Some(to) = *self.outer_end.lock().unwrap() else { continue };
            let packet = &mut buffer[..length];
            // RTP, not RTCP.
            let is_media = (128..192).contains(&packet[0]) && !(192..224).contains(&packet[1]);
            let fates = if is_media { fates(number) } else { vec![Fate::Pass] };
            number += u32::from(is_media);
            let outer = Arc::clone(&self.outer.lock().unwrap());
            for fate in fates {
                match fate {
                    Fate::Pass => drop(outer.send_to(packet, to)),
                    Fate::Damage => {
                        packet[length - 20] ^= 1;
                        drop(outer.send_to(packet, to));
                        packet[length - 20] ^= 1;
                    }
                    Fate::Drop => {}
                }
            }
        }
    }

    fn pass_inwards(&self) {
        let mut buffer = [0; 2048];
        while !self.ended.load(Ordering::Relaxed) {
            let outer = Arc::clone(&self.outer.lock().unwrap());
            let Ok((length, _)) = outer.recv_from(&mut buffer) else { continue };
            if let Some(to) = *self.inner_end.lock().unwrap() {
                drop(self.inner.send_to(&buffer[..length], to));
            }
        }
    }
}

/// A socket that is read with a look at other things in between.
pub(crate) fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    socket
}
