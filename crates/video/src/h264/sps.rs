//! The size of pictures by their sequence parameter set (ITU-T H.264 section 7.3.2.1.1). Nothing else of it is read.

use crate::PayloadError;

/// The largest side that is taken for one.
const MAX_SIDE: u32 = 16_384;

/// Width and height in pixels, cropped as it says, by the bytes of a sequence parameter set after the first one.
pub(crate) fn size(set: &[u8]) -> Result<(u16, u16), PayloadError> {
    let (&[profile, _constraints, _level], rest) = set.split_first_chunk().ok_or(PayloadError::CutOff)?;
    let mut bits = Bits::new(rest);
    bits.number()?; // seq_parameter_set_id
    let mut chroma = 1;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma = bits.number()?;
        if chroma > 3 {
            return Err(PayloadError::Contradiction);
        }
        let separate_planes = chroma == 3 && bits.flag()?;
        bits.number()?; // bit_depth_luma_minus8
        bits.number()?; // bit_depth_chroma_minus8
        bits.flag()?; // qpprime_y_zero_transform_bypass_flag
        if bits.flag()? {
            skip_scaling(&mut bits, if chroma == 3 { 12 } else { 8 })?;
        }
        if separate_planes {
            chroma = 0;
        }
    }
    bits.number()?; // log2_max_frame_num_minus4
    match bits.number()? {
        0 => {
            bits.number()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.flag()?; // delta_pic_order_always_zero_flag
            bits.number()?; // offset_for_non_ref_pic
            bits.number()?; // offset_for_top_to_bottom_field
            let frames = bits.number()?;
            if frames > 255 {
                return Err(PayloadError::Contradiction);
            }
            for _ in 0..frames {
                bits.number()?; // offset_for_ref_frame
            }
        }
        2 => {}
        _ => return Err(PayloadError::Contradiction),
    }
    bits.number()?; // max_num_ref_frames
    bits.flag()?; // gaps_in_frame_num_value_allowed_flag
    let columns = bits.number()?;
    let rows = bits.number()?;
    let frames_only = bits.flag()?;
    if !frames_only {
        bits.flag()?; // mb_adaptive_frame_field_flag
    }
    bits.flag()?; // direct_8x8_inference_flag
    let fields = if frames_only { 1 } else { 2 };
    let (mut across, mut down) = ((0, 0), (0, 0));
    if bits.flag()? {
        across = (bits.number()?, bits.number()?);
        down = (bits.number()?, bits.number()?);
    }
    // Cropping is counted in samples of chroma (section 7.4.2.1.1, equations 7-19 to 7-22).
    let width = side(columns, 16, across, if matches!(chroma, 1 | 2) { 2 } else { 1 })?;
    let height = side(rows, 16 * fields, down, fields * if chroma == 1 { 2 } else { 1 })?;
    Ok((width, height))
}

/// A side of so many blocks, less what is cropped at both ends, in so many pixels each.
fn side(blocks: u32, block: u32, cropped: (u32, u32), unit: u32) -> Result<u16, PayloadError> {
    let whole = blocks.saturating_add(1).saturating_mul(block);
    let cropped = cropped.0.saturating_add(cropped.1).saturating_mul(unit);
    match whole.checked_sub(cropped) {
        Some(side @ 1..=MAX_SIDE) if whole <= MAX_SIDE => {
            u16::try_from(side).map_err(|_| PayloadError::Contradiction)
        }
        _ => Err(PayloadError::Contradiction),
    }
}

/// Passes over scaling lists (section 7.3.2.1.1.1).
fn skip_scaling(bits: &mut Bits<'_>, lists: u8) -> Result<(), PayloadError> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8_i32, 8_i32);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?) & 0xFF;
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Ok(())
}

