//! Reports to the other side (RTCP, RFC 3550 section 6.4): what was sent, and how much of what it sends is lost.

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_EPOCH: i64 = 2_208_988_800;

/// What was received of one stream, as far as reports tell it (RFC 3550 appendix A.3).
#[derive(Clone, Copy, Debug, Default)]
pub struct Reception {
    stream: Option<Stream>,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    first: u32,
    highest: u32,
    received: u32,
    /// At the last report.
    expected_before: u32,
    received_before: u32,
}

impl Reception {
    /// A packet came. A stream of another number begins anew.
    pub fn packet(&mut self, ssrc: u32, sequence: u16) {
        let stream = self.stream.get_or_insert_with(|| Stream::new(ssrc, sequence));
        if stream.ssrc != ssrc {
            *stream = Stream::new(ssrc, sequence);
        }
        stream.received = stream.received.wrapping_add(1);
        let ahead = sequence.wrapping_sub(stream.highest as u16).cast_signed();
        if ahead > 0 {
            stream.highest = stream.highest.wrapping_add(ahead.cast_unsigned().into());
        }
    }

    /// Writes a sender's report, or a receiver's if nothing was sent, and a name (SDES CNAME), which each compound packet must have;
    /// tells how long it is. `at` in µs since 1970; `sent` is the media clock at that time, packets and octets sent so far.
    pub fn report(&mut self, ssrc: u32, at: i64, sent: (u32, u32, u32), out: &mut [u8]) -> usize {
        let mut words = Vec::with_capacity(16);
        let (timestamp, packets, octets) = sent;
        let block = self.stream.as_mut().map(Stream::block);
        let count = u32::from(block.is_some());
        let kind = if packets > 0 { 200 } else { 201 };
        let length = if packets > 0 { 6 } else { 1 } + 6 * count;
        words.extend([0x8000_0000 | count << 24 | kind << 16 | length, ssrc]);
        if packets > 0 {
            let seconds = at.div_euclid(1_000_000) + NTP_EPOCH;
            let fraction = (at.rem_euclid(1_000_000) << 32) / 1_000_000;
            words.extend([seconds as u32, fraction as u32, timestamp, packets, octets]);
        }
        words.extend(block.iter().flatten());
        // SDES with the CNAME "caller": head, SSRC, item, end, filled up to a whole word.
        words.extend([0x81ca_0004, ssrc, 0x0106_6361, 0x6c6c_6572, 0]);
        let mut length = 0;
        for (word, room) in words.iter().zip(out.chunks_exact_mut(4)) {
            room.copy_from_slice(&word.to_be_bytes());
            length += 4;
        }
        length
    }
}

impl Stream {
    fn new(ssrc: u32, sequence: u16) -> Self {
        let first = u32::from(sequence);
        Self { ssrc, first, highest: first, received: 0, expected_before: 0, received_before: 0 }
    }

    /// A report block (RFC 3550 section 6.4.1); jitter and the times of the last sender's report are not told (0).
    fn block(&mut self) -> [u32; 6] {
        let expected = self.highest.wrapping_sub(self.first).wrapping_add(1);
        let lost = i64::from(expected) - i64::from(self.received);
        let new = expected.wrapping_sub(self.expected_before);
        let came = self.received.wrapping_sub(self.received_before);
        let fraction = if came >= new || new == 0 { 0 } else { (new - came) * 256 / new };
        (self.expected_before, self.received_before) = (expected, self.received);
        let lost = lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        [self.ssrc, fraction.min(255) << 24 | lost, self.highest, 0, 0, 0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(bytes: &[u8], index: usize) -> u32 {
        u32::from_be_bytes(bytes[index * 4..][..4].try_into().expect("four bytes"))
    }

    #[test]
    fn losses_are_told_by_part_and_sum() {
        let mut reception = Reception::default();
        for sequence in (65_530..=65_535).chain(2..6) {
            reception.packet(9, sequence);
        }
        let mut out = [0; 100];
        let length = reception.report(7, 0, (0, 0, 0), &mut out);
        assert_eq!(word(&out, 0), 0x81c9_0007, "a receiver's report of eight words with a block");
        assert_eq!((word(&out, 2), word(&out, 4)), (9, 65_541));
        // Two of twelve.
        assert_eq!(word(&out, 3), (2 * 256 / 12) << 24 | 2);
        assert_eq!(word(&out, 8) >> 16, 0x81ca);
        assert_eq!(length, 4 * (8 + 1 + (word(&out, 8) & 0xffff) as usize));
        reception.report(7, 0, (0, 0, 0), &mut out);
        assert_eq!(word(&out, 3), 2, "none since");
    }

    #[test]
    fn a_sender_tells_its_clock() {
        let mut out = [0; 100];
        Reception::default().report(7, 1_500_000, (960, 2, 300), &mut out);
        assert_eq!(word(&out, 0), 0x80c8_0006);
        assert_eq!(word(&out, 2) - NTP_EPOCH as u32, 1);
        assert_eq!([word(&out, 3), word(&out, 4), word(&out, 5), word(&out, 6)], [1 << 31, 960, 2, 300]);
    }
}
