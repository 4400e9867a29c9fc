//! VP8 (RFC 6386) by libvpx: [`Vp8Encoder`], [`Vp8Decoder`].
#![expect(unsafe_code, reason = "libvpx is called by its C interface")]

mod decoder;
mod encoder;
mod header;

pub use decoder::Vp8Decoder;
pub use encoder::Vp8Encoder;

use vpx_sys::{VPX_CODEC_OK, vpx_codec_ctx_t, vpx_codec_destroy, vpx_codec_err_t};

use crate::Fault;

/// What libvpx returned, if it is no error.
pub(crate) const fn check(returned: vpx_codec_err_t) -> Result<(), Fault> {
    if matches!(returned, VPX_CODEC_OK) { Ok(()) } else { Err(Fault::Vpx(returned as u32)) }
}

/// A codec of libvpx that was initialised; destroyed with this.
struct Context(Box<vpx_codec_ctx_t>);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: a `Context` is made only of what one of libvpx's init functions has initialised, and nobody else destroys it.
        unsafe { vpx_codec_destroy(&raw mut *self.0) };
    }
}

// SAFETY: libvpx keeps no state of a codec outside of it but tables that are made once (by `once` in its own code), and a codec
// without threads of its own (`threads: 1`) does nothing but in calls, each of which needs `&mut self` here.
unsafe impl Send for Context {}
