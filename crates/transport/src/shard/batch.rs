//! Datagrams on their way out, gathered so that one system call takes many of them. What becomes of each is told.
//!
//! What is in them never lives here, nor the sockets.

use std::io;

use super::link::MAX_DATAGRAM;
use super::wire::{MANY, Path, Wire};
use crate::packet::LinkId;

/// Datagrams of packets that are sent at a time: those of one tick, a few dozen after a few dozen.
pub(super) struct Batch {
    /// A place for each.
    places: Box<[[u8; MAX_DATAGRAM]; MANY]>,
    /// Whose they are, where they go and how long they are.
    queued: Vec<(LinkId, Path, usize)>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { places: Box::new([[0; MAX_DATAGRAM]; MANY]), queued: Vec::with_capacity(MANY) }
    }

    /// Where the next one is to be written; `None` as long as it is full.
    pub(super) fn place(&mut self) -> Option<&mut [u8]> {
        self.places.get_mut(self.queued.len()).map(<[u8; MAX_DATAGRAM]>::as_mut_slice)
    }

    /// What was written to the next place is a datagram of so many bytes of that call. True if it was the last for which there is room.
    pub(super) fn queue(&mut self, link: LinkId, path: Path, length: usize) -> bool {
        if self.queued.len() < MANY {
            self.queued.push((link, path, length));
        }
        self.queued.len() == MANY
    }

    /// Sends all of them. `dropped` is told of each that the network did not take.
    pub(super) fn send(&mut self, wire: &Wire, mut dropped: impl FnMut(LinkId)) {
        let count = self.queued.len();
        let mut waiting: [(Path, &[u8]); MANY] = [(Path::NOWHERE, &[]); MANY];
        for ((datagram, place), (_, path, length)) in
            waiting.iter_mut().zip(self.places.iter()).zip(&self.queued)
        {
            *datagram = (*path, place.get(..*length).unwrap_or_default());
        }
        let mut sent = 0;
        while let Some(left @ [_, ..]) = waiting.get(sent..count) {
            match wire.send_many(left) {
                Ok(taken) => sent += taken.max(1),
                // The network takes no more just now, so of the rest none.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Whatever the network says of that address, the checks will find out.
                Err(_) => {
                    self.queued.get(sent).into_iter().for_each(|(link, ..)| dropped(*link));
                    sent += 1;
                }
            }
        }
        self.queued.drain(..).skip(sent).for_each(|(link, ..)| dropped(link));
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, UdpSocket};
    use std::time::Duration;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Someone who receives, and the way there.
    fn listener(wire: &Wire) -> (UdpSocket, Path) {
        let socket = UdpSocket::bind((HERE, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let path = wire.path_to(socket.local_addr().unwrap()).unwrap();
        (socket, path)
    }

    fn queue(batch: &mut Batch, link: u64, path: Path, bytes: &[u8]) -> bool {
        batch.place().unwrap()[..bytes.len()].copy_from_slice(bytes);
        batch.queue(LinkId(link), path, bytes.len())
    }

    fn received(socket: &UdpSocket) -> Vec<u8> {
        let mut room = [0; 100];
        let length = socket.recv(&mut room).unwrap();
        room[..length].to_vec()
    }

    #[test]
    fn all_that_is_gathered_leaves_in_its_order_and_then_there_is_room_again() {
        let wire = Wire::bind(&[HERE], None, false, &mut None).unwrap();
        let ((one, to_one), (other, to_other)) = (listener(&wire), listener(&wire));
        let mut batch = Batch::new();
        for round in 0..3_u8 {
            for number in 0..MANY as u8 {
                let path = if number % 2 == 0 { to_one } else { to_other };
                // Each of another length.
                let full = queue(&mut batch, 1, path, &vec![round; 1 + usize::from(number)]);
                assert_eq!(full, usize::from(number) == MANY - 1);
            }
            assert!(batch.place().is_none());
            batch.send(&wire, |link| panic!("{link} is dropped"));
            for number in 0..MANY {
                let socket = if number % 2 == 0 { &one } else { &other };
                assert_eq!(received(socket), vec![round; 1 + number]);
            }
        }
    }

    #[test]
    fn one_that_can_not_be_sent_is_told_and_those_after_it_are_sent() {
        let wire = Wire::bind(&[HERE], None, false, &mut None).unwrap();
        let (one, to_one) = listener(&wire);
        let mut batch = Batch::new();
        // Nobody can be at port 0; and what names an address of ours goes out alone.
        let named = Path { local: Some(HERE), ..to_one };
        for (link, path) in [(1, to_one), (2, Path::NOWHERE), (3, Path::NOWHERE), (4, named), (5, to_one)] {
            queue(&mut batch, link, path, &[link as u8; 20]);
        }
        let mut dropped = Vec::new();
        batch.send(&wire, |LinkId(link)| dropped.push(link));
        assert_eq!(dropped, [2, 3]);
        for link in [1, 4, 5] {
            assert_eq!(received(&one), [link; 20]);
        }
    }
}
