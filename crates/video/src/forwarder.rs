//! One stream for one receiver, made of the packets of whoever is shown. Who that is is decided elsewhere, and so is when a key frame
//! is asked for.

use core::time::Duration;

use crate::{ForwardedPacket, PictureCodec, PicturePacket, SourceKey};

/// The stream of one receiver. It begins, and passes from one source to another, only at the first packet of a key frame.
#[derive(Clone, Debug)]
pub struct Forwarder {
    codec: PictureCodec,
    wanted: Option<SourceKey>,
    shown: Option<SourceKey>,
}

impl Forwarder {
    /// Shows nobody.
    #[must_use]
    pub fn new(codec: PictureCodec) -> Self {
        Self { codec, wanted: None, shown: None }
    }

    /// Whom it is to show from their next key frame on; whoever is shown now goes on until then. `None` shows nobody, at once.
    pub fn wants(&mut self, source: Option<SourceKey>, now: Duration) {
        let _ = now;
        self.wanted = source;
        if source.is_none() {
            self.shown = None;
        }
    }

    /// The packet to send for one that came, if any.
    pub fn push<'a>(
        &'a mut self,
        source: SourceKey,
        packet: &PicturePacket<'a>,
    ) -> Option<ForwardedPacket<'a>> {
        let _ = (source, packet, self.codec);
        None
    }

    /// Whose key frame is waited for.
    #[must_use]
    pub fn key_frame_wanted(&self) -> Option<SourceKey> {
        self.wanted.filter(|wanted| self.shown != Some(*wanted))
    }

    /// Who is shown.
    #[must_use]
    pub fn shown(&self) -> Option<SourceKey> {
        self.shown
    }

    /// A timestamp of the shown source and the one that was sent in its place, for sender reports: both go on at the same rate. `None`
    /// while nobody is shown.
    #[must_use]
    pub fn clock(&self) -> Option<(u32, u32)> {
        None
    }
}
