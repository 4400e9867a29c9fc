//! An Ogg Opus file on its way out. Where its packets come from, and how often it is synced to a disk, is decided elsewhere.

use std::io::{self, Write};

use ogg::writing::{PacketWriteEndInfo, PacketWriter};

use super::head::{Head, tags};

/// Samples of a tick at 48 kHz, 20 ms.
const TICK: u64 = 960;

/// Packets in a page: 1 s, as section 3 of RFC 7845 recommends at most.
const PAGE_PACKETS: u32 = 50;

/// Samples that players leave out: a stream that is cut out of another needs 80 ms until its decoder agrees (section 4.2).
const PRE_SKIP: u16 = 3840;

/// 20 ms of silence: CELT, full band, mono (RFC 6716 section 3.1), with the silence flag set (section 4.3, table 56). An empty
/// packet would have the decoder make up noise for what it takes to be lost.
const SILENCE: [u8; 3] = [31 << 3, 0xff, 0xfe];

/// Writes one mono stream, a second a page.
///
/// Whatever was written in whole pages can be played, should the rest never come.
pub struct OggOpusWriter<W: Write> {
    pages: PacketWriter<'static, W>,
    serial: u32,
    /// The last packet, held back as the end of the stream is a mark on it.
    last: Option<Vec<u8>>,
    /// Samples in all packets before that.
    position: u64,
    in_page: u32,
}

impl<W: Write> core::fmt::Debug for OggOpusWriter<W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OggOpusWriter")
            .field("serial", &self.serial)
            .field("position", &self.position)
            .finish()
    }
}

impl<W: Write> OggOpusWriter<W> {
    /// Writes the beginning of a file. `serial` should be a random number (RFC 3533 section 4, field 5).
    ///
    /// # Errors
    ///
    /// Those of `file`, here and below.
    pub fn new(file: W, serial: u32) -> io::Result<Self> {
        let mut pages = PacketWriter::new(file);
        let head = Head { channels: 1, pre_skip: PRE_SKIP, gain: 0 };
        pages.write_packet(head.write(), serial, PacketWriteEndInfo::EndPage, 0)?;
        pages.write_packet(tags(), serial, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self { pages, serial, last: None, position: 0, in_page: 0 })
    }

    /// Writes 20 ms: an Opus packet of that length, or `None` for silence. Silence is written too (RFC 7845 section 4.1): the time
    /// of a file has no holes.
    ///
    /// # Errors
    ///
    /// As above; the file should then be given up.
    pub fn write(&mut self, packet: Option<&[u8]>) -> io::Result<()> {
        let packet = packet.filter(|packet| !packet.is_empty()).unwrap_or(&SILENCE).to_vec();
        if let Some(last) = self.last.replace(packet) {
            self.in_page += 1;
            let end = if self.in_page >= PAGE_PACKETS {
                self.in_page = 0;
                PacketWriteEndInfo::EndPage
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            self.put(last, end)?;
        }
        Ok(())
    }

    /// The sound written so far, in samples at 48 kHz.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.position + if self.last.is_some() { TICK } else { 0 }
    }

    /// Writes the end and gives the file back, not flushed.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn finish(mut self) -> io::Result<W> {
        let last = self.last.take().unwrap_or_else(|| SILENCE.to_vec());
        self.put(last, PacketWriteEndInfo::EndStream)?;
        Ok(self.pages.into_inner())
    }

    fn put(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo) -> io::Result<()> {
        self.position += TICK;
        self.pages.write_packet(packet, self.serial, end, self.position)
    }
}
