//! `[sounds]`: sounds of the operator's own, read from their files once, at the start.
//!
//! When one is played never lives here.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use confocal_media::OwnSounds;
use confocal_sound_files::{ReadOggError, ReadWavError, read_ogg_opus, read_wav};
use serde::Deserialize;

use super::check::{Fault, Key, Problem};

/// The longest that a file may be, in minutes; so many take 5.8 MB a minute.
const MINUTES_MAX: usize = 10;

/// The samples of that time, at 48 kHz.
const SAMPLES_MAX: usize = MINUTES_MAX * 60 * 48_000;

/// Files with sounds. None of them is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sounds {
    /// In place of the tone that says to a participant that they are alone.
    pub(crate) alone: Option<PathBuf>,
    /// Played again and again to a participant who is alone.
    pub(crate) music: Option<PathBuf>,
    /// Heard by the first one who comes in.
    pub(crate) opening: Option<PathBuf>,
    /// Heard by whoever comes in.
    pub(crate) welcome: Option<PathBuf>,
}

/// A file that can't be played.
#[derive(Debug)]
pub(crate) struct SoundFault {
    path: PathBuf,
    why: Why,
}

/// What is wrong with a file. The words say what would be right.
#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("can't be read ({0}); name a file that is there and that the focus's user may read")]
    Unreadable(#[from] io::Error),
    #[error("is neither a WAV nor an Ogg file; {CONVERT}")]
    Foreign,
    #[error("{}; {CONVERT}", Chain(.0))]
    Wav(ReadWavError),
    #[error("{}; {CONVERT}", Chain(.0))]
    Ogg(ReadOggError),
    #[error("holds more than {MINUTES_MAX} minutes; shorten it")]
    TooLong,
    #[error("holds no sound; name another file")]
    Empty,
}

/// What makes a good file of nearly any.
const CONVERT: &str = "convert it, as `ffmpeg -i FILE -ar 48000 -c:a pcm_s16le SOUND.wav` does";

impl fmt::Display for SoundFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

/// An error with what is behind it, as one line.
struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        self.0.source().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl Sounds {
    /// Reads all files that are named.
    ///
    /// # Errors
    ///
    /// What is wrong with each that can't be played.
    pub(crate) fn read(&self) -> Result<OwnSounds, Vec<Fault>> {
        let Self { alone, music, opening, welcome } = self;
        let mut faults = Vec::new();
        let mut read = |name, path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            let fault = |why| {
                let fault = SoundFault { path: path.clone(), why };
                faults
                    .push(Fault { key: Key { section: "sounds", name, index: None }, problem: fault.into() });
            };
            samples(path, SAMPLES_MAX).map_err(fault).ok()
        };
        let sounds = OwnSounds {
            alone: read("alone", alone),
            music: read("music", music),
            opening: read("opening", opening),
            welcome: read("welcome", welcome),
        };
        if faults.is_empty() { Ok(sounds) } else { Err(faults) }
    }
}

impl From<SoundFault> for Problem {
    fn from(fault: SoundFault) -> Self {
        Self::Sound(Box::new(fault))
    }
}

