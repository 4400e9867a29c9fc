//! VP8 decoding.

use std::mem::MaybeUninit;
use std::ptr;
use std::slice;

use confocal_pictures::I420;
use vpx_sys::{
    VPX_DECODER_ABI_VERSION, vp8_dec_control_id, vpx_codec_control_, vpx_codec_ctx_t, vpx_codec_dec_cfg_t,
    vpx_codec_dec_init_ver, vpx_codec_decode, vpx_codec_get_frame, vpx_codec_vp8_dx, vpx_img_fmt,
};

use super::header::Header;
use super::{Context, check};
use crate::planes::{Planes, check_coded_size};
use crate::{CodecError, Fault, MAX_FRAME_BYTES, PictureDecoder};

/// A VP8 decoder. It takes 0.6 MB at 320x180, 1.7 MB at 640x360, 6 MB at 1280x720.
pub struct Vp8Decoder {
    context: Context,
    /// A key frame was decoded, and all that followed it.
    sound: bool,
}

impl Vp8Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if libvpx makes none.
    pub fn new() -> Result<Self, CodecError> {
        let mut context = Box::new(MaybeUninit::<vpx_codec_ctx_t>::zeroed());
        let config = vpx_codec_dec_cfg_t { threads: 1, w: 0, h: 0 };
        // SAFETY: the context is zeroed memory of the right size, the interface comes from libvpx, the configuration lives for the
        // call, which copies it. libvpx itself compares the version with what it was built with.
        let made = unsafe {
            vpx_codec_dec_init_ver(
                context.as_mut_ptr(),
                vpx_codec_vp8_dx(),
                &raw const config,
                0,
                VPX_DECODER_ABI_VERSION as i32,
            )
        };
        check(made).map_err(CodecError::Setup)?;
        // SAFETY: the call before succeeded, so it is initialised.
        let context = Context(unsafe { context.assume_init() });
        Ok(Self { context, sound: false })
    }

    /// Gives a frame to libvpx, and copies what it shows.
    fn decode_checked(&mut self, data: &[u8], into: &mut I420) -> Result<bool, CodecError> {
        let context = &raw mut *self.context.0;
        let length = u32::try_from(data.len()).map_err(|_| CodecError::Malformed("too long"))?;
        // SAFETY: the context is initialised and ours alone, the pointer and the length are those of a slice, and libvpx is done with
        // it when the call returns (it keeps none for VP8 without frame threads).
        check(unsafe { vpx_codec_decode(context, data.as_ptr(), length, ptr::null_mut(), 0) })
            .map_err(CodecError::Decode)?;
        let mut damaged = 0_i32;
        // SAFETY: the context is initialised, and this control writes one `int` through its argument.
        check(unsafe {
            vpx_codec_control_(context, vp8_dec_control_id::VP8D_GET_FRAME_CORRUPTED as i32, &raw mut damaged)
        })
        .map_err(CodecError::Decode)?;
        if damaged != 0 {
            return Err(CodecError::Decode(Fault::Unexpected("a damaged picture")));
        }
        let mut iterator = ptr::null();
        // SAFETY: the context is initialised, and an iterator that begins is null.
        let image = unsafe { vpx_codec_get_frame(context, &raw mut iterator) };
        // SAFETY: it is null, or points to an image in the decoder, which stays until its next call.
        let Some(image) = (unsafe { image.as_ref() }) else { return Ok(false) };
        if !matches!(image.fmt, vpx_img_fmt::VPX_IMG_FMT_I420) {
            return Err(CodecError::Decode(Fault::Unexpected("no I420 picture")));
        }
        check_coded_size(image.d_w, image.d_h)?;
        let (width, height) = (image.d_w as usize, image.d_h as usize);
        let plane = |index: usize| {
            let (width, height) =
                if index == 0 { (width, height) } else { (width.div_ceil(2), height.div_ceil(2)) };
            let stride = usize::try_from(image.stride[index]).unwrap_or(0);
            if image.planes[index].is_null() || stride < width {
                return Err(CodecError::Decode(Fault::Unexpected("a plane that is none")));
            }
            // SAFETY: libvpx promises `d_h` rows (half of them, rounded up, for chroma) of `d_w` pixels, `stride` bytes apart, from
            // that pointer on; not a byte behind the last row's last pixel is claimed. They stay until the decoder's next call, and
            // the slices are gone before.
            Ok((unsafe { slice::from_raw_parts(image.planes[index], stride * (height - 1) + width) }, stride))
        };
        Planes { width, height, planes: [plane(0)?, plane(1)?, plane(2)?] }.copy_into(into)?;
        Ok(true)
    }
}

impl PictureDecoder for Vp8Decoder {
    fn decode(&mut self, data: &[u8], into: &mut I420) -> Result<bool, CodecError> {
        let sound = self.sound;
        self.sound = false;
        if data.len() > MAX_FRAME_BYTES {
            return Err(CodecError::Malformed("longer than any frame"));
        }
        match Header::read(data)? {
            Header::Key { width, height } => check_coded_size(width, height)?,
            Header::Inter if sound => {}
            Header::Inter => return Err(CodecError::KeyFrameWanted),
        }
        let shown = self.decode_checked(data, into)?;
        self.sound = true;
        Ok(shown)
    }
}
