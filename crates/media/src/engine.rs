//! The engine itself: commands to legs, and who is there.
//!
//! What a leg does with a command is the leg's; sound is the mixing thread's.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use confocal::conference::{
    Audience, Candidate, ConferenceId, Generation, LegId, MediaCommand, MediaReport, OfferNumber,
    OfferRefusal, ParticipantId, RecordingFailure, RecordingId, Sdp, Sound, StreamMetadata, View,
};
use confocal::ports::{MediaEngine, ReportSink};
use confocal_mixer::{Clip, Probe};
use confocal_transport::{ShardId, Transport, WebRtcTransport};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::config::EngineConfig;
use crate::leg::{Leg, LegCommand, Start};
use crate::mixing::Mixing;
use crate::recordings::{QUEUE_TICKS, Recorder};
use crate::reports::Reports;
use crate::sounds::Sounds;
use crate::stats::{EngineStats, LegStats};
use crate::studio::Studio;

/// Commands that wait for a leg that is busy: candidates come in clusters, offers one after the other.
const WAITING_COMMANDS: usize = 64;

/// Mixes calls. Made by [`Engine::start`]; takes commands by [`MediaEngine::execute`], reports by the sink it was given.
///
/// Dropping it closes all sessions, in the background; [`Engine::shutdown`] waits for that.
pub struct Engine<T: Transport = WebRtcTransport> {
    legs: HashMap<LegId, Entry>,
    legs_max: usize,
    transport: Arc<T>,
    setups: Arc<Semaphore>,
    reports: Reports,
    /// The shards, by their numbers.
    shards: Vec<Mixing>,
    /// Where pictures are composed.
    studio: Arc<Studio>,
    sounds: Sounds,
    /// What is shown in conferences that have legs, or will have.
    views: HashMap<ConferenceId, Arc<Mutex<View>>>,
    /// Conferences that are recorded, and their shards: one stays where it is while nobody's media is up.
    recordings: HashMap<ConferenceId, (RecordingId, ShardId)>,
    /// Dropped after the shards, when all that was to be recorded is on its way.
    recorder: Option<Recorder>,
    tasks: JoinSet<()>,
    runtime: Handle,
}

/// What the engine keeps of a leg.
struct Entry {
    generation: Generation,
    conference: ConferenceId,
    shard: ShardId,
    /// Dropped to close the leg. A queue of pointers: a call has few commands, and the queue room for many.
    commands: mpsc::Sender<Box<LegCommand>>,
    heard: Arc<AtomicBool>,
    stats: Arc<Mutex<LegStats>>,
}

