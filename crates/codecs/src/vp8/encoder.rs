//! VP8 encoding, for conversations: constant bitrate, no look-ahead, key frames only where they are asked for.

use std::mem::MaybeUninit;
use std::ptr;
use std::slice;

use confocal_pictures::I420;
use vpx_sys::{
    VPX_DL_REALTIME, VPX_EFLAG_FORCE_KF, VPX_ENCODER_ABI_VERSION, VPX_ERROR_RESILIENT_DEFAULT,
    VPX_FRAME_IS_KEY, vp8e_enc_control_id as control, vpx_codec_control_, vpx_codec_ctx_t,
    vpx_codec_cx_pkt_kind, vpx_codec_enc_cfg_t, vpx_codec_enc_config_default, vpx_codec_enc_config_set,
    vpx_codec_enc_init_ver, vpx_codec_encode, vpx_codec_get_cx_data, vpx_codec_vp8_cx, vpx_enc_pass,
    vpx_image_t, vpx_img_fmt, vpx_img_wrap, vpx_kf_mode, vpx_rational, vpx_rc_mode,
};

use super::{Context, check};
use crate::encoder::{CLOCK_RATE, Timeline, check_bitrate};
use crate::{CodecError, Encoded, EncoderConfig, Fault, PictureEncoder};

/// Speed of libvpx: on cameras' pictures 0.2 dB below -8 at three quarters of its time; faster ones save little and cost 1 dB and more.
const SPEED: i32 = -10;

/// How much the sender's buffer holds, ms of the bitrate; how much of it is filled at the start, and aimed at. As WebRTC has them.
const BUFFER_MS: u32 = 1000;
const BUFFER_INITIAL_MS: u32 = 500;
const BUFFER_OPTIMAL_MS: u32 = 600;

/// A VP8 encoder. It takes 2.6 MB at 320x180, 8.5 MB at 640x360, 25 MB at 1280x720.
pub struct Vp8Encoder {
    context: Context,
    settings: vpx_codec_enc_cfg_t,
    config: EncoderConfig,
    time: Timeline,
    data: Vec<u8>,
}

// SAFETY: the settings hold two pointers (statistics of two-pass encoding), which are null and never followed; the context may go
// from thread to thread (see there).
unsafe impl Send for Vp8Encoder {}

impl Vp8Encoder {
    /// An encoder whose first frame is a key frame.
    ///
    /// # Errors
    ///
    /// [`CodecError::Size`], [`CodecError::Bitrate`], [`CodecError::FrameRate`] for settings out of bounds; [`CodecError::Setup`] if
    /// libvpx makes none.
    pub fn new(config: EncoderConfig) -> Result<Self, CodecError> {
        config.check()?;
        let settings = settings(&config).map_err(CodecError::Setup)?;
        let mut context = Box::new(MaybeUninit::<vpx_codec_ctx_t>::zeroed());
        // SAFETY: the context is zeroed memory of the right size, the interface comes from libvpx, the settings live for the call,
        // which copies them. libvpx itself compares the version with what it was built with.
        let made = unsafe {
            vpx_codec_enc_init_ver(
                context.as_mut_ptr(),
                vpx_codec_vp8_cx(),
                &raw const settings,
                0,
                VPX_ENCODER_ABI_VERSION as i32,
            )
        };
        check(made).map_err(CodecError::Setup)?;
        // SAFETY: the call before succeeded, so it is initialised.
        let mut context = Context(unsafe { context.assume_init() });
        // A key frame may be as large as half of the buffer that is aimed at, in percent of a frame (as WebRTC has it).
        let key_frame_percent = (BUFFER_OPTIMAL_MS * config.frame_rate / 20).max(300);
        for (id, value) in [
            (control::VP8E_SET_CPUUSED, SPEED),
            (control::VP8E_SET_STATIC_THRESHOLD, 1),
            (control::VP8E_SET_NOISE_SENSITIVITY, 0),
            (control::VP8E_SET_TOKEN_PARTITIONS, 0),
            (control::VP8E_SET_MAX_INTRA_BITRATE_PCT, key_frame_percent.cast_signed()),
        ] {
            // SAFETY: the context is initialised, and each of these controls takes one `int` or `unsigned int`.
            check(unsafe { vpx_codec_control_(&raw mut *context.0, id as i32, value) })
                .map_err(CodecError::Setup)?;
        }
        Ok(Self { context, settings, config, time: Timeline::default(), data: Vec::new() })
    }

    /// Takes what libvpx has made of the last picture; whether it is a key frame, or nothing if it made nothing.
    fn collect(&mut self) -> Option<bool> {
        self.data.clear();
        let mut key_frame = None;
        let mut iterator = ptr::null();
        loop {
            // SAFETY: the context is initialised, and the iterator is null or what the last call made of it.
            let packet = unsafe { vpx_codec_get_cx_data(&raw mut *self.context.0, &raw mut iterator) };
            // SAFETY: it is null, or points to a packet in the encoder, which stays until the next picture.
            let Some(packet) = (unsafe { packet.as_ref() }) else { return key_frame };
            if !matches!(packet.kind, vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT) {
                continue;
            }
            // SAFETY: in a packet of this kind it is this field of the union that is set.
            let frame = unsafe { packet.data.frame };
            // SAFETY: libvpx promises `sz` bytes there, until the next picture; they are copied now. An empty one is no slice, as its
            // pointer may be null.
            let bytes = if frame.sz == 0 {
                &[]
            } else {
                unsafe { slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz as usize) }
            };
            self.data.extend_from_slice(bytes);
            key_frame = Some(key_frame.unwrap_or(false) || frame.flags & VPX_FRAME_IS_KEY != 0);
        }
    }
}

