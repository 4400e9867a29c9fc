//! The way out for reports: it knows which sessions are open and lets no other report through.
//!
//! What is reported is not decided here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use confocal::conference::{
    ConferenceId, Generation, LegId, LegLevel, LegQuality, MediaReport, RecordingFailure, RecordingId,
};
use confocal::ports::ReportSink;

/// Reports of open sessions, on their way to the driver. Checking and reporting are one step under a lock, so that no report comes
/// after [`Reports::close`] has returned.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    sink: ReportSink,
    open: Arc<Mutex<HashMap<LegId, Generation>>>,
}

impl Reports {
    pub(crate) fn new(sink: ReportSink) -> Self {
        Self { sink, open: Arc::default() }
    }

    /// From now on reports of that session pass, and those of any older one of the leg don't.
    pub(crate) fn open(&self, leg: LegId, generation: Generation) {
        self.lock().insert(leg, generation);
    }

    /// From now on no report of that session passes.
    pub(crate) fn close(&self, leg: LegId, generation: Generation) {
        let mut open = self.lock();
        if open.get(&leg) == Some(&generation) {
            open.remove(&leg);
        }
    }

    pub(crate) fn is_open(&self, leg: LegId, generation: Generation) -> bool {
        self.lock().get(&leg) == Some(&generation)
    }

    /// Reports, if the session is open.
    pub(crate) fn report(&self, leg: LegId, generation: Generation, report: MediaReport) {
        let open = self.lock();
        if open.get(&leg) == Some(&generation) {
            self.sink.report(report);
        }
    }

    /// Reports that a recording can't go on.
    pub(crate) fn recording_failed(
        &self,
        conference: ConferenceId,
        recording: RecordingId,
        why: RecordingFailure,
    ) {
        self.sink.report(MediaReport::RecordingFailed { conference, recording, why });
    }

    /// Reports that to compose a conference's picture is too much for the machine.
    pub(crate) fn fell_back(&self, conference: ConferenceId) {
        self.sink.report(MediaReport::FellBack { conference });
    }

    /// As [`report`](Self::report), but never waits: `false` when it would have had to.
    pub(crate) fn try_report(&self, leg: LegId, generation: Generation, report: MediaReport) -> bool {
        let Some(open) = self.try_lock() else { return false };
        if open.get(&leg) == Some(&generation) {
            self.sink.report(report);
        }
        true
    }

    /// Reports the levels of those legs that have an open session. Never waits: `false` when it would have had to.
    pub(crate) fn try_levels(&self, mut levels: Vec<LegLevel>) -> bool {
        let Some(open) = self.try_lock() else { return false };
        levels.retain(|level| open.contains_key(&level.leg));
        if !levels.is_empty() {
            self.sink.report(MediaReport::Levels(levels));
        }
        true
    }

    /// Reports how well the packets of those legs get through that have the session open that was measured. Never waits: `false` when it
    /// would have had to.
    pub(crate) fn try_qualities(&self, mut measured: Vec<LegQuality>) -> bool {
        let Some(open) = self.try_lock() else { return false };
        measured.retain(|measured| open.get(&measured.leg) == Some(&measured.generation));
        if !measured.is_empty() {
            self.sink.report(MediaReport::Quality(measured));
        }
        true
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, HashMap<LegId, Generation>>> {
        match self.open.try_lock() {
            Ok(open) => Some(open),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LegId, Generation>> {
        // Nothing that holds the lock can leave the map half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use confocal::conference::{LevelDbov, Quality};

    use super::*;

    #[test]
    fn a_closed_session_says_nothing() {
        let (sink, mut heard) = ReportSink::new();
        let reports = Reports::new(sink);
        let up = |leg, generation| MediaReport::TransportUp { leg, generation };
        let (leg, first, second) = (LegId(1), Generation(1), Generation(2));
        reports.open(leg, first);
        reports.report(leg, first, up(leg, first));
        assert_eq!(heard.try_recv().unwrap(), up(leg, first));
        reports.open(leg, second);
        reports.report(leg, first, up(leg, first));
        reports.close(leg, first);
        let measured = |generation| LegQuality { leg, generation, quality: Quality::default() };
        assert!(reports.try_qualities(vec![measured(first), measured(second)]));
        assert_eq!(heard.try_recv().unwrap(), MediaReport::Quality(vec![measured(second)]));
        reports.report(leg, second, up(leg, second));
        assert_eq!(heard.try_recv().unwrap(), up(leg, second));
        reports.close(leg, second);
        reports.report(leg, second, up(leg, second));
        assert!(reports.try_levels(vec![LegLevel { leg, level: LevelDbov(-20), speaking: true }]));
        assert!(reports.try_qualities(vec![measured(first), measured(second)]));
        assert!(heard.try_recv().is_err());
    }
}
