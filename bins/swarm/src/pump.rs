//! The thread that runs all callers: sockets, the beat of 20 ms, timers. It sleeps a millisecond at a time instead of waking for each
//! packet; when packets came is told by the kernel, so that its own lateness is not the target's.
//!
//! What figures mean never lives here, nor how calls are placed.

use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;

use crate::caller::{Caller, DATAGRAM, State};
use crate::line::{Chance, Line};
use crate::pictures::PictureLine;
use crate::sdp::{Answer, VP8, VP8_AGAIN};
use crate::turn::Turn;
use crate::voice::Voice;

/// The beat of a caller, in ms. Callers take turns within it.
pub const BEAT_MS: u64 = 20;
/// Packets of pictures that a sender sends in a millisecond at the most: a key frame is spread over some, as browsers do.
const PACKETS_A_MS: usize = 4;
/// Reports are sent each five seconds, so many beats.
const REPORT_BEATS: u64 = 250;
/// Silence announced each 400 ms, as discontinuous transmission of Opus does.
const DTX_BEATS: u64 = 20;
/// The real-time priority that is asked for: below those of the kernel's threads, and of a target that asks for one itself.
const FIFO_PRIORITY: &str = "5";

/// What a caller sends.
#[derive(Clone, Debug)]
pub enum Playing {
    /// A voice in a loop, from that frame of it on.
    Voice(Arc<Voice>, usize),
    /// A packet each 400 ms.
    Dtx(Arc<Voice>),
    /// A voice in its turns, from that frame of it on in each; between them the other one.
    Turns(Arc<Voice>, usize, Turn, Arc<Voice>),
    /// Reports only.
    Nothing,
}

/// A caller with its socket.
#[derive(Debug)]
pub struct Seat {
    /// The caller.
    pub caller: Caller,
    /// Its socket, which is its alone, as in life.
    pub socket: UdpSocket,
    /// What it sends.
    pub playing: Playing,
    /// Whether it tells how loud its packets are (RFC 6464).
    pub levels: bool,
    /// When the frames of its voice were sent that bear this number in the loop, in µs since 1970.
    pub watch: Option<(usize, Vec<i64>)>,
    /// Packets that the system did not take.
    pub unsent: u64,
    /// Where the socket is connected to: then the system need not look for the way anew for each packet.
    connected: Option<SocketAddr>,
}

impl Seat {
    /// A caller with a free port at `address`, and a line for pictures if there is one.
    ///
    /// # Errors
    ///
    /// When there is no socket to be had, or no stack.
    pub fn new(
        identity: &crate::caller::Identity,
        address: std::net::IpAddr,
        ssrc: u32,
        levels: bool,
        playing: Playing,
        pictures: Option<PictureLine>,
    ) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((address, 0)).with_context(|| format!("no port at {address}"))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)
            .context("the kernel tells no times of arrival")?;
        let caller = Caller::new(identity, socket.local_addr()?, ssrc, levels, pictures, Instant::now())?;
        Ok(Self { caller, socket, playing, levels, watch: None, unsent: 0, connected: None })
    }
}

/// What goes on, for whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    /// Callers whose media can flow.
    pub connected: AtomicU64,
    /// Callers whose call failed.
    pub failed: AtomicU64,
    /// Datagrams received.
    pub received: AtomicU64,
    /// Datagrams of media sent.
    pub sent: AtomicU64,
    /// Milliseconds that the thread was behind its beat at the worst.
    pub behind_ms: AtomicU64,
}

/// The thread.
#[derive(Debug)]
pub struct Pump {
    orders: mpsc::Sender<Order>,
    thread: thread::JoinHandle<anyhow::Result<Vec<Seat>>>,
    /// What goes on.
    pub progress: Arc<Progress>,
    /// When the first beat was, in µs since 1970.
    pub began: i64,
    /// It runs with real-time priority.
    pub real_time: bool,
}

enum Order {
    Add(Box<Seat>, Answer),
    Note { room: usize, keep: Vec<usize> },
    Stop,
}

