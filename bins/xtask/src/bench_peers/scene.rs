//! What is measured: who talks, what the others send, what lines do.

use std::fmt;

/// Callers of the scenes that don't grow.
const FEW: usize = 10;
/// Losses in percent, each both ways.
const LOSSES: [u32; 3] = [0, 5, 10];
/// Callers of conferences of four.
const FOURS: [usize; 2] = [16, 160];
/// Delay is measured up to so many callers.
const DELAY_MOST: usize = 50;

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scene {
    /// One conference, three talk, the others send quiet noise.
    Noise,
    /// One conference, in which nobody talks and nobody sends anything.
    Idle,
    /// Conferences of four, one of whom talks.
    Fours,
    /// One sends bursts of a tone: how much later are they heard.
    Delay,
    /// Lines to the server that lose packets: how speech sounds.
    Sound,
    /// The same with speech that has copies (in-band FEC).
    Copies,
    /// Lines to the participants that lose packets.
    Loss,
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Noise => "one conference, three talk, noise",
            Self::Idle => "one conference, nobody talks or sends",
            Self::Fours => "conferences of four, one talks, noise",
            Self::Delay => "delay, one talks, noise",
            Self::Sound => "losses to the server, no FEC",
            Self::Copies => "losses to the server, FEC",
            Self::Loss => "losses to the participants",
        })
    }
}

/// One number of callers on lines of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Trial {
    /// Callers.
    pub(crate) callers: usize,
    /// Of a hundred packets so many are lost.
    pub(crate) loss_percent: u32,
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} callers", self.callers)?;
        if self.loss_percent > 0 {
            write!(f, ", {} % lost", self.loss_percent)?;
        }
        Ok(())
    }
}

impl Trial {
    /// For names of files.
    pub(crate) fn name(self) -> String {
        format!("{}-{}", self.callers, self.loss_percent)
    }
}

impl Scene {
    /// What is tried, from little to much.
    pub(crate) fn trials(self, callers: &[usize]) -> Vec<Trial> {
        let mut sorted = callers.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let ends = [sorted.first(), sorted.last()];
        let callers = match self {
            Self::Noise => sorted,
            Self::Idle => {
                let mut ends: Vec<usize> = ends.into_iter().flatten().copied().collect();
                ends.dedup();
                ends
            }
            Self::Fours => FOURS.to_vec(),
            Self::Delay => sorted.into_iter().filter(|&callers| callers <= DELAY_MOST).collect(),
            Self::Sound | Self::Copies | Self::Loss => {
                return LOSSES.map(|loss_percent| Trial { callers: FEW, loss_percent }).to_vec();
            }
        };
        callers.into_iter().map(|callers| Trial { callers, loss_percent: 0 }).collect()
    }

    /// Whether a target that fails a trial is not given the next one. Where lines are what fails, it is.
    pub(crate) const fn ends_with_failure(self) -> bool {
        !self.is_by_loss()
    }

    /// Whether trials differ by losses, and not by callers.
    pub(crate) const fn is_by_loss(self) -> bool {
        matches!(self, Self::Sound | Self::Copies | Self::Loss)
    }

    /// Whether what is heard is recorded and scored.
    pub(crate) const fn is_scored(self) -> bool {
        matches!(self, Self::Sound | Self::Copies)
    }

    /// What `swarm` is told.
    pub(crate) fn arguments(self, trial: Trial) -> Vec<String> {
        let callers = trial.callers;
        let (conferences, talkers, sound, others) = match self {
            Self::Noise | Self::Loss => (1, 3, "speech", "noise"),
            Self::Sound | Self::Copies => (1, 1, "speech", "noise"),
            Self::Idle => (1, 0, "speech", "nothing"),
            Self::Fours => ((callers / 4).max(1), 1, "speech", "noise"),
            Self::Delay => (1, 1, "bursts", "noise"),
        };
        let loss = f64::from(trial.loss_percent) / 100.0;
        let line = match self {
            Self::Sound => format!("--loss-up {loss}"),
            Self::Copies => format!("--loss-up {loss} --copies"),
            Self::Noise | Self::Idle | Self::Fours | Self::Delay | Self::Loss => {
                format!("--loss-down {loss}")
            }
        };
        let arguments = format!(
            "--callers {callers} --conferences {conferences} --talkers {talkers} --sound {sound} --others {others} {line}"
        );
        arguments.split(' ').map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fours_are_fours() {
        let trial = Trial { callers: 100, loss_percent: 0 };
        let arguments = Scene::Fours.arguments(trial).join(" ");
        assert!(arguments.starts_with("--callers 100 --conferences 25 --talkers 1 "), "{arguments}");
    }

    #[test]
    fn losses_are_told_as_shares() {
        let trials = Scene::Loss.trials(&[500]);
        assert_eq!(trials.len(), LOSSES.len());
        let last = Scene::Loss.arguments(trials[2]).join(" ");
        assert!(last.ends_with("--others noise --loss-down 0.1"), "{last}");
        assert!(Scene::Copies.arguments(trials[1]).join(" ").ends_with("--loss-up 0.05 --copies"));
    }

    #[test]
    fn numbers_of_callers_are_tried_from_few_to_many_and_where_they_tell_something() {
        let tried = |scene: Scene, callers: &[usize]| -> Vec<usize> {
            scene.trials(callers).into_iter().map(|trial| trial.callers).collect()
        };
        assert_eq!(tried(Scene::Noise, &[50, 10, 1_000, 50]), [10, 50, 1_000]);
        assert_eq!(tried(Scene::Idle, &[50, 10, 1_000]), [10, 1_000]);
        assert_eq!(tried(Scene::Idle, &[10]), [10]);
        assert_eq!(tried(Scene::Delay, &[50, 10, 1_000]), [10, 50]);
    }
}
