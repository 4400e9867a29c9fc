//! What a run is to be: the arguments, and what they make of each caller.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use anyhow::ensure;
use clap::{Parser, ValueEnum};

use crate::line::Line;
use crate::pictures::{PicturesPlan, ViewedAs};
use crate::pump::BEAT_MS;
use crate::turn::Turn;
use crate::voice::Sound;

/// Puts callers on a conference server and measures what they hear.
#[derive(Clone, Debug, Parser)]
#[command(name = "swarm")]
pub struct Plan {
    /// What is called.
    #[arg(long, value_enum, default_value_t = Kind::Http)]
    pub target: Kind,
    /// Where it is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Its process, whose CPU time and memory are measured.
    #[arg(long)]
    pub target_pid: Option<u32>,
    /// Callers in all.
    #[arg(long, default_value_t = 10)]
    pub callers: usize,
    /// Conferences over which they are spread evenly.
    #[arg(long, default_value_t = 1)]
    pub conferences: usize,
    /// How many of each conference talk.
    #[arg(long, default_value_t = 2)]
    pub talkers: usize,
    /// In how many conferences anybody talks, the first of them; in all, if it is not told.
    #[arg(long)]
    pub with_talkers: Option<usize>,
    /// The talkers of a conference take turns of so many seconds each; with 0 all of them talk at a time.
    #[arg(long, default_value_t = 0)]
    pub turns: u64,
    /// What the talkers send.
    #[arg(long, value_enum, default_value_t = Sound::Speech)]
    pub sound: Sound,
    /// What the others send.
    #[arg(long, value_enum, default_value_t = Others::Noise)]
    pub others: Others,
    /// How long is measured, in seconds, after all are connected.
    #[arg(long, default_value_t = 15)]
    pub seconds: u64,
    /// How long is waited before that.
    #[arg(long, default_value_t = 3)]
    pub warm_up: u64,
    /// Calls a second while they join.
    #[arg(long, default_value_t = 50.0)]
    pub join_rate: f64,
    /// The share of packets lost on the way to the conference, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    pub loss_up: f64,
    /// The share of packets lost on the way to the callers.
    #[arg(long, default_value_t = 0.0)]
    pub loss_down: f64,
    /// Packets to the conference are held up by anything between 0 and this, in ms.
    #[arg(long, default_value_t = 0)]
    pub jitter: u32,
    /// The share of callers that don't tell the levels of their packets (RFC 6464).
    #[arg(long, default_value_t = 0.0)]
    pub no_level_extension: f64,
    /// Random datagrams a second to the target's media port, besides.
    #[arg(long, default_value_t = 0)]
    pub garbage: u32,
    /// The address that callers send from.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub bind: IpAddr,
    /// What losses and jitter are drawn from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Ask for real-time priority, so that what is late is not late by this program.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub real_time: bool,
    /// Janus only: packets that a participant's queue holds; its default is 6.
    #[arg(long)]
    pub prebuffering: Option<u32>,
    /// Record: the talkers repeat a clip, which is written to this folder (`sent.wav`), and so is each time that one listener heard it
    /// (`heard-1.wav`, …), for scoring. Losses on the way to the callers leave gaps in it.
    #[arg(long)]
    pub record: Option<PathBuf>,
    /// With `--record`: the clip has copies of lost frames (in-band FEC).
    #[arg(long, requires = "record")]
    pub copies: bool,
    /// Pictures.
    #[command(flatten)]
    pub pictures: PicturesPlan,
    /// Write all figures to this file, as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Say nothing while it runs.
    #[arg(long)]
    pub quiet: bool,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Confocal's `http-conference`; `--url http://host:port`.
    Http,
    /// Janus' AudioBridge; `--url http://host:port/janus`.
    Janus,
}

/// What those send who don't talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Others {
    /// Reports only.
    Nothing,
    /// Announced silence: a packet each 400 ms.
    Dtx,
    /// 50 packets a second of quiet noise.
    Noise,
}

