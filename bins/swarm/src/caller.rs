//! One WebRTC caller: ICE, DTLS and SRTP as arithmetic. Datagrams and time go in, datagrams come out.
//!
//! Sockets, clocks and what is said never live here. ICE and DTLS are those of `rtc`, taken apart, so that DTLS can be asked for its keys
//! and packets don't go through its pipeline; SRTP is `confocal-rtp`'s.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use confocal_opus::{packet_has_copy, packet_samples};
use confocal_rtp::srtp::{DtlsRole, KeyingMaterial, Profile, Receiver, Sender};
use confocal_rtp::{AudioLevel, Extension, RtpHeader, RtpView};
use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::ice::agent::agent_config::AgentConfig;
use rtc::ice::agent::{Agent, Event};
use rtc::ice::candidate::candidate_host::CandidateHostConfig;
use rtc::ice::candidate::{CandidateConfig, unmarshal_candidate};
use rtc::ice::mdns::MulticastDnsMode;
use rtc::sansio::Protocol as _;
use rtc::shared::{TransportContext, TransportMessage, TransportProtocol};

use crate::measure::Arrival;
use crate::pictures::PictureLine;
use crate::reports::Reception;
use crate::sdp::{Answer, LEVEL_EXTENSION, Offer, OfferedPictures};

/// The longest datagram that is received or sent.
pub const DATAGRAM: usize = 1500;
/// How often a connected caller's ICE looks whether there is anything to do; by itself it would every 200 ms.
const ICE_IDLE: Duration = Duration::from_secs(1);
/// DTLS' exporter label for SRTP keys (RFC 5764 section 4.2).
const EXPORTER: &str = "EXTRACTOR-dtls_srtp";

/// Why a caller could not be made, or its call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallerError {
    /// ICE, DTLS or its cryptography failed.
    #[error("{doing}: {source}")]
    Stack {
        /// While doing what.
        doing: &'static str,
        /// How.
        source: rtc::shared::error::Error,
    },
    /// The certificate that DTLS showed is not the one that the answer named.
    #[error("the certificate is not the one that the answer names")]
    WrongCertificate,
    /// The answer refuses the line for pictures, or knows no VP8.
    #[error("the answer takes no pictures")]
    NoPictures,
    /// No SRTP profile that both know, or keys that are none.
    #[error("DTLS agreed on no SRTP profile that is known here")]
    NoProfile,
}

fn stack(doing: &'static str) -> impl FnOnce(rtc::shared::error::Error) -> CallerError {
    move |source| CallerError::Stack { doing, source }
}

/// What all callers of a process share: one certificate, since making one for each would only cost time.
#[derive(Clone)]
pub struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    server: Arc<HandshakeConfig>,
    client: Arc<HandshakeConfig>,
    fingerprint: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Identity {
    /// Makes the certificate.
    ///
    /// # Errors
    ///
    /// [`CallerError::Stack`] when the cryptography can't be set up.
    pub fn new() -> Result<Self, CallerError> {
        let provider = rtc::crypto::default_provider()
            .map_err(|error| rtc::shared::error::Error::Crypto(error.to_string()))
            .map_err(stack("choosing a cryptography"))?;
        let names = vec!["caller".to_owned()];
        let certificate = Certificate::generate_self_signed(names, provider.crypto())
            .map_err(stack("making a certificate"))?;
        let digest = certificate.certificate.first().map(|der| fingerprint(der)).unwrap_or_default();
        let config = |client: bool| {
            ConfigBuilder::default()
                .with_crypto_provider(Arc::clone(&provider))
                .with_certificates(vec![certificate.clone()])
                .with_srtp_protection_profiles(vec![
                    SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                    SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
                ])
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                .with_extended_master_secret(ExtendedMasterSecretType::Require)
                // Certificates sign themselves: what counts is the fingerprint in the answer, compared below.
                .with_insecure_skip_verify(true)
                .build(client, None)
                .map(Arc::new)
                .map_err(stack("setting up DTLS"))
        };
        Ok(Self { server: config(false)?, client: config(true)?, fingerprint: digest, provider })
    }
}

/// SHA-256 as hex pairs with colons (RFC 8122 section 5).
fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let pairs: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// What has become of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for its answer, or connects.
    Connecting,
    /// Media can flow.
    Connected,
    /// It is over.
    Failed,
}

