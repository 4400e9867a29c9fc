//! Random numbers and names from the operating system: SSRCs, first sequence numbers, stream ids.
//!
//! Nothing repeatable lives here: a test that needs a known value passes it in.

use std::fmt::Write as _;

/// Fresh random bytes.
///
/// # Errors
///
/// When the operating system gives none.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A random name of 16 hexadecimal digits.
///
/// # Errors
///
/// When the operating system gives no random bytes.
pub(crate) fn name() -> Result<String, getrandom::Error> {
    let mut name = String::with_capacity(16);
    for byte in bytes::<8>()? {
        // Writing into a String can't fail.
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}
