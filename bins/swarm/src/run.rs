//! A run from the first call to the last hangup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::caller::{Identity, State};
use crate::garbage::Garbage;
use crate::listen::{listen, listen_to};
use crate::measure::{Heard, dbov, delays, judge, steadily};
use crate::pictures::{Clips, PictureLine, Pictures};
use crate::plan::{Kind, Others, Plan};
use crate::pump::{Playing, Progress, Pump, Seat, unix_micros};
use crate::record;
use crate::report::{Delays, Listener, Load, Report};
use crate::target::{Call, HttpTarget, JanusTarget, Target};
use crate::usage::{self, Usage};
use crate::voice::{BURST_EVERY, Sound, Voice};

/// How long all callers may take to connect after the last has called.
const CONNECT: Duration = Duration::from_secs(30);
/// How long is waited for late packets at the end.
const DRAIN: Duration = Duration::from_secs(1);
/// Listeners whose packets are kept, to be decoded after the run.
const KEPT: usize = 8;
/// Different voices; more talkers share them, each at another place.
const VOICES: usize = 4;

/// Carries out a plan. `say` is told what goes on, a line each time.
///
/// # Errors
///
/// When the target can't be reached or refuses a call, when callers don't connect, or when what is needed for it is missing.
pub async fn run(plan: &Plan, mut say: impl FnMut(&str)) -> anyhow::Result<Report> {
    plan.check()?;
    let target = match plan.target {
        Kind::Http => Target::Http(HttpTarget::new(&plan.url)),
        Kind::Janus => Target::Janus(JanusTarget::new(&plan.url, plan.prebuffering).await?),
    };
    if plan.pictures.senders > 0 {
        say("encoding what will be seen");
    }
    let cast = Cast::new(plan)?;
    let first = Machine::now(plan)?;
    allow_sockets(plan.callers)?;
    let identity = Identity::new()?;
    let pump = Pump::start(plan.line(), plan.seed, plan.real_time)?;
    if plan.real_time && !pump.real_time {
        say(
            "no real-time priority is to be had here: on a busy machine some of the lateness will be this program's own",
        );
    }
    let ran = drive(plan, &target, &cast, &identity, pump, &mut say).await;
    let (calls, ran) = match ran {
        Ok((calls, ran)) => (calls, Ok(ran)),
        Err((calls, error)) => (calls, Err(error)),
    };
    for call in &calls {
        // Whatever is left, the target hears of by silence.
        let _ = target.hang_up(call).await;
    }
    let mut ran = ran?;
    ran.load.grown_since(&first, plan);
    judged(plan, &cast, ran)
}

/// Each caller has a socket: asks for as many open files as that takes and the system allows.
fn allow_sockets(callers: usize) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = callers as u64 + 100;
    if soft < wanted {
        ensure!(
            hard >= wanted,
            "{callers} callers need {wanted} open files, the system allows {hard} (ulimit -n)"
        );
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    }
    Ok(())
}

/// What there is to send, and who sends it from where on.
struct Cast {
    voices: Vec<Arc<Voice>>,
    noise: Arc<Voice>,
    dtx: Arc<Voice>,
    clips: Option<Arc<Clips>>,
}

impl Cast {
    fn new(plan: &Plan) -> anyhow::Result<Self> {
        let count = if plan.sound == Sound::Bursts { 1 } else { plan.talkers.min(VOICES) };
        let voices = if plan.record.is_some() {
            vec![Arc::new(Voice::clip(usize::try_from(plan.seed).unwrap_or_default(), plan.copies)?)]
        } else {
            let voices = (0..count).map(|talker| Ok(Arc::new(Voice::of(plan.sound, talker)?)));
            voices.collect::<anyhow::Result<_>>()?
        };
        let clips = (plan.pictures.senders > 0).then(|| Clips::encode(&plan.pictures)).transpose()?;
        Ok(Self {
            voices,
            noise: Arc::new(Voice::noise()?),
            dtx: Arc::new(Voice::dtx()),
            clips: clips.map(Arc::new),
        })
    }

