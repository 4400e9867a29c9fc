//! Two ends of ours that call each other, each with a port that the test drives.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use confocal_transport::{
    Incoming, LinkId, NtpTime, OfferedSession, OpenSession, OutgoingAudio, PacketPort, PeerSession,
    PictureLine, SendError, Session, SessionEvent, ShardId, StreamKind, Transport, TransportConfig, UdpPort,
    WebRtcTransport,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

/// How long anything may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long is waited for a packet before something else is done.
const LOOK: Duration = Duration::from_millis(1);

const ONLY: ShardId = ShardId(0);

/// Whose lines both ends use: those of an offer that a browser made.
const LINES: &str = include_str!("../fixtures/js-sdk-chromium/voice-0-invite-offer.sdp");

/// Someone between the ends: the inner one sends to a port of theirs.
pub(crate) trait Between {
    /// Says where the outer end is; the port to tell the inner one instead.
    fn leads_to(&self, outer_end: SocketAddr) -> u16;
}

/// A packet as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
}

/// A packet of pictures as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) line: PictureLine,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
}

/// What else was told, as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    KeyFrameWanted(PictureLine),
    Estimate(u64),
    Clock(StreamKind, u32, NtpTime),
}

/// One end.
pub(crate) struct End {
    pub(crate) port: UdpPort,
    pub(crate) link: LinkId,
    pub(crate) received: Vec<Received>,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) told: Vec<Told>,
    /// Nothing is kept of packets, they are counted.
    only_counted: bool,
    pub(crate) counted: u64,
    events: UnboundedReceiver<SessionEvent>,
    close: Option<oneshot::Sender<()>>,
    address: SocketAddr,
    _transport: WebRtcTransport,
}

/// Both.
pub(crate) struct Pair {
    pub(crate) one: End,
    pub(crate) other: End,
}

impl Pair {
    /// Two ends with voice alone.
    pub(crate) async fn connected(
        change: impl Fn(&mut TransportConfig),
        middle: Option<&dyn Between>,
    ) -> Self {
        Self::with_lines(LINES, change, middle).await
    }

    /// Two ends, with the lines of an offer, whose connection is up; with a `middle`, all that passes between them passes it, and the first one is behind it.
    pub(crate) async fn with_lines(
        lines: &str,
        change: impl Fn(&mut TransportConfig),
        middle: Option<&dyn Between>,
    ) -> Self {
        let start = || {
            let mut config = TransportConfig {
                listen: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
                allow_private: true,
                ..TransportConfig::default()
            };
            config.timeouts.keepalive = Duration::from_millis(200);
            change(&mut config);
            let (transport, mut ports) = WebRtcTransport::start(config, NonZeroUsize::MIN).unwrap();
            (transport, ports.remove(0))
        };
        let (one, one_port) = start();
        let (other, other_port) = start();
        let known = one.open(ONLY, lines, None).await.unwrap();
        let OfferedSession { session, link, offer } = one.offer(ONLY, &known.answer.memo).await.unwrap();
        known.session.close().await;
        let mut offer = offer.sdp;
        let one_address = candidate(&offer);
        if middle.is_some() {
            offer = offer
                .lines()
                .filter(|line| !line.starts_with("a=candidate"))
                .fold(String::new(), |sdp, line| sdp + line + "\r\n");
        }
        let OpenSession { session: other_session, link: other_link, answer } =
            other.open(ONLY, &offer, None).await.unwrap();
        let mut answer = answer.sdp;
        let other_address = candidate(&answer);
        if let Some(middle) = middle {
            let to = middle.leads_to(other_address);
            answer =
                answer.replace(&format!(" {} typ host", other_address.port()), &format!(" {to} typ host"));
        }
        let mut session = session;
        session.accept(&answer).await.unwrap();
        let mut one = End::new(one, one_port, session, link, one_address);
        let mut other = End::new(other, other_port, other_session, other_link, other_address);
        let mut up = [false; 2];
        until("the connection is up", &mut one, &mut other, |one, other| {
            for (up, end) in up.iter_mut().zip([one, other]) {
                *up |= end.events.try_recv().is_ok_and(|event| event == SessionEvent::Up);
            }
            up == [true; 2]
        });
        // What is said of the connection is there before the word that it is up.
        look(&mut one, &mut other);
        Self { one, other }
    }
}

