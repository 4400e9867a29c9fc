//! The packet path between two ends of ours: real ICE, DTLS and SRTP over loopback, driven as a mixing thread drives it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod middle;
mod pair;
mod pictures;
mod tunnel;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv6Addr, TcpStream, UdpSocket};

use confocal_testing::counting::{self, Counting};
use confocal_transport::{OutgoingAudio, PacketPort, SendError, TransportConfig};

use middle::{Fate, Middle};
use pair::{End, Pair};
use tunnel::Tunnel;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Packets that are sent in a test, one a tick.
const PACKETS: u32 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn packets_pass_both_ways_with_all_that_is_told_of_them() {
    let Pair { mut one, mut other } = Pair::connected(|_| {}, None).await;
    pair::exchange(&mut one, &mut other, PACKETS);
    for end in [&mut one, &mut other] {
        assert_eq!(end.received.len() as u32, PACKETS);
        let first = &end.received[0];
        for (number, packet) in end.received.iter().enumerate() {
            assert_eq!(packet.payload, pair::payload(number as u32));
            assert_eq!(packet.sequence, first.sequence.wrapping_add(number as u16));
            assert_eq!(packet.timestamp, first.timestamp.wrapping_add(number as u32 * 960));
            assert_eq!(packet.marker, number == 0);
        }
        let stats = end.port.stats(end.link).unwrap();
        assert_eq!((stats.received, stats.sent), (u64::from(PACKETS), u64::from(PACKETS)));
        assert_eq!((stats.lost, stats.replayed, stats.unauthentic, stats.foreign), (0, 0, 0, 0));
    }
    // Reports follow within a few seconds, by themselves.
    pair::until("each has told what it misses", &mut one, &mut other, |one, other| {
        let told = |end: &End| end.port.stats(end.link).unwrap().missed;
        told(one) == Some(0) && told(other) == Some(0)
    });
    pair::until("the round trip is measured", &mut one, &mut other, |one, _| {
        one.port.stats(one.link).unwrap().round_trip.is_some()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_at_once_has_left_with_the_next_look_in_its_order() {
    let Pair { mut one, mut other } = Pair::connected(|_| {}, None).await;
    for number in 0..PACKETS {
        pair::say(&mut one, number);
    }
    pair::until("all has come", &mut one, &mut other, |_, other| other.received.len() as u32 == PACKETS);
    assert!(other.received.iter().zip(0..).all(|(packet, number)| packet.payload == pair::payload(number)));
    assert_eq!(one.port.stats(one.link).unwrap().sent, u64::from(PACKETS));
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_pass_over_ipv6() {
    if UdpSocket::bind("[::1]:0").is_err() {
        // There are machines without.
        return;
    }
    let only_v6 = |config: &mut TransportConfig| config.listen = vec![Ipv6Addr::LOCALHOST.into()];
    let Pair { mut one, mut other } = Pair::connected(only_v6, None).await;
    assert!(other.address().is_ipv6());
    pair::exchange(&mut one, &mut other, PACKETS);
    assert_eq!((one.received.len() as u32, other.received.len() as u32), (PACKETS, PACKETS));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_or_was_changed_on_its_way_is_never_heard() {
    let middle = Middle::start(|number| match number % 4 {
        0 => vec![Fate::Pass, Fate::Pass],
        1 => vec![Fate::Damage, Fate::Pass, Fate::Damage],
        2 => vec![Fate::Drop],
        _ => vec![Fate::Pass],
    });
    let Pair { mut one, mut other } = Pair::connected(|_| {}, Some(&middle)).await;
    pair::exchange(&mut one, &mut other, PACKETS);
    let quarter = u64::from(PACKETS / 4);
    pair::until("all that is to come has come", &mut one, &mut other, |_, other| {
        let stats = other.port.stats(other.link).unwrap();
        // What is damaged and comes after the real one has its number, which is looked at first.
        stats.replayed == 2 * quarter && stats.unauthentic == quarter && stats.received == 3 * quarter
    });
    let heard: Vec<Vec<u8>> = other.received.iter().map(|packet| packet.payload.clone()).collect();
    let expected: Vec<Vec<u8>> = (0..PACKETS).filter(|number| number % 4 != 2).map(pair::payload).collect();
    assert_eq!(heard, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_not_heard_and_do_not_disturb() {
    let Pair { mut one, mut other } = Pair::connected(|_| {}, None).await;
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = other.address();
    for number in 0..PACKETS {
        // All kinds, some with the head of a real one.
        for first in [0x00, 0x16, 0x80, 0x81, 0xFF] {
            let mut nonsense = vec![first; 100];
            nonsense[1] = number as u8;
            stranger.send_to(&nonsense, target).unwrap();
        }
        pair::say(&mut one, number);
        pair::look(&mut one, &mut other);
    }
    pair::until("all is heard", &mut one, &mut other, |_, other| other.received.len() as u32 == PACKETS);
    let stats = other.port.stats(other.link).unwrap();
    assert_eq!((stats.unauthentic, stats.lost), (0, 0), "nothing of it was even looked at: {stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_udp_is_reached_over_tcp() {
    let tunnel = Tunnel::new();
    let Pair { mut one, mut other } = Pair::connected(|_| {}, Some(&tunnel)).await;
    pair::exchange(&mut one, &mut other, PACKETS);
    pair::until("all has come", &mut one, &mut other, |one, other| {
        [one, other].iter().all(|end| end.received.len() as u32 == PACKETS)
    });
    for end in [&one, &other] {
        assert!(end.received.iter().zip(0..).all(|(packet, number)| packet.payload == pair::payload(number)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_on_tcp_are_shown_out_and_callers_need_none_of_it() {
    let Pair { mut one, mut other } = Pair::connected(|_| {}, None).await;
    let mut stranger = TcpStream::connect(other.address()).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    stranger.set_nonblocking(true).unwrap();
    pair::until("the stranger is shown out", &mut one, &mut other, |_, _| {
        matches!(stranger.read(&mut [0; 16]), Ok(0) | Err(_))
            && stranger.read(&mut [0; 16]).map_err(|error| error.kind()) != Err(ErrorKind::WouldBlock)
    });
    let Pair { one, .. } = Pair::connected(|config| config.tcp = false, None).await;
    assert!(TcpStream::connect(one.address()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn media_follows_a_caller_to_a_new_address() {
    let middle = Middle::start(|_| vec![Fate::Pass]);
    let Pair { mut one, mut other } = Pair::connected(|_| {}, Some(&middle)).await;
    pair::exchange(&mut one, &mut other, PACKETS);
    assert_eq!(one.received.len() as u32, PACKETS);
    // As when a NAT gives it another port: nothing comes from the old one any more.
    middle.move_away();
    let mut number = PACKETS;
    pair::until("both hear each other again", &mut one, &mut other, |one, other| {
        pair::say(one, number);
        pair::say(other, number);
        number += 1;
        let fresh = |end: &End| end.received.iter().any(|packet| packet.payload == pair::payload(number - 2));
        fresh(one) && fresh(other)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_leaves_nothing_behind() {
    let Pair { mut one, mut other } = Pair::connected(|_| {}, None).await;
    one.close();
    pair::until("its link is gone", &mut one, &mut other, |one, _| one.port.stats(one.link).is_none());
    let refused = pair::try_to_say(&mut one, 0);
    assert_eq!(refused, Err(SendError::Closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_pass_without_an_allocation() {
    let Pair { mut one, mut other } = Pair::connected(|_| {}, None).await;
    one.only_count();
    other.only_count();
    let payload = pair::payload(0);
    let mut number = 0;
    // Checks come in between, which are passed on to their session in memory of its own: so some stretch has to be without.
    pair::until("a hundred packets without an allocation", &mut one, &mut other, |one, other| {
        let (before, heard) = (counting::calls(), one.counted + other.counted);
        for _ in 0..PACKETS {
            let packet = OutgoingAudio { payload: &payload, timestamp: number * 960, marker: false };
            one.port.send(one.link, packet).unwrap();
            other.port.send(other.link, packet).unwrap();
            number += 1;
            one.take();
            other.take();
        }
        counting::calls() == before && one.counted + other.counted > heard + u64::from(PACKETS)
    });
}