    /// A caller's line for pictures, if there are any; `sound` is the SSRC of what it says.
    fn pictures(&self, plan: &Plan, caller: usize, sound: u32) -> Option<PictureLine> {
        let (place, keeps) = (plan.picture_place(caller), plan.keeps_pictures(caller));
        Some(PictureLine::new(&plan.pictures, self.clips.as_ref()?, sound, place, keeps))
    }

    /// The voice of a talker and the frame of it that it begins with.
    fn voice(&self, plan: &Plan, caller: usize) -> Option<(&Arc<Voice>, usize)> {
        let talker = plan.talker(caller)?;
        let voice = self.voices.get((talker + plan.conference(caller)) % self.voices.len())?;
        let offset = if plan.sound == Sound::Bursts { 0 } else { caller.wrapping_mul(137) };
        Some((voice, offset % voice.packets.len()))
    }

    fn playing(&self, plan: &Plan, caller: usize) -> Playing {
        if let Some((voice, offset)) = self.voice(plan, caller) {
            return match plan.turn(caller) {
                Some(turn) => {
                    Playing::Turns(Arc::clone(voice), voice.begins(), turn, Arc::clone(&self.noise))
                }
                None => Playing::Voice(Arc::clone(voice), offset),
            };
        }
        match plan.others {
            Others::Nothing => Playing::Nothing,
            Others::Dtx => Playing::Dtx(Arc::clone(&self.dtx)),
            Others::Noise => Playing::Voice(Arc::clone(&self.noise), caller % self.noise.packets.len()),
        }
    }

    /// Whether anybody but `caller` speaks in its conference in that frame since the beginning.
    fn others_speak(&self, plan: &Plan, caller: usize, frame: usize) -> bool {
        plan.talkers_of(plan.conference(caller)).filter(|&talker| talker != caller).any(|talker| {
            self.voice(plan, talker).is_some_and(|(voice, offset)| {
                let place = match plan.turn(talker) {
                    Some(turn) => turn.frame(frame as u64).map(|spoken| spoken as usize + voice.begins()),
                    None => Some(frame + offset),
                };
                place.is_some_and(|place| voice.active[place % voice.packets.len()])
            })
        })
    }
}

/// What a run has left to judge.
struct Ran {
    seats: Vec<Seat>,
    began: i64,
    window: std::ops::Range<i64>,
    load: Load,
}

type Failed = (Vec<Call>, anyhow::Error);

async fn drive(
    plan: &Plan,
    target: &Target,
    cast: &Cast,
    identity: &Identity,
    pump: Pump,
    say: &mut impl FnMut(&str),
) -> Result<(Vec<Call>, Ran), Failed> {
    let mut calls = Vec::new();
    match drive_inner(plan, target, cast, identity, pump, say, &mut calls).await {
        Ok(ran) => Ok((calls, ran)),
        Err(error) => Err((calls, error)),
    }
}

