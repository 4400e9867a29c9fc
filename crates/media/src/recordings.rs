//! Recordings on their way to files: one thread writes all of them, so that whoever mixes never waits for a disk.
//!
//! Who may record whom is decided elsewhere.

mod names;

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use confocal::conference::{ConferenceId, RecordingFailure, RecordingId};
use confocal_sound_files::{Drained, OggOpusWriter, Recording as Queue};
use tracing::{info, warn};

use crate::reports::Reports;

/// Ticks that may wait for the disk, 10 s: 650 kB a recording.
pub(crate) const QUEUE_TICKS: usize = 500;

/// How often what waits is written.
const PERIOD: Duration = Duration::from_millis(200);

/// How often old files are looked for.
const CLEANING: Duration = Duration::from_secs(3600);

/// Where recordings are kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingConfig {
    /// The directory of the files, which has to be there. Files are named after conference and time (UTC), and are readable for their
    /// owner only.
    pub directory: PathBuf,
    /// For how long a file is kept; `None`: for ever. Only files that an engine has made are deleted.
    pub keep: Option<Duration>,
}

/// The thread that writes. Dropping it ends all files in order, and waits for that.
#[derive(Debug)]
pub(crate) struct Recorder {
    orders: Option<Sender<Begin>>,
    left_out: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

/// A recording to write, until its sink is gone.
#[derive(Debug)]
struct Begin {
    conference: ConferenceId,
    recording: RecordingId,
    at: SystemTime,
    queue: Queue,
}

impl Recorder {
    /// Makes sure that files can be made in the directory, and starts the thread.
    ///
    /// # Errors
    ///
    /// When they can't, or the operating system gives no thread.
    pub(crate) fn start(config: RecordingConfig, reports: Reports) -> io::Result<Self> {
        let probe = config.directory.join(names::PROBE);
        match create(&probe) {
            Ok(_) => {}
            // Left by a process that was killed in this very moment.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        std::fs::remove_file(&probe)?;
        let (sender, orders) = channel();
        let left_out = Arc::new(AtomicU64::new(0));
        let writer = Writer { config, reports, left_out: Arc::clone(&left_out), files: Vec::new() };
        let thread = std::thread::Builder::new()
            .name("confocal-record".to_owned())
            .spawn(move || writer.run(&orders))?;
        Ok(Self { orders: Some(sender), left_out, thread: Some(thread) })
    }

    /// Writes what comes by a queue into a file named after conference and time, until its other end is gone.
    pub(crate) fn begin(
        &self,
        conference: ConferenceId,
        recording: RecordingId,
        at: SystemTime,
        queue: Queue,
    ) {
        if let Some(orders) = &self.orders {
            // A thread that has ended is told when this is dropped.
            let _ = orders.send(Begin { conference, recording, at, queue });
        }
    }

    /// Ticks (20 ms) that are silent in files because the disk was too slow.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.orders = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            warn!("the thread that writes recordings panicked");
        }
    }
}

/// What the thread has before it.
struct Writer {
    config: RecordingConfig,
    reports: Reports,
    left_out: Arc<AtomicU64>,
    files: Vec<Writing>,
}

/// A file that is being written.
struct Writing {
    conference: ConferenceId,
    recording: RecordingId,
    queue: Queue,
    file: OggOpusWriter<File>,
    /// What was left out of it so far, as it was counted.
    left_out: u64,
}

