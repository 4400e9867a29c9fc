//! A caller that is no browser: the Python program `python/caller.py`, which places one 1:1 call with aiortc, sends a tone or a
//! file, and measures what it hears.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::process::Running;
use super::{Places, StartError, User};

/// What a caller sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Sound {
    /// Nothing but silence.
    Silence,
    /// A sine.
    Tone {
        /// Its frequency in Hz.
        hertz: f64,
        /// Its level in dBFS (a full-scale sine is 0).
        dbfs: f64,
    },
    /// A WAV file (16 bit, mono, 48 kHz) again and again, in step with the wall clock.
    File(PathBuf),
}

/// What a caller shows: a picture of one colour, 640 x 360, 15 times a second, in which a bar moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Red, green and blue.
    pub colour: [u8; 3],
    /// The only codec that it offers.
    pub codec: ShownCodec,
}

/// How pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownCodec {
    /// RFC 7741.
    Vp8,
    /// RFC 6184.
    H264,
}

/// The version of the call protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The integer 0: no party ids, no `select_answer`, no `reject`.
    V0,
    /// The string "1".
    V1,
}

/// How a caller calls.
#[derive(Clone, Debug)]
pub struct CallerOptions {
    /// Whom it calls.
    pub focus_user: String,
    /// The group room that it invites that user into beforehand, if any. Being refused there is no error.
    pub group_room: Option<String>,
    /// The 1:1 room to call in; `None`: it makes one, inviting the focus user.
    pub room: Option<String>,
    /// The version it speaks.
    pub version: Version,
    /// What it sends.
    pub sound: Sound,
    /// What it shows; `None`: its call has no pictures.
    pub picture: Option<Shown>,
    /// The frequencies in Hz that it measures in what it hears.
    pub listen_hertz: Vec<f64>,
    /// No candidates in the offer, all in `m.call.candidates`.
    pub trickle_only: bool,
    /// `sdp_stream_metadata` in the invite (never in version 0).
    pub metadata: bool,
    /// As nheko calls: an RSA certificate, no metadata, an empty invitee, all candidates in one event and by their position
    /// only. It hangs up on any `m.call.negotiate`.
    pub like_nheko: bool,
    /// Of the invite.
    pub lifetime: Duration,
    /// The invite's `invitee`.
    pub invitee: Option<String>,
}

impl CallerOptions {
    /// A silent version 1 caller with metadata and 60 s of lifetime, that makes its own 1:1 room.
    #[must_use]
    pub fn new(focus_user: &str) -> Self {
        Self {
            focus_user: focus_user.to_owned(),
            group_room: None,
            room: None,
            version: Version::V1,
            sound: Sound::Silence,
            picture: None,
            listen_hertz: Vec::new(),
            trickle_only: false,
            metadata: true,
            like_nheko: false,
            lifetime: Duration::from_secs(60),
            invitee: None,
        }
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        // One word an argument: a value may begin with a dash.
        let mut add = |name: &str, value: OsString| {
            let mut word = OsString::from(format!("--{name}="));
            word.push(value);
            arguments.push(word);
        };
        add("focus", self.focus_user.clone().into());
        let optional = [("group-room", &self.group_room), ("room", &self.room), ("invitee", &self.invitee)];
        for (name, value) in optional {
            if let Some(value) = value {
                add(name, value.into());
            }
        }
        add(
            "version",
            match self.version {
                Version::V0 => "0".into(),
                Version::V1 => "1".into(),
            },
        );
        add("lifetime", self.lifetime.as_millis().to_string().into());
        match &self.sound {
            Sound::Silence => {}
            Sound::Tone { hertz, dbfs } => {
                add("tone", hertz.to_string().into());
                add("level", dbfs.to_string().into());
            }
            Sound::File(path) => add("wav", path.into()),
        }
        if let Some(Shown { colour: [red, green, blue], codec }) = self.picture {
            add("picture", format!("{red:02x}{green:02x}{blue:02x}").into());
            let codec = match codec {
                ShownCodec::Vp8 => "VP8",
                ShownCodec::H264 => "H264",
            };
            add("picture-codec", codec.into());
        }
        let hertz: Vec<String> = self.listen_hertz.iter().map(f64::to_string).collect();
        add("listen-tones", hertz.join(",").into());
        if self.trickle_only {
            arguments.push("--trickle-only".into());
        }
        if !self.metadata {
            arguments.push("--no-metadata".into());
        }
        if self.like_nheko {
            arguments.push("--like-nheko".into());
        }
        arguments
    }
}