async fn drive_inner(
    plan: &Plan,
    target: &Target,
    cast: &Cast,
    identity: &Identity,
    pump: Pump,
    say: &mut impl FnMut(&str),
    calls: &mut Vec<Call>,
) -> anyhow::Result<Ran> {
    // The same burst is watched for in all talkers' voices, if there are any; or the beginning of a clip.
    let watched = if plan.sound == Sound::Bursts {
        Some(listen_to(&cast.voices[0])?.0)
    } else {
        plan.record.as_ref().map(|_| 0)
    };
    let mut beat = tokio::time::interval(Duration::from_secs_f64(1.0 / plan.join_rate));
    let mut spoken = Instant::now();
    for caller in 0..plan.callers {
        beat.tick().await;
        let levels = plan.tells_levels(caller);
        let ssrc = 0x1000_0000 + u32::try_from(caller).unwrap_or_default() * 7_919;
        let pictures = cast.pictures(plan, caller, ssrc);
        let mut seat = Seat::new(identity, plan.bind, ssrc, levels, cast.playing(plan, caller), pictures)?;
        seat.watch = watched.filter(|_| plan.talker(caller).is_some()).map(|frame| (frame, Vec::new()));
        let call = target.call(plan.conference(caller), caller, seat.caller.offer()).await;
        let call = call.with_context(|| format!("caller {}", caller + 1))?;
        let answer =
            crate::sdp::Answer::read(&call.answer).with_context(|| format!("caller {}", caller + 1))?;
        calls.push(call);
        ensure!(
            answer.levels || !levels,
            "caller {}: the answer takes no levels (RFC 6464); `--no-level-extension 1` measures without",
            caller + 1
        );
        ensure!(
            cast.clips.is_none() || answer.pictures.is_some(),
            "caller {}: the answer takes no pictures",
            caller + 1
        );
        pump.add(seat, answer);
        if spoken.elapsed() > Duration::from_secs(2) {
            spoken = Instant::now();
            say(&format!("{} of {} have called, {}", caller + 1, plan.callers, told(&pump.progress)));
        }
    }
    let all = plan.callers as u64;
    let until = Instant::now() + CONNECT;
    while pump.progress.connected.load(Ordering::Relaxed) < all {
        if pump.progress.failed.load(Ordering::Relaxed) > 0 || Instant::now() > until {
            return Err(not_connected(pump, plan));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    say(&format!("all {all} are connected"));
    tokio::time::sleep(Duration::from_secs(plan.warm_up)).await;

    let kept = kept(plan);
    pump.note(usize::try_from(plan.seconds).unwrap_or_default() * 51 + 100, kept);
    let garbage = match plan.garbage {
        0 => None,
        rate => Some(Garbage::start(media_address(calls)?, rate, plan.seed)?),
    };
    let before = Machine::now(plan)?;
    let started = Instant::now();
    let start = unix_micros();
    for second in 1..=plan.seconds {
        tokio::time::sleep_until((started + Duration::from_secs(second)).into()).await;
        if second % 5 == 0 && second < plan.seconds {
            say(&format!("{second} of {} s, {}", plan.seconds, told(&pump.progress)));
        }
    }
    let window = start..unix_micros();
    let after = Machine::now(plan)?;
    let garbage = garbage.map_or(0, |garbage| garbage.sent());
    let behind_ms = pump.progress.behind_ms.load(Ordering::Relaxed);
    tokio::time::sleep(DRAIN).await;
    let (began, real_time) = (pump.began, pump.real_time);
    let seats = pump.stop()?;
    let failed = seats.iter().filter(|seat| seat.caller.state() == State::Failed).count();
    ensure!(failed == 0, "{failed} calls were lost while it was measured");
    let load = Load::between(&before, &after, plan, behind_ms, real_time, garbage);
    Ok(Ran { seats, began, window, load })
}

/// The machine at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) at: Instant,
    pub(crate) target: Option<Usage>,
    pub(crate) own: Usage,
    pub(crate) stolen: f64,
}

impl Machine {
    fn now(plan: &Plan) -> anyhow::Result<Self> {
        Ok(Self {
            at: Instant::now(),
            target: plan.target_pid.map(usage::of).transpose()?,
            own: usage::of(std::process::id())?,
            stolen: usage::stolen_seconds(),
        })
    }
}

fn told(progress: &Progress) -> String {
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    format!(
        "{} connected, {} packets sent, {} received",
        read(&progress.connected),
        read(&progress.sent),
        read(&progress.received)
    )
}

fn not_connected(pump: Pump, plan: &Plan) -> anyhow::Error {
    let connected = pump.progress.connected.load(Ordering::Relaxed);
    let why = match pump.stop() {
        Ok(seats) => seats.iter().find_map(|seat| Some(seat.caller.failure()?.to_string())),
        Err(error) => Some(format!("{error:#}")),
    };
    let why = why.unwrap_or_else(|| format!("the others did not within {} s", CONNECT.as_secs()));
    anyhow::anyhow!("{connected} of {} callers connected: {why}", plan.callers)
}

/// Where the target receives media: what its last answer says first.
fn media_address(calls: &[Call]) -> anyhow::Result<std::net::SocketAddr> {
    let answer = calls.last().map(|call| crate::sdp::Answer::read(&call.answer)).transpose()?;
    let candidates = answer.map(|answer| answer.candidates).unwrap_or_default();
    let mut words = candidates.first().context("there is no call")?.split_ascii_whitespace().skip(4);
    let (ip, port) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(std::net::SocketAddr::new(ip.parse()?, port.parse()?))
}

/// Whose packets are kept: of those who only listen, the first of each conference, then the second, …; of talkers if there are no others.
fn kept(plan: &Plan) -> Vec<usize> {
    let listeners = (0..plan.callers).filter(|&caller| plan.talker(caller).is_none());
    let kept: Vec<usize> = listeners.take(KEPT).collect();
    if kept.is_empty() { (0..plan.callers.min(KEPT)).collect() } else { kept }
}

fn judged(plan: &Plan, cast: &Cast, ran: Ran) -> anyhow::Result<Report> {
    let Ran { seats, began, window, load } = ran;
    // Who speaks is the same for all listeners of a conference.
    let frames = usize::try_from((window.end - began) / 20_000).unwrap_or_default() + 2;
    let mut speaking: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
    let mut listeners = Vec::with_capacity(seats.len());
    for (caller, seat) in seats.iter().enumerate() {
        let conference = plan.conference(caller);
        // A number that is no conference's for those who talk themselves: each has others of its own.
        let key = if plan.talker(caller).is_some() { usize::MAX - caller } else { conference };
        let active = speaking
            .entry(key)
            .or_insert_with(|| (0..frames).map(|frame| cast.others_speak(plan, caller, frame)).collect());
        let spoken = |at: i64| steadily(|frame| active.get(frame).copied().unwrap_or(false), at - began);
        let heard: Heard = judge(&seat.caller.arrivals, &window, spoken);
        listeners.push(Listener::new(caller, conference, plan.talker(caller).is_some(), heard, seat));
    }
    let mut added = Vec::new();
    let (mut levels, mut burst_levels) = (Vec::new(), Vec::new());
    for seat in &seats {
        let Some(payloads) = &seat.caller.payloads else { continue };
        let listened = listen(&seat.caller.arrivals, payloads)?;
        levels.push(dbov(listened.level));
        burst_levels.extend(listened.burst_level.map(dbov));
        if plan.sound == Sound::Bursts {
            let (_, into, _) = listen_to(&cast.voices[0])?;
            added.extend(bursts(plan, &seats, into, &window, &listened.onsets));
        }
    }
    if let Some(folder) = &plan.record {
        record::write(plan, &seats, &window, &cast.voices[0].samples, folder)?;
    }
    let sent_level =
        if plan.sound == Sound::Bursts { Some(dbov(listen_to(&cast.voices[0])?.2)) } else { None };
    let delays = sent_level.map(|sent| Delays::new(added, &burst_levels, sent));
    let clips = cast.clips.as_ref();
    let pictures = clips.map(|clips| Pictures::new(plan, clips, &seats, &window, began)).transpose()?;
    Ok(Report::new(plan, began / 1_000, load, listeners, delays, &levels, pictures))
}

/// How long after each burst of the first talker it was heard, in µs. All talkers of a conference send theirs in the same beat.
fn bursts(plan: &Plan, seats: &[Seat], into: i64, window: &std::ops::Range<i64>, heard: &[i64]) -> Vec<i64> {
    let first = plan.talkers_of(0).next().and_then(|talker| seats.get(talker)?.watch.as_ref());
    let sent: Vec<i64> = first
        .into_iter()
        .flat_map(|(_, times)| times)
        .map(|time| time + into)
        .filter(|time| window.contains(time))
        .collect();
    delays(&sent, heard, BURST_EVERY as i64 * 20_000 - 100_000)
}
