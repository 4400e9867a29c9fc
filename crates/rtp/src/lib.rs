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
//!
//! ```
//! use confocal_rtp::srtp::{DtlsRole, KeyingMaterial, Profile, Receiver, Sender};
//! use confocal_rtp::{AudioLevel, Extension, Kind, RtpHeader, RtpView, kind};
//!
//! let exported = [7; 56]; // what DTLS exported to both sides
//! let keys = |role| KeyingMaterial::from_exported(Profile::AeadAes128Gcm, &exported).map(|keys| keys.split(role));
//! let (_, outbound) = keys(DtlsRole::Client)?;
//! let (inbound, _) = keys(DtlsRole::Server)?;
//! let (mut sender, mut receiver) = (Sender::new(&outbound), Receiver::new(&inbound));
//!
//! let header = RtpHeader { marker: true, payload_type: 111, sequence: 1, timestamp: 960, ssrc: 0xCAFE };
//! let level = AudioLevel { voice: true, minus_dbov: 30 };
//! let mut datagram = [0; 1500];
//! let extensions = [Extension { id: 1, data: &[level.byte()] }];
//! let len = sender.protect_rtp_from(&header, &extensions, b"sound", &mut datagram)?;
//!
//! assert_eq!(kind(&datagram[..len]), Kind::Rtp);
//! let len = receiver.unprotect_rtp(&mut datagram[..len])?;
//! let packet = RtpView::parse(&datagram[..len])?;
//! assert_eq!((packet.header(), packet.payload()), (header, &b"sound"[..]));
//! assert_eq!(packet.extension(1).and_then(AudioLevel::read), Some(level));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub use demux::{Kind, claimed_ssrc, kind};
pub use extension::{AudioLevel, Extension, Extensions};
pub use missing::{Heard, Missing};
pub use ntp::{NtpTime, round_trip};
pub use reception::{Reception, Transmission};
pub use rtp::{RTP_HEADER_BYTES, RtpError, RtpHeader, RtpView, WriteRtpError};
pub use sent::{Sent, SentConfig};
pub use stun::{StunClass, StunView};
