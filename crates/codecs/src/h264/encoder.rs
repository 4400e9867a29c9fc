//! H.264 encoding: constrained baseline, level 3.1 (`42e01f`), Annex B, key frames with their parameter sets where they are asked for.
#![expect(unsafe_code, reason = "the bitrate of a running openh264 encoder is set by its C interface")]

use confocal_pictures::I420;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig as Settings, FrameRate, FrameType, IntraFramePeriod, Level,
    Profile, RateControlMode, SpsPpsStrategy, UsageType,
};
use openh264::formats::YUVSource;
use openh264::{OpenH264API, Timestamp};
use openh264_sys2::{
    ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, SBitrateInfo, SPATIAL_LAYER_0, SPATIAL_LAYER_ALL,
};

use super::decoder::fault;
use crate::encoder::{CLOCK_RATE, Timeline, check_bitrate};
use crate::{CodecError, Encoded, EncoderConfig, Fault, PictureEncoder};

/// An H.264 encoder. It takes 1 MB at 320x180, 3 MB at 640x360, 10 MB at 1280x720.
pub struct H264Encoder {
    encoder: Encoder,
    config: EncoderConfig,
    /// openh264 sets an encoder up with its first picture, and takes no other bitrate before.
    begun: bool,
    time: Timeline,
    data: Vec<u8>,
}

impl H264Encoder {
    /// An encoder whose first frame is a key frame.
    ///
    /// # Errors
    ///
    /// [`CodecError::Size`], [`CodecError::Bitrate`], [`CodecError::FrameRate`] for settings out of bounds; [`CodecError::Setup`] if
    /// openh264 makes none.
    pub fn new(config: EncoderConfig) -> Result<Self, CodecError> {
        config.check()?;
        let encoder = encoder(&config)?;
        Ok(Self { encoder, config, begun: false, time: Timeline::default(), data: Vec::new() })
    }
}

impl PictureEncoder for H264Encoder {
    fn encode(
        &mut self,
        picture: &I420,
        timestamp: u32,
        key_frame: bool,
    ) -> Result<Option<Encoded<'_>>, CodecError> {
        self.config.check_picture(picture)?;
        if key_frame && self.begun {
            self.encoder.force_intra_frame();
        }
        let at = self.time.next(timestamp) / i64::from(CLOCK_RATE / 1000);
        let made = self
            .encoder
            .encode_at(&Source(picture), Timestamp::from_millis(at.cast_unsigned()))
            .map_err(|error| CodecError::Encode(fault(&error)))?;
        self.begun = true;
        self.data.clear();
        let key_frame = match made.frame_type() {
            FrameType::IDR => true,
            FrameType::I | FrameType::P | FrameType::IPMixed => false,
            FrameType::Skip => return Ok(None),
            FrameType::Invalid => return Err(CodecError::Encode(Fault::Unexpected("no frame"))),
        };
        made.write_vec(&mut self.data);
        Ok(Some(Encoded { data: &self.data, key_frame }))
    }

    fn set_bitrate(&mut self, bits: u32) -> Result<(), CodecError> {
        check_bitrate(bits)?;
        let config = EncoderConfig { bitrate: bits, ..self.config };
        if self.begun {
            // The most is a layer's matter, the aim that of all layers (there is one); it may never be above the most.
            let most = (ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0);
            let aim = (ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL);
            for (option, layer) in if bits > self.config.bitrate { [most, aim] } else { [aim, most] } {
                let mut info = SBitrateInfo { iLayer: layer, iBitrate: bits.cast_signed() };
                // SAFETY: both options take an `SBitrateInfo`, which is read during the call; the encoder is set up, as it has
                // encoded; neither is one that the wrapper relies on.
                let returned = unsafe { self.encoder.raw_api().set_option(option, (&raw mut info).cast()) };
                if returned != 0 {
                    return Err(CodecError::Setup(Fault::OpenH264(returned.into())));
                }
            }
        } else {
            self.encoder = encoder(&config)?;
        }
        self.config = config;
        Ok(())
    }
}

/// An encoder of openh264.
fn encoder(config: &EncoderConfig) -> Result<Encoder, CodecError> {
    let settings = Settings::new()
        .bitrate(BitRate::from_bps(config.bitrate))
        .max_frame_rate(FrameRate::from_hz(config.frame_rate as f32))
        .rate_control_mode(RateControlMode::Bitrate)
        .skip_frames(true)
        .usage_type(UsageType::CameraVideoRealTime)
        .sps_pps_strategy(SpsPpsStrategy::ConstantId)
        .profile(Profile::Baseline)
        .level(Level::Level_3_1)
        .complexity(Complexity::Low)
        .num_threads(1)
        // It would add key frames of its own, of 12 to 23 kB, where nobody asked for one.
        .scene_change_detect(false)
        .intra_frame_period(IntraFramePeriod::from_num_frames(0));
    Encoder::with_api_config(OpenH264API::from_source(), settings)
        .map_err(|error| CodecError::Setup(fault(&error)))
}

/// A picture as openh264 reads it.
struct Source<'a>(&'a I420);

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width() as usize, self.0.height() as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let [(_, y), (_, u), (_, v)] = self.0.planes();
        (y, u, v)
    }

    fn y(&self) -> &[u8] {
        self.0.y()
    }

    fn u(&self) -> &[u8] {
        self.0.u()
    }

    fn v(&self) -> &[u8] {
        self.0.v()
    }
}
