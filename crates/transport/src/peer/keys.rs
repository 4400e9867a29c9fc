//! The keys of a session's packets: noted while the WebRTC stack derives them in the DTLS handshake (RFC 5764 section 4.2).
//!
//! The stack makes its SRTP keys by the TLS exporter (RFC 5705) and has no way to hand them out, but it takes its cryptography from
//! whoever sets it up. So it is given its own, with one ear in it. Nothing is encrypted here. Should another version of the stack
//! derive its keys in another way, each session fails and says so, see [`KeysError::NotNoted`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use confocal_rtp::srtp::{self, DtlsRole, KeyError, KeyingMaterial, Profile};
use rtc::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher,
    CryptoAlgorithm, CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac, PublicKey,
    RTCCrypto, RTCCryptoProvider, RTCRandom, SignatureScheme, SigningKey, StreamCipher,
    StreamCipherAlgorithm,
};
use rtc::peer_connection::transport::RTCDtlsRole;
use rtc::statistics::StatsSelector;
use webrtc::peer_connection::PeerConnection;
use zeroize::Zeroizing;

use crate::shard::Keys;

/// The exporter's label (RFC 5764 section 4.2), with which its seed begins.
const LABEL: &[u8] = b"EXTRACTOR-dtls_srtp";

/// What was derived last, as long as nobody has taken it.
#[derive(Clone, Default)]
pub(super) struct Noted(Arc<Mutex<Zeroizing<Vec<u8>>>>);

impl Noted {
    /// Takes the exporter's output: more bytes than keys need, since it comes in blocks. `None` before the handshake, and after
    /// it was taken.
    pub(super) fn take(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!noted.is_empty()).then(|| std::mem::take(&mut *noted))
    }

    /// One step of the exporter's expansion (RFC 5246 section 5): `A(1) = HMAC(seed)` begins it, and each
    /// `HMAC(A(i), seed)` is a block of its output.
    fn listen(&self, input: &[&[u8]], output: &[u8]) {
        match input {
            [seed] if seed.starts_with(LABEL) => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
            [_, seed] if seed.starts_with(LABEL) => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(output);
            }
            _ => {}
        }
    }
}

/// Why a session that is up has no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    /// The handshake is over, and no exporter was heard.
    #[error("this version of the WebRTC stack derives its keys in a way that is not known here")]
    NotNoted,
    /// A profile that was not offered.
    #[error("the profile {0:?} was agreed on, which is not known here")]
    Profile(String),
    /// The stack doesn't say which side it was.
    #[error("the role in the handshake is not known")]
    Role,
    /// What was noted is too short.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The keys of a session whose handshake is over; `None` if they were taken before and are still the same.
pub(super) async fn take(
    noted: &Noted,
    had_keys: bool,
    pc: &dyn PeerConnection,
) -> Result<Option<Keys>, KeysError> {
    let Some(exported) = noted.take() else {
        return if had_keys { Ok(None) } else { Err(KeysError::NotNoted) };
    };
    let report = pc.get_stats(Instant::now(), StatsSelector::None).await;
    let transport = report.transport().ok_or(KeysError::Role)?;
    let profile = match transport.srtp_cipher.as_str() {
        "SRTP_AEAD_AES_128_GCM" => Profile::AeadAes128Gcm,
        "SRTP_AES128_CM_HMAC_SHA1_80" => Profile::AesCm128HmacSha1_80,
        other => return Err(KeysError::Profile(other.to_owned())),
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
    let role = match transport.dtls_role {
        RTCDtlsRole::Client => DtlsRole::Client,
        RTCDtlsRole::Server => DtlsRole::Server,
        // Not decided, or of a kind that is yet to be thought of.
        _ => return Err(KeysError::Role),
    };
    let (inbound, outbound) = KeyingMaterial::from_exported(profile, &exported)?.split(role);
    Ok(Some(Keys { inbound: srtp::Receiver::new(&inbound), outbound: srtp::Sender::new(&outbound) }))
}

/// The stack's own cryptography, with an ear in it; one for each session.
pub(super) struct Listening {
    provider: Arc<dyn RTCCryptoProvider>,
    noted: Noted,
}

impl Listening {
    pub(super) fn new(provider: Arc<dyn RTCCryptoProvider>, noted: Noted) -> Self {
        Self { provider, noted }
    }
}

impl RTCCryptoProvider for Listening {
    fn name(&self) -> &'static str {
        self.provider.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self
    }

    fn random(&self) -> &dyn RTCRandom {
        self.provider.random()
    }
}

impl RTCCrypto for Listening {
    fn supports(&self, algorithm: CryptoAlgorithm) -> bool {
        self.provider.crypto().supports(algorithm)
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.provider.crypto().hash(algorithm, data)
    }

    fn block_encrypt(
        &self,
        algorithm: BlockCipherAlgorithm,
        key: &[u8],
        block: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.provider.crypto().block_encrypt(algorithm, key, block)
    }

    fn new_hmac(&self, algorithm: HmacAlgorithm, key: &[u8]) -> Result<Box<dyn Mac>, CryptoError> {
        let mac = self.provider.crypto().new_hmac(algorithm, key)?;
        Ok(Box::new(ListeningMac { mac, noted: self.noted.clone() }))
    }

    fn new_stream_cipher(
        &self,
        algorithm: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        self.provider.crypto().new_stream_cipher(algorithm, key)
    }

    fn new_aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn AeadCipher>, CryptoError> {
        self.provider.crypto().new_aead(algorithm, key)
    }

    fn new_cbc(&self, algorithm: CbcAlgorithm, key: &[u8]) -> Result<Box<dyn CbcCipher>, CryptoError> {
        self.provider.crypto().new_cbc(algorithm, key)
    }

    fn start_key_exchange(
        &self,
        algorithm: KeyExchangeAlgorithm,
    ) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        self.provider.crypto().start_key_exchange(algorithm)
    }

    fn generate_signing_key(&self, scheme: SignatureScheme) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.provider.crypto().generate_signing_key(scheme)
    }

    fn import_signing_key(
        &self,
        scheme: SignatureScheme,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.provider.crypto().import_signing_key(scheme, pkcs8_der)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        public_key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.provider.crypto().verify_signature(scheme, public_key, message, signature)
    }
}

struct ListeningMac {
    mac: Box<dyn Mac>,
    noted: Noted,
}

impl Mac for ListeningMac {
    fn output_len(&self) -> usize {
        self.mac.output_len()
    }

    fn sign(&mut self, input: &[&[u8]], output: &mut [u8]) -> Result<(), CryptoError> {
        self.mac.sign(input, output)?;
        self.noted.listen(input, output);
        Ok(())
    }

    fn verify(&mut self, input: &[&[u8]], expected: &[u8]) -> Result<(), CryptoError> {
        self.mac.verify(input, expected)
    }
}