/// What a caller says, as it happens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallerEvent {
    /// It made its 1:1 room.
    Room {
        /// The room's id.
        room_id: String,
    },
    /// It sent the invite.
    Placed {
        /// The 1:1 room.
        room_id: String,
        /// The call.
        call_id: String,
        /// The caller's party; it is not sent in version 0.
        party_id: String,
    },
    /// The call was answered; `select_answer` is out (version 1).
    Answered {
        /// The answering party.
        party_id: Option<String>,
        /// The answer's version, as it was sent: a number or a text.
        version: serde_json::Value,
        /// The answer.
        sdp: String,
        /// Its `sdp_stream_metadata`.
        metadata: Option<serde_json::Value>,
    },
    /// Another answer came, and was not taken.
    AnsweredAgain {
        /// The other party.
        party_id: Option<String>,
    },
    /// ICE and DTLS are through.
    Connected,
    /// ICE or DTLS failed, or consent ended.
    Failed,
    /// The other side hung up.
    Hangup {
        /// Its reason.
        reason: Option<String>,
    },
    /// The other side rejected the call.
    Rejected {
        /// Its reason.
        reason: Option<String>,
    },
    /// The other side changed its metadata.
    Metadata {
        /// The new `sdp_stream_metadata`.
        metadata: Option<serde_json::Value>,
    },
    /// The other side wants to negotiate; this caller does not.
    Negotiate {
        /// Whether it is an `offer` or an `answer`.
        #[serde(rename = "type")]
        kind: Option<String>,
    },
    /// An `m.notice` in the 1:1 room.
    Notice {
        /// Its text.
        body: Option<String>,
        /// Who sent it.
        sender: Option<String>,
    },
    /// What was heard in the last half second; said twice a second from the invite on.
    Levels(Levels),
    /// What was seen in the last half second; said twice a second by one that shows a picture.
    Picture(Seen),
    /// Something went wrong.
    Error {
        /// What.
        message: String,
    },
    /// The caller is done, and will say no more.
    Ended,
}

/// Levels in dBFS; a full-scale sine is 0, nothing is -120.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Levels {
    /// How many samples at 48 kHz were measured: less than 24000 where packets are missing.
    pub samples: u32,
    /// Each of [`CallerOptions::listen_hertz`], in the order and with the digits of Python's `%g`.
    pub tones: BTreeMap<String, f64>,
    /// Everything.
    pub rms: f64,
}

impl Levels {
    /// The level of a tone that was listened for; -120 if it was not.
    #[must_use]
    pub fn tone(&self, hertz: f64) -> f64 {
        self.tones.get(&hertz.to_string()).copied().unwrap_or(-120.0)
    }
}

/// What a caller sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Seen {
    /// How many frames have come.
    pub frames: u32,
    /// The width of the last one, in pixels; 0 where none came.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Its mean colour, as RRGGBB in hexadecimal.
    pub colour: Option<String>,
}

impl Seen {
    /// Whether the last frame was of about that colour: no part of it is off by more than 40 of 255.
    #[must_use]
    pub fn is_about(&self, colour: [u8; 3]) -> bool {
        let Some(seen) = &self.colour else { return false };
        let part = |at: usize| u8::from_str_radix(seen.get(at..at + 2)?, 16).ok();
        colour.iter().zip([0, 2, 4]).all(|(wanted, at)| part(at).is_some_and(|is| is.abs_diff(*wanted) <= 40))
    }
}

