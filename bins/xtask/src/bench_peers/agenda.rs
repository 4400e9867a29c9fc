//! What is measured in a run, in which order, and how long that takes.

use std::fmt;
use std::time::Duration;

use super::peers::Peer;
use super::scene::{Scene, Trial};

/// Calls a second while callers join, which is what `swarm` does by itself.
const JOINS: u64 = 50;

/// What a measurement takes besides joining and measuring, in seconds: starting, warming up, hanging up.
const BESIDES: u64 = 6;

/// How often at the most what is not the main thing is measured.
const TWICE: u32 = 2;

/// Clips take eight seconds, and half of them are cut off by the edges.
const SCORED_SECONDS: u64 = 30;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measurement {
    /// Under what load.
    pub(crate) scene: Scene,
    /// With how many callers.
    pub(crate) trial: Trial,
    /// Of which server.
    pub(crate) peer: Peer,
    /// The how manieth of this kind, from 1 on.
    pub(crate) round: u32,
    /// How long, without what comes before and after.
    pub(crate) seconds: u64,
}

impl Measurement {
    /// For names of files.
    pub(crate) fn name(&self) -> String {
        format!("{:?}-{:?}-{}-{}", self.scene, self.peer, self.trial.name(), self.round)
    }

    /// How long it takes in all, about.
    pub(crate) fn reckoned(&self) -> Duration {
        Duration::from_secs(BESIDES + self.trial.callers as u64 / JOINS + self.seconds)
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}, {}, round {}", self.peer.name(), self.scene, self.trial, self.round)
    }
}

/// All of a run.
#[derive(Debug)]
pub(crate) struct Agenda(Vec<Measurement>);

impl Agenda {
    /// Each scene from few callers to many, and at each number the servers in turn.
    pub(crate) fn new(
        scenes: &[Scene],
        callers: &[usize],
        peers: &[Peer],
        rounds: u32,
        seconds: u64,
    ) -> Self {
        let mut all = Vec::new();
        for &scene in scenes {
            let (rounds, seconds) = match scene {
                Scene::Noise => (rounds, seconds),
                Scene::Idle | Scene::Fours | Scene::Delay | Scene::Loss => (rounds.min(TWICE), seconds),
                Scene::Sound | Scene::Copies => (1, seconds.max(SCORED_SECONDS)),
            };
            for trial in scene.trials(callers) {
                for round in 1..=rounds {
                    all.extend(peers.iter().map(|&peer| Measurement { scene, trial, peer, round, seconds }));
                }
            }
        }
        Self(all)
    }

    /// All of them, in their order.
    pub(crate) fn all(&self) -> &[Measurement] {
        &self.0
    }

    /// How long the rest takes from that number on, if those are made that `wanted` tells.
    pub(crate) fn left(&self, from: usize, wanted: impl Fn(&Measurement) -> bool) -> Duration {
        self.0.iter().skip(from).filter(|it| wanted(it)).map(Measurement::reckoned).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_take_turns_at_each_number_of_callers() {
        let peers = [Peer::Confocal, Peer::Janus];
        let agenda = Agenda::new(&[Scene::Noise], &[50, 10], &peers, 2, 8);
        let order: Vec<_> = agenda.all().iter().map(|it| (it.trial.callers, it.round, it.peer)).collect();
        let of = |callers, round| [(callers, round, Peer::Confocal), (callers, round, Peer::Janus)];
        assert_eq!(order, [of(10, 1), of(10, 2), of(50, 1), of(50, 2)].concat());
    }

    #[test]
    fn all_of_it_takes_less_than_twenty_five_minutes() {
        let scenes =
            [Scene::Noise, Scene::Idle, Scene::Fours, Scene::Delay, Scene::Loss, Scene::Sound, Scene::Copies];
        let (callers, peers) = ([10, 50, 100, 500, 1_000], [Peer::Confocal, Peer::Janus]);
        let agenda = Agenda::new(&scenes, &callers, &peers, 3, 8);
        // Janus is not given more than a hundred, as it fails there.
        let made = agenda.left(0, |it| it.peer == Peer::Confocal || it.trial.callers <= 100);
        assert!(made < Duration::from_secs(25 * 60), "{made:?}");
    }
}
