//! Fields as strictly typed readers ask for them: there and of the type, or an objection.
//!
//! Which fields a reader wants never lives here.

use serde_json::Value;

/// A text that must be there.
pub(crate) fn text<'a>(content: &'a Value, field: &str) -> Result<&'a str, String> {
    content[field].as_str().ok_or_else(|| format!("{field} is no text"))
}

/// A text that may be missing or null, but no other thing.
pub(crate) fn text_or_none<'a>(content: &'a Value, field: &str) -> Result<Option<&'a str>, String> {
    if content[field].is_null() { Ok(None) } else { text(content, field).map(Some) }
}

/// A whole number of up to `max` that must be there, written as one.
pub(crate) fn whole(content: &Value, field: &str, max: u64) -> Result<u64, String> {
    content[field]
        .as_u64()
        .filter(|number| *number <= max)
        .ok_or_else(|| format!("{field} is no whole number of up to {max}"))
}

/// A text that must be one of these.
pub(crate) fn one_of<'a>(content: &'a Value, field: &str, known: &[&str]) -> Result<&'a str, String> {
    let text = text(content, field)?;
    if known.contains(&text) { Ok(text) } else { Err(format!("{field} is {text:?}")) }
}

/// A truth value that may be missing.
pub(crate) fn truth_or_none(content: &Value, field: &str) -> Result<(), String> {
    let fits = content[field].is_null() || content[field].is_boolean();
    fits.then_some(()).ok_or_else(|| format!("{field} is no truth value"))
}

/// A session description: both fields must be there, and the kind be one that there is.
pub(crate) fn description<'a>(content: &'a Value, field: &str) -> Result<(&'a str, &'a str), String> {
    let description = &content[field];
    Ok((one_of(description, "type", &["offer", "answer"])?, text(description, "sdp")?))
}
