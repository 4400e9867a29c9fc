//! The sockets of one shard: one UDP port on each listening address, and the TCP port of that number, shared by all its calls.
//!
//! Whose packets they are is not known here.

use std::array;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use tracing::debug;

use super::tcp::{TCP, Writers};
use crate::config::PortRange;

/// Datagrams that one system call sends at most.
pub(super) const MANY: usize = 32;

/// How many ports are tried when the operating system chooses, and another program has the same port on another address.
const ATTEMPTS: usize = 16;

/// One end of a way that packets take, and which of our sockets it begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The other end.
    pub(crate) remote: SocketAddr,
    /// Our socket, or that it is a TCP connection.
    pub(crate) socket: u8,
    /// Our address as the other end knows it, where the socket has several.
    pub(crate) local: Option<IpAddr>,
}

impl Path {
    /// The way to no one.
    pub(super) const NOWHERE: Self =
        Self { remote: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), socket: 0, local: None };
}

/// The sockets.
#[derive(Debug)]
pub(crate) struct Wire {
    sockets: Vec<Socket>,
    /// On the same addresses and port; none without TCP.
    listeners: Vec<TcpListener>,
    tcp: Writers,
}

struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    bound: SocketAddr,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Socket").field(&self.bound).finish()
    }
}

/// Why no port was bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Every port of the range is in use by another program, or there are fewer than shards.
    #[error("no free UDP port from {first} to {last}")]
    Range {
        /// The lowest port.
        first: u16,
        /// The highest port.
        last: u16,
    },
    /// An address can't be listened on.
    #[error("can't receive on {address}")]
    Address {
        /// The address.
        address: IpAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system gives nothing to wait on.
    #[error("nothing to wait on for packets")]
    Poll(#[source] io::Error),
}

impl Wire {
    /// Binds one port, the lowest of `ports` that is free and not below `next`, or any.
    pub(crate) fn bind(
        listen: &[IpAddr],
        ports: Option<PortRange>,
        tcp: bool,
        next: &mut Option<u16>,
    ) -> Result<Self, BindError> {
        let Some(range) = ports else { return Self::bind_any(listen, tcp) };
        while let Some(port) = next.filter(|port| *port <= range.last()) {
            *next = port.checked_add(1);
            match Self::bind_all(listen, port, tcp) {
                Err(BindError::Address { address, source }) if source.kind() == io::ErrorKind::AddrInUse => {
                    debug!(port, %address, "a port of the range is in use by someone else");
                }
                bound => return bound,
            }
        }
        Err(BindError::Range { first: range.first(), last: range.last() })
    }

    fn bind_any(listen: &[IpAddr], tcp: bool) -> Result<Self, BindError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            // The operating system's choice for the first address may be taken on the others.
            let bound = Self::bind_all(listen, 0, tcp);
            match bound {
                Err(BindError::Address { ref source, .. })
                    if attempt < ATTEMPTS && source.kind() == io::ErrorKind::AddrInUse => {}
                bound => return bound,
            }
        }
    }

    fn bind_all(listen: &[IpAddr], mut port: u16, tcp: bool) -> Result<Self, BindError> {
        let (mut sockets, mut listeners) = (Vec::with_capacity(listen.len()), Vec::new());
        for address in listen.iter().copied() {
            let socket = Socket::bind(SocketAddr::new(address, port))
                .map_err(|source| BindError::Address { address, source })?;
            port = socket.bound.port();
            if tcp {
                let listener =
                    listen_on(socket.bound).map_err(|source| BindError::Address { address, source })?;
                listeners.push(listener);
            }
            sockets.push(socket);
        }
        Ok(Self { sockets, listeners, tcp: Writers::default() })
    }

    /// The sockets, to be waited on.
    pub(super) fn ios(&self) -> impl Iterator<Item = &UdpSocket> {
        self.sockets.iter().map(|socket| &socket.io)
    }

    /// Where TCP connections come in.
    pub(super) fn listeners(&self) -> &[TcpListener] {
        &self.listeners
    }

    /// TCP connections, to be sent to.
    pub(super) const fn tcp(&self) -> &Writers {
        &self.tcp
    }

    /// Whether TCP connections are taken.
    pub(crate) const fn takes_tcp(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// What the sockets are bound to.
    pub(crate) fn bound(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.iter().map(|socket| socket.bound)
    }

    /// Whether addresses of that family can be reached.
    pub(crate) fn reaches(&self, ipv4: bool) -> bool {
        self.sockets.iter().any(|socket| socket.bound.is_ipv4() == ipv4)
    }

    /// The way to an address from which nothing has come yet.
    pub(crate) fn path_to(&self, remote: SocketAddr) -> Option<Path> {
        let socket = self.sockets.iter().position(|socket| socket.bound.is_ipv4() == remote.is_ipv4())?;
        Some(Path { remote, socket: u8::try_from(socket).ok()?, local: None })
    }

    /// Sends one datagram, or drops it when the network takes no more.
    ///
    /// # Errors
    ///
    /// That of the operating system.
    pub(crate) fn send(&self, path: Path, datagram: &[u8]) -> io::Result<()> {
        if path.socket == TCP {
            return self.tcp.send(path, datagram);
        }
        let Some(socket) = self.sockets.get(usize::from(path.socket)) else { return Ok(()) };
        let transmit = Transmit {
            destination: path.remote,
            ecn: None,
            contents: datagram,
            segment_size: None,
            src_ip: path.local,
        };
        socket.state.try_send(UdpSockRef::from(&socket.io), &transmit)
    }

    /// Sends the first of some datagrams, of which there is at least one, and of those after it as many as one system call can: how many.
    /// Those are as many as follow at the same socket without an address of ours to be named, [`MANY`] at the most.
    ///
    /// # Errors
    ///
    /// That of the operating system about the first: it is not sent.
    pub(super) fn send_many(&self, datagrams: &[(Path, &[u8])]) -> io::Result<usize> {
        let Some((first, bytes)) = datagrams.first() else { return Ok(0) };
        let alike = |path: &Path| path.local.is_none() && path.socket == first.socket;
        let count = datagrams.iter().take(MANY).take_while(|(path, _)| alike(path)).count();
        let Some(socket) = self.sockets.get(usize::from(first.socket)).filter(|_| count > 1) else {
            return self.send(*first, bytes).map(|()| 1);
        };
        let addresses: [SocketAddrAny; MANY] =
            array::from_fn(|at| datagrams.get(at).map_or(Path::NOWHERE, |(path, _)| *path).remote.into());
        let slices: [[IoSlice<'_>; 1]; MANY] = array::from_fn(|at| {
            let bytes = datagrams.get(at).map(|(_, bytes)| *bytes);
            [IoSlice::new(bytes.unwrap_or_default())]
        });
        // Nothing is told besides.
        let mut nothing: [SendAncillaryBuffer<'_, '_, '_>; MANY] =
            array::from_fn(|_| SendAncillaryBuffer::default());
        let mut parts = addresses.iter().zip(&slices);
        let mut headers = nothing.each_mut().map(|nothing| {
            // There are as many of each.
            let (address, slice) = parts.next().unwrap_or((&addresses[0], &slices[0]));
            MMsgHdr::new_with_addr(address, slice, nothing)
        });
        let headers = headers.get_mut(..count).unwrap_or_default();
        sendmmsg(&socket.io, headers, SendFlags::empty()).map_err(io::Error::from)
    }

    /// Our address on a path by which something came to a socket, if it is to be named in what goes back: a socket at one address has no
    /// other.
    pub(super) fn local(&self, socket: usize, came_to: Option<IpAddr>) -> Option<IpAddr> {
        came_to.filter(|_| self.sockets.get(socket).is_some_and(|socket| socket.bound.ip().is_unspecified()))
    }

    /// How large a buffer must be to take all that the kernel may put together.
    pub(super) fn buffer_bytes(&self) -> usize {
        // Segments are bounded by the path, not by what is sent on it.
        self.sockets.iter().map(|socket| socket.state.gro_segments()).max().unwrap_or(1) * 1500
    }

    /// Receives what has arrived at a socket into the buffers: how many of them were filled.
    ///
    /// # Errors
    ///
    /// That of the operating system; `WouldBlock` when there is no more.
    pub(super) fn receive(
        &self,
        socket: usize,
        buffers: &mut [IoSliceMut<'_>; BATCH_SIZE],
        meta: &mut [RecvMeta; BATCH_SIZE],
    ) -> io::Result<usize> {
        let Some(socket) = self.sockets.get(socket) else { return Err(io::ErrorKind::WouldBlock.into()) };
        socket.state.recv(UdpSockRef::from(&socket.io), buffers, meta)
    }

    pub(super) fn len(&self) -> usize {
        self.sockets.len()
    }
}

impl Socket {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let io = if address.is_ipv6() { bind_v6_only(address)? } else { UdpSocket::bind(address)? };
        // Makes it non-blocking, and asks for the address that each datagram was sent to.
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        let bound = io.local_addr()?;
        // A tick's packets of a thousand callers come at once. The kernel may grant less than is asked for.
        for (what, done) in [
            ("receive", state.set_recv_buffer_size(UdpSockRef::from(&io), SOCKET_BUFFER)),
            ("send", state.set_send_buffer_size(UdpSockRef::from(&io), SOCKET_BUFFER)),
        ] {
            if let Err(error) = done {
                debug!(%error, what, "a socket's buffer keeps its size");
            }
        }
        Ok(Self { io, state, bound })
    }
}

/// The bytes that a socket holds for us while we are busy.
const SOCKET_BUFFER: usize = 4 << 20;

/// `[::]` without IPv4, which has a socket of its own.
fn bind_v6_only(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None)?;
    socket.set_only_v6(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of an earlier process may still be closing.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn shards_take_the_free_ports_of_a_range_in_order() {
        let taken = UdpSocket::bind((HERE, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let range = PortRange::new(port, port).unwrap();
        let mut next = Some(port);
        assert!(matches!(Wire::bind(&[HERE], Some(range), true, &mut next), Err(BindError::Range { .. })));
        drop(taken);
        let mut next = Some(port);
        let wire = Wire::bind(&[HERE], Some(range), true, &mut next).unwrap();
        assert_eq!(wire.bound().collect::<Vec<_>>(), [SocketAddr::new(HERE, port)]);
        assert!(matches!(Wire::bind(&[HERE], Some(range), true, &mut next), Err(BindError::Range { .. })));
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let elsewhere: IpAddr = "192.0.2.99".parse().unwrap();
        match Wire::bind(&[HERE, elsewhere], None, true, &mut None) {
            Err(BindError::Address { address, .. }) => assert_eq!(address, elsewhere),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_families_share_a_port() {
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let Ok(wire) = Wire::bind(&both, None, true, &mut None) else {
            // There are machines without IPv6.
            return;
        };
        let ports: Vec<u16> = wire.bound().map(|bound| bound.port()).collect();
        assert_eq!(ports[0], ports[1]);
        assert!(wire.reaches(true) && wire.reaches(false));
        assert_eq!(wire.path_to("[::1]:9".parse().unwrap()).unwrap().socket, 1);
    }
}