/// Of whom a leg is that is to be set up.
struct Caller {
    conference: ConferenceId,
    participant: ParticipantId,
    name: Arc<str>,
    theirs: Option<StreamMetadata>,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system gives no thread to mix on.
    #[error("no thread to mix on")]
    Thread(#[source] std::io::Error),
    /// No files can be made in the directory for recordings.
    #[error("no recordings can be made in {}", directory.display())]
    Recordings {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no decoder to be had.
    #[error("no decoder")]
    Decoder(#[source] confocal_mixer::CodecError),
    /// The transport did not start.
    #[error(transparent)]
    Transport(#[from] confocal_transport::StartError),
}

impl Engine {
    /// An engine whose calls are WebRTC connections. Its tasks run on `runtime`, which needs I/O and time.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(config: EngineConfig, reports: ReportSink, runtime: Handle) -> Result<Self, StartError> {
        let (transport, ports) = WebRtcTransport::start(config.transport.clone(), config.shards)?;
        Self::with_transport(transport, ports, config, reports, runtime)
    }
}

impl<T: Transport> Engine<T> {
    /// An engine on another transport, with a thread for each of its ports; `config.transport` and `config.shards` are not
    /// looked at.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn with_transport(
        transport: T,
        ports: Vec<T::Port>,
        config: EngineConfig,
        reports: ReportSink,
        runtime: Handle,
    ) -> Result<Self, StartError> {
        let reports = Reports::new(reports);
        let recorder = match config.recordings {
            Some(recordings) => {
                let directory = recordings.directory.clone();
                let recorder = Recorder::start(recordings, reports.clone());
                Some(recorder.map_err(|source| StartError::Recordings { directory, source })?)
            }
            None => None,
        };
        let studio = Arc::new(Studio::new(config.codec_threads.get()));
        let shards = ports
            .into_iter()
            .enumerate()
            .map(|(number, port)| {
                let music = config.sounds.music.clone().map(Clip::repeated);
                let studio = Arc::clone(&studio);
                let probe = Probe::new().map_err(StartError::Decoder)?;
                Mixing::start(number, config.mixer.clone(), music, port, studio, reports.clone(), probe)
                    .map_err(StartError::Thread)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            legs: HashMap::new(),
            legs_max: config.legs_max,
            transport: Arc::new(transport),
            setups: Arc::new(Semaphore::new(config.setups_max.max(1))),
            reports,
            shards,
            studio,
            sounds: Sounds::new(config.sounds),
            views: HashMap::new(),
            recordings: HashMap::new(),
            recorder,
            tasks: JoinSet::new(),
            runtime,
        })
    }

    /// What became of a leg's packets; `None` for a leg that is not there.
    #[must_use]
    pub fn leg_stats(&self, leg: LegId) -> Option<LegStats> {
        let entry = self.legs.get(&leg)?;
        Some(*entry.stats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How well the mixing threads keep their beat, all together.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        let shards: EngineStats = self.shards.iter().map(Mixing::stats).sum();
        let recordings_left_out = self.recorder.as_ref().map_or(0, Recorder::left_out);
        EngineStats { recordings_left_out, compositions: self.studio.compositions(), ..shards }
    }

    /// Tasks of legs that have not ended, closed ones among them until their connections are.
    #[must_use]
    pub fn running(&mut self) -> usize {
        self.reap();
        self.tasks.len()
    }

    /// Closes all sessions and waits until that is done.
    pub async fn shutdown(mut self) {
        let legs: Vec<_> = self.legs.iter().map(|(leg, entry)| (*leg, entry.generation)).collect();
        for (leg, generation) in legs {
            self.close(leg, generation);
        }
        while let Some(ended) = self.tasks.join_next().await {
            log_panic(ended);
        }
    }

    fn open(&mut self, leg: LegId, generation: Generation, who: Caller, start: Start) {
        let Caller { conference, participant, name, theirs } = who;
        self.reap();
        if !self.make_way(leg, generation) {
            return;
        }
        // Legs whose offer was refused leave an entry behind.
        self.legs.retain(|_, entry| !entry.commands.is_closed());
        self.reports.open(leg, generation);
        if self.legs.len() >= self.legs_max {
            self.reports.report(leg, generation, no_room(leg, generation, &start));
            self.reports.close(leg, generation);
            return;
        }
        let shard = self.shard_for(conference);
        let Some(mixing) = self.shards.get(shard.0) else {
            self.reports.report(leg, generation, no_room(leg, generation, &start));
            self.reports.close(leg, generation);
            return;
        };
        let (commands, receiver) = mpsc::channel(WAITING_COMMANDS);
        let stats = Arc::new(Mutex::new(LegStats::default()));
        let heard = Arc::new(AtomicBool::new(true));
        let entry = Entry {
            generation,
            conference,
            shard,
            commands,
            heard: Arc::clone(&heard),
            stats: Arc::clone(&stats),
        };
        let task = Leg {
            leg,
            generation,
            conference,
            participant,
            name,
            transport: Arc::clone(&self.transport),
            setups: Arc::clone(&self.setups),
            shard,
            orders: mixing.orders().clone(),
            theirs,
            view: Arc::clone(self.views.entry(conference).or_default()),
            reports: self.reports.clone(),
            heard,
            stats,
        };
        self.legs.insert(leg, entry);
        self.tasks.spawn_on(task.run(start, receiver), &self.runtime);
    }

    /// The shard of a conference: that of its recording or of those who are in it, or the one with the fewest legs.
    fn shard_for(&self, conference: ConferenceId) -> ShardId {
        if let Some((_, shard)) = self.recordings.get(&conference) {
            return *shard;
        }
        let mut legs = vec![0_usize; self.shards.len()];
        for entry in self.legs.values() {
            if entry.conference == conference {
                return entry.shard;
            }
            if let Some(count) = legs.get_mut(entry.shard.0) {
                *count += 1;
            }
        }
        let fewest = legs.iter().enumerate().min_by_key(|(_, count)| **count);
        ShardId(fewest.map_or(0, |(shard, _)| shard))
    }

    fn renegotiate(
        &self,
        leg: LegId,
        generation: Generation,
        number: OfferNumber,
        offer: Sdp,
        theirs: Option<StreamMetadata>,
    ) {
        if self.command(leg, generation, LegCommand::Renegotiate(number, offer, theirs)).is_err() {
            let (offer, why) = (number, OfferRefusal::Overloaded);
            self.reports.report(leg, generation, MediaReport::OfferRefused { leg, generation, offer, why });
        }
    }

    /// Closes an older session of the leg; `false` if there is a newer one, or this.
    fn make_way(&mut self, leg: LegId, generation: Generation) -> bool {
        match self.legs.get(&leg).map(|entry| entry.generation) {
            Some(present) if present >= generation => {
                debug!(%leg, %generation, %present, "a stale command to set up media is dropped");
                return false;
            }
            Some(present) => self.close(leg, present),
            None => {}
        }
        true
    }

    fn offer_again(&self, leg: LegId, generation: Generation, number: OfferNumber, screen: bool) {
        if self.command(leg, generation, LegCommand::OfferAgain(number, screen)).is_err() {
            self.reports.report(leg, generation, MediaReport::NoOffer { leg, generation, number });
        }
    }

    fn describe(&self, leg: LegId, generation: Generation, theirs: StreamMetadata) {
        if self.command(leg, generation, LegCommand::Describe(theirs)).is_err() {
            debug!(%leg, "what a caller says of its streams is not looked at: it says too much at a time");
        }
    }

    fn show(&mut self, conference: ConferenceId, view: View) {
        let kept = self.views.entry(conference).or_default();
        kept.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&view);
        if let Some(mixing) = self.shards.get(self.shard_for(conference).0) {
            mixing.orders().show(conference, view);
        }
    }

    fn accept(&self, leg: LegId, generation: Generation, answer: Sdp) {
        if self.command(leg, generation, LegCommand::Accept(answer)).is_err() {
            self.reports.report(leg, generation, MediaReport::TransportFailed { leg, generation });
        }
    }

    fn set_heard(&self, leg: LegId, generation: Generation, heard: bool) {
        match self.legs.get(&leg).filter(|entry| entry.generation == generation) {
            // The mixing thread looks before its next tick, so no command on its way to the leg holds this up; a leg that is not in
            // the mix yet is looked at when it is seated.
            Some(entry) => {
                entry.heard.store(heard, Ordering::Relaxed);
                if let Some(mixing) = self.shards.get(entry.shard.0) {
                    mixing.orders().look_at_heard(leg, generation);
                }
            }
            None => debug!(%leg, %generation, "a stale command is dropped"),
        }
    }

    fn add_candidates(&self, leg: LegId, generation: Generation, candidates: Vec<Candidate>) {
        if self.command(leg, generation, LegCommand::AddCandidates(candidates)).is_err() {
            debug!(%leg, "candidates for a leg that is behind with its commands are dropped");
        }
    }

    /// Passes a command on, unless it is stale. An error means that the leg is too far behind to take it.
    fn command(&self, leg: LegId, generation: Generation, command: LegCommand) -> Result<(), Behind> {
        let Some(entry) = self.legs.get(&leg).filter(|entry| entry.generation == generation) else {
            debug!(%leg, %generation, "a stale command is dropped");
            return Ok(());
        };
        match entry.commands.try_send(Box::new(command)) {
            Ok(()) => Ok(()),
            // Its offer was refused: there is nothing to command.
            Err(TrySendError::Closed(_)) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Behind),
        }
    }

    fn close(&mut self, leg: LegId, generation: Generation) {
        if self.legs.get(&leg).is_some_and(|entry| entry.generation == generation) {
            // In this order: nothing is reported any more, nothing is heard any more, then the connection goes.
            self.reports.close(leg, generation);
            if let Some(entry) = self.legs.remove(&leg)
                && let Some(mixing) = self.shards.get(entry.shard.0)
            {
                mixing.orders().unseat(leg, generation);
                if !self.legs.values().any(|other| other.conference == entry.conference) {
                    self.views.remove(&entry.conference);
                }
            }
        }
    }

    fn play(&self, conference: ConferenceId, to: Audience, sound: Sound) {
        let to = match to {
            Audience::Everyone => None,
            Audience::Leg { leg, generation } => Some((leg, generation)),
        };
        let Some(clip) = self.sounds.clip(sound) else {
            debug!(%conference, ?sound, "there is no such sound to be played");
            return;
        };
        if let Some(mixing) = self.shards.get(self.shard_for(conference).0) {
            mixing.orders().play(conference, to, clip);
        }
    }

    fn record(&mut self, conference: ConferenceId, recording: RecordingId) {
        let Some(recorder) = &self.recorder else {
            self.reports.recording_failed(conference, recording, RecordingFailure::NoPlace);
            return;
        };
        let shard = self.shard_for(conference);
        let Some(mixing) = self.shards.get(shard.0) else { return };
        let (sink, queue) = confocal_sound_files::queue(QUEUE_TICKS);
        recorder.begin(conference, recording, SystemTime::now(), queue);
        mixing.orders().record(conference, recording, sink);
        self.recordings.insert(conference, (recording, shard));
    }

    fn stop_recording(&mut self, conference: ConferenceId, recording: RecordingId) {
        let Some((_, shard)) = self.recordings.get(&conference).filter(|(is, _)| *is == recording) else {
            return;
        };
        if let Some(mixing) = self.shards.get(shard.0) {
            mixing.orders().stop_recording(conference, recording);
        }
        self.recordings.remove(&conference);
    }

    fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            log_panic(ended);
        }
    }
}