/// One caller.
pub struct Caller {
    identity: Identity,
    local: SocketAddr,
    ice: Agent,
    dtls: Endpoint,
    offer: String,
    answer: Option<Answer>,
    ssrc: u32,
    remote: Option<SocketAddr>,
    keys: Option<Keys>,
    failure: Option<CallerError>,
    out: VecDeque<(SocketAddr, BytesMut)>,
    next: Instant,
    sequence: u16,
    sent: u32,
    octets: u32,
    reception: Reception,
    /// Datagrams that were no packet of the call, or that its key did not open.
    pub refused: u64,
    /// Packets noted since the last [`Caller::note`].
    pub arrivals: Vec<Arrival>,
    /// Their payloads, if they are kept.
    pub payloads: Option<Vec<Box<[u8]>>>,
    noting: bool,
    /// Its line for pictures, if it has one.
    pub pictures: Option<PictureLine>,
}

/// SRTP both ways.
struct Keys {
    sender: Sender,
    receiver: Receiver,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("local", &self.local)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller behind the socket at `local`, with an offer ready. `levels`: it tells the level of each packet (RFC 6464); `pictures`: its
    /// line for pictures.
    ///
    /// # Errors
    ///
    /// [`CallerError::Stack`].
    pub fn new(
        identity: &Identity,
        local: SocketAddr,
        ssrc: u32,
        levels: bool,
        pictures: Option<PictureLine>,
        now: Instant,
    ) -> Result<Self, CallerError> {
        let config = AgentConfig {
            is_controlling: true,
            multicast_dns_mode: MulticastDnsMode::Disabled,
            keepalive_interval: Some(Duration::from_secs(4)),
            disconnected_timeout: Some(Duration::from_secs(15)),
            ..AgentConfig::default()
        };
        let mut ice = Agent::new(now, Arc::new(config), Arc::clone(&identity.provider))
            .map_err(stack("making an ICE agent"))?;
        let candidate = CandidateHostConfig {
            base_config: CandidateConfig {
                network: "udp".to_owned(),
                address: local.ip().to_string(),
                port: local.port(),
                component: 1,
                ..CandidateConfig::default()
            },
            ..CandidateHostConfig::default()
        };
        let candidate = candidate.new_candidate_host().map_err(stack("making a candidate"))?;
        ice.add_local_candidate(candidate).map_err(stack("adding the own candidate"))?;
        let credentials = ice.get_local_credentials();
        let offer = Offer {
            ufrag: &credentials.ufrag,
            password: &credentials.pwd,
            fingerprint: &identity.fingerprint,
            address: local,
            ssrc,
            levels,
            pictures: pictures.as_ref().map(|line| OfferedPictures { sources: line.sources() }),
        }
        .write();
        let dtls = Endpoint::new(local, TransportProtocol::UDP, Some(Arc::clone(&identity.server)));
        Ok(Self {
            identity: identity.clone(),
            local,
            ice,
            dtls,
            offer,
            answer: None,
            ssrc,
            remote: None,
            keys: None,
            failure: None,
            out: VecDeque::new(),
            next: now,
            // Below 2^15, as RFC 3711 section 3.3.1 advises, and otherwise by chance.
            sequence: (ssrc & 0x7fff) as u16,
            sent: 0,
            octets: 0,
            reception: Reception::default(),
            refused: 0,
            arrivals: Vec::new(),
            payloads: None,
            noting: false,
            pictures,
        })
    }

    /// The offer.
    #[must_use]
    pub fn offer(&self) -> &str {
        &self.offer
    }

    /// What has become of it.
    #[must_use]
    pub const fn state(&self) -> State {
        if self.failure.is_some() {
            State::Failed
        } else if self.keys.is_some() {
            State::Connected
        } else {
            State::Connecting
        }
    }

    /// Why it failed, if it did.
    #[must_use]
    pub const fn failure(&self) -> Option<&CallerError> {
        self.failure.as_ref()
    }

    /// Where its packets go, once that is known.
    #[must_use]
    pub const fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// Begins to connect.
    ///
    /// # Errors
    ///
    /// [`CallerError::Stack`] when the answer's candidates or credentials are none; [`CallerError::NoPictures`].
    pub fn take_answer(&mut self, answer: Answer, now: Instant) -> Result<(), CallerError> {
        if let Some(line) = &mut self.pictures {
            line.agree(answer.pictures.as_ref().ok_or(CallerError::NoPictures)?);
        }
        for candidate in &answer.candidates {
            let candidate = unmarshal_candidate(candidate).map_err(stack("reading a candidate"))?;
            self.ice.add_remote_candidate(candidate).map_err(stack("adding a candidate"))?;
        }
        self.ice
            .start_connectivity_checks(now, true, answer.ufrag.clone(), answer.password.clone())
            .map_err(stack("beginning connectivity checks"))?;
        self.answer = Some(answer);
        self.handle_timeout(now);
        Ok(())
    }

