//! All encodings of a conference: one of the whole mix for each profile, and one for each speaker without their own voice.
//!
//! How sound is encoded never lives here, nor what becomes of a payload.

use crate::codec::CodecError;
use crate::config::MixerConfig;
use crate::demand::Demand;
use crate::frame::Codec;
use crate::frame::{FRAME_SAMPLES, TICK_MS, WideFrame};
use crate::key::SpeakerKey;
use crate::listening::{Listening, Place};
use crate::mix_bus::MixBus;
use crate::profile::Profile;
use crate::stream::{Made, Stream};

/// Profiles of Opus of a conference at most. Each costs an encoding a tick, and receivers differ in less than they wish. Those of
/// G.711, of which there are two, cost next to nothing.
pub(crate) const PROFILES_MAX: usize = 4;

/// The number of the first personal stream; those before it are shared.
const FIRST_PERSONAL: usize = PROFILES_MAX + 2;

/// Who falls silent is sent their personal stream for so long at least, so that the shared one is on the same sound: 200 ms.
const AWAY_MIN: u32 = 200 / TICK_MS;

/// And for so long at most while it is waited for silence, in which the change can't be heard: 2 s.
const AWAY_MAX: u32 = 2000 / TICK_MS;

/// The streams that legs listen to.
#[derive(Debug)]
pub(crate) struct Streams {
    shared: Vec<Shared>,
    personal: Vec<Personal>,
    /// Personal streams that there should be. One takes about 110 kB, so they are made when they are wanted, between two ticks.
    wanted: usize,
    demand: Demand,
    mix: Box<WideFrame>,
}

/// The mix of all voices under one profile.
#[derive(Debug)]
struct Shared {
    profile: Profile,
    stream: Stream,
    /// Legs of this profile.
    legs: usize,
    /// It was listened to in the last tick, so it can be gone on from.
    running: bool,
    /// Legs that listen in this tick.
    listeners: usize,
    /// One of them has just begun.
    beginning: bool,
}

