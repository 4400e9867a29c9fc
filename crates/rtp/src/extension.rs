//! Header extensions of RTP (RFC 8285): reading both forms, writing the one-byte form. Which id means what is agreed on in SDP and
//! not known here; of the meanings only the audio level is told.

use crate::rtp::WriteRtpError;

const ONE_BYTE: u16 = 0xBEDE;
/// Whatever the low four bits ("appbits") are.
const TWO_BYTE: u16 = 0x1000;

/// One header extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its id as agreed on in SDP (`a=extmap`): 1 to 14, in the two-byte form to 255.
    pub id: u8,
    /// What it says: 1 to 16 bytes, in the two-byte form 0 to 255.
    pub data: &'a [u8],
}

/// The header extensions of a packet, in their order. What is cut off ends them.
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    OneByte,
    TwoByte,
}

impl<'a> Extensions<'a> {
    /// The extensions in a block that was marked by `profile` ("defined by profile", RFC 3550 section 5.3.1). None, if the mark is
    /// not one of RFC 8285.
    pub(crate) const fn of(profile: u16, block: &'a [u8]) -> Self {
        if profile == ONE_BYTE {
            Self { rest: block, form: Form::OneByte }
        } else if profile & 0xFFF0 == TWO_BYTE {
            Self { rest: block, form: Form::TwoByte }
        } else {
            Self::none()
        }
    }

    pub(crate) const fn none() -> Self {
        Self { rest: &[], form: Form::OneByte }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        loop {
            let (&first, after) = self.rest.split_first()?;
            if first == 0 {
                // A byte of padding, in both forms.
                self.rest = after;
                continue;
            }
            let (id, length, after) = match self.form {
                Form::OneByte => (first >> 4, usize::from(first & 0x0F) + 1, after),
                Form::TwoByte => {
                    let (&length, after) = after.split_first()?;
                    (first, usize::from(length), after)
                }
            };
            if matches!(self.form, Form::OneByte) && (id == 0 || id == 15) {
                // "If the ID value 15 is used, its length field should be ignored, processing of the entire extension should
                // terminate" (RFC 8285 section 4.2). An id of 0 with a length means nothing.
                self.rest = &[];
                return None;
            }
            let Some((data, after)) = after.split_at_checked(length) else {
                self.rest = &[];
                return None;
            };
            self.rest = after;
            return Some(Extension { id, data });
        }
    }
}

/// Writes the extension block of a header, its four bytes of head included, in the one-byte form; how long it is.
pub(crate) fn write(extensions: &[Extension<'_>], out: &mut [u8]) -> Result<usize, WriteRtpError> {
    let mut at = 4;
    for extension in extensions {
        if !(1..=14).contains(&extension.id) || !(1..=16).contains(&extension.data.len()) {
            return Err(WriteRtpError::Extension { id: extension.id });
        }
        let end = at + 1 + extension.data.len();
        let place = out.get_mut(at..end).ok_or(WriteRtpError::NoRoom)?;
        place[0] = extension.id << 4 | (extension.data.len() - 1) as u8;
        place[1..].copy_from_slice(extension.data);
        at = end;
    }
    let end = at.next_multiple_of(4);
    out.get_mut(at..end).ok_or(WriteRtpError::NoRoom)?.fill(0);
    // Many extensions are still few words: 14 ids have room for 60; doubled ids are the caller's matter, up to what fits.
    let words = u16::try_from(end / 4 - 1).map_err(|_| WriteRtpError::NoRoom)?;
    out[..2].copy_from_slice(&ONE_BYTE.to_be_bytes());
    out[2..4].copy_from_slice(&words.to_be_bytes());
    Ok(end)
}

/// How loud the sender says that its packet is (RFC 6464).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel {
    /// Whether the sender takes it for voice. Some always say so.
    pub voice: bool,
    /// In −dBov: 0 is the loudest there can be, 127 is silence.
    pub minus_dbov: u8,
}

impl AudioLevel {
    /// Reads the extension's data; `None` if there is none.
    #[must_use]
    pub const fn read(data: &[u8]) -> Option<Self> {
        match data {
            [byte, ..] => Some(Self { voice: *byte & 0x80 != 0, minus_dbov: *byte & 0x7F }),
            [] => None,
        }
    }

    /// The extension's data. A level over 127 is written as 127.
    #[must_use]
    pub const fn byte(self) -> u8 {
        let level = if self.minus_dbov > 127 { 127 } else { self.minus_dbov };
        if self.voice { 0x80 | level } else { level }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(profile: u16, block: &[u8]) -> Vec<(u8, Vec<u8>)> {
        Extensions::of(profile, block).map(|e| (e.id, e.data.to_vec())).collect()
    }

    #[test]
    fn one_byte_form() {
        let block = [0x10, 0xAA, 0x00, 0x00, 0x32, 1, 2, 3];
        assert_eq!(all(ONE_BYTE, &block), [(1, vec![0xAA]), (3, vec![1, 2, 3])]);
    }

    #[test]
    fn an_id_of_15_ends_the_one_byte_form() {
        assert_eq!(all(ONE_BYTE, &[0x10, 0xAA, 0xF0, 1, 0x20, 2]), [(1, vec![0xAA])]);
    }

    #[test]
    fn two_byte_form_with_any_appbits() {
        let block = [1, 0, 200, 2, 7, 8, 0, 0];
        for appbits in [0, 0xF] {
            assert_eq!(all(TWO_BYTE | appbits, &block), [(1, vec![]), (200, vec![7, 8])]);
        }
    }

    #[test]
    fn another_mark_says_nothing() {
        assert_eq!(all(0xABCD, &[0x10, 0xAA]), []);
    }

    #[test]
    fn what_is_cut_off_is_left_out() {
        assert_eq!(all(ONE_BYTE, &[0x10, 0xAA, 0x2F, 1]), [(1, vec![0xAA])]);
        assert_eq!(all(TWO_BYTE, &[1, 1, 9, 2]), [(1, vec![9])]);
        assert_eq!(all(TWO_BYTE, &[1, 1, 9, 2, 3, 1]), [(1, vec![9])]);
    }

    #[test]
    fn what_the_one_byte_form_can_not_say_is_refused() {
        let mut out = [0; 64];
        for (id, data) in [(0, &[1][..]), (15, &[1]), (1, &[]), (1, &[0; 17])] {
            let refused = write(&[Extension { id, data }], &mut out);
            assert_eq!(refused, Err(WriteRtpError::Extension { id }));
        }
    }

    #[test]
    fn levels_keep_voice_and_loudness() {
        for byte in 0..=255 {
            assert_eq!(AudioLevel::read(&[byte]).unwrap().byte(), byte);
        }
        assert_eq!(AudioLevel { voice: false, minus_dbov: 200 }.byte(), 127);
        assert_eq!(AudioLevel::read(&[]), None);
    }
}
