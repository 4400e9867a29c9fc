//! The nonce of a store: what keeps its transaction ids apart from those of any other store.
//!
//! Request ids begin at the same number in every new store; a homeserver that remembers ids of a lost one must not take the
//! new store's requests for repetitions.

/// 96 random bits as 20 characters of lower-case base32: safe in a URL path, and never the same twice.
pub(crate) fn make() -> Result<String, getrandom::Error> {
    let mut bits = [0; 12];
    getrandom::fill(&mut bits)?;
    let mut text = data_encoding::BASE32_NOPAD.encode(&bits);
    text.make_ascii_lowercase();
    Ok(text)
}