/// What was waited for did not come from a caller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallerError {
    /// Not in time.
    #[error("the caller did not say {what} within {waited:?}; it said: {said:?}")]
    NotSaid {
        /// What was waited for.
        what: String,
        /// For how long.
        waited: Duration,
        /// The last things it said since the wait began.
        said: Vec<CallerEvent>,
    },
    /// It ended, or failed.
    #[error("the caller ended before it said {what}; it said: {said:?}")]
    Gone {
        /// What was waited for.
        what: String,
        /// The last things it said since the wait began.
        said: Vec<CallerEvent>,
    },
    /// It takes no commands any more.
    #[error("the caller does not listen")]
    Deaf(#[source] std::io::Error),
}

/// A running caller. Dropping it ends the process without a hangup, as a crash would.
#[derive(Debug)]
pub struct AiortcCaller {
    running: Running,
    stdin: ChildStdin,
    events: mpsc::UnboundedReceiver<CallerEvent>,
}

impl AiortcCaller {
    /// Starts a caller that acts as `user`; it begins to call at once. Its log is a file in `directory`, named after the user.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(
        places: &Places,
        directory: &Path,
        user: &User,
        options: &CallerOptions,
    ) -> Result<Self, StartError> {
        let mut command = Command::new(places.python()?);
        command.arg(Places::python_sources().join("caller.py")).args([
            format!("--homeserver={}", user.homeserver),
            format!("--user-id={}", user.user_id),
            format!("--token={}", user.access_token),
            format!("--device-id={}", user.device_id),
        ]);
        command.args(options.arguments());
        // No compiled files among the sources; one thread a caller is enough for numpy.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("OPENBLAS_NUM_THREADS", "1");
        let name = user.user_id.trim_start_matches('@').split(':').next().unwrap_or("caller");
        let log = directory.join(format!("caller-{name}.log"));
        let (running, stdin, stdout) = Running::start_talking("the aiortc caller", command, &log)?;
        let (sender, events) = mpsc::unbounded_channel();
        thread::spawn(move || read_events(stdout, &sender));
        Ok(Self { running, stdin, events })
    }

    /// The log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.running.log()
    }

    /// The next thing it says; `None` when it has ended and said all.
    pub async fn next(&mut self) -> Option<CallerEvent> {
        self.events.recv().await
    }

    /// The next thing it has said already; `None` when there is none yet, or no more.
    pub fn try_next(&mut self) -> Option<CallerEvent> {
        self.events.try_recv().ok()
    }

    /// Waits for the first event of which `wanted` makes something, and returns that; what comes before is lost. `what` is for
    /// the error.
    ///
    /// # Errors
    ///
    /// [`CallerError::NotSaid`] after `deadline`, [`CallerError::Gone`] when the caller ended.
    pub async fn until<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        mut wanted: impl FnMut(&CallerEvent) -> Option<T>,
    ) -> Result<T, CallerError> {
        let from = Instant::now();
        let mut said = Vec::new();
        loop {
            match timeout(deadline.saturating_sub(from.elapsed()), self.events.recv()).await {
                Ok(Some(event)) => {
                    if let Some(found) = wanted(&event) {
                        return Ok(found);
                    }
                    if said.len() == 20 {
                        said.remove(0);
                    }
                    said.push(event);
                }
                Ok(None) => return Err(CallerError::Gone { what: what.to_owned(), said }),
                Err(_) => return Err(CallerError::NotSaid { what: what.to_owned(), waited: deadline, said }),
            }
        }
    }

    /// Waits until the call is connected.
    ///
    /// # Errors
    ///
    /// [`CallerError`].
    pub async fn connected(&mut self, deadline: Duration) -> Result<(), CallerError> {
        self.until("connected", deadline, |event| (*event == CallerEvent::Connected).then_some(())).await
    }

    /// Waits for half a second of sound of which `wanted` is true.
    ///
    /// # Errors
    ///
    /// [`CallerError`].
    pub async fn hears(
        &mut self,
        what: &str,
        deadline: Duration,
        wanted: impl Fn(&Levels) -> bool,
    ) -> Result<Levels, CallerError> {
        let as_wanted = |event: &CallerEvent| {
            let CallerEvent::Levels(levels) = event else { return None };
            wanted(levels).then(|| levels.clone())
        };
        self.until(what, deadline, as_wanted).await
    }

    /// Waits for half a second of pictures of which `wanted` is true.
    ///
    /// # Errors
    ///
    /// [`CallerError`].
    pub async fn sees(
        &mut self,
        what: &str,
        deadline: Duration,
        wanted: impl Fn(&Seen) -> bool,
    ) -> Result<Seen, CallerError> {
        let as_wanted = |event: &CallerEvent| {
            let CallerEvent::Picture(seen) = event else { return None };
            wanted(seen).then(|| seen.clone())
        };
        self.until(what, deadline, as_wanted).await
    }

    /// Hangs up.
    ///
    /// # Errors
    ///
    /// [`CallerError::Deaf`].
    pub fn hang_up(&mut self) -> Result<(), CallerError> {
        self.command("hangup")
    }

    /// Sends silence instead of its sound, or its sound again; nobody is told.
    ///
    /// # Errors
    ///
    /// [`CallerError::Deaf`].
    pub fn mute(&mut self, muted: bool) -> Result<(), CallerError> {
        self.command(if muted { "mute" } else { "unmute" })
    }

    /// Says a text message in the 1:1 room; one line.
    ///
    /// # Errors
    ///
    /// [`CallerError::Deaf`].
    pub fn say(&mut self, text: &str) -> Result<(), CallerError> {
        self.command(&format!("say {}", text.replace('\n', " ")))
    }

    fn command(&mut self, command: &str) -> Result<(), CallerError> {
        writeln!(self.stdin, "{command}").and_then(|()| self.stdin.flush()).map_err(CallerError::Deaf)
    }
}

