//! A caller as a client would be: a WebRTC connection that sends a tone and listens to what comes back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confocal_mixer::{Decoder, Encoder, EncoderSettings, MAX_PACKET_SAMPLES, MAX_PAYLOAD_BYTES};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use tokio::sync::watch;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCSessionDescription, Registry, configure_rtcp_reports,
};

use crate::tone;

const OPUS: u8 = 111;
const PCMU: u8 = 0;
/// What is kept of what was heard: 200 ms.
const HEARD: usize = 9_600;

/// How a caller codes sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Opus,
    /// G.711, µ-law.
    Pcmu,
}

pub(crate) struct Caller {
    pc: Arc<dyn PeerConnection>,
    gathered: watch::Receiver<u64>,
    heard: Arc<Heard>,
    talking: Arc<Talking>,
    /// The tone that it sends, in Hz.
    pub(crate) tone: f64,
}

/// What becomes of its own sound.
struct Talking {
    on: AtomicBool,
    /// Of so many packets one is lost; 0: none is.
    loses: AtomicU32,
}

#[derive(Default)]
struct Heard {
    samples: Mutex<VecDeque<i16>>,
    packets: AtomicU64,
}

struct Events {
    gathered: watch::Sender<u64>,
    heard: Arc<Heard>,
    coding: Coding,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_modify(|count| *count += 1);
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        tokio::spawn(listen(track, self.coding, Arc::clone(&self.heard)));
    }
}

impl Caller {
    pub(crate) async fn new(tone: f64) -> Self {
        Self::with(Coding::Opus, tone).await
    }

    /// A caller that knows one way of coding sound.
    pub(crate) async fn with(coding: Coding, tone: f64) -> Self {
        let mut media = MediaEngine::default();
        let codec = RTCRtpCodecParameters { rtp_codec: coding.codec(), payload_type: coding.payload_type() };
        media.register_codec(codec, RtpCodecKind::Audio).unwrap();
        let (gathered_sender, gathered) = watch::channel(0);
        let heard = Arc::new(Heard::default());
        let pc = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(configure_rtcp_reports(Registry::new()))
            .with_handler(Arc::new(Events { gathered: gathered_sender, heard: Arc::clone(&heard), coding }))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build()
            .await
            .unwrap();
        let ssrc = tone as u32;
        let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
            "stream".to_owned(),
            "track".to_owned(),
            "microphone".to_owned(),
            RtpCodecKind::Audio,
            vec![RTCRtpEncodingParameters {
                rtp_coding_parameters: RTCRtpCodingParameters {
                    ssrc: Some(ssrc),
                    ..RTCRtpCodingParameters::default()
                },
                codec: coding.codec(),
                ..RTCRtpEncodingParameters::default()
            }],
        )));
        pc.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await.unwrap();
        let talking = Arc::new(Talking { on: AtomicBool::new(true), loses: AtomicU32::new(0) });
        tokio::spawn(talk(track, coding, ssrc, tone, Arc::clone(&talking)));
        Self { pc: Arc::new(pc), gathered, heard, talking, tone }
    }

    /// An offer with all candidates in it, made the present local description.
    pub(crate) async fn offer(&mut self) -> String {
        let offer = self.pc.create_offer(None).await.unwrap();
        self.describe(offer).await
    }

    /// The answer to an offer of ours, likewise.
    pub(crate) async fn answer(&mut self, offer: &str) -> String {
        let offer = RTCSessionDescription::offer(offer.to_owned()).unwrap();
        self.pc.set_remote_description(offer).await.unwrap();
        let answer = self.pc.create_answer(None).await.unwrap();
        self.describe(answer).await
    }

    async fn describe(&mut self, description: RTCSessionDescription) -> String {
        let before = *self.gathered.borrow();
        self.pc.set_local_description(description).await.unwrap();
        let complete = self.gathered.wait_for(|count| *count > before);
        tokio::time::timeout(Duration::from_secs(5), complete).await.expect("candidates").unwrap();
        self.pc.local_description().await.unwrap().sdp
    }

    pub(crate) async fn restart_ice(&self) {
        self.pc.restart_ice().await.unwrap();
    }

    pub(crate) async fn take_answer(&self, sdp: &str) {
        let answer = RTCSessionDescription::answer(sdp.to_owned()).unwrap();
        self.pc.set_remote_description(answer).await.unwrap();
    }

    /// The amplitude of a tone in the last 200 ms that were heard; 0 as long as there are not that many.
    pub(crate) fn hears(&self, tone: f64) -> f64 {
        let samples = self.heard.samples.lock().unwrap();
        if samples.len() < HEARD {
            return 0.0;
        }
        tone::amplitude(&samples.iter().copied().collect::<Vec<_>>(), tone)
    }

    /// Forgets what was heard, so that what is heard next is new.
    pub(crate) fn forget(&self) {
        self.heard.samples.lock().unwrap().clear();
    }

    /// Packets received so far.
    pub(crate) fn packets(&self) -> u64 {
        self.heard.packets.load(Ordering::Relaxed)
    }

    /// Sends no more sound; its connection goes on, reports and all.
    pub(crate) fn fall_silent(&self) {
        self.talking.on.store(false, Ordering::Relaxed);
    }

    /// From now on one of so many of its packets does not arrive.
    pub(crate) fn lose_one_of(&self, packets: u32) {
        self.talking.loses.store(packets, Ordering::Relaxed);
    }

    pub(crate) async fn close(self) {
        self.talking.on.store(false, Ordering::Relaxed);
        self.pc.close().await.unwrap();
    }
}

