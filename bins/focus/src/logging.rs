//! The log: lines on standard error, filtered, as text or JSON, without people's names and addresses unless asked for.
//!
//! What is logged never lives here: that is said where it happens.

mod redact;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};
use redact::Redactor;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LogError {
    /// The filter can't be read.
    #[error("the log filter can't be read")]
    Filter(#[from] ParseError),
    /// There is one already.
    #[error("the log can't be set up")]
    Twice(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Begins the process's log. Users whose localpart begins with one of `focus_prefixes` are ours and are shown.
///
/// # Errors
///
/// [`LogError`]
pub(crate) fn start(log: &Log, focus_prefixes: &[String]) -> Result<(), LogError> {
    let redactor = log.redact.then(|| Arc::new(Redactor::new(focus_prefixes)));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&log.filter)?)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(Lines { redactor });
    match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(LogError::Twice)
}

/// Where lines go to.
struct Lines {
    redactor: Option<Arc<Redactor>>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { out: io::stderr(), redactor: self.redactor.clone(), text: Vec::new() }
    }
}

/// One line being made: collected whole, so that nothing to be hidden is cut in two, and written when dropped.
struct Line<W: Write> {
    out: W,
    redactor: Option<Arc<Redactor>>,
    text: Vec<u8>,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for Line<W> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let shown = match &self.redactor {
            Some(redactor) => redactor.redact(&text),
            None => text,
        };
        // A log that can't be written has nowhere to complain.
        let _ = self.out.write_all(shown.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_written_in_parts_is_hidden_as_a_whole() {
        let mut out = Vec::new();
        let redactor = Some(Arc::new(Redactor::new(&[])));
        let mut line = Line { out: &mut out, redactor, text: Vec::new() };
        line.write_all(b"called by @ali").unwrap();
        line.write_all(b"ce:example.org\n").unwrap();
        drop(line);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("called by @user-") && text.ends_with('\n'), "{text}");
        assert!(!text.contains("ali") && !text.contains("example"), "{text}");
    }

    #[test]
    fn without_a_redactor_a_line_is_written_as_it_is() {
        let mut out = Vec::new();
        Line { out: &mut out, redactor: None, text: Vec::new() }.write_all(b"@alice:example.org").unwrap();
        assert_eq!(out, b"@alice:example.org");
    }
}
