//! Master keys: from what DTLS exported to one for each direction. They are wiped when dropped, and never printed.
//!
//! What is derived from them lives in the ciphers, whose libraries do not wipe it.

use core::fmt;

use zeroize::Zeroizing;

use super::Profile;

const MAX_KEY_BYTES: usize = 32;
const MAX_SALT_BYTES: usize = 14;

/// Why bytes are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The master key is not as long as the profile's.
    #[error("a master key of {0} bytes")]
    Key(usize),
    /// The master salt is not as long as the profile's.
    #[error("a master salt of {0} bytes")]
    Salt(usize),
    /// DTLS exported less than the profile needs.
    #[error("keying material of {0} bytes")]
    Material(usize),
}

/// Which side of the DTLS handshake we were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DtlsRole {
    /// We began it (`a=setup:active`).
    Client,
    /// The peer began it (`a=setup:passive`).
    Server,
}

/// Master key and master salt of one direction.
#[derive(Clone)]
pub struct MasterKey {
    profile: Profile,
    key: Zeroizing<[u8; MAX_KEY_BYTES]>,
    salt: Zeroizing<[u8; MAX_SALT_BYTES]>,
}

impl MasterKey {
    /// Takes a key and a salt as long as the profile says.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when they are not.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        if key.len() != profile.key_len() {
            return Err(KeyError::Key(key.len()));
        }
        if salt.len() != profile.salt_len() {
            return Err(KeyError::Salt(salt.len()));
        }
        let mut this = Self {
            profile,
            key: Zeroizing::new([0; MAX_KEY_BYTES]),
            salt: Zeroizing::new([0; MAX_SALT_BYTES]),
        };
        this.key[..key.len()].copy_from_slice(key);
        this.salt[..salt.len()].copy_from_slice(salt);
        Ok(this)
    }

    /// What it is a key of.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.profile.key_len()]
    }

    /// As derivation wants it. "The 12-octet master salt is extended with two zero octets" in effect for GCM (RFC 7714 section 11).
    pub(super) fn padded_salt(&self) -> &[u8; MAX_SALT_BYTES] {
        &self.salt
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The keys of both directions, as DTLS exported them.
#[derive(Clone)]
pub struct KeyingMaterial {
    client: MasterKey,
    server: MasterKey,
}

impl KeyingMaterial {
    /// Takes what DTLS exported under the label `EXTRACTOR-dtls_srtp`: client key, server key, client salt, server salt (RFC 5764
    /// section 4.2). What is longer than [`Profile::keying_material_len`] is taken by its beginning: an exporter of TLS 1.2 gives
    /// the same beginning however much it is asked for.
    ///
    /// # Errors
    ///
    /// [`KeyError::Material`] when there is less.
    pub fn from_exported(profile: Profile, exported: &[u8]) -> Result<Self, KeyError> {
        if exported.len() < profile.keying_material_len() {
            return Err(KeyError::Material(exported.len()));
        }
        let (client_key, rest) = exported.split_at(profile.key_len());
        let (server_key, rest) = rest.split_at(profile.key_len());
        let (client_salt, rest) = rest.split_at(profile.salt_len());
        let (server_salt, _) = rest.split_at(profile.salt_len());
        Ok(Self {
            client: MasterKey::new(profile, client_key, client_salt)?,
            server: MasterKey::new(profile, server_key, server_salt)?,
        })
    }

    /// The keys of what comes in and of what goes out, for the side that was `role`.
    #[must_use]
    pub fn split(self, role: DtlsRole) -> (MasterKey, MasterKey) {
        match role {
            DtlsRole::Client => (self.server, self.client),
            DtlsRole::Server => (self.client, self.server),
        }
    }
}

impl fmt::Debug for KeyingMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyingMaterial").field("profile", &self.client.profile).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that tell their place.
    fn material(profile: Profile) -> Vec<u8> {
        (0..profile.keying_material_len() as u8).collect()
    }

    #[test]
    fn each_side_sends_with_its_own_key() {
        let bytes = material(Profile::AesCm128HmacSha1_80);
        let keys = KeyingMaterial::from_exported(Profile::AesCm128HmacSha1_80, &bytes).unwrap();
        let (inbound, outbound) = keys.clone().split(DtlsRole::Client);
        assert_eq!((outbound.key(), &outbound.padded_salt()[..]), (&bytes[..16], &bytes[32..46]));
        assert_eq!((inbound.key(), &inbound.padded_salt()[..]), (&bytes[16..32], &bytes[46..60]));
        let (inbound, outbound) = keys.split(DtlsRole::Server);
        assert_eq!((inbound.key(), outbound.key()), (&bytes[..16], &bytes[16..32]));
    }

    #[test]
    fn the_short_salt_of_gcm_ends_in_zeros() {
        let bytes = material(Profile::AeadAes256Gcm);
        let keys = KeyingMaterial::from_exported(Profile::AeadAes256Gcm, &bytes).unwrap();
        let (inbound, outbound) = keys.split(DtlsRole::Client);
        assert_eq!(outbound.key(), &bytes[..32]);
        assert_eq!(inbound.key(), &bytes[32..64]);
        assert_eq!(&outbound.padded_salt()[..12], &bytes[64..76]);
        assert_eq!(&inbound.padded_salt()[..], [&bytes[76..88], &[0, 0]].concat());
    }

    #[test]
    fn more_is_taken_by_its_beginning_and_less_refused() {
        for profile in Profile::ALL {
            let mut bytes = material(profile);
            let short = KeyingMaterial::from_exported(profile, &bytes[1..]);
            assert_eq!(short.unwrap_err(), KeyError::Material(profile.keying_material_len() - 1));
            bytes.extend([0xFF; 8]);
            let (inbound, _) =
                KeyingMaterial::from_exported(profile, &bytes).unwrap().split(DtlsRole::Server);
            assert_eq!(inbound.key(), &bytes[..profile.key_len()]);
        }
    }

    #[test]
    fn lengths_of_another_profile_are_refused() {
        let gcm = Profile::AeadAes128Gcm;
        assert_eq!(MasterKey::new(gcm, &[0; 32], &[0; 12]).unwrap_err(), KeyError::Key(32));
        assert_eq!(MasterKey::new(gcm, &[0; 16], &[0; 14]).unwrap_err(), KeyError::Salt(14));
    }

    #[test]
    fn nothing_of_a_key_is_printed() {
        let keys = KeyingMaterial::from_exported(Profile::AeadAes128Gcm, &[0xA7; 56]).unwrap();
        let printed = format!("{keys:?} {:#?}", keys.clone().split(DtlsRole::Client));
        for form in ["167", "a7", "A7"] {
            assert!(!printed.contains(form), "{printed}");
        }
    }
}