/// All samples of a file, mono at 48 kHz, of which there may be so many.
fn samples(path: &Path, most: usize) -> Result<Arc<[i16]>, Why> {
    let mut file = BufReader::new(File::open(path)?);
    let mut kind = [0; 4];
    let read = file.by_ref().take(4).read(&mut kind)?;
    file.rewind()?;
    let samples = match kind.get(..read) {
        Some(b"RIFF") => read_wav(file).map_err(|error| {
            if matches!(error, ReadWavError::TooLong) { Why::TooLong } else { Why::Wav(error) }
        })?,
        Some(b"OggS") => read_ogg_opus(file).map_err(|error| {
            if matches!(error, ReadOggError::TooLong) { Why::TooLong } else { Why::Ogg(error) }
        })?,
        _ => return Err(Why::Foreign),
    };
    match samples.len() {
        0 => Err(Why::Empty),
        length if length > most => Err(Why::TooLong),
        _ => Ok(samples.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use confocal_sound_files::OggOpusWriter;

    use super::*;

    /// Bytes before the samples of a WAV file.
    const HEAD: usize = 44;

    /// A WAV file (RIFF, PCM) of one channel, of silence but for its first sample.
    fn wav(rate: u32, samples: usize) -> Vec<u8> {
        let mut file = head(rate, samples);
        file.resize(HEAD + samples * 2, 0);
        if let Some(first) = file.get_mut(HEAD) {
            *first = 7;
        }
        file
    }

    /// What comes before the samples.
    fn head(rate: u32, samples: usize) -> Vec<u8> {
        let data = samples as u32 * 2;
        let mut file = Vec::with_capacity(HEAD);
        file.extend(b"RIFF");
        file.extend((36 + data).to_le_bytes());
        file.extend(b"WAVEfmt ");
        file.extend(16_u32.to_le_bytes());
        // PCM, one channel.
        file.extend([1, 0, 1, 0]);
        file.extend(rate.to_le_bytes());
        file.extend((rate * 2).to_le_bytes());
        // Bytes and bits of a sample.
        file.extend([2, 0, 16, 0]);
        file.extend(b"data");
        file.extend(data.to_le_bytes());
        file
    }

    fn ogg(ticks: usize) -> Vec<u8> {
        let mut file = OggOpusWriter::new(Vec::new(), 1).unwrap();
        for _ in 0..ticks {
            file.write(None).unwrap();
        }
        file.finish().unwrap()
    }

    /// What is said of a file of that content as `sounds.music`; its path is told as `FILE`.
    fn refusal(content: Option<&[u8]>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sound");
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let faults = Sounds { music: Some(path.clone()), ..Sounds::default() }.read().unwrap_err();
        let [Fault { key, problem }] = &faults[..] else { panic!("{faults:?}") };
        format!("{key}: {problem}").replace(path.to_str().unwrap(), "FILE")
    }

    #[test]
    fn wav_and_ogg_opus_are_read_and_what_is_not_named_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        fs::write(&one, wav(48_000, 100)).unwrap();
        fs::write(&other, ogg(50)).unwrap();
        let sounds = Sounds { alone: Some(one.clone()), welcome: Some(other), ..Sounds::default() };
        let read = sounds.read().unwrap();
        let alone = read.alone.unwrap();
        assert_eq!((alone.len(), alone[0], alone[1]), (100, 7, 0));
        assert_eq!(read.welcome.unwrap().len(), 50 * 960 - 3840);
        assert_eq!((read.music, read.opening), (None, None));
        let sounds = Sounds { music: Some(one.clone()), opening: Some(one), ..Sounds::default() };
        let read = sounds.read().unwrap();
        assert!(read.music.is_some() && read.opening.is_some() && read.alone.is_none());
        assert_eq!(Sounds::default().read().unwrap(), OwnSounds::default());
    }

    #[test]
    fn a_file_that_is_not_there_or_not_readable_is_named_with_its_key_and_what_to_do() {
        let absent = refusal(None);
        assert!(
            absent.starts_with("sounds.music: FILE: can't be read (No such file or directory"),
            "{absent}"
        );
        assert!(absent.ends_with("name a file that is there and that the focus's user may read"), "{absent}");
        let dir = tempfile::tempdir().unwrap();
        let sounds = Sounds { alone: Some(dir.path().to_owned()), ..Sounds::default() };
        let faults = sounds.read().unwrap_err();
        assert!(faults[0].problem.to_string().contains(": can't be read ("), "{}", faults[0].problem);
    }

    #[test]
    fn a_file_of_another_rate_is_told_of_and_how_to_convert_it() {
        let said = refusal(Some(&wav(44_100, 100)));
        assert!(said.starts_with("sounds.music: FILE: the file is not 48 kHz with 16 bits"), "{said}");
        assert!(said.contains("but 44100 Hz, 16 bits, 1 channels; convert it, as `ffmpeg "), "{said}");
    }

    #[test]
    fn a_file_of_another_kind_or_a_damaged_one_is_told_of() {
        for content in [&b"ID3 is something else"[..], b"RI", b""] {
            let said = refusal(Some(content));
            assert!(
                said.starts_with("sounds.music: FILE: is neither a WAV nor an Ogg file; convert"),
                "{said}"
            );
        }
        let said = refusal(Some(&wav(48_000, 100)[..60]));
        assert!(said.starts_with("sounds.music: FILE: the file is not readable as WAV: "), "{said}");
        let mut damaged = ogg(50);
        damaged[40] ^= 1;
        let said = refusal(Some(&damaged));
        assert!(said.starts_with("sounds.music: FILE: the file is not readable as Ogg: "), "{said}");
    }

    #[test]
    fn a_file_is_neither_empty_nor_longer_than_may_be() {
        assert_eq!(refusal(Some(&wav(48_000, 0))), "sounds.music: FILE: holds no sound; name another file");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sound");
        fs::write(&path, wav(48_000, 100)).unwrap();
        assert_eq!(samples(&path, 100).unwrap().len(), 100);
        assert!(matches!(samples(&path, 99), Err(Why::TooLong)));
        assert_eq!(SAMPLES_MAX, 10 * 60 * 48_000);
        // The file says that it holds more than is read at all.
        let endless = refusal(Some(&head(48_000, confocal_sound_files::SAMPLES_MAX + 1)));
        assert_eq!(endless, "sounds.music: FILE: holds more than 10 minutes; shorten it");
    }

    #[test]
    fn all_files_that_cannot_be_played_are_told_of() {
        let nowhere = || Some(PathBuf::from("/nowhere/sound.wav"));
        let sounds = Sounds { alone: nowhere(), music: nowhere(), opening: nowhere(), welcome: nowhere() };
        let keys: Vec<String> =
            sounds.read().unwrap_err().iter().map(|fault| fault.key.to_string()).collect();
        assert_eq!(keys, ["sounds.alone", "sounds.music", "sounds.opening", "sounds.welcome"]);
    }
}
