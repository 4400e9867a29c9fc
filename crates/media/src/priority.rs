//! The precedence of a shard's thread over everything else on the machine: packets that come late have been lost to scheduling, hardly
//! ever to work. And how those yield that compose pictures, which is work that can wait.
//!
//! What the threads do never lives here. A raised one must sleep between looks: one that spins takes a core from everyone.

use std::sync::Once;

use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue,
    ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tracing::info;

/// In the lower part of the scale (1 to 99): before all ordinary threads, behind those that the machine itself depends on.
const PRIORITY: u8 = 10;

/// Asks for real-time scheduling of the calling thread (`SCHED_FIFO`). That is for privileged processes, or those with
/// `LimitRTPRIO`; where it is refused, that is said once, and the thread goes on as it is.
pub(crate) fn raise() {
    static SAID: Once = Once::new();
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let raised =
        ThreadPriorityValue::try_from(PRIORITY).map_err(|error| error.to_owned()).and_then(|value| {
            set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(value), policy)
                .map_err(|error| format!("{error:?}"))
        });
    if let Err(error) = raised {
        SAID.call_once(|| {
            info!(
                error,
                "no real-time scheduling: when other programs keep the processor busy, sound may be late (systemd: LimitRTPRIO=10)"
            );
        });
    }
}

/// Lets the calling thread yield to all others (`SCHED_OTHER`, nice(2) 19), whatever it inherited: a thread begins with the scheduling of
/// the one that made it. Where that is refused, which is nowhere known, it goes on as it is.
pub(crate) fn lower() {
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy) {
        info!(error = format!("{error:?}"), "a thread that composes pictures does not yield to others");
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use thread_priority::thread_schedule_policy;

    use super::*;

    #[test]
    fn who_is_made_by_a_raised_thread_yields_all_the_same() {
        let raised = thread::spawn(|| {
            raise();
            let made = thread::spawn(|| {
                lower();
                thread_schedule_policy()
            });
            (thread_schedule_policy(), made.join().unwrap())
        });
        let (raised, made) = raised.join().unwrap();
        // Where nobody may be raised there is nothing to inherit.
        let ordinary = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        let real_time = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        assert!(raised == Ok(real_time) || raised == Ok(ordinary), "{raised:?}");
        assert_eq!(made, Ok(ordinary));
    }
}