impl Writer {
    fn run(mut self, orders: &Receiver<Begin>) {
        let mut cleaned = None;
        loop {
            if cleaned.is_none_or(|at: Instant| at.elapsed() >= CLEANING) {
                cleaned = Some(Instant::now());
                self.clean(SystemTime::now());
            }
            let wait = if self.files.is_empty() { CLEANING } else { PERIOD };
            match orders.recv_timeout(wait) {
                Ok(begin) => self.begin(begin),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.write();
        }
        self.write();
        for writing in std::mem::take(&mut self.files) {
            self.finish(writing);
        }
    }

    fn begin(&mut self, Begin { conference, recording, at, queue }: Begin) {
        let path = self.config.directory.join(names::of(conference, recording, at));
        // Serials tell streams in one file apart (RFC 3533 section 4), of which there is one.
        let serial = (recording.0 & u64::from(u32::MAX)) as u32;
        match create(&path).and_then(|file| OggOpusWriter::new(file, serial)) {
            Ok(file) => {
                info!(%conference, %recording, path = %path.display(), "a recording begins");
                self.files.push(Writing { conference, recording, queue, file, left_out: 0 });
            }
            Err(error) => self.failed(conference, recording, &error),
        }
    }

    /// Writes what waits.
    fn write(&mut self) {
        for mut writing in std::mem::take(&mut self.files) {
            let drained = writing.queue.drain(&mut writing.file);
            let left_out = writing.queue.left_out();
            if left_out > writing.left_out {
                let ticks = left_out - writing.left_out;
                self.left_out.fetch_add(ticks, Ordering::Relaxed);
                writing.left_out = left_out;
                warn!(recording = %writing.recording, ticks, "the disk is too slow: a recording has a gap");
            }
            match drained {
                Ok(Drained::Open) => self.files.push(writing),
                Ok(Drained::Ended) => self.finish(writing),
                Err(error) => self.failed(writing.conference, writing.recording, &error),
            }
        }
    }

    fn finish(&self, Writing { conference, recording, file, .. }: Writing) {
        let seconds = file.samples() / 48_000;
        match file.finish().and_then(|file| file.sync_all()) {
            Ok(()) => info!(%conference, %recording, seconds, "a recording is complete"),
            Err(error) => self.failed(conference, recording, &error),
        }
    }

    fn failed(&self, conference: ConferenceId, recording: RecordingId, error: &io::Error) {
        warn!(%conference, %recording, %error, "a recording failed");
        self.reports.recording_failed(conference, recording, failure(error));
    }

    /// Deletes files of ours that are older than they may be.
    fn clean(&self, now: SystemTime) {
        let Some(keep) = self.config.keep else { return };
        let directory = match std::fs::read_dir(&self.config.directory) {
            Ok(directory) => directory,
            Err(error) => {
                warn!(%error, "the directory of recordings can't be read");
                return;
            }
        };
        for entry in directory.flatten() {
            let ours = entry.file_name().to_str().is_some_and(names::is_ours);
            let Some(metadata) = entry.metadata().ok().filter(|metadata| ours && metadata.is_file()) else {
                continue;
            };
            let age = metadata.modified().ok().and_then(|at| now.duration_since(at).ok());
            if age.is_some_and(|age| age > keep) {
                match std::fs::remove_file(entry.path()) {
                    Ok(()) => info!(path = %entry.path().display(), "an old recording is deleted"),
                    Err(error) => warn!(%error, "an old recording can't be deleted"),
                }
            }
        }
    }
}

/// A new file that only its owner may read; one that is there already is left alone.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn failure(error: &io::Error) -> RecordingFailure {
    let full =
        matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge);
    if full { RecordingFailure::DiskFull } else { RecordingFailure::NotWritable }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use confocal::conference::MediaReport;
    use confocal::ports::ReportSink;
    use confocal_mixer::Sink as _;
    use confocal_sound_files::{queue, read_ogg_opus};

    use super::*;

    fn files(directory: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn config(directory: &Path) -> RecordingConfig {
        RecordingConfig { directory: directory.to_owned(), keep: None }
    }

    #[test]
    fn what_was_taken_is_in_a_file_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (reports, mut heard) = ReportSink::new();
        let recorder = Recorder::start(config(directory.path()), Reports::new(reports)).unwrap();
        assert!(
            files(directory.path()).is_empty(),
            "nothing is left of the look whether it can be written to"
        );
        let (mut sink, waiting) = queue(QUEUE_TICKS);
        recorder.begin(ConferenceId(3), RecordingId(7), SystemTime::UNIX_EPOCH, waiting);
        for _ in 0..100 {
            sink.take(None);
        }
        drop(sink);
        drop(recorder);
        let files = files(directory.path());
        assert_eq!(files, [directory.path().join("conference-3-19700101T000000Z-7.opus")]);
        assert_eq!(std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
        let samples = read_ogg_opus(File::open(&files[0]).unwrap()).unwrap();
        assert_eq!(samples.len(), 100 * 960 - 3840);
        assert!(heard.try_recv().is_err(), "nothing failed");
    }

    #[test]
    fn a_directory_that_is_not_there_is_told_at_the_start_and_one_that_goes_with_the_recording() {
        let directory = tempfile::tempdir().unwrap();
        let gone = directory.path().join("gone");
        let (reports, mut heard) = ReportSink::new();
        let reports = Reports::new(reports);
        let error = Recorder::start(config(&gone), reports.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        std::fs::create_dir(&gone).unwrap();
        let recorder = Recorder::start(config(&gone), reports).unwrap();
        std::fs::remove_dir(&gone).unwrap();
        let (_sink, waiting) = queue(1);
        recorder.begin(ConferenceId(3), RecordingId(7), SystemTime::UNIX_EPOCH, waiting);
        let failed = MediaReport::RecordingFailed {
            conference: ConferenceId(3),
            recording: RecordingId(7),
            why: RecordingFailure::NotWritable,
        };
        assert_eq!(heard.blocking_recv(), Some(failed));
    }

    #[test]
    fn a_full_disk_is_told_as_one() {
        let of = |kind: ErrorKind| failure(&kind.into());
        assert_eq!(of(ErrorKind::StorageFull), RecordingFailure::DiskFull);
        assert_eq!(of(ErrorKind::PermissionDenied), RecordingFailure::NotWritable);
    }

    #[test]
    fn what_the_disk_is_too_slow_for_is_counted_and_the_recording_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let recorder = Recorder::start(config(directory.path()), Reports::new(ReportSink::new().0)).unwrap();
        let (mut sink, waiting) = queue(10);
        for _ in 0..25 {
            sink.take(None);
        }
        recorder.begin(ConferenceId(3), RecordingId(7), SystemTime::UNIX_EPOCH, waiting);
        let counter = Arc::clone(&recorder.left_out);
        drop(sink);
        drop(recorder);
        assert_eq!(counter.load(Ordering::Relaxed), 15);
    }

    #[test]
    fn old_files_go_if_they_are_ours() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let (old, new) = ("conference-1-20200101T000000Z-1.opus", "conference-1-20200102T000000Z-2.opus");
        let now = SystemTime::now();
        for (name, age) in [(old, 100), (new, 10), ("holiday.opus", 100), ("conference-notes.opus", 100)] {
            let file = File::create(path(name)).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        }
        let writer = Writer {
            config: RecordingConfig { keep: Some(Duration::from_secs(60)), ..config(directory.path()) },
            reports: Reports::new(ReportSink::new().0),
            left_out: Arc::default(),
            files: Vec::new(),
        };
        writer.clean(now);
        assert_eq!(files(directory.path()), [path(new), path("conference-notes.opus"), path("holiday.opus")]);
    }
}
