//! The choice of who is heard in a tick, and the voices and streams for it. How loud someone is, is found out elsewhere.

use crate::hot_set::{Nominee, outdoes};
use crate::key::SpeakerKey;
use crate::standing::AUDIBLE;
use crate::time::Micros;
use crate::voice::Probe;

use super::{Leg, Mixer, contribute};

impl Mixer {
    /// Decides who is heard in this tick. Whoever is no longer dies away into the mix.
    pub(super) fn choose_hot(&mut self, probe: Option<&mut Probe>, now: Micros) {
        self.nominees.clear();
        self.voices.begin_tick();
        self.note_speakers();
        for at in 0..self.legs.len() {
            let leg = &self.legs[at];
            if leg.input.is_hot() && leg.input.gives_up() {
                self.demote(at);
            } else if leg.input.is_waiting() {
                let (standing, last) = (leg.input.standing(), leg.input.comes_last());
                self.nominees.extend(Nominee::new(at, standing, last, self.tick));
            }
        }
        if self.nominees.is_empty() {
            return;
        }
        while self.has_place() {
            let direct = self.nominees.iter_mut().filter(|nominee| nominee.direct);
            let Some(nominee) = direct.max_by_key(|nominee| nominee.preference()) else { break };
            (nominee.direct, nominee.chosen) = (false, true);
            let at = nominee.at;
            self.promote(at, now);
        }
        // Those who claim to be loud and those who don't are sampled by turns, so that neither keep the others out.
        let claiming = self.tick.is_multiple_of(2);
        let to_sample = self.nominees.iter().filter(|nominee| nominee.again && !nominee.chosen);
        let to_sample = to_sample.min_by_key(|nominee| (nominee.claims != claiming, nominee.rank()));
        let to_sample = to_sample.map(|nominee| nominee.at);
        let again = self.again.take().and_then(|leg| self.find(leg).ok());
        let again = again.filter(|&at| self.legs[at].input.is_waiting());
        if let Some(at) = again.or(to_sample) {
            self.sample(at, probe, now);
        }
    }

    /// One more may be heard.
    const fn has_place(&self) -> bool {
        self.voices.taken() < self.config.hot_max
    }

    /// Finds out how loud one is who is not heard, and lets it take the place of one who is less loud.
    fn sample(&mut self, at: usize, probe: Option<&mut Probe>, now: Micros) {
        let Some(voice) = probe.map(Probe::voice).or_else(|| self.voices.borrow()) else { return };
        self.legs[at].input.sample(voice, self.tick);
        let level = self.legs[at].input.standing().held();
        let last = self.legs[at].input.comes_last();
        if self.has_place() {
            if level <= AUDIBLE {
                return;
            }
        } else {
            let hot = self.legs.iter().enumerate().filter(|(_, leg)| leg.input.is_hot());
            let places = hot.map(|(at, leg)| (leg.input.place(), at));
            let Some((lowest, loser)) = places.min() else { return };
            if last || !outdoes(level, lowest) {
                return;
            }
            if !self.can_part(self.legs[at].speaker) {
                self.again = Some(self.legs[at].key);
                return;
            }
            self.demote(loser);
        }
        self.promote(at, now);
        if !self.legs[at].input.is_hot() {
            self.again = Some(self.legs[at].key);
        }
    }

    /// Gives a leg a voice, if one is there, and a stream to hear the others by. If not, there will be in the next tick: none
    /// of what it says is lost by that.
    fn promote(&mut self, at: usize, now: Micros) {
        if !self.can_part(self.legs[at].speaker) {
            self.voices.note_waiting();
        } else if let Some(voice) = self.voices.lend() {
            self.legs[at].input.promote(voice, now);
        }
    }

    /// What a leg says is heard no more; what was heard last dies away in this tick.
    fn demote(&mut self, at: usize) {
        let leg = &mut self.legs[at];
        if let Some((voice, audible)) = leg.input.demote(&mut self.sound) {
            self.voices.give_back(voice);
            if audible {
                contribute(&mut self.bus, &mut self.sides, leg.speaker, &self.sound);
            }
        }
    }

    /// There is a personal stream for each leg of this speaker, beside those that others need who are noted. If not, there will
    /// be. The speaker is noted too.
    fn can_part(&mut self, speaker: SpeakerKey) -> bool {
        self.speakers.push(speaker);
        let needed = self.parting();
        self.streams.has_personal(needed, &self.speakers, &self.config)
    }

    /// Notes whose legs are heard.
    fn note_speakers(&mut self) {
        self.speakers.clear();
        self.speakers.extend(self.legs.iter().filter(|leg| leg.input.is_hot()).map(|leg| leg.speaker));
    }

    /// How many legs will soon need a personal stream and have none: their speaker is among those noted, or something is played to
    /// them alone.
    fn parting(&self) -> usize {
        let needs = |leg: &&Leg| {
            let listening = &leg.listening;
            listening.sending
                && (!listening.is_personal() && self.speakers.contains(&leg.speaker)
                    || !listening.own && self.sounds.plays_to(leg.key))
        };
        self.legs.iter().filter(needs).count()
    }

    /// How a leg is sent to has changed: if its speaker is heard, it needs a stream of its own.
    pub(super) fn stock_for(&mut self, at: usize) {
        self.note_speakers();
        let leg = &self.legs[at];
        let needs = self.speakers.contains(&leg.speaker) || self.sounds.plays_to(leg.key);
        if leg.listening.sending && needs && !self.can_part(leg.speaker) {
            self.stock();
        }
    }

    /// Makes what the last tick was short of, and lets go of what has not been needed for long. It is called when something
    /// comes in, so never within a tick.
    pub(super) fn stock(&mut self) {
        if self.tick >= self.trim_at {
            self.trim_at = self.tick + crate::demand::WINDOW_TICKS;
            self.voices.trim();
            self.note_speakers();
            let parting = self.parting();
            self.streams.trim(parting);
        }
        if self.sounds.has_ended() {
            self.sounds.clear_away();
        }
        if self.voices.is_short() || self.streams.is_short() {
            // A decoder, and an encoder of settings that made one before, can be made; if not, fewer are heard.
            let _ = self.voices.make(self.config.hot_max.saturating_add(1));
            let _ = self.streams.make_personal(&self.config);
        }
        let voices = self.voices.sounding_max();
        for bus in core::iter::once(&mut self.bus).chain(&mut self.sides) {
            bus.set_voices(voices);
        }
    }
}
