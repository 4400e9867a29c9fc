//! Someone whose network lets only TCP through: what the inner end sends goes on over one connection, as RFC 4571 has it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::middle::socket;
use crate::pair::Between;

/// It carries all datagrams, both ways.
pub(crate) struct Tunnel {
    state: Arc<State>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct State {
    inner: UdpSocket,
    inner_end: Mutex<Option<SocketAddr>>,
    ended: AtomicBool,
}

impl Tunnel {
    pub(crate) fn new() -> Self {
        let state = State { inner: socket(), inner_end: Mutex::default(), ended: AtomicBool::new(false) };
        Self { state: Arc::new(state), threads: Mutex::default() }
    }
}

impl Between for Tunnel {
    fn leads_to(&self, outer_end: SocketAddr) -> u16 {
        let outwards = TcpStream::connect(outer_end).unwrap();
        outwards.set_nodelay(true).unwrap();
        let inwards = outwards.try_clone().unwrap();
        inwards.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let (there, back) = (Arc::clone(&self.state), Arc::clone(&self.state));
        self.threads.lock().unwrap().extend([
            std::thread::spawn(move || there.pass_outwards(&outwards)),
            std::thread::spawn(move || back.pass_inwards(&inwards)),
        ]);
        self.state.inner.local_addr().unwrap().port()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.lock().unwrap().drain(..) {
            let _ = thread.join();
        }
    }
}

impl State {
    fn pass_outwards(&self, mut stream: &TcpStream) {
        let mut buffer = [0; 2048];
        while !self.ended.load(Ordering::Relaxed) {
            let Ok((length, from)) = self.inner.recv_from(&mut buffer[2..]) else { continue };
            *self.inner_end.lock().unwrap() = Some(from);
            buffer[..2].copy_from_slice(&(length as u16).to_be_bytes());
            // In two pieces, as a network may cut it.
            let (one, other) = buffer[..length + 2].split_at(length / 2);
            if stream.write_all(one).and_then(|()| stream.write_all(other)).is_err() {
                return;
            }
        }
    }

    fn pass_inwards(&self, mut stream: &TcpStream) {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        while !self.ended.load(Ordering::Relaxed) {
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => bytes.extend_from_slice(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Err(_) => return,
            }
            while bytes.len() >= 2 {
                let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
                if bytes.len() < length + 2 {
                    break;
                }
                if let Some(to) = *self.inner_end.lock().unwrap() {
                    drop(self.inner.send_to(&bytes[2..length + 2], to));
                }
                bytes.drain(..length + 2);
            }
        }
    }
}