impl Plan {
    /// Whether the arguments make sense together.
    ///
    /// # Errors
    ///
    /// The first that does not.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(self.callers > 0, "--callers: there must be one at least");
        ensure!(
            (1..=self.callers).contains(&self.conferences),
            "--conferences: from 1 to as many as there are callers"
        );
        ensure!(self.seconds > 0, "--seconds: there must be one at least");
        ensure!(self.join_rate > 0.0, "--join-rate: must be above 0");
        ensure!(
            self.record.is_none() || self.sound == Sound::Speech,
            "--record: speech is what can be scored"
        );
        ensure!(self.record.is_none() || self.talkers > 0, "--record: somebody must talk");
        ensure!(
            self.turns == 0 || (self.talkers > 1 && self.sound != Sound::Bursts && self.record.is_none()),
            "--turns: for two talkers at the least, of speech or tones that are not recorded"
        );
        ensure!(
            self.pictures.senders == 0 || self.target == Kind::Http,
            "--pictures: Janus' AudioBridge has none"
        );
        self.pictures.check()?;
        for (name, part) in [
            ("--loss-up", self.loss_up),
            ("--loss-down", self.loss_down),
            ("--no-level-extension", self.no_level_extension),
        ] {
            ensure!((0.0..=1.0).contains(&part), "{name}: from 0 to 1, not {part}");
        }
        Ok(())
    }

    /// What lines do.
    #[must_use]
    pub const fn line(&self) -> Line {
        Line {
            loss_up: self.loss_up,
            loss_down: self.loss_down,
            pictures_down: self.pictures.loss,
            jitter_ms: self.jitter,
        }
    }

    /// The conference of a caller.
    #[must_use]
    pub const fn conference(&self, caller: usize) -> usize {
        caller % self.conferences
    }

    /// Which talker of its conference a caller is, if it is one.
    #[must_use]
    pub const fn talker(&self, caller: usize) -> Option<usize> {
        let place = caller / self.conferences;
        if place < self.talkers_in(self.conference(caller)) { Some(place) } else { None }
    }

    /// How many talk in a conference.
    const fn talkers_in(&self, conference: usize) -> usize {
        match self.with_talkers {
            Some(conferences) if conference >= conferences => 0,
            Some(_) | None => self.talkers,
        }
    }

    /// Whether a caller tells levels: those that don't are spread evenly.
    #[must_use]
    pub fn tells_levels(&self, caller: usize) -> bool {
        let without = |count: usize| (count as f64 * self.no_level_extension) as usize;
        without(caller + 1) == without(caller)
    }

    /// When a caller talks, if it takes turns with others.
    #[must_use]
    pub fn turn(&self, caller: usize) -> Option<Turn> {
        let mine = self.talker(caller)? as u64;
        let count = self.talkers_of(self.conference(caller)).count() as u64;
        (self.turns > 0).then_some(Turn { beats: self.turns * 1_000 / BEAT_MS, count, mine })
    }

    /// Which sender of pictures of its conference a caller is, if it is one.
    #[must_use]
    pub const fn picture_place(&self, caller: usize) -> Option<usize> {
        let place = caller / self.conferences;
        if place < self.pictures.senders { Some(place) } else { None }
    }

    /// The callers of a conference that send pictures.
    pub fn picture_senders_of(&self, conference: usize) -> impl Iterator<Item = usize> {
        (conference..self.callers).step_by(self.conferences).take(self.pictures.senders)
    }

    /// Whether a caller should see any: somebody else's, or its own among others' in a grid.
    #[must_use]
    pub fn sees_pictures(&self, caller: usize) -> bool {
        let mut senders = self.picture_senders_of(self.conference(caller));
        senders.any(|sender| sender != caller || self.pictures.view == ViewedAs::Grid)
    }

    /// Whether a caller's pictures are kept, to be decoded after the run: of the first who only see, or of others if there are none.
    #[must_use]
    pub fn keeps_pictures(&self, caller: usize) -> bool {
        let all = || (0..self.callers).filter(|caller| self.sees_pictures(*caller));
        let only_see = || all().filter(|caller| self.picture_place(*caller).is_none());
        if only_see().next().is_some() {
            only_see().take(self.pictures.decoded).any(|kept| kept == caller)
        } else {
            all().take(self.pictures.decoded).any(|kept| kept == caller)
        }
    }

    /// The callers of a conference that talk.
    pub fn talkers_of(&self, conference: usize) -> impl Iterator<Item = usize> {
        (conference..self.callers).step_by(self.conferences).take(self.talkers_in(conference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(arguments: &[&str]) -> Plan {
        Plan::parse_from(["swarm"].iter().chain(arguments))
    }

    #[test]
    fn callers_are_spread_over_conferences_and_talkers_over_them() {
        let plan = plan(&["--callers", "10", "--conferences", "3", "--talkers", "2"]);
        let talkers: Vec<usize> = (0..10).filter(|&caller| plan.talker(caller).is_some()).collect();
        assert_eq!(talkers, [0, 1, 2, 3, 4, 5]);
        assert_eq!(plan.talkers_of(1).collect::<Vec<_>>(), [1, 4]);
        assert!((0..10).all(|caller| plan.tells_levels(caller)));
    }

    #[test]
    fn in_some_conferences_nobody_talks() {
        let plan = plan(&["--callers", "12", "--conferences", "4", "--talkers", "1", "--with-talkers", "2"]);
        let talkers: Vec<usize> = (0..12).filter(|&caller| plan.talker(caller).is_some()).collect();
        assert_eq!(talkers, [0, 1]);
        assert_eq!((plan.talkers_of(1).count(), plan.talkers_of(2).count()), (1, 0));
    }

    #[test]
    fn a_quarter_without_levels_is_a_quarter() {
        let plan = plan(&["--callers", "100", "--no-level-extension", "0.25"]);
        assert_eq!((0..100).filter(|&caller| !plan.tells_levels(caller)).count(), 25);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let wrong = |arguments: &[&str]| plan(arguments).check().expect_err("wrong").to_string();
        assert!(wrong(&["--loss-up", "5"]).starts_with("--loss-up"));
        assert!(wrong(&["--conferences", "11"]).starts_with("--conferences"));
        assert!(wrong(&["--callers", "0"]).starts_with("--callers"));
        assert!(wrong(&["--turns", "5", "--talkers", "1"]).starts_with("--turns"));
        assert!(wrong(&["--pictures", "99"]).starts_with("--pictures:"));
        assert!(wrong(&["--pictures", "1", "--target", "janus"]).starts_with("--pictures:"));
        assert!(wrong(&["--pictures", "1", "--pictures-size", "90x90"]).starts_with("--pictures-size"));
        assert!(wrong(&["--pictures", "1", "--pictures-least", "90"]).starts_with("--pictures-least"));
        let grid = ["--pictures", "1", "--pictures-view", "grid", "--pictures-scene", "moving"];
        assert!(wrong(&grid).starts_with("--pictures-scene"));
        assert!(Plan::try_parse_from(["swarm", "--pictures-size", "640"]).is_err());
        assert!(plan(&[]).check().is_ok());
        assert!(plan(&["--pictures", "24", "--turns", "5", "--pictures-size", "1280x720"]).check().is_ok());
    }

    #[test]
    fn the_first_of_each_conference_send_pictures_and_those_who_only_see_keep_them() {
        let two = ["--callers", "10", "--conferences", "3", "--pictures", "1", "--pictures-decoded", "2"];
        let speaker = plan(&two);
        let places: Vec<_> = (0..10).filter(|&caller| speaker.picture_place(caller).is_some()).collect();
        assert_eq!(places, [0, 1, 2]);
        assert_eq!(speaker.picture_senders_of(1).collect::<Vec<_>>(), [1]);
        let see = |plan: &Plan| (0..10).filter(|&caller| plan.sees_pictures(caller)).collect::<Vec<_>>();
        assert_eq!(see(&speaker), [3, 4, 5, 6, 7, 8, 9], "nobody sees themselves");
        let keep = |plan: &Plan| (0..10).filter(|&caller| plan.keeps_pictures(caller)).collect::<Vec<_>>();
        assert_eq!(keep(&speaker), [3, 4]);
        let grid = plan(&[&two[..], &["--pictures-view", "grid"]].concat());
        assert_eq!(see(&grid).len(), 10, "but in a grid");
        let all = plan(&["--callers", "3", "--pictures", "3"]);
        assert_eq!(keep(&all), [0, 1]);
        assert!(see(&plan(&[])).is_empty());
    }

    #[test]
    fn talkers_take_turns_only_if_they_are_to() {
        let turns = plan(&["--callers", "6", "--conferences", "2", "--talkers", "2", "--turns", "5"]);
        assert_eq!(turns.turn(3), Some(Turn { beats: 250, count: 2, mine: 1 }));
        assert_eq!((turns.turn(4), plan(&[]).turn(0)), (None, None));
    }
}
