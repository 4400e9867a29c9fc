//! Speech for simulated callers: `python/speech.py`, which has espeak-ng speak a dialogue.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::process::Running;
use super::{Places, StartError};

/// Two sides of a dialogue: WAV files of the same length, each silent while the other speaks.
#[derive(Clone, Debug)]
pub struct Speech {
    /// The one who begins.
    pub first: PathBuf,
    /// The other.
    pub second: PathBuf,
}

/// Has the dialogue spoken into [`Places::speech`]; takes a second or two.
///
/// # Errors
///
/// [`StartError`], for example when espeak-ng is missing (its log says so).
pub async fn synthesise(places: &Places) -> Result<Speech, StartError> {
    let folder = places.speech();
    let mut command = Command::new(places.python()?);
    command.arg(Places::python_sources().join("speech.py")).arg(&folder).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut speaking = Running::start("speech.py", command, &places.logs().join("speech.log"))?;
    speaking.succeeds(Duration::from_secs(120)).await?;
    Ok(Speech { first: folder.join("first.wav"), second: folder.join("second.wav") })
}
