//! Who a stream is of, and that it ends (RFC 3550 sections 6.5 and 6.6). Of descriptions only the canonical name is read.

use super::{ssrcs, take_u32};

/// The item that is a canonical name.
pub(super) const CNAME: u8 = 1;

/// The names of streams.
#[derive(Clone, Copy, Debug)]
pub struct SourceDescription<'a> {
    chunks: &'a [u8],
    count: u8,
}

impl<'a> SourceDescription<'a> {
    pub(super) fn read(body: &'a [u8], count: u8) -> Option<Self> {
        let mut rest = body;
        for _ in 0..count {
            chunk(&mut rest)?;
        }
        Some(Self { chunks: body, count })
    }

    /// Each stream's SSRC with its canonical name, if that is told.
    pub fn cnames(&self) -> impl Iterator<Item = (u32, Option<&'a [u8]>)> + use<'a> {
        let mut rest = self.chunks;
        (0..self.count).map_while(move |_| chunk(&mut rest))
    }
}

/// Takes the next chunk: an SSRC and items until a zero, filled up with zeros to four bytes.
fn chunk<'a>(rest: &mut &'a [u8]) -> Option<(u32, Option<&'a [u8]>)> {
    let ssrc = take_u32(rest)?;
    let items = *rest;
    let mut cname = None;
    let mut at = 0;
    loop {
        let kind = *items.get(at)?;
        if kind == 0 {
            break;
        }
        let length = usize::from(*items.get(at + 1)?);
        let text = items.get(at + 2..at + 2 + length)?;
        if kind == CNAME {
            cname.get_or_insert(text);
        }
        at += 2 + length;
    }
    *rest = items.get((at + 1).next_multiple_of(4)..)?;
    Some((ssrc, cname))
}

/// The end of streams.
#[derive(Clone, Copy, Debug)]
pub struct Goodbye<'a> {
    ssrcs: &'a [u8],
    reason: Option<&'a [u8]>,
}

impl<'a> Goodbye<'a> {
    pub(super) fn read(body: &'a [u8], count: u8) -> Option<Self> {
        let (ssrcs, rest) = body.split_at_checked(4 * usize::from(count))?;
        let reason = match rest.split_first() {
            Some((&length, text)) => Some(text.get(..usize::from(length))?),
            None => None,
        };
        Some(Self { ssrcs, reason })
    }

    /// The streams that end, at most 31.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + use<'a> {
        ssrcs(self.ssrcs)
    }

    /// Why, in words; hardly anybody tells.
    #[must_use]
    pub const fn reason(&self) -> Option<&'a [u8]> {
        self.reason
    }
}
