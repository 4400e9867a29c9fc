//! SRTP and SRTCP (RFC 3711, RFC 7714) with the keys of DTLS (RFC 5764): packets protected and unprotected where they lie.
//!
//! [`KeyingMaterial`] is what DTLS exported; [`KeyingMaterial::split`] makes a [`MasterKey`] for each direction of it, and these
//! make a [`Sender`] and a [`Receiver`]. Each is for all streams of one peer and one direction. Neither allocates but when a stream
//! begins, and both stay useful whatever is put into them.
//!
//! Key agreement never lives here, nor encrypted header extensions (RFC 6904), a master key identifier (MKI), nor RTCP that is
//! authenticated only: WebRTC uses none of them (RFC 8827 section 6.5).

mod cipher;
mod counter_sha1;
mod derivation;
mod gcm;
mod key;
mod profile;
mod receiver;
mod replay;
mod sender;
#[cfg(test)]
mod vectors;

pub use key::{DtlsRole, KeyError, KeyingMaterial, MasterKey};
pub use profile::Profile;
pub use receiver::{Receiver, UnprotectError};
pub use sender::{ProtectError, Sender};

/// How many streams (SSRCs) a [`Sender`] or [`Receiver`] has room for.
pub const MAX_STREAMS: usize = 16;

/// 1024 packets behind the newest, as browsers have it: video comes fast, and late where it is asked for again.
const RTP_WINDOW_WORDS: usize = 17;

/// The bytes of RTCP that are never encrypted: head and sender's SSRC (RFC 3711 section 3.4).
const RTCP_CLEAR_BYTES: usize = 8;

/// The bit before an SRTCP index that says that the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;

/// One past the greatest SRTCP index: it has 31 bits.
const RTCP_INDEX_END: u32 = 1 << 31;
