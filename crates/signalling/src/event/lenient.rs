//! Reading fields that may be of any shape: a field that can't be read is a field that is not there.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// For `deserialize_with`: the field if it is of the right type, `None` if it is of another or null.
///
/// # Errors
///
/// Only when the JSON itself is broken.
pub(crate) fn or_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// Milliseconds from a JSON number: nothing below 0, nothing after the point.
pub(crate) fn to_millis(number: f64) -> u64 {
    // The cast saturates and makes NaN 0.
    number as u64
}

/// Why a field can't be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It is not there, or of another type.
    Missing,
    /// It is longer than its bound.
    TooLong,
}

/// A text that must be there and not empty, of up to `max` bytes.
pub(crate) fn text(field: Option<&str>, max: usize) -> Result<&str, Unfit> {
    match field {
        None | Some("") => Err(Unfit::Missing),
        Some(text) if text.len() > max => Err(Unfit::TooLong),
        Some(text) => Ok(text),
    }
}