impl End {
    fn new(
        transport: WebRtcTransport,
        port: UdpPort,
        mut session: PeerSession,
        link: LinkId,
        address: SocketAddr,
    ) -> Self {
        let (sender, events) = unbounded_channel();
        let (close, mut closed) = oneshot::channel();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    event = session.next_event() => match event {
                        Some(event) => {
                            let _ = sender.send(event);
                        }
                        None => return,
                    },
                    _ = &mut closed => return session.close().await,
                }
            }
        });
        Self {
            port,
            link,
            received: Vec::new(),
            pictures: Vec::new(),
            told: Vec::new(),
            only_counted: false,
            counted: 0,
            events,
            close: Some(close),
            address,
            _transport: transport,
        }
    }

    /// Where its port is.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn close(&mut self) {
        drop(self.close.take());
    }

    /// Keeps nothing of what comes from now on.
    pub(crate) fn only_count(&mut self) {
        self.received = Vec::new();
        self.only_counted = true;
    }

    fn look(&mut self) {
        self.port.wait(Some(Instant::now() + LOOK));
        self.take();
    }

    /// Takes what there is.
    pub(crate) fn take(&mut self) {
        let Self { port, received, pictures, told, only_counted, counted, .. } = self;
        port.receive(|_, incoming| {
            *counted += u64::from(matches!(incoming, Incoming::Sound(_) | Incoming::Picture(..)));
            if *only_counted {
                return;
            }
            match incoming {
                Incoming::Sound(packet) => received.push(Received {
                    sequence: packet.sequence,
                    timestamp: packet.timestamp,
                    marker: packet.marker,
                    payload: packet.payload.to_vec(),
                }),
                Incoming::Picture(line, packet) => pictures.push(Picture {
                    line,
                    sequence: packet.sequence,
                    timestamp: packet.timestamp,
                    marker: packet.marker,
                    payload: packet.payload.to_vec(),
                }),
                Incoming::KeyFrameWanted(line) => told.push(Told::KeyFrameWanted(line)),
                Incoming::Estimate { bits } => told.push(Told::Estimate(bits)),
                Incoming::SenderClock { of, timestamp, ntp } => told.push(Told::Clock(of, timestamp, ntp)),
            }
        });
    }
}

/// The payload of a packet of a test: no two are alike.
pub(crate) fn payload(number: u32) -> Vec<u8> {
    let mut payload = vec![0x78; 40 + number as usize % 60];
    payload[1..5].copy_from_slice(&number.to_be_bytes());
    payload
}

/// Sends the packet of that number.
pub(crate) fn say(end: &mut End, number: u32) {
    try_to_say(end, number).unwrap();
}

pub(crate) fn try_to_say(end: &mut End, number: u32) -> Result<(), SendError> {
    let payload = payload(number);
    let packet = OutgoingAudio { payload: &payload, timestamp: number * 960, marker: number == 0 };
    end.port.send(end.link, packet)
}

/// Lets both ends receive what has come.
pub(crate) fn look(one: &mut End, other: &mut End) {
    one.look();
    other.look();
}

/// Both send so many packets, and receive what comes.
pub(crate) fn exchange(one: &mut End, other: &mut End, packets: u32) {
    for number in 0..packets {
        say(one, number);
        say(other, number);
        look(one, other);
    }
    // What is on its way comes soon.
    for _ in 0..20 {
        look(one, other);
    }
}

/// Drives both ends until the condition holds.
pub(crate) fn until(
    what: &str,
    one: &mut End,
    other: &mut End,
    mut condition: impl FnMut(&mut End, &mut End) -> bool,
) {
    let deadline = Instant::now() + PATIENCE;
    while !condition(one, other) {
        assert!(
            Instant::now() < deadline,
            "in vain: {what}; {:?} {:?}",
            one.port.stats(one.link),
            other.port.stats(other.link)
        );
        look(one, other);
    }
}

/// The address in a description's first candidate.
fn candidate(sdp: &str) -> SocketAddr {
    let line = sdp.lines().find(|line| line.starts_with("a=candidate:")).unwrap();
    let mut words = line.split(' ').skip(4);
    let (address, port) = (words.next().unwrap(), words.next().unwrap());
    SocketAddr::new(address.parse().unwrap(), port.parse().unwrap())
}
