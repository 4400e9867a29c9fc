//! The description that the WebRTC stack is given in place of a caller's, offer or answer: one audio line with Opus, always
//! `sendrecv`.
//!
//! Hold is kept from the stack on purpose: an `inactive` offer makes it forget that it ever sent, and stop its receiver. Whether
//! media flows is decided by whoever mixes. SSRCs are kept from it too: the one stream of the one line is found by arriving, also
//! after a client changed its SSRC.

use std::fmt::Write as _;

use super::offer::{AUDIO_LEVEL_URI, Offer};

/// The `a=mid` by which the stack knows the audio line, whatever the caller calls it.
const MID: &str = "0";

/// What Opus is spoken like: forward error correction is understood (RFC 7587 section 6.1).
pub(crate) const OPUS_PARAMETERS: &str = "minptime=10;useinbandfec=1";

/// The payload type by which the stack knows Opus, whatever the caller codes sound by: the stack sees none of it.
pub(crate) const STACK_OPUS: u8 = 111;

/// Writes the offer for the stack. `version` counts the offers of a session.
pub(crate) fn reduced(offer: &Offer, version: u64) -> String {
    write(offer, version, if offer.dtls_client { "active" } else { "actpass" })
}

/// Writes an answer for the stack.
pub(crate) fn reduced_answer(answer: &Offer, version: u64) -> String {
    // RFC 8842 section 5.3: an answer decides, so what does not say `active` is taken for `passive`.
    write(answer, version, if answer.dtls_client { "active" } else { "passive" })
}

fn write(offer: &Offer, version: u64, setup: &str) -> String {
    let opus = STACK_OPUS;
    let mut sdp = String::with_capacity(768);
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing into a String can't fail.
        let _ = sdp.write_fmt(text);
        sdp.push_str("\r\n");
    };
    line(format_args!("v=0"));
    line(format_args!("o=- 1 {version} IN IP4 127.0.0.1"));
    line(format_args!("s=-"));
    line(format_args!("t=0 0"));
    line(format_args!("a=group:BUNDLE {MID}"));
    if offer.ice_lite {
        line(format_args!("a=ice-lite"));
    }
    line(format_args!("m=audio 9 UDP/TLS/RTP/SAVPF {opus}"));
    line(format_args!("c=IN IP4 0.0.0.0"));
    line(format_args!("a=ice-ufrag:{}", offer.ice.ufrag));
    line(format_args!("a=ice-pwd:{}", offer.ice.pwd));
    line(format_args!("a=ice-options:trickle"));
    line(format_args!("a=fingerprint:{}", offer.fingerprint));
    line(format_args!("a=setup:{setup}"));
    line(format_args!("a=mid:{MID}"));
    if let Some(id) = offer.shape.level_extension {
        line(format_args!("a=extmap:{id} {AUDIO_LEVEL_URI}"));
    }
    line(format_args!("a=sendrecv"));
    line(format_args!("a=msid:caller voice"));
    line(format_args!("a=rtcp-mux"));
    line(format_args!("a=rtpmap:{opus} opus/48000/2"));
    line(format_args!("a=fmtp:{opus} {OPUS_PARAMETERS}"));
    sdp
}
