//! All encodings of a conference: one of the whole mix for each profile, and one for each speaker without their own voice.
//!
//! How sound is encoded never lives here, nor what becomes of a payload.

use crate::codec::CodecError;
use crate::config::MixerConfig;
use crate::demand::Demand;
use crate::frame::Codec;
use crate::frame::{FRAME_SAMPLES, TICK_MS, WideFrame};
use crate::key::{LegKey, SpeakerKey};
use crate::listening::{Listening, Place};
use crate::mix_bus::MixBus;
use crate::playing::Sounds;
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
    /// Personal streams that there should be. One takes about 40 kB, so they are made when they are wanted, between two ticks.
    wanted: usize,
    demand: Demand,
    mix: Box<WideFrame>,
    /// Half the difference of its channels, where some hear two.
    side: Option<Box<WideFrame>>,
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

/// The mix without one speaker's voice, or with what is played to one leg.
#[derive(Debug)]
struct Personal {
    of: Option<Of>,
    stream: Stream,
    /// Ticks since the speaker was heard last, or since something was played to the leg.
    away: u32,
    /// The mix was silent in the last tick.
    silent: bool,
    /// Something is played to the leg in this tick.
    played_to: bool,
    listeners: usize,
    beginning: bool,
}

/// Whose a personal stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Of {
    /// Whose voice is not in it.
    speaker: SpeakerKey,
    /// To which leg alone something is played, if to any; without, it is for all legs of the speaker.
    leg: Option<LegKey>,
    /// Under which profile: its shared stream's number.
    shared: usize,
}