impl PictureEncoder for Vp8Encoder {
    fn encode(
        &mut self,
        picture: &I420,
        timestamp: u32,
        key_frame: bool,
    ) -> Result<Option<Encoded<'_>>, CodecError> {
        self.config.check_picture(picture)?;
        let image = image(picture).map_err(CodecError::Encode)?;
        let at = self.time.next(timestamp);
        let duration = u64::from(CLOCK_RATE / self.config.frame_rate);
        let flags = if key_frame { i64::from(VPX_EFLAG_FORCE_KF) } else { 0 };
        // SAFETY: the context is initialised, and the image is of the size that it was made for; its planes are those of `picture`,
        // which libvpx reads during the call only, as nothing is kept for a look-ahead.
        check(unsafe {
            vpx_codec_encode(
                &raw mut *self.context.0,
                &raw const image,
                at,
                duration,
                flags,
                u64::from(VPX_DL_REALTIME),
            )
        })
        .map_err(CodecError::Encode)?;
        Ok(self.collect().map(|key_frame| Encoded { data: &self.data, key_frame }))
    }

    fn set_bitrate(&mut self, bits: u32) -> Result<(), CodecError> {
        check_bitrate(bits)?;
        let mut settings = self.settings;
        settings.rc_target_bitrate = bits / 1000;
        // SAFETY: the context is initialised, and the settings live for the call, which copies them.
        check(unsafe { vpx_codec_enc_config_set(&raw mut *self.context.0, &raw const settings) })
            .map_err(CodecError::Setup)?;
        self.settings = settings;
        self.config.bitrate = bits;
        Ok(())
    }
}

/// The settings as libvpx has them.
fn settings(config: &EncoderConfig) -> Result<vpx_codec_enc_cfg_t, Fault> {
    let mut settings = MaybeUninit::<vpx_codec_enc_cfg_t>::zeroed();
    // SAFETY: the interface comes from libvpx, and the pointer is to memory of the right size, which the call fills.
    check(unsafe { vpx_codec_enc_config_default(vpx_codec_vp8_cx(), settings.as_mut_ptr(), 0) })?;
    // SAFETY: the call before succeeded, so libvpx's defaults are there.
    let mut settings = unsafe { settings.assume_init() };
    settings.g_w = config.width;
    settings.g_h = config.height;
    settings.g_timebase = vpx_rational { num: 1, den: CLOCK_RATE.cast_signed() };
    settings.g_pass = vpx_enc_pass::VPX_RC_ONE_PASS;
    // With two threads a picture takes up to 4.5 times the processor time; several encoders are what the cores are for.
    settings.g_threads = 1;
    settings.g_lag_in_frames = 0;
    settings.g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
    settings.rc_end_usage = vpx_rc_mode::VPX_CBR;
    settings.rc_target_bitrate = config.bitrate / 1000;
    settings.rc_resize_allowed = 0;
    settings.rc_dropframe_thresh = 30;
    settings.rc_min_quantizer = 2;
    settings.rc_max_quantizer = 58;
    settings.rc_undershoot_pct = 100;
    settings.rc_overshoot_pct = 15;
    settings.rc_buf_sz = BUFFER_MS;
    settings.rc_buf_initial_sz = BUFFER_INITIAL_MS;
    settings.rc_buf_optimal_sz = BUFFER_OPTIMAL_MS;
    settings.kf_mode = vpx_kf_mode::VPX_KF_DISABLED;
    Ok(settings)
}

/// A picture as libvpx has it.
fn image(picture: &I420) -> Result<vpx_image_t, Fault> {
    let mut image = MaybeUninit::<vpx_image_t>::zeroed();
    // libvpx only asks whether it is null here, and works out planes for rows without gaps; they are replaced below.
    let whole = picture.y().as_ptr().cast_mut();
    // SAFETY: the first pointer is to memory of the right size, which the call fills; the last one is stored and not followed.
    let made = unsafe {
        vpx_img_wrap(
            image.as_mut_ptr(),
            vpx_img_fmt::VPX_IMG_FMT_I420,
            picture.width(),
            picture.height(),
            1,
            whole,
        )
    };
    if made.is_null() {
        return Err(Fault::Unexpected("no image"));
    }
    // SAFETY: the call before succeeded, so all of it is set.
    let mut image = unsafe { image.assume_init() };
    for (index, (plane, row)) in picture.planes().into_iter().enumerate() {
        // libvpx reads from an image that is to be encoded, and never writes.
        image.planes[index] = plane.as_ptr().cast_mut();
        image.stride[index] = i32::try_from(row).map_err(|_| Fault::Unexpected("a row too long"))?;
    }
    Ok(image)
}
