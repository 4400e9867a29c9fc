//! The packets of one call, between the tasks of its `webrtc` connection and the thread that mixes.
//!
//! Two bounded queues. Payloads pass as reference-counted [`Bytes`], so that none is copied here; the stack itself still allocates
//! for every packet, which ends when packets have a path of their own. Jitter is not this module's to repair.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Instant;

use bytes::Bytes;
use rtc::rtp;
use tokio::sync::mpsc;
use tracing::debug;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use crate::session::{AudioLink, AudioPacket, LinkStats, SendError};

/// Packets that wait for the mixer: it comes every 20 ms, so this is a burst of more than half a second.
const INCOMING: usize = 32;

/// Packets that wait for the network: a connection that is this far behind (160 ms) had better lose some.
const OUTGOING: usize = 8;

/// The mixer's end of a call's packets.
#[derive(Debug)]
pub struct PeerLink {
    incoming: Receiver<AudioPacket>,
    outgoing: mpsc::Sender<Outgoing>,
    counters: Arc<Counters>,
}

/// The connection's ends.
pub(super) struct Ends {
    pub(super) incoming: Incoming,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
}

/// Where received packets go.
#[derive(Clone)]
pub(super) struct Incoming {
    queue: SyncSender<AudioPacket>,
    counters: Arc<Counters>,
}

impl Incoming {
    /// Where received reports are counted.
    pub(super) fn reports(&self) -> ReportCounter {
        ReportCounter(Arc::clone(&self.counters))
    }
}

/// Counts received reports (RTCP), of which nothing but that they came is of use here.
pub(super) struct ReportCounter(Arc<Counters>);

impl ReportCounter {
    pub(super) fn count(&self) {
        self.0.reports.fetch_add(1, Ordering::Relaxed);
    }
}

/// A packet on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    payload: Bytes,
    timestamp: u32,
    marker: bool,
}

#[derive(Debug, Default)]
struct Counters {
    received: AtomicU64,
    overrun: AtomicU64,
    foreign: AtomicU64,
    reports: AtomicU64,
    sent: AtomicU64,
    unsent: AtomicU64,
}

/// Where a stream starts, and what it is numbered by.
pub(super) struct First {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) payload_type: u8,
}

/// A call's two queues.
pub(super) fn link() -> (PeerLink, Ends) {
    let counters = Arc::new(Counters::default());
    let (incoming_sender, incoming) = sync_channel(INCOMING);
    let (outgoing, outgoing_receiver) = mpsc::channel(OUTGOING);
    let ends = Ends {
        incoming: Incoming { queue: incoming_sender, counters: Arc::clone(&counters) },
        outgoing: outgoing_receiver,
    };
    (PeerLink { incoming, outgoing, counters }, ends)
}

impl AudioLink for PeerLink {
    fn receive(&mut self) -> Option<AudioPacket> {
        self.incoming.try_recv().ok()
    }

    fn send(&mut self, payload: &Bytes, timestamp: u32, marker: bool) -> Result<(), SendError> {
        let packet = Outgoing { payload: payload.clone(), timestamp, marker };
        match self.outgoing.try_send(packet) {
            Ok(()) => {
                self.counters.sent.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.counters.unsent.fetch_add(1, Ordering::Relaxed);
                Err(SendError::Full)
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(SendError::Closed),
        }
    }

    fn stats(&self) -> LinkStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LinkStats {
            received: read(&self.counters.received),
            overrun: read(&self.counters.overrun),
            foreign: read(&self.counters.foreign),
            reports: read(&self.counters.reports),
            sent: read(&self.counters.sent),
            unsent: read(&self.counters.unsent),
        }
    }
}

/// Takes packets from the caller's track until it ends, or until the mixer's end is gone.
pub(super) async fn receive(track: Arc<dyn TrackRemote>, incoming: Incoming, opus: u8, level: Option<u8>) {
    while let Some(event) = track.poll().await {
        // Whatever else a track tells (opened, muted, reports) is of no use here.
        let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
        let header = packet.header;
        if header.payload_type != opus {
            incoming.counters.foreign.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let claimed_level = level
            .and_then(|id| header.extensions.iter().find(|extension| extension.id == id))
            .and_then(|extension| extension.payload.first())
            // RFC 6464 section 3: the highest bit says whether it is voice.
            .map(|byte| byte & 0x7f);
        let packet = AudioPacket {
            payload_type: header.payload_type,
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            marker: header.marker,
            claimed_level,
            payload: packet.payload,
            arrival: Instant::now(),
        };
        match incoming.queue.try_send(packet) {
            Ok(()) => {
                incoming.counters.received.fetch_add(1, Ordering::Relaxed);
            }
            Err(TrySendError::Full(_)) => {
                incoming.counters.overrun.fetch_add(1, Ordering::Relaxed);
            }
            Err(TrySendError::Disconnected(_)) => break,
        }
    }
}

/// Sends what the mixer made until its end is gone, or the connection is.
pub(super) async fn send(
    track: Arc<TrackLocalStaticRTP>,
    mut outgoing: mpsc::Receiver<Outgoing>,
    first: First,
) {
    let mut sequence = first.sequence;
    while let Some(packet) = outgoing.recv().await {
        let header = rtp::Header {
            version: 2,
            marker: packet.marker,
            payload_type: first.payload_type,
            sequence_number: sequence,
            timestamp: first.timestamp.wrapping_add(packet.timestamp),
            ssrc: first.ssrc,
            ..rtp::Header::default()
        };
        sequence = sequence.wrapping_add(1);
        let packet = rtp::Packet { header, payload: packet.payload };
        if let Err(error) = track.write_rtp(packet).await {
            debug!(%error, "the connection takes no more packets");
            break;
        }
    }
}