/// Bits of a NAL unit, without the bytes that only keep start codes away (section 7.4.1.1).
struct Bits<'a> {
    rest: core::slice::Iter<'a, u8>,
    zeros: u8,
    byte: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes.iter(), zeros: 0, byte: 0, left: 0 }
    }

    fn flag(&mut self) -> Result<bool, PayloadError> {
        if self.left == 0 {
            let mut byte = *self.rest.next().ok_or(PayloadError::CutOff)?;
            if self.zeros == 2 && byte == 3 {
                self.zeros = 0;
                byte = *self.rest.next().ok_or(PayloadError::CutOff)?;
            }
            self.zeros = if byte == 0 { (self.zeros + 1).min(2) } else { 0 };
            self.byte = byte;
            self.left = 8;
        }
        self.left -= 1;
        Ok(self.byte >> self.left & 1 != 0)
    }

    /// ue(v) (section 9.1); of 32 bits at most, as all of them here are.
    fn number(&mut self) -> Result<u32, PayloadError> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return Err(PayloadError::Contradiction);
            }
        }
        let mut value = 1_u32;
        for _ in 0..zeros {
            value = value << 1 | u32::from(self.flag()?);
        }
        Ok(value - 1)
    }

    /// se(v) (section 9.1.1), of 16 bits at most.
    fn signed(&mut self) -> Result<i32, PayloadError> {
        let number = self.number()?;
        let half = i32::try_from(number.div_ceil(2)).map_err(|_| PayloadError::Contradiction)?;
        if half > 1 << 16 {
            return Err(PayloadError::Contradiction);
        }
        Ok(if number % 2 == 0 { -half } else { half })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Bits in their order, as a NAL unit has them.
    #[derive(Default)]
    pub(crate) struct Writer {
        bits: Vec<bool>,
    }

    impl Writer {
        pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
            self.bits.push(flag);
            self
        }

        pub(crate) fn number(&mut self, value: u32) -> &mut Self {
            let coded = u64::from(value) + 1;
            let len = 64 - coded.leading_zeros();
            for _ in 1..len {
                self.flag(false);
            }
            for at in (0..len).rev() {
                self.flag(coded >> at & 1 != 0);
            }
            self
        }

        pub(crate) fn unit(&self, head: [u8; 4]) -> Vec<u8> {
            let mut bits = self.bits.clone();
            bits.push(true);
            let raw = bits.chunks(8).map(|chunk| {
                chunk.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << (7 - at))
            });
            let mut out = head.to_vec();
            for byte in raw {
                if byte <= 3 && out.ends_with(&[0, 0]) {
                    out.push(3);
                }
                out.push(byte);
            }
            out
        }
    }

    /// Of baseline with these blocks and this cropping.
    fn baseline(columns: u32, rows: u32, frames_only: bool, crop: Option<[u32; 4]>) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(0).number(0).number(2).number(1).flag(false).number(columns - 1).number(rows - 1);
        writer.flag(frames_only);
        if !frames_only {
            writer.flag(false);
        }
        writer.flag(true).flag(crop.is_some());
        for side in crop.into_iter().flatten() {
            writer.number(side);
        }
        writer.flag(false).unit([0x67, 0x42, 0xE0, 0x1F])
    }

    /// 640x480, baseline.
    pub(crate) fn vga() -> Vec<u8> {
        baseline(40, 30, true, None)
    }

    #[test]
    fn sizes_are_read_with_their_cropping() {
        assert_eq!(size(&baseline(40, 30, true, None)[1..]), Ok((640, 480)));
        assert_eq!(size(&baseline(40, 23, true, Some([0, 0, 0, 4]))[1..]), Ok((640, 360)));
        assert_eq!(size(&baseline(80, 45, true, Some([1, 2, 3, 4]))[1..]), Ok((1274, 706)));
        // Fields: twice as high, cropped in fours.
        assert_eq!(size(&baseline(120, 34, false, Some([0, 0, 0, 2]))[1..]), Ok((1920, 1080)));
    }

    /// What encoders write, as it stands in streams.
    #[test]
    fn sets_of_real_encoders_are_read() {
        // x264, high profile, 1280x720, with timing and emulation prevention.
        let x264 = [
            0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
            0x00, 0x00, 0x03, 0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60,
        ];
        assert_eq!(size(&x264), Ok((1280, 720)));
    }

    #[test]
    fn bytes_that_keep_start_codes_away_are_no_part_of_it() {
        let mut writer = Writer::default();
        // Numbers whose bits are mostly zeros.
        writer.number(0).number(0).number(1).flag(false).number(0).number(0).number(200);
        for _ in 0..200 {
            writer.number(65_535);
        }
        writer.number(1).flag(false).number(19).number(10).flag(true).flag(true).flag(false).flag(false);
        let set = writer.unit([0x67, 0x42, 0xE0, 0x1F]);
        assert!(set.windows(3).any(|window| window == [0, 0, 3]));
        assert_eq!(size(&set[1..]), Ok((320, 176)));
    }

    #[test]
    fn high_profiles_with_scaling_lists_are_read() {
        let mut writer = Writer::default();
        writer.number(0).number(1).number(0).number(0).flag(false).flag(true);
        // A list that ends at once, a whole one of 16, none, ... and one of 64.
        writer.flag(true).number(16); // -8: the next scale is 0
        writer.flag(true);
        for _ in 0..16 {
            writer.number(1);
        }
        for _ in 2..6 {
            writer.flag(false);
        }
        writer.flag(true);
        for _ in 0..64 {
            writer.number(0);
        }
        writer.flag(false);
        writer
            .number(0)
            .number(0)
            .number(0)
            .number(1)
            .flag(false)
            .number(79)
            .number(44)
            .flag(true)
            .flag(true);
        writer.flag(false).flag(false);
        assert_eq!(size(&writer.unit([0x67, 100, 0, 31])[1..]), Ok((1280, 720)));
    }

    #[test]
    fn sets_that_end_early_are_cut_off() {
        let set = baseline(40, 23, true, Some([0, 0, 0, 4]));
        for len in 1..set.len() - 1 {
            assert_eq!(size(&set[1..len]), Err(PayloadError::CutOff), "{len}");
        }
    }

    #[test]
    fn sizes_that_can_not_be_are_refused() {
        for set in [
            baseline(1025, 30, true, None),
            baseline(40, 2000, true, None),
            baseline(u32::MAX, u32::MAX, false, None),
            baseline(1, 1, true, Some([8, 0, 0, 0])),
            baseline(1, 1, true, Some([u32::MAX - 1, u32::MAX - 1, 0, 0])),
        ] {
            assert_eq!(size(&set[1..]), Err(PayloadError::Contradiction), "{set:02x?}");
        }
    }
}