/// Ends with the caller's output, or when nobody reads any more.
fn read_events(stdout: ChildStdout, sender: &mpsc::UnboundedSender<CallerEvent>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        let event = serde_json::from_str(&line)
            .unwrap_or_else(|error| CallerEvent::Error { message: format!("unreadable ({error}): {line}") });
        if sender.send(event).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_the_caller_writes_them() {
        let read = |line| serde_json::from_str::<CallerEvent>(line).expect("readable");
        assert_eq!(read(r#"{"event": "connected"}"#), CallerEvent::Connected);
        let CallerEvent::Levels(levels) = read(
            r#"{"event": "levels", "samples": 24000, "tones": {"437": -23.1, "612.5": -50.0}, "rms": -20.2}"#,
        ) else {
            panic!("other event")
        };
        assert_eq!((levels.tone(437.0), levels.tone(612.5), levels.tone(1.0)), (-23.1, -50.0, -120.0));
        let answered =
            read(r#"{"event": "answered", "party_id": null, "version": 0, "sdp": "v=0", "metadata": null}"#);
        assert!(matches!(answered, CallerEvent::Answered { party_id: None, .. }));
    }

    #[test]
    fn a_colour_is_known_again_after_coding() {
        let seen = |colour: &str| Seen { colour: Some(colour.to_owned()), ..Seen::default() };
        assert!(seen("e01020").is_about([255, 0, 0]));
        assert!(!seen("e01020").is_about([0, 0, 255]));
        assert!(!Seen::default().is_about([0, 0, 0]), "nothing was seen");
        assert!(!seen("e0").is_about([255, 0, 0]), "what can't be read is no colour");
    }

    #[test]
    fn values_with_dashes_stay_with_their_names() {
        let mut options = CallerOptions::new("@conf_x:confocal.test");
        options.sound = Sound::Tone { hertz: 437.0, dbfs: -20.0 };
        options.listen_hertz = vec![437.0, 612.5];
        let arguments = options.arguments();
        for expected in
            ["--level=-20", "--tone=437", "--listen-tones=437,612.5", "--version=1", "--lifetime=60000"]
        {
            assert!(arguments.contains(&expected.into()), "{expected} is not among {arguments:?}");
        }
    }
}
