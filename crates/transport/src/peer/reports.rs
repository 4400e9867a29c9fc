//! Counting the caller's reports (RTCP), which the stack keeps to itself: they are the only packets of a caller that sends
//! no sound.
//!
//! What is in a report never matters here, nor is any packet changed.

use std::collections::VecDeque;
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use webrtc::peer_connection::{Registry, configure_rtcp_reports};

use super::link::ReportCounter;

/// Behind the interceptors that make reports, and before the end of the chain.
const LAST: usize = 14_000;

/// Sends sender and receiver reports, and counts those that come.
pub(super) fn interceptors(counter: ReportCounter) -> Registry {
    let count = Count { counter, inward: VecDeque::new(), outward: VecDeque::new() };
    configure_rtcp_reports(Registry::new()).with(Slot::from(LAST), count)
}

/// Passes everything on and counts reports on their way in.
struct Count {
    counter: ReportCounter,
    inward: VecDeque<TaggedPacket>,
    outward: VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Count {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        if matches!(packet.message.packet, Packet::Rtcp(_)) {
            self.counter.count();
        }
        self.inward.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inward.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.outward.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outward.pop_front()
    }
}

impl Interceptor for Count {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