impl Pump {
    /// Starts it. `seed` is what losses and jitter are drawn from.
    ///
    /// # Errors
    ///
    /// When there is no thread to be had.
    pub fn start(line: Line, seed: u64, real_time: bool) -> anyhow::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let progress = Arc::new(Progress::default());
        let (epoch, began) = (Instant::now(), unix_micros());
        let work = Work {
            inbox,
            progress: Arc::clone(&progress),
            epoch,
            began,
            showing: Vec::new(),
            line,
            chance: Chance::new(seed),
            seats: Vec::new(),
            held: VecDeque::new(),
            room: Box::new([0; DATAGRAM]),
        };
        let thread = thread::Builder::new()
            .name("pump".to_owned())
            .spawn(move || {
                let _ = tell.send(real_time && ask_for_real_time());
                work.run()
            })
            .context("no thread to run callers on")?;
        let real_time = told.recv().unwrap_or(false);
        Ok(Self { orders, thread, progress, began, real_time })
    }

    /// Connects a caller; its number is how many there were before.
    pub fn add(&self, seat: Seat, answer: Answer) {
        let _ = self.orders.send(Order::Add(Box::new(seat), answer));
    }

    /// From now on arrivals are noted; `room` a caller are expected. Payloads are kept of the callers in `keep`.
    pub fn note(&self, room: usize, keep: Vec<usize>) {
        let _ = self.orders.send(Order::Note { room, keep });
    }

    /// Ends it and gives the callers back.
    ///
    /// # Errors
    ///
    /// When it has ended before, and why.
    pub fn stop(self) -> anyhow::Result<Vec<Seat>> {
        let _ = self.orders.send(Order::Stop);
        self.thread.join().map_err(|_| anyhow::anyhow!("the thread that runs the callers panicked"))?
    }
}

/// Asks for real-time priority, by util-linux' `chrt`, for the calling thread alone.
fn ask_for_real_time() -> bool {
    let thread = nix::unistd::gettid().to_string();
    let mut chrt = Command::new("chrt");
    chrt.args(["--fifo", "--pid", FIFO_PRIORITY, &thread])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    chrt.status().is_ok_and(|status| status.success())
}

/// The time in µs since 1970, which is how the kernel tells arrivals.
#[must_use]
pub fn unix_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

struct Work {
    inbox: mpsc::Receiver<Order>,
    progress: Arc<Progress>,
    epoch: Instant,
    /// The same moment, in µs since 1970.
    began: i64,
    /// Who sends pictures, and the number of the next one.
    showing: Vec<(usize, u64)>,
    line: Line,
    chance: Chance,
    seats: Vec<Seat>,
    /// Packets that jitter holds up, by the millisecond in which they go.
    held: VecDeque<Vec<(usize, Vec<u8>)>>,
    room: Box<[u8; DATAGRAM]>,
}

