//! What a run has measured so far: on disk after each measurement, so that nothing is lost with the rest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::agenda::Measurement;
use super::table::{Figures, Table};

/// All that is known, and the folder that it is in.
#[derive(Debug)]
pub(crate) struct Results {
    folder: PathBuf,
    table: Table,
}

impl Results {
    /// Nothing yet; the folder is there.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, table: Table::default() }
    }

    /// Where all of it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a measurement is of no use: its server failed with less.
    pub(crate) fn has_failed(&self, measurement: &Measurement) -> bool {
        self.table.has_failed(measurement.scene, measurement.peer, measurement.trial)
    }

    /// What a run that was broken off has measured, if it came so far. Its `swarm`'s figures are beside what is kept here.
    pub(crate) fn measured_before(&self, measurement: &Measurement) -> Option<Figures> {
        let read = |path: PathBuf| serde_json::from_slice::<Value>(&fs::read(path).ok()?).ok();
        let ended = read(self.ended(measurement))?;
        if let Some(why) = ended["why"].as_str() {
            return Some(Figures::failed(why));
        }
        let mut figures =
            Figures::read(&read(self.folder.join(format!("{}.json", measurement.name())))?).ok()?;
        figures.score = ended["score"].as_f64();
        Some(figures)
    }

    /// Takes the figures of a measurement, and writes table and drawings as they are now.
    ///
    /// # Errors
    ///
    /// When the folder can't be written to.
    pub(crate) fn add(&mut self, measurement: &Measurement, figures: Figures) -> anyhow::Result<()> {
        let ended = json!({ "why": figures.why(), "score": figures.score });
        write(&self.ended(measurement), ended.to_string())?;
        self.table.add(measurement.scene, measurement.peer, measurement.trial, figures);
        write(&self.folder.join("table.md"), self.table.markdown())?;
        for (name, svg) in self.table.drawings() {
            write(&self.folder.join(name), svg)?;
        }
        Ok(())
    }

    /// The table, as it is now.
    pub(crate) fn markdown(&self) -> String {
        self.table.markdown()
    }

    /// Says that a measurement is over, and how, beside `swarm`'s figures.
    fn ended(&self, measurement: &Measurement) -> PathBuf {
        self.folder.join(format!("{}.ended.json", measurement.name()))
    }
}

fn write(path: &Path, text: String) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::peers::Peer;
    use super::super::scene::{Scene, Trial};
    use super::*;

    #[test]
    fn a_run_goes_on_with_what_was_measured_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let measurement = |round| Measurement {
            scene: Scene::Sound,
            trial: Trial { callers: 10, loss_percent: 5 },
            peer: Peer::Janus,
            round,
            seconds: 30,
        };
        let load = json!({ "target_ms_per_participant": 1.5, "target_rss_mib": 20.0, "own_cores": 0.1, "stolen_cores": 0.0 });
        let swarm =
            json!({ "passed": true, "missing": 0.001, "late_60": 0.0, "spread_p99_ms": 4.0, "load": load });
        let written = folder.path().join(format!("{}.json", measurement(1).name()));
        fs::write(written, swarm.to_string()).expect("written");
        let mut figures = Figures::read(&swarm).expect("figures");
        figures.score = Some(3.25);
        let mut before = Results::new(folder.path().to_owned());
        before.add(&measurement(1), figures.clone()).expect("written");
        before.add(&measurement(2), Figures::failed("2 of 10 callers connected")).expect("written");
        assert!(folder.path().join("table.md").exists() && folder.path().join("sound.svg").exists());

        let after = Results::new(folder.path().to_owned());
        assert_eq!(after.measured_before(&measurement(1)), Some(figures));
        let failed = after.measured_before(&measurement(2)).expect("it was tried");
        assert_eq!(failed.why(), Some("2 of 10 callers connected"));
        assert_eq!(after.measured_before(&measurement(3)), None);
    }
}
