//! The two packets with which a stream begins (RFC 7845 section 5).

/// What the first packet tells: how to play the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) channels: u8,
    /// Samples at 48 kHz to leave out at the beginning.
    pub(super) pre_skip: u16,
    /// In dB, 8 bits after the point.
    pub(super) gain: i16,
}

impl Head {
    /// The bytes of the packet, with mapping family 0: mono or stereo.
    pub(super) fn write(self) -> Vec<u8> {
        let mut packet = b"OpusHead\x01".to_vec();
        packet.push(self.channels);
        packet.extend(self.pre_skip.to_le_bytes());
        // The rate of what was encoded, for information.
        packet.extend(48_000_u32.to_le_bytes());
        packet.extend(self.gain.to_le_bytes());
        packet.push(0);
        packet
    }

    /// From the bytes of the packet; `None` if it is none, or of another mapping family or a major version that is not known.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let fields: &[u8; 11] = packet.strip_prefix(b"OpusHead")?.first_chunk()?;
        let [version, channels, skip_low, skip_high, _, _, _, _, gain_low, gain_high, family] = *fields;
        // Section 5.1: a version of less than 16 is compatible.
        (version < 16 && family == 0 && (1..=2).contains(&channels)).then_some(Self {
            channels,
            pre_skip: u16::from_le_bytes([skip_low, skip_high]),
            gain: i16::from_le_bytes([gain_low, gain_high]),
        })
    }
}

/// The comment packet: who made it, and no comments.
pub(super) fn tags() -> Vec<u8> {
    let vendor = b"confocal";
    let mut packet = b"OpusTags".to_vec();
    packet.extend((vendor.len() as u32).to_le_bytes());
    packet.extend(vendor);
    packet.extend(0_u32.to_le_bytes());
    packet
}