impl<T: Transport> MediaEngine for Engine<T> {
    fn execute(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Open {
                leg,
                generation,
                conference,
                participant,
                number,
                offer,
                theirs,
                name,
                memo,
            } => {
                let start = Start::Answering { number, offer, memo };
                self.open(leg, generation, Caller { conference, participant, name, theirs }, start);
            }
            MediaCommand::Offer { leg, generation, conference, participant, number, theirs, name, memo } => {
                let start = Start::Offering { number, memo };
                self.open(leg, generation, Caller { conference, participant, name, theirs }, start);
            }
            MediaCommand::Renegotiate { leg, generation, number, offer, theirs } => {
                self.renegotiate(leg, generation, number, offer, theirs);
            }
            MediaCommand::OfferAgain { leg, generation, number, screen } => {
                self.offer_again(leg, generation, number, screen);
            }
            MediaCommand::Describe { leg, generation, theirs } => self.describe(leg, generation, theirs),
            MediaCommand::Show { conference, view } => self.show(conference, view),
            MediaCommand::Accept { leg, generation, answer } => self.accept(leg, generation, answer),
            MediaCommand::SetHeard { leg, generation, heard } => self.set_heard(leg, generation, heard),
            MediaCommand::AddCandidates { leg, generation, candidates } => {
                self.add_candidates(leg, generation, candidates);
            }
            MediaCommand::Play { conference, to, sound } => self.play(conference, to, sound),
            MediaCommand::Record { conference, recording } => self.record(conference, recording),
            MediaCommand::StopRecording { conference, recording } => {
                self.stop_recording(conference, recording)
            }
            MediaCommand::Close { leg, generation } => self.close(leg, generation),
        }
    }
}

impl<T: Transport> fmt::Debug for Engine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("legs", &self.legs.len()).finish_non_exhaustive()
    }
}

impl<T: Transport> Drop for Engine<T> {
    fn drop(&mut self) {
        // Each leg's task ends by itself once its commands do; to abort it would leave its connection open.
        self.tasks.detach_all();
    }
}

/// What is said of a leg that there is no room for.
const fn no_room(leg: LegId, generation: Generation, start: &Start) -> MediaReport {
    match start {
        Start::Answering { number, .. } => {
            MediaReport::OfferRefused { leg, generation, offer: *number, why: OfferRefusal::Overloaded }
        }
        Start::Offering { number, .. } => MediaReport::NoOffer { leg, generation, number: *number },
    }
}

/// A leg is too far behind with its commands to take another.
struct Behind;

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        warn!(%error, "a leg's task panicked");
    }
}
