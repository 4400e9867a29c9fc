//! Callers that can't send UDP: TCP connections to the shard's port (ICE-TCP, RFC 6544), on which each datagram has its length before
//! it (RFC 4571). What is in a datagram never matters here; to all others such a connection is a path like any.
//!
//! We only listen. Each packet takes a lock, since checks are sent from other threads: few callers are without UDP.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::wire::Path;

/// The socket number of paths over TCP.
pub(super) const TCP: u8 = u8::MAX;

/// The largest datagram that is taken: more than any path of UDP would let through.
const DATAGRAM_MAX: usize = 2048;

/// Bytes that wait for a connection that takes no more just now: half a second of sound, or some pictures.
const WAITING_MAX: usize = 64 * 1024;

/// Connections at a time.
const STREAMS_MAX: usize = 1024;

/// How long a connection may belong to no call.
const STRANGER: Duration = Duration::from_secs(10);

/// What can be sent to, by the other end and ours.
#[derive(Debug, Default)]
pub(super) struct Writers(Mutex<HashMap<Ends, Arc<Writer>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ends {
    remote: SocketAddr,
    local: Option<IpAddr>,
}

impl Ends {
    const fn of(path: Path) -> Self {
        Self { remote: path.remote, local: path.local }
    }
}

#[derive(Debug)]
struct Writer {
    stream: TcpStream,
    waiting: Mutex<Vec<u8>>,
}

impl Writers {
    /// Sends one datagram, or drops it when too much is waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it was dropped for that, `NotConnected` when there is no such connection, else that of the connection.
    pub(super) fn send(&self, path: Path, datagram: &[u8]) -> io::Result<()> {
        let writer = self.lock().get(&Ends::of(path)).map(Arc::clone);
        writer.ok_or(ErrorKind::NotConnected)?.send(datagram)
    }

    /// A connection takes more now.
    fn flush(&self, path: Path) {
        let writer = self.lock().get(&Ends::of(path)).map(Arc::clone);
        if let Some(writer) = writer {
            let mut waiting = writer.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            // What is wrong with it is seen when it is read.
            let _ = writer.write(&mut waiting);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Ends, Arc<Writer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn send(&self, datagram: &[u8]) -> io::Result<()> {
        let length = u16::try_from(datagram.len()).map_err(|_| ErrorKind::InvalidInput)?;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() + datagram.len() + 2 > WAITING_MAX {
            return Err(ErrorKind::WouldBlock.into());
        }
        waiting.extend_from_slice(&length.to_be_bytes());
        waiting.extend_from_slice(datagram);
        self.write(&mut waiting)
    }

    fn write(&self, waiting: &mut Vec<u8>) -> io::Result<()> {
        while !waiting.is_empty() {
            match (&self.stream).write(waiting) {
                Ok(written) => drop(waiting.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A connection as the shard reads it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) path: Path,
    pub(super) stream: TcpStream,
    since: Instant,
    /// What came and is not a whole datagram yet.
    partial: Vec<u8>,
}

/// What a look at a connection found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// There is no more just now.
    Open,
    /// It has ended, or sends what is no datagram.
    Ended,
}

impl Stream {
    /// The next connection that waits at a listener; `None` when there is none. More than there may be are closed at once.
    pub(super) fn accept(
        listener: &TcpListener,
        writers: &Writers,
        present: usize,
        now: Instant,
    ) -> io::Result<Option<Self>> {
        let (stream, remote) = loop {
            match listener.accept() {
                Ok(accepted) if present < STREAMS_MAX => break accepted,
                // Closed as it is dropped.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        stream.set_nonblocking(true)?;
        // Sound waits for nothing.
        stream.set_nodelay(true)?;
        let path = Path { remote, socket: TCP, local: Some(stream.local_addr()?.ip()) };
        let writer = Writer { stream: stream.try_clone()?, waiting: Mutex::default() };
        writers.lock().insert(Ends::of(path), Arc::new(writer));
        Ok(Some(Self { path, stream, since: now, partial: Vec::new() }))
    }

    /// Reads what has come, and hands over each datagram.
    pub(super) fn read(&mut self, writers: &Writers, mut take: impl FnMut(Path, &mut [u8])) -> Look {
        writers.flush(self.path);
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Look::Ended,
                Ok(length) => {
                    self.partial.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    let Some(taken) = datagrams(&mut self.partial, |datagram| take(self.path, datagram))
                    else {
                        return Look::Ended;
                    };
                    self.partial.drain(..taken);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Look::Open,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Look::Ended,
            }
        }
    }

    /// Whether it has had time enough to belong to a call.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= STRANGER
    }

    /// Closes it.
    pub(super) fn close(self, writers: &Writers) {
        writers.lock().remove(&Ends::of(self.path));
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// Hands over the whole datagrams at the beginning: how many bytes they were; `None` for one that is longer than any may be.
fn datagrams(mut bytes: &mut [u8], mut take: impl FnMut(&mut [u8])) -> Option<usize> {
    let mut taken = 0;
    while let Some((&mut length, rest)) = bytes.split_first_chunk_mut::<2>() {
        let length = usize::from(u16::from_be_bytes(length));
        if length > DATAGRAM_MAX {
            return None;
        }
        let Some((datagram, rest)) = rest.split_at_mut_checked(length) else { break };
        take(datagram);
        taken += 2 + length;
        bytes = rest;
    }
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bytes: &[u8]) -> (Option<usize>, Vec<Vec<u8>>) {
        let mut all = Vec::new();
        let taken = datagrams(&mut bytes.to_vec(), |datagram| all.push(datagram.to_vec()));
        (taken, all)
    }

    #[test]
    fn whole_datagrams_are_taken_and_the_rest_waits() {
        assert_eq!(taken(&[]), (Some(0), vec![]));
        assert_eq!(taken(&[0]), (Some(0), vec![]));
        assert_eq!(taken(&[0, 2, 7]), (Some(0), vec![]));
        assert_eq!(taken(&[0, 2, 7, 8, 0, 0, 0, 1, 9, 0]), (Some(9), vec![vec![7, 8], vec![], vec![9]]));
    }

    #[test]
    fn what_is_no_datagram_ends_it() {
        assert_eq!(taken(&[0xFF, 0xFF, 1]).0, None);
        assert_eq!(taken(b"GET / HTTP/1.1\r\n").0, None);
    }

    #[test]
    fn connections_beyond_the_limit_are_closed_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut callers: Vec<TcpStream> =
            (0..3).map(|_| TcpStream::connect(listener.local_addr().unwrap()).unwrap()).collect();
        let none = Stream::accept(&listener, &Writers::default(), STREAMS_MAX, Instant::now()).unwrap();
        assert!(none.is_none());
        for caller in &mut callers {
            assert!(matches!(caller.read(&mut [0; 1]), Ok(0) | Err(_)));
        }
    }

    #[test]
    fn datagrams_come_out_as_they_went_in_and_too_many_are_dropped() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let writers = Writers::default();
        let mut stream = Stream::accept(&listener, &writers, 0, Instant::now()).unwrap().unwrap();
        let path = stream.path;
        let datagram = [7; 1000];
        let mut sent = 0;
        while writers.send(path, &datagram).is_ok() {
            sent += 1;
        }
        assert!(sent > WAITING_MAX / 1002, "{sent}");
        let mut received = 0;
        let mut length = [0; 2];
        let mut reader = &caller;
        for _ in 0..sent {
            // What waits goes on as it is read at the other end.
            writers.flush(path);
            reader.read_exact(&mut length).unwrap();
            let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
            reader.read_exact(&mut bytes).unwrap();
            received += usize::from(bytes == datagram);
        }
        assert_eq!(received, sent);
        drop(caller);
        while stream.read(&writers, |_, _| ()) == Look::Open {}
        stream.close(&writers);
        assert_eq!(writers.send(path, &datagram).unwrap_err().kind(), ErrorKind::NotConnected);
    }
}
