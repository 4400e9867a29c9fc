//! What all conferences share: time, settings, ids, chance, deadlines, and the queues of effects and changes.
//!
//! Rules never live here.

use alloc::collections::VecDeque;
use alloc::string::String;

use crate::changes::Changes;
use crate::config::Config;
use crate::departures::Departures;
use crate::effect::{ConferenceEvent, Effect, SignalRequest};
use crate::engine::MediaCommand;
use crate::id::{ConferenceId, LegId, MemberId, ParticipantId, PartyId, RecordingId, RequestId};
use crate::leg::Voice;
use crate::rates::{Deed, Deeds, Rate, Rates};
use crate::record::{Counters, RecordKey};
use crate::table::Table;
use crate::time::{Millis, Timestamp};
use crate::timer::TimerTable;

/// The shared part of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    /// By which tables are hashed.
    pub(crate) seed: u64,
    pub(crate) config: Config,
    pub(crate) now: Timestamp,
    pub(crate) counters: Counters,
    pub(crate) timers: TimerTable,
    pub(crate) effects: VecDeque<Effect>,
    pub(crate) changes: Changes,
    pub(crate) departures: Departures,
    /// Of all legs.
    pub(crate) voices: Table<LegId, Voice>,
    /// In how many rooms moderators made the focus stay.
    pub(crate) staying: usize,
    rates: Rates,
    /// The time that the record `focus` says, or will say once it is written.
    noted: Option<Timestamp>,
}

impl Core {
    pub(crate) fn new(config: Config, seed: u64, now: Timestamp) -> Self {
        Self {
            seed,
            config,
            now,
            counters: Counters {
                conference: 0,
                participant: 0,
                leg: 0,
                request: 0,
                recording: 0,
                random: seed,
            },
            timers: TimerTable::new(seed),
            effects: VecDeque::new(),
            changes: Changes::default(),
            departures: Departures::default(),
            voices: Table::new(seed),
            staying: 0,
            rates: Rates::new(seed),
            noted: None,
        }
    }

    /// Queues a request, under a new id.
    pub(crate) fn send(&mut self, request: SignalRequest) -> RequestId {
        self.counters.request += 1;
        self.changed(RecordKey::Focus);
        let id = RequestId(self.counters.request);
        self.note_departure(id, &request);
        self.effects.push_back(Effect::Send { id, request });
        id
    }

    /// Queues a command to the engine.
    pub(crate) fn media(&mut self, command: MediaCommand) {
        self.effects.push_back(Effect::Media(command));
    }

    /// Queues news.
    pub(crate) fn notify(&mut self, event: ConferenceEvent) {
        self.effects.push_back(Effect::Notify(event));
    }

    /// Notes that a record must be written; with it goes the time, which never decreases, over a restart neither.
    pub(crate) fn changed(&mut self, key: RecordKey) {
        self.changes.note(key);
        if self.noted != Some(self.now) {
            self.noted = Some(self.now);
            self.changes.note(RecordKey::Focus);
        }
    }

    /// The conference of a leg.
    pub(crate) fn conference_of(&self, leg: LegId) -> Option<ConferenceId> {
        self.voices.get(&leg).map(|voice| voice.conference)
    }

    /// Whether a member may do something once more.
    pub(crate) fn may(&self, member: &MemberId, deed: Deed) -> bool {
        self.rates.may(member, deed, self.rate(deed), self.now)
    }

    /// Counts what a member has done.
    pub(crate) fn count(&mut self, member: &MemberId, deed: Deed) {
        let (rate, limit) = (self.rate(deed), self.config.limits.counted_members);
        let forgotten = self.rates.count(member, deed, rate, limit, self.now);
        self.changed(RecordKey::Deeds(member.clone()));
        for member in forgotten {
            self.changed(RecordKey::Deeds(member));
        }
    }

    /// When the next deeds are forgotten.
    pub(crate) fn next_deeds_over(&self) -> Option<Timestamp> {
        self.rates.next_over()
    }