/// One leg that is to have its place.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    pub(crate) leg: &'a mut Listening,
    pub(crate) key: LegKey,
    pub(crate) speaker: SpeakerKey,
    /// Something is played to it alone.
    pub(crate) played_to: bool,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Self {
            shared: Vec::new(),
            personal: Vec::new(),
            wanted: 0,
            demand: Demand::default(),
            mix: Box::new([0; FRAME_SAMPLES]),
            side: None,
        }
    }

    /// From now on there may be streams of two channels. Memory is allocated here.
    pub(crate) fn allow_stereo(&mut self, config: &MixerConfig) -> Result<(), CodecError> {
        for personal in &mut self.personal {
            personal.stream.allow_stereo(config)?;
        }
        self.side.get_or_insert_with(|| Box::new([0; FRAME_SAMPLES]));
        Ok(())
    }

    /// There are no listeners to two channels any more.
    pub(crate) fn forbid_stereo(&mut self) {
        self.side = None;
        for personal in &mut self.personal {
            personal.stream.forbid_stereo();
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
            personal.of = personal.of.filter(|of| of.shared != shared);
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
            Some(of) => personal.away == 0 || speakers.contains(&of.speaker),
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
            let mut stream = Stream::new(&Profile::default(), config)?;
            if self.side.is_some() {
                stream.allow_stereo(config)?;
            }
            let (of, away, listeners) = (None, 0, 0);
            let (silent, played_to, beginning) = (true, false, false);
            self.personal.push(Personal { of, stream, away, silent, played_to, listeners, beginning });
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
                    to.stream.continue_from(&from.stream, &profile, config);
                    to.running = true;
                }
            }
            Place::Personal(at) => {
                let of = self.personal[at].of.map(|of| Of { shared: after, ..of });
                if self.personal[at].listeners == 1
                    && let Some(of) = of
                    && self.find_personal(of).is_none()
                {
                    self.personal[at].of = Some(of);
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
            if let Some(of) = personal.of {
                personal.stream.configure(&self.shared[of.shared].profile, config);
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

    /// Gives one leg its place in this tick. Nobody whose speaker has a voice in it is in a shared mix, nor is who alone is
    /// played something.
    pub(crate) fn seat(&mut self, seat: Seat<'_>, bus: &MixBus, config: &MixerConfig) {
        let Seat { leg, key, speaker, played_to } = seat;
        if !leg.sending {
            return;
        }
        let for_speaker = Of { speaker, leg: None, shared: leg.shared };
        let for_leg = Of { leg: Some(key), ..for_speaker };
        let before = match leg.place {
            Place::Personal(at) => {
                self.personal.get(at).and_then(|personal| personal.of.map(|of| (of, personal.may_join())))
            }
            Place::None | Place::Shared => None,
        };
        // What it needs now; and where it is, it stays until it can go unheard.
        let needs = if played_to {
            Some(for_leg)
        } else if bus.speaks(speaker) {
            Some(for_speaker)
        } else {
            None
        };
        let stays = before.is_some_and(|(of, may_join)| {
            let is_its_own = of == for_leg || of == for_speaker && !played_to;
            is_its_own && (Some(of) == needs || !may_join)
        });
        if !stays {
            leg.place = match needs {
                Some(of) => self.part(of, leg.place, config),
                None => self.join(for_speaker, leg.place, config),
            };
        }
        leg.own = matches!(leg.place, Place::Personal(at) if self.personal[at].of == Some(for_leg));
        if let Place::Personal(at) = leg.place {
            self.personal[at].played_to = leg.own && played_to;
        }
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

    /// Gives one its place who hears the whole mix in every tick.
    pub(crate) fn seat_listener(&mut self, listener: &mut Listening, config: &MixerConfig) {
        // It has never been anywhere else, so it brings nothing along, of whomever.
        let of = Of { speaker: SpeakerKey(0), leg: None, shared: listener.shared };
        listener.place = self.join(of, listener.place, config);
        let shared = &mut self.shared[listener.shared];
        shared.listeners += 1;
        shared.beginning |= listener.is_beginning();
    }

    /// Encodes what is listened to: of the sum of all, and where some send two channels of what sets those apart.
    pub(crate) fn tick(&mut self, bus: &MixBus, sides: Option<&MixBus>, sounds: &Sounds) {
        if self.shared.iter().any(|shared| shared.listeners > 0) {
            let audible = bus.whole(&mut self.mix);
            let side = match (&mut self.side, sides) {
                (Some(side), Some(sides)) => sides.whole(side).then_some(&**side),
                _ => None,
            };
            for shared in self.shared.iter_mut().filter(|shared| shared.listeners > 0) {
                shared.stream.tick(&self.mix, side, audible, shared.beginning);
            }
        }
        for shared in &mut self.shared {
            shared.running = shared.listeners > 0;
        }
        let mut used = 0;
        for personal in &mut self.personal {
            let Some(of) = personal.of else { continue };
            used += 1;
            if personal.listeners == 0 {
                personal.of = None;
                continue;
            }
            let needed = if of.leg.is_some() { personal.played_to } else { bus.speaks(of.speaker) };
            personal.away = if needed { 0 } else { personal.away.saturating_add(1) };
            let mut audible = bus.mix_for(of.speaker, &mut self.mix);
            if let Some(leg) = of.leg {
                audible |= sounds.add_to(leg, &mut self.mix);
            }
            let side = match (&mut self.side, sides) {
                (Some(side), Some(sides)) => sides.mix_for(of.speaker, side).then_some(&**side),
                _ => None,
            };
            personal.stream.tick(&self.mix, side, audible, personal.beginning);
            personal.silent = !audible;
        }
        self.demand.note(used);
    }

    /// Nothing is heard on any of them, and nobody has one of their own.
    pub(crate) fn are_silent(&self) -> bool {
        self.shared.iter().all(|shared| !shared.running || shared.stream.is_silent())
            && self.personal.iter().all(|personal| personal.of.is_none())
    }

    /// A tick in which all that is listened to is as silent as before, and by the same; whether anything of that is to be sent.
    pub(crate) fn rest(&mut self) -> bool {
        let mut made = false;
        for shared in self.shared.iter_mut().filter(|shared| shared.listeners > 0) {
            shared.stream.tick(&self.mix, None, false, false);
            made |= shared.stream.made() != Made::Nothing;
        }
        self.demand.note(0);
        made
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

    /// A leg leaves the mix of many for one of its own, which goes on from where that is.
    fn part(&mut self, of: Of, before: Place, config: &MixerConfig) -> Place {
        if let Some(at) = self.find_personal(of) {
            return Place::Personal(at);
        }
        let Some(at) = self.free_personal() else {
            self.want_personal(self.personal.len() + 1, config);
            return Place::None;
        };
        let from = &self.shared[of.shared];
        match before {
            Place::Shared if from.running => {
                self.personal[at].stream.continue_from(&from.stream, &from.profile, config);
            }
            // It was waited for silence in: now it goes on as another.
            Place::Personal(before) if before == at => {}
            Place::Personal(before)
                if let Ok([before, to]) = self.personal.get_disjoint_mut([before, at]) =>
            {
                to.stream.continue_from(&before.stream, &from.profile, config);
            }
            Place::None | Place::Shared | Place::Personal(_) => {
                self.personal[at].stream.restart(&from.profile, config);
            }
        }
        let personal = &mut self.personal[at];
        (personal.of, personal.away, personal.silent) = (Some(of), 0, false);
        Place::Personal(at)
    }

    /// A leg comes into the whole mix. If nobody is there, it brings its own stream with it.
    fn join(&mut self, of: Of, before: Place, config: &MixerConfig) -> Place {
        let to = &mut self.shared[of.shared];
        if !to.running {
            let own = match before {
                Place::Personal(at) => self.personal.get(at),
                Place::None | Place::Shared => None,
            };
            // It may have been given to another in the meantime.
            let is_own = |personal: &&Personal| {
                personal.of.is_some_and(|was| (was.speaker, was.shared) == (of.speaker, of.shared))
            };
            match own.filter(is_own) {
                Some(own) => to.stream.continue_from(&own.stream, &to.profile, config),
                None => to.stream.restart(&to.profile, config),
            }
            to.running = true;
        }
        Place::Shared
    }

    fn find_personal(&self, of: Of) -> Option<usize> {
        self.personal.iter().position(|personal| personal.of == Some(of))
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