impl Work {
    fn run(mut self) -> anyhow::Result<Vec<Seat>> {
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        let mut events = vec![EpollEvent::empty(); 512];
        let mut control = nix::cmsg_space!(TimeSpec);
        let mut done = 0;
        loop {
            while let Ok(order) = self.inbox.try_recv() {
                match order {
                    Order::Add(mut seat, answer) => {
                        let number = self.seats.len() as u64;
                        epoll.add(&seat.socket, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
                        if seat.caller.take_answer(answer, Instant::now()).is_err() {
                            self.progress.failed.fetch_add(1, Ordering::Relaxed);
                        }
                        if seat.caller.pictures.as_ref().is_some_and(|line| line.sender.is_some()) {
                            self.showing.push((self.seats.len(), 0));
                        }
                        self.seats.push(*seat);
                    }
                    Order::Note { room, keep } => {
                        for (number, seat) in self.seats.iter_mut().enumerate() {
                            seat.caller.note(room, keep.contains(&number));
                        }
                        self.progress.behind_ms.store(0, Ordering::Relaxed);
                    }
                    Order::Stop => return Ok(self.seats),
                }
            }
            self.receive(&epoll, &mut events, &mut control)?;
            let due = self.epoch.elapsed().as_millis() as u64;
            self.progress.behind_ms.fetch_max(due.saturating_sub(done + 1), Ordering::Relaxed);
            while done < due {
                done += 1;
                self.beat(done);
            }
            let next = self.epoch + Duration::from_millis(done + 1);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    /// Takes what has come, one datagram a ready socket and turn. What is left by the last turn, a second datagram of a socket, is taken a
    /// millisecond later: to ask again at once would cost more than it brings.
    fn receive(
        &mut self,
        epoll: &Epoll,
        events: &mut [EpollEvent],
        control: &mut [u8],
    ) -> anyhow::Result<()> {
        loop {
            let ready = epoll.wait(events, EpollTimeout::ZERO)?;
            let now = Instant::now();
            for event in &events[..ready] {
                let Some(seat) =
                    usize::try_from(event.data()).ok().and_then(|index| self.seats.get_mut(index))
                else {
                    continue;
                };
                let mut slices = [IoSliceMut::new(self.room.as_mut_slice())];
                let socket = seat.socket.as_raw_fd();
                // What fails here are echoes of packets that nobody took (ECONNREFUSED), which have been counted by being missed.
                let Ok(message) =
                    recvmsg::<SockaddrIn>(socket, &mut slices, Some(&mut *control), MsgFlags::MSG_DONTWAIT)
                else {
                    continue;
                };
                let (bytes, from) = (message.bytes, message.address.map(|from| SocketAddr::V4(from.into())));
                let stamp = message.cmsgs().ok().and_then(|mut all| {
                    all.find_map(|one| {
                        if let ControlMessageOwned::ScmTimestampns(stamp) = one { Some(stamp) } else { None }
                    })
                });
                let at = stamp
                    .map_or_else(unix_micros, |stamp| stamp.tv_sec() * 1_000_000 + stamp.tv_nsec() / 1_000);
                self.progress.received.fetch_add(1, Ordering::Relaxed);
                let Some(from) = from else { continue };
                let datagram = &mut self.room[..bytes];
                let media = matches!(datagram.first(), Some(128..=191));
                if media && self.chance.happens(self.line.loss_down) {
                    continue;
                }
                let picture =
                    media && matches!(datagram.get(1).map(|byte| byte & 0x7f), Some(VP8 | VP8_AGAIN));
                if picture && self.chance.happens(self.line.pictures_down) {
                    continue;
                }
                let before = seat.caller.state();
                seat.caller.handle_datagram(datagram, from, at, now);
                if !media {
                    flush(seat);
                }
                match (before, seat.caller.state()) {
                    (State::Connecting, State::Connected) => {
                        self.progress.connected.fetch_add(1, Ordering::Relaxed);
                        if let Some(line) = &mut seat.caller.pictures {
                            line.connected = Some(at);
                        }
                    }
                    (State::Connecting | State::Connected, State::Failed) => {
                        self.progress.failed.fetch_add(1, Ordering::Relaxed);
                    }
                    (State::Connecting | State::Connected | State::Failed, _) => {}
                }
            }
            if ready < events.len() {
                return Ok(());
            }
        }
    }

    /// What is due in millisecond `millisecond` since the beginning.
    fn beat(&mut self, millisecond: u64) {
        if let Some(held) = self.held.pop_front() {
            for (number, packet) in held {
                send(&mut self.seats[number], &self.progress, &packet);
            }
        }
        self.show(millisecond);
        let (frame, turn) = (millisecond / BEAT_MS, millisecond % BEAT_MS);
        let now = Instant::now();
        let mut number = turn as usize;
        while number < self.seats.len() {
            self.seats[number].caller.handle_timeout(now);
            flush(&mut self.seats[number]);
            self.talk(number, frame);
            if frame % REPORT_BEATS == number as u64 % REPORT_BEATS {
                self.report(number, frame);
            }
            self.tell_of_pictures(number, millisecond);
            number += BEAT_MS as usize;
        }
    }

    fn talk(&mut self, number: usize, frame: u64) {
        let seat = &mut self.seats[number];
        let (voice, index) = match &seat.playing {
            Playing::Voice(voice, offset) => (voice, (frame as usize + offset) % voice.packets.len()),
            Playing::Dtx(voice) if frame.is_multiple_of(DTX_BEATS) => (voice, 0),
            Playing::Turns(voice, first, turn, between) => match turn.frame(frame) {
                Some(spoken) => (voice, (first + spoken as usize) % voice.packets.len()),
                None => (between, frame as usize % between.packets.len()),
            },
            Playing::Dtx(_) | Playing::Nothing => return,
        };
        let level = seat.levels.then(|| (voice.levels[index], voice.active[index]));
        let Some(length) = seat.caller.packet(&voice.packets[index], timestamp(frame), level, &mut self.room)
        else {
            return;
        };
        if let Some((watched, times)) = &mut seat.watch
            && *watched == index
        {
            times.push(unix_micros());
        }
        if self.chance.happens(self.line.loss_up) {
            return;
        }
        if self.line.jitter_ms == 0 {
            send(seat, &self.progress, &self.room[..length]);
            return;
        }
        let wait = self.chance.below(u64::from(self.line.jitter_ms) + 1) as usize;
        if self.held.len() <= wait {
            self.held.resize_with(wait + 1, Vec::new);
        }
        self.held[wait].push((number, self.room[..length].to_vec()));
    }

    /// Makes the pictures that are due, and sends some of the packets that wait.
    fn show(&mut self, millisecond: u64) {
        for (number, next) in &mut self.showing {
            let Some(seat) = self.seats.get_mut(*number) else { continue };
            if seat.caller.state() != State::Connected {
                continue;
            }
            let at = unix_micros();
            let now = Duration::from_micros(at.unsigned_abs());
            if let Some(line) = &mut seat.caller.pictures {
                let (due, _) = picture_clock(line.rate(), *number, millisecond);
                if due >= *next
                    && let Some(sender) = &mut line.sender
                {
                    sender.picture(due, now, at);
                    *next = due + 1;
                }
            }
            for _ in 0..PACKETS_A_MS {
                let Some(length) = seat.caller.picture_packet(now, &mut self.room) else { break };
                if !self.chance.happens(self.line.loss_up) {
                    send(seat, &self.progress, &self.room[..length]);
                }
            }
        }
    }

    fn tell_of_pictures(&mut self, number: usize, millisecond: u64) {
        let Some(seat) = self.seats.get_mut(number) else { return };
        let Some(rate) = seat.caller.pictures.as_ref().map(PictureLine::rate) else { return };
        let (picture, due) = picture_clock(rate, number, millisecond);
        let clock = (picture, self.began + i64::try_from(due).unwrap_or(i64::MAX) * 1_000);
        if let Some(length) = seat.caller.picture_feedback(unix_micros(), clock, &mut self.room) {
            send(seat, &self.progress, &self.room[..length]);
        }
    }

    fn report(&mut self, number: usize, frame: u64) {
        let seat = &mut self.seats[number];
        if let Some(length) = seat.caller.report(unix_micros(), timestamp(frame), &mut self.room) {
            send(seat, &self.progress, &self.room[..length]);
        }
    }
}

fn send(seat: &mut Seat, progress: &Progress, packet: &[u8]) {
    let Some(remote) = seat.caller.remote() else { return };
    if seat.connected != Some(remote) && seat.socket.connect(remote).is_ok() {
        seat.connected = Some(remote);
    }
    match seat.socket.send(packet) {
        Ok(_) => {
            progress.sent.fetch_add(1, Ordering::Relaxed);
        }
        Err(_) => seat.unsent += 1,
    }
}

/// The media clock of all callers, in samples at 48 kHz.
const fn timestamp(frame: u64) -> u32 {
    (frame as u32).wrapping_mul(960)
}

/// The number of the picture of a caller that was due last, and when, in ms. Callers take turns between two pictures.
fn picture_clock(rate: u32, caller: usize, millisecond: u64) -> (u64, u64) {
    let rate = u64::from(rate.max(1));
    let phase = caller as u64 * 7 % (1_000 / rate);
    let number = millisecond.saturating_sub(phase) * rate / 1_000;
    (number, phase + (number * 1_000).div_ceil(rate))
}

/// Sends what ICE and DTLS want sent. What the system does not take they send again.
fn flush(seat: &mut Seat) {
    while let Some((to, datagram)) = seat.caller.poll_datagram() {
        let _ = seat.socket.send_to(&datagram, to);
    }
}