/// The mix without one speaker's voice.
#[derive(Debug)]
struct Personal {
    /// For whom, and under which profile (its shared stream's number).
    of: Option<(SpeakerKey, usize)>,
    stream: Stream,
    /// Ticks since the speaker was heard last.
    away: u32,
    /// The mix was silent in the last tick.
    silent: bool,
    listeners: usize,
    beginning: bool,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Self {
            shared: Vec::new(),
            personal: Vec::new(),
            wanted: 0,
            demand: Demand::default(),
            mix: Box::new([0; FRAME_SAMPLES]),
        }
    }

    /// Makes room for one more leg of this profile and returns the number of its shared stream. Memory is allocated here. Where
    /// there are as many profiles as may be, it is the nearest.
    pub(crate) fn add(&mut self, profile: Profile, config: &MixerConfig) -> Result<usize, CodecError> {
        let shared = self.assign(profile, config)?;
        self.shared[shared].legs += 1;
        Ok(shared)
    }

    /// Takes the room of a leg back.
    pub(crate) fn remove(&mut self, shared: usize) {
        self.shared[shared].legs -= 1;
        if self.shared[shared].legs > 0 {
            return;
        }
        self.shared[shared].running = false;
        for personal in &mut self.personal {
            personal.of = personal.of.filter(|&(_, of)| of != shared);
        }
        while self.shared.last().is_some_and(|shared| shared.legs == 0) {
            self.shared.pop();
        }
    }

    /// There are so many personal streams that are nobody's, or are only waited for silence in by none of these speakers. If not,
    /// they are wanted from now on; but there are enough if there are as many as may be.
    pub(crate) fn has_personal(
        &mut self,
        needed: usize,
        speakers: &[SpeakerKey],
        config: &MixerConfig,
    ) -> bool {
        let taken = |personal: &&Personal| match personal.of {
            None => false,
            Some((speaker, _)) => personal.away == 0 || speakers.contains(&speaker),
        };
        self.want_personal(self.personal.iter().filter(taken).count() + needed, config);
        !self.is_short()
    }

    fn want_personal(&mut self, wanted: usize, config: &MixerConfig) {
        let wanted = wanted.min(config.hot_max.saturating_mul(PROFILES_MAX));
        self.wanted = self.wanted.max(wanted);
        self.demand.note(wanted);
    }

    /// There are fewer personal streams than are wanted.
    pub(crate) const fn is_short(&self) -> bool {
        self.personal.len() < self.wanted
    }

    /// Makes the personal streams that are wanted. Memory is allocated here.
    pub(crate) fn make_personal(&mut self, config: &MixerConfig) -> Result<(), CodecError> {
        while self.is_short() {
            let stream = Stream::new(&Profile::default(), config)?;
            let (away, silent, listeners, beginning) = (0, true, 0, false);
            self.personal.push(Personal { of: None, stream, away, silent, listeners, beginning });
        }
        Ok(())
    }

    /// Lets go of personal streams that were not needed of late, where so many legs will soon need one.
    pub(crate) fn trim(&mut self, parting: usize) {
        let used = self.personal.iter().filter(|personal| personal.of.is_some()).count();
        let kept = self.demand.take().max(used + parting);
        while self.personal.len() > kept && self.personal.last().is_some_and(|last| last.of.is_none()) {
            self.personal.pop();
        }
        self.wanted = self.personal.len();
    }

    /// Changes a leg's profile without a seam.
    pub(crate) fn change(
        &mut self,
        leg: &mut Listening,
        profile: Profile,
        config: &MixerConfig,
    ) -> Result<(), CodecError> {
        let (before, after) = (leg.shared, self.assign(profile, config)?);
        if before == after {
            return Ok(());
        }
        let profile = self.shared[after].profile;
        match leg.place {
            Place::None => {}
            Place::Shared => {
                if let Ok([from, to]) = self.shared.get_disjoint_mut([before, after])
                    && from.running
                    && !to.running
                {
                    to.stream.continue_from(&from.stream);
                    to.stream.configure(&profile, config);
                    to.running = true;
                }
            }
            Place::Personal(at) => {
                let speaker = self.personal[at].of.map(|(speaker, _)| speaker);
                if self.personal[at].listeners == 1
                    && let Some(speaker) = speaker
                    && self.find_personal(speaker, after).is_none()
                {
                    self.personal[at].of = Some((speaker, after));
                    self.personal[at].stream.configure(&profile, config);
                } else {
                    leg.place = Place::None;
                }
            }
        }
        self.shared[after].legs += 1;
        leg.shared = after;
        self.remove(before);
        Ok(())
    }

    /// Lets all encoders work with this complexity from the next tick on.
    pub(crate) fn reconfigure(&mut self, config: &MixerConfig) {
        for shared in &mut self.shared {
            shared.stream.configure(&shared.profile, config);
        }
        for personal in &mut self.personal {
            if let Some((_, shared)) = personal.of {
                personal.stream.configure(&self.shared[shared].profile, config);
            }
        }
    }

    /// Begins a tick: nobody listens.
    pub(crate) fn clear(&mut self) {
        for shared in &mut self.shared {
            (shared.listeners, shared.beginning) = (0, false);
        }
        for personal in &mut self.personal {
            (personal.listeners, personal.beginning) = (0, false);
        }
    }

    /// Gives one leg its place in this tick. Nobody whose speaker has a voice in it is in a shared mix.
    pub(crate) fn seat(
        &mut self,
        leg: &mut Listening,
        speaker: SpeakerKey,
        bus: &MixBus,
        config: &MixerConfig,
    ) {
        if !leg.sending {
            return;
        }
        let speaks = bus.speaks(speaker);
        let stays = |at: usize| {
            self.personal.get(at).is_some_and(|personal| {
                personal.of == Some((speaker, leg.shared)) && (speaks || !personal.may_join())
            })
        };
        leg.place = match leg.place {
            Place::Personal(at) if stays(at) => Place::Personal(at),
            before @ (Place::None | Place::Shared | Place::Personal(_)) if speaks => {
                self.take_leave(leg.shared, before, speaker, config)
            }
            before @ (Place::None | Place::Shared | Place::Personal(_)) => {
                self.join(leg.shared, before, speaker, config)
            }
        };
        let (listeners, beginning) = match leg.place {
            Place::None => return,
            Place::Shared => {
                let shared = &mut self.shared[leg.shared];
                (&mut shared.listeners, &mut shared.beginning)
            }
            Place::Personal(at) => {
                let personal = &mut self.personal[at];
                (&mut personal.listeners, &mut personal.beginning)
            }
        };
        *listeners += 1;
        *beginning |= leg.is_beginning();
    }

    /// Encodes what is listened to.
    pub(crate) fn tick(&mut self, bus: &MixBus) {
        if self.shared.iter().any(|shared| shared.listeners > 0) {
            let audible = bus.whole(&mut self.mix);
            for shared in self.shared.iter_mut().filter(|shared| shared.listeners > 0) {
                shared.stream.tick(&self.mix, audible, shared.beginning);
            }
        }
        for shared in &mut self.shared {
            shared.running = shared.listeners > 0;
        }
        let mut used = 0;
        for personal in &mut self.personal {
            let Some((speaker, _)) = personal.of else { continue };
            used += 1;
            if personal.listeners == 0 {
                personal.of = None;
                continue;
            }
            personal.away = if bus.speaks(speaker) { 0 } else { personal.away.saturating_add(1) };
            let audible = bus.mix_for(speaker, &mut self.mix);
            personal.stream.tick(&self.mix, audible, personal.beginning);
            personal.silent = !audible;
        }
        self.demand.note(used);
    }

    /// What a leg is sent in this tick: the stream's number and the stream, if it made anything for this leg.
    pub(crate) fn for_leg(&self, leg: &Listening) -> Option<(usize, &Stream)> {
        let (number, stream) = match leg.place {
            _ if !leg.sending => return None,
            Place::None => return None,
            Place::Shared => (leg.shared, &self.shared[leg.shared].stream),
            Place::Personal(at) => (FIRST_PERSONAL + at, &self.personal[at].stream),
        };
        match stream.made() {
            Made::Nothing => None,
            Made::Payload { for_all, .. } => (for_all || leg.is_beginning()).then_some((number, stream)),
            Made::Failed => Some((number, stream)),
        }
    }

    /// The number of encodings in the last tick.
    pub(crate) fn encoded(&self) -> usize {
        let made = |stream: &Stream| matches!(stream.made(), Made::Payload { .. });
        let shared = self.shared.iter().filter(|shared| shared.listeners > 0 && made(&shared.stream)).count();
        let personal = self.personal.iter().filter(|one| one.listeners > 0 && made(&one.stream)).count();
        shared + personal
    }

    /// A leg whose speaker is heard leaves the whole mix for one without their voice, which goes on from where that is.
    fn take_leave(
        &mut self,
        shared: usize,
        before: Place,
        speaker: SpeakerKey,
        config: &MixerConfig,
    ) -> Place {
        if let Some(at) = self.find_personal(speaker, shared) {
            return Place::Personal(at);
        }
        let Some(at) = self.free_personal() else {
            self.want_personal(self.personal.len() + 1, config);
            return Place::None;
        };
        let personal = &mut self.personal[at];
        let from = &self.shared[shared];
        if before == Place::Shared && from.running {
            personal.stream.continue_from(&from.stream);
        } else {
            personal.stream.restart(&from.profile, config);
        }
        (personal.of, personal.away, personal.silent) = (Some((speaker, shared)), 0, false);
        Place::Personal(at)
    }

    /// A leg whose speaker is not heard comes into the whole mix. If nobody is there, it brings its own stream with it.
    fn join(&mut self, shared: usize, before: Place, speaker: SpeakerKey, config: &MixerConfig) -> Place {
        let to = &mut self.shared[shared];
        if !to.running {
            match before {
                Place::Personal(at)
                    if self.personal.get(at).is_some_and(|one| one.of == Some((speaker, shared))) =>
                {
                    to.stream.continue_from(&self.personal[at].stream);
                }
                Place::Personal(_) | Place::None | Place::Shared => {
                    to.stream.restart(&to.profile, config);
                }
            }
            to.running = true;
        }
        Place::Shared
    }

    fn find_personal(&self, speaker: SpeakerKey, shared: usize) -> Option<usize> {
        self.personal.iter().position(|personal| personal.of == Some((speaker, shared)))
    }

    /// A personal stream that nobody needs, or else that of whoever has been silent for longest: they join the others early.
    fn free_personal(&self) -> Option<usize> {
        self.personal.iter().position(|personal| personal.of.is_none()).or_else(|| {
            let away = self.personal.iter().enumerate().filter(|(_, personal)| personal.away > 0);
            away.max_by_key(|(_, personal)| personal.away).map(|(at, _)| at)
        })
    }

    /// The shared stream of a profile, or of the nearest. Memory is allocated here.
    fn assign(&mut self, profile: Profile, config: &MixerConfig) -> Result<usize, CodecError> {
        let profile = profile.reduced();
        let used = self.shared.iter().enumerate().filter(|(_, shared)| shared.legs > 0);
        if let Some((at, _)) = used.clone().find(|(_, shared)| shared.profile == profile) {
            return Ok(at);
        }
        let alike = used.filter(|(_, shared)| shared.profile.codec == profile.codec);
        if profile.codec == Codec::Opus && alike.clone().count() >= PROFILES_MAX {
            let nearest = alike.min_by_key(|(_, shared)| shared.profile.distance(&profile));
            // There are PROFILES_MAX of them.
            return Ok(nearest.map_or(0, |(at, _)| at));
        }
        let stream = Stream::new(&profile, config)?;
        let (legs, running, listeners, beginning) = (0, false, 0, false);
        let shared = Shared { profile, stream, legs, running, listeners, beginning };
        if let Some(at) = self.shared.iter().position(|shared| shared.legs == 0) {
            self.shared[at] = shared;
            return Ok(at);
        }
        self.shared.push(shared);
        Ok(self.shared.len() - 1)
    }
}

impl Personal {
    const fn may_join(&self) -> bool {
        self.away >= AWAY_MIN && (self.silent || self.away >= AWAY_MAX)
    }
}