/// Sends the tone in real time, as a microphone would.
async fn talk(track: Arc<TrackLocalStaticRTP>, coding: Coding, ssrc: u32, tone: f64, talking: Arc<Talking>) {
    let mut encoder = Encoder::new(&EncoderSettings::default()).expect("an encoder");
    let mut room = [0; MAX_PAYLOAD_BYTES];
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    let mut sent: u32 = 0;
    while talking.on.load(Ordering::Relaxed) {
        beat.tick().await;
        let frame = tone::sine(tone, u64::from(sent) * 960);
        let payload = match coding {
            Coding::Opus => {
                let bytes = encoder.encode(&frame, &mut room).expect("an Opus packet");
                room[..bytes].to_vec()
            }
            // A tone that is low enough needs no filter for that.
            Coding::Pcmu => frame.iter().step_by(6).map(|sample| tone::to_mu_law(*sample)).collect(),
        };
        let header = rtp::Header {
            version: 2,
            marker: sent == 0,
            payload_type: coding.payload_type(),
            sequence_number: sent as u16,
            timestamp: sent.wrapping_mul(coding.codec().clock_rate / 50),
            ssrc,
            ..rtp::Header::default()
        };
        sent += 1;
        if sent.checked_rem(talking.loses.load(Ordering::Relaxed)) == Some(0) {
            continue;
        }
        // Before the offer is made the track has nowhere to send to.
        let _ = track.write_rtp(rtp::Packet { header, payload: payload.into() }).await;
    }
}

async fn listen(track: Arc<dyn TrackRemote>, coding: Coding, heard: Arc<Heard>) {
    let mut decoder = Decoder::new().expect("a decoder");
    let mut samples = Box::new([0_i16; MAX_PACKET_SAMPLES]);
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
        heard.packets.fetch_add(1, Ordering::Relaxed);
        let length = match coding {
            Coding::Opus => decoder.decode(&packet.payload, &mut samples).expect("Opus"),
            Coding::Pcmu => {
                assert_eq!((packet.header.payload_type, packet.payload.len()), (PCMU, 160));
                let held = packet.payload.iter().flat_map(|byte| [tone::of_mu_law(*byte); 6]);
                samples.iter_mut().zip(held).map(|(sample, value)| *sample = value).count()
            }
        };
        let mut all = heard.samples.lock().unwrap();
        all.extend(&samples[..length]);
        let surplus = all.len().saturating_sub(HEARD);
        all.drain(..surplus);
    }
}

impl Coding {
    const fn payload_type(self) -> u8 {
        match self {
            Self::Opus => OPUS,
            Self::Pcmu => PCMU,
        }
    }

    fn codec(self) -> RTCRtpCodec {
        let (name, clock_rate, channels, parameters) = match self {
            Self::Opus => ("audio/opus", 48_000, 2, "minptime=10;useinbandfec=1"),
            Self::Pcmu => ("audio/PCMU", 8_000, 1, ""),
        };
        RTCRtpCodec {
            mime_type: name.to_owned(),
            clock_rate,
            channels,
            sdp_fmtp_line: parameters.to_owned(),
            rtcp_feedback: Vec::new(),
        }
    }
}