    /// Forgets deeds that count no more.
    pub(crate) fn forget_deeds_over(&mut self) {
        while let Some(member) = self.rates.forget_over(self.now) {
            self.changed(RecordKey::Deeds(member));
        }
    }

    /// What a member has done lately, for its record.
    pub(crate) fn deeds(&self, member: &MemberId) -> Option<&Deeds> {
        self.rates.of(member)
    }

    pub(crate) fn restore_deeds(&mut self, member: MemberId, deeds: Deeds) {
        self.rates.restore(member, deeds);
    }

    fn rate(&self, deed: Deed) -> Rate {
        const HOUR: u64 = 3_600_000;
        let limits = &self.config.limits;
        match deed {
            Deed::Call => Rate { at_once: limits.invites_at_once, interval: limits.invite_interval },
            Deed::Command => Rate { at_once: limits.commands_at_once, interval: limits.command_interval },
            Deed::StrangerCall => Rate {
                at_once: limits.strangers_per_hour,
                interval: Millis(HOUR / u64::from(limits.strangers_per_hour.max(1))),
            },
        }
    }

    pub(crate) fn new_conference(&mut self) -> ConferenceId {
        self.counters.conference += 1;
        self.changed(RecordKey::Focus);
        ConferenceId(self.counters.conference)
    }

    pub(crate) fn new_participant(&mut self) -> ParticipantId {
        self.counters.participant += 1;
        self.changed(RecordKey::Focus);
        ParticipantId(self.counters.participant)
    }

    pub(crate) fn new_leg(&mut self) -> LegId {
        self.counters.leg += 1;
        self.changed(RecordKey::Focus);
        LegId(self.counters.leg)
    }

    pub(crate) fn new_recording(&mut self) -> RecordingId {
        self.counters.recording += 1;
        self.changed(RecordKey::Focus);
        RecordingId(self.counters.recording)
    }

    /// A party id of ten letters and digits. It must differ from the caller's own, because js-sdk drops every event with its
    /// own party id whoever sent it; ten characters of chance make sure of that.
    pub(crate) fn new_party(&mut self) -> PartyId {
        PartyId::new(self.letters())
    }

    /// Ten letters and digits by chance: fifty bits.
    pub(crate) fn letters(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut bits = self.random();
        let mut text = String::with_capacity(10);
        for _ in 0..10 {
            text.push(char::from(ALPHABET[(bits % 32) as usize]));
            bits /= 32;
        }
        self.changed(RecordKey::Focus);
        text
    }

    /// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): names only, nothing secret.
    fn random(&mut self) -> u64 {
        self.counters.random = self.counters.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.counters.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn core(seed: u64) -> Core {
        Core::new(Config::default(), seed, Timestamp::from_unix_millis(0))
    }

    #[test]
    fn chance_is_that_of_the_published_generator() {
        let mut core = core(1_234_567);
        let first = [core.random(), core.random(), core.random()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn a_party_is_ten_letters_and_digits_that_all_depend_on_chance() {
        let (mut one, mut two) = (core(1), core(2));
        let (one, two) = (one.new_party(), two.new_party());
        assert_eq!((one.as_str().len(), two.as_str().len()), (10, 10));
        let differing = one.as_str().bytes().zip(two.as_str().bytes()).filter(|(a, b)| a != b).count();
        assert!(differing >= 8, "{one} {two}");
        let first = one.as_str().as_bytes()[0];
        assert!(one.as_str().bytes().any(|letter| letter != first), "{one}");
    }

    #[test]
    fn numbers_are_handed_out_in_order_from_one() {
        let mut core = core(1);
        let numbers = |core: &mut Core| (core.new_conference().0, core.new_participant().0, core.new_leg().0);
        assert_eq!([numbers(&mut core), numbers(&mut core)], [(1, 1, 1), (2, 2, 2)]);
    }
}