    /// From now on packets are noted; `room` of them are expected. With `keep` their payloads are kept, for decoding them later. Pictures
    /// are not so many.
    pub fn note(&mut self, room: usize, keep: bool) {
        if let Some(line) = &mut self.pictures {
            line.note(room);
        }
        self.arrivals = Vec::with_capacity(room);
        self.payloads = keep.then(|| Vec::with_capacity(room));
        self.noting = true;
    }

    /// Takes a datagram, which came at `at` (µs of the clock of arrivals). It is decrypted where it lies.
    pub fn handle_datagram(&mut self, datagram: &mut [u8], from: SocketAddr, at: i64, now: Instant) {
        match confocal_rtp::kind(datagram) {
            confocal_rtp::Kind::Rtp => self.media(datagram, at),
            confocal_rtp::Kind::Rtcp => {
                let opened = self.keys.as_mut().and_then(|keys| keys.receiver.unprotect_rtcp(datagram).ok());
                self.refused += u64::from(opened.is_none());
                if let (Some(line), Some(length)) = (&mut self.pictures, opened) {
                    line.reports(&datagram[..length], at);
                }
            }
            confocal_rtp::Kind::Stun => {
                let transport = TransportContext {
                    local_addr: self.local,
                    peer_addr: from,
                    transport_protocol: TransportProtocol::UDP,
                    ecn: None,
                };
                let message = BytesMut::from(&*datagram);
                self.refused +=
                    u64::from(self.ice.handle_read(TransportMessage { now, transport, message }).is_err());
                self.drain(now);
            }
            confocal_rtp::Kind::Dtls => {
                match self.dtls.read(now, from, None, BytesMut::from(&*datagram)) {
                    Ok(events) => {
                        // The other side's end is told by signalling too, and by silence.
                        if events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) {
                            self.take_keys(from);
                        }
                    }
                    Err(source) if self.keys.is_none() => {
                        self.failure = Some(CallerError::Stack { doing: "DTLS", source });
                    }
                    Err(_) => self.refused += 1,
                }
                self.drain(now);
            }
            confocal_rtp::Kind::Other => self.refused += 1,
        }
    }

    /// Does what is due; a call that is too early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.next || self.answer.is_none() {
            return;
        }
        if let Err(source) = self.ice.handle_timeout(now) {
            self.failure.get_or_insert(CallerError::Stack { doing: "ICE", source });
        }
        if let Some(remote) = self.remote
            && self.keys.is_none()
        {
            // Before its first datagram DTLS as a server knows of no one, which is no fault.
            let _ = self.dtls.handle_timeout(remote, now);
        }
        self.drain(now);
        self.next = if self.keys.is_some() {
            now + ICE_IDLE
        } else {
            let dtls = self.remote.and_then(|remote| self.dtls.poll_timeout(&remote));
            let ice = self.ice.poll_timeout();
            [ice, dtls].into_iter().flatten().min().unwrap_or(now + ICE_IDLE).min(now + ICE_IDLE)
        };
    }

    /// A datagram to send, and where; until there is none.
    pub fn poll_datagram(&mut self) -> Option<(SocketAddr, BytesMut)> {
        self.out.pop_front()
    }

    /// Writes the next packet of sound into `out`, protected, and tells how long it is. `timestamp` in samples at 48 kHz; `level` in
    /// −dBov. `None` before the call is connected.
    pub fn packet(
        &mut self,
        payload: &[u8],
        timestamp: u32,
        level: Option<(u8, bool)>,
        out: &mut [u8; DATAGRAM],
    ) -> Option<usize> {
        let (keys, answer) = (self.keys.as_mut()?, self.answer.as_ref()?);
        let header = RtpHeader {
            marker: self.sent == 0,
            payload_type: answer.payload_type,
            sequence: self.sequence,
            timestamp,
            ssrc: self.ssrc,
        };
        let level = level
            .filter(|_| answer.levels)
            .map(|(level, voice)| [AudioLevel { minus_dbov: level, voice }.byte()]);
        let extension = level.as_ref().map(|data| Extension { id: LEVEL_EXTENSION, data });
        let length = keys.sender.protect_rtp_from(&header, extension.as_slice(), payload, out).ok()?;
        self.sequence = self.sequence.wrapping_add(1);
        self.sent += 1;
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        Some(length)
    }

    /// Writes a report (RFC 3550 section 6.4) into `out`, protected, and tells how long it is. `at` in µs since 1970, `timestamp` the
    /// media clock at that time.
    pub fn report(&mut self, at: i64, timestamp: u32, out: &mut [u8; DATAGRAM]) -> Option<usize> {
        let keys = self.keys.as_mut()?;
        let length = self.reception.report(self.ssrc, at, (timestamp, self.sent, self.octets), out);
        keys.sender.protect_rtcp(out, length).ok()
    }

    /// Writes the next packet of its pictures into `out`, protected, and tells how long it is; `None` if none waits. `now` is what has gone
    /// by since the first beat.
    pub fn picture_packet(&mut self, now: Duration, out: &mut [u8; DATAGRAM]) -> Option<usize> {
        let keys = self.keys.as_mut()?;
        let length = self.pictures.as_mut()?.sender.as_mut()?.poll(now, out)?;
        // Where packets that are sent again have no stream of their own, they are what they were.
        let protected = keys.sender.protect_rtp(out, length);
        protected.or_else(|_| keys.sender.protect_rtp_again(out, length)).ok()
    }

    /// Writes what its line for pictures has to tell into `out`, protected, and tells how long it is; as [`PictureLine::feedback`].
    pub fn picture_feedback(
        &mut self,
        at: i64,
        clock: (u64, i64),
        out: &mut [u8; DATAGRAM],
    ) -> Option<usize> {
        let keys = self.keys.as_mut()?;
        let length = self.pictures.as_mut()?.feedback(at, clock, out).ok().filter(|length| *length > 0)?;
        keys.sender.protect_rtcp(out, length).ok()
    }

    fn media(&mut self, datagram: &mut [u8], at: i64) {
        let Some(keys) = &mut self.keys else { return };
        let Ok(length) = keys.receiver.unprotect_rtp(datagram) else {
            self.refused += 1;
            return;
        };
        let Ok(packet) = RtpView::parse(&datagram[..length]) else {
            self.refused += 1;
            return;
        };
        if self.pictures.as_mut().is_some_and(|line| line.packet(&packet, at)) {
            return;
        }
        self.reception.packet(packet.ssrc(), packet.sequence());
        if self.noting {
            let payload = packet.payload();
            self.arrivals.push(Arrival {
                at,
                sequence: packet.sequence(),
                timestamp: packet.timestamp(),
                samples: packet_samples(payload).and_then(|samples| samples.try_into().ok()).unwrap_or(0),
                copy: packet_has_copy(payload),
            });
            if let Some(payloads) = &mut self.payloads {
                payloads.push(payload.into());
            }
        }
    }

    /// Takes the keys out of a finished handshake, if its certificate is the right one.
    fn take_keys(&mut self, from: SocketAddr) {
        match self.keys_of(from) {
            Ok(keys) => self.keys = Some(keys),
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn keys_of(&self, from: SocketAddr) -> Result<Keys, CallerError> {
        let state = self.dtls.get_connection_state(from).ok_or(CallerError::NoProfile)?;
        let shown = state.peer_certificates.first().map(|der| fingerprint(der));
        if shown.as_ref() != self.answer.as_ref().map(|answer| &answer.fingerprint) {
            return Err(CallerError::WrongCertificate);
        }
        let profile =
            Profile::from_number(state.srtp_protection_profile() as u16).ok_or(CallerError::NoProfile)?;
        let exported = state
            .export_keying_material(EXPORTER, &[], profile.keying_material_len())
            .map_err(stack("exporting keys"))?;
        let role = if state.is_client() { DtlsRole::Client } else { DtlsRole::Server };
        let material =
            KeyingMaterial::from_exported(profile, exported.as_ref()).map_err(|_| CallerError::NoProfile)?;
        let (inbound, outbound) = material.split(role);
        Ok(Keys { sender: Sender::new(&outbound), receiver: Receiver::new(&inbound) })
    }

    /// Takes out what ICE and DTLS want sent, and what ICE tells.
    fn drain(&mut self, now: Instant) {
        while let Some(tagged) = self.ice.poll_event() {
            if let Event::SelectedCandidatePairChange(_, remote) = tagged.event {
                let remote = remote.addr();
                let first = self.remote.replace(remote).is_none();
                let passive = self.answer.as_ref().is_some_and(|answer| !answer.active);
                if first
                    && passive
                    && let Err(source) =
                        self.dtls.connect(now, remote, Arc::clone(&self.identity.client), None)
                {
                    self.failure = Some(CallerError::Stack { doing: "beginning DTLS", source });
                }
                self.next = now;
            }
        }
        while let Some(message) = self.ice.poll_write() {
            self.out.push_back((message.transport.peer_addr, message.message));
        }
        while let Some(message) = self.dtls.poll_transmit() {
            self.out.push_back((message.transport.peer_addr, message.message));
        }
    }
}
