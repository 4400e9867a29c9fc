//! RTP, RTCP, SRTP and SRTCP as bytes, and which of them a datagram is that came in at a port which all share.
//!
//! - [`kind`] tells STUN, DTLS, RTP and RTCP apart (RFC 7983); [`StunView`] reads of STUN what says whose a datagram is.
//! - [`RtpView`] reads a packet where it lies, [`RtpHeader`] writes one into the caller's buffer.
//! - [`rtcp::RtcpPackets`] reads a compound packet of RTCP, [`rtcp::RtcpWriter`] writes one; [`Reception`] and [`Transmission`] keep
//!   the numbers for reports.
//! - What video needs: [`Missing`] knows which packets to ask for again, [`Sent`] keeps those that others may ask for, [`Arrivals`]
//!   tells the other side when its packets came.
//! - [`srtp::Sender`] and [`srtp::Receiver`] protect and unprotect packets in place, with the keys that DTLS agreed on
//!   ([`srtp::KeyingMaterial`]).
//!
//! Sockets, clocks, threads, chance and logging never live here. Time is passed in, as what has gone by since any fixed moment.
//! Nothing here allocates once its values are made, and no bytes make it panic.

mod arrivals;
mod demux;
mod extension;
mod missing;
mod ntp;
mod reception;
pub mod rtcp;
mod rtp;
mod sent;
pub mod srtp;
mod stun;

pub use arrivals::Arrivals;
pub use demux::{Kind, kind};
pub use extension::{AudioLevel, Extension, Extensions};
pub use missing::{Heard, Missing};
pub use ntp::{NtpTime, round_trip};
pub use reception::{Reception, Transmission};
pub use rtp::{RTP_HEADER_BYTES, RtpError, RtpHeader, RtpView, WriteRtpError};
pub use sent::{Sent, SentConfig};
pub use stun::{StunClass, StunView};
