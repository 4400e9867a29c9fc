//! The engine behind a lock, so that its figures can be read while the driver has it.

use std::sync::{Arc, Mutex, PoisonError};

use confocal::conference::{LegId, MediaCommand};
use confocal::ports::MediaEngine;
use confocal_media::{Engine, EngineStats, LegStats};

/// An engine that others may look at. The lock is taken for commands and figures, never for packets.
#[derive(Clone, Debug)]
pub(crate) struct SharedEngine(Arc<Mutex<Option<Engine>>>);

impl SharedEngine {
    pub(crate) fn new(engine: Engine) -> Self {
        Self(Arc::new(Mutex::new(Some(engine))))
    }

    /// How well the mixing thread keeps its beat; zeros after the end.
    pub(crate) fn stats(&self) -> EngineStats {
        self.with(|engine| engine.stats()).unwrap_or_default()
    }

    pub(crate) fn leg_stats(&self, leg: LegId) -> Option<LegStats> {
        self.with(|engine| engine.leg_stats(leg)).flatten()
    }

    /// Closes all sessions and waits until that is done.
    pub(crate) async fn shutdown(&self) {
        let engine = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(engine) = engine {
            engine.shutdown().await;
        }
    }

    fn with<R>(&self, work: impl FnOnce(&mut Engine) -> R) -> Option<R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(work)
    }
}

impl MediaEngine for SharedEngine {
    fn execute(&mut self, command: MediaCommand) {
        self.with(|engine| engine.execute(command));
    }
}
