//! Records out and in: what is stored of the machine, and a machine made of what was stored.
//!
//! What a record holds never lives here: each type is its own record.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Focus;
use crate::conference::Conference;
use crate::config::Config;
use crate::direct::DirectRoom;
use crate::id::RoomKey;
use crate::leg::Leg;
use crate::migrate::Migration;
use crate::record::{FORMAT, FocusRecord, RecordKey, RestoreError};
use crate::routes::Purpose;
use crate::time::Timestamp;
use crate::timer::TimerKind;

/// A leg's record names its group room, since the conference's record does not list its legs.
#[derive(Serialize, Deserialize)]
struct StoredLeg<L> {
    group: RoomKey,
    leg: L,
}

impl Focus {
    /// A machine that goes on where the one went that wrote these records; a new one if there are none. Records of an older
    /// format are made into today's. Afterwards tell it [`Input::EngineLost`](crate::Input::EngineLost), unless the media engine
    /// lived on.
    ///
    /// # Errors
    ///
    /// When the records are of a newer format, or damaged; see [`RestoreError`].
    pub fn restore(
        config: Config,
        seed: u64,
        now: Timestamp,
        records: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, RestoreError> {
        let mut machine = Self::new(config, seed, now);
        let mut parsed = Vec::new();
        for (name, bytes) in records {
            let key = RecordKey::parse(&name).ok_or_else(|| RestoreError::Unknown { key: name.clone() })?;
            parsed.push((key, name, bytes));
        }
        if parsed.is_empty() {
            return Ok(machine);
        }
        // The record `focus` is the first: the format of all others is in it.
        parsed.sort_by(|a, b| a.0.cmp(&b.0));
        let mut parsed = parsed.into_iter().peekable();
        let Some((_, name, bytes)) = parsed.next_if(|(key, ..)| *key == RecordKey::Focus) else {
            return Err(RestoreError::NoFocus);
        };
        let migration = machine.restore_focus(&name, &bytes)?;
        let mut legs: BTreeMap<RoomKey, Vec<Leg>> = BTreeMap::new();
        let mut conferences: Vec<Conference> = Vec::new();
        for (key, name, bytes) in parsed {
            if migration.from < FORMAT {
                machine.core.changed(key.clone());
            }
            let record = Record { key: &key, name: &name, bytes: &bytes, migration: &migration };
            match &key {
                RecordKey::Focus => {}
                RecordKey::Conference(_) => conferences.push(record.read()?),
                RecordKey::Direct(room) => machine.restore_direct(room.clone(), record.read()?),
                RecordKey::Bot(room) => machine.restore_bot_room(room.clone(), record.read()?),
                RecordKey::Ended(number) => machine.routes.calls.restore(*number, record.read()?),
                RecordKey::Early(number) => machine.routes.early.restore(*number, record.read()?),
                RecordKey::Name(number) => machine.routes.names.restore(*number, record.read()?),
                RecordKey::Deeds(member) => machine.core.restore_deeds(member.clone(), record.read()?),
                RecordKey::Leave(request) => machine.core.restore_departure(*request, record.read()?),
                RecordKey::Leg(_) => {
                    let StoredLeg { group, leg } = record.read()?;
                    legs.entry(group).or_default().push(leg);
                }
            }
        }
        for conference in conferences {
            let legs = legs.remove(&conference.group).unwrap_or_default();
            let conference = conference.restored(legs, &mut machine.core, &mut machine.routes);
            machine.conferences.insert(conference);
        }
        machine.plan_to_forget();
        Ok(machine)
    }

    /// Takes up what belongs to no one conference, and tells the format of the other records.
    fn restore_focus(&mut self, name: &str, bytes: &[u8]) -> Result<Migration, RestoreError> {
        let malformed = |source| RestoreError::Malformed { key: name.into(), source };
        let record: FocusRecord = serde_json::from_slice(bytes).map_err(malformed)?;
        match record.format {
            0 => return Err(RestoreError::NeverInUse { found: 0 }),
            1..=FORMAT => {}
            found => return Err(RestoreError::Newer { found, known: FORMAT }),
        }
        self.core.now = self.core.now.max(record.now);
        self.core.counters = record.counters;
        let direct_idle = self.core.config.direct_idle;
        Ok(Migration { from: record.format, now: self.core.now, direct_idle })
    }

    fn restore_direct(&mut self, room: RoomKey, direct: DirectRoom) {
        for (focus, door) in &direct.doors {
            if let Some(request) = door.joining {
                let purpose = Purpose::JoinDirect { room: room.clone(), focus: focus.clone() };
                self.routes.requests.insert(request, purpose);
            }
        }
        self.core.timers.set(TimerKind::DirectIdle(room.clone()), direct.until);
        self.routes.directs.insert(room, direct);
    }

    /// What is to be stored under a name; `None`: nothing any more.
    pub(super) fn record(&self, key: &RecordKey) -> Option<Vec<u8>> {
        match key {
            RecordKey::Focus => {
                let counters = self.core.counters.clone();
                Some(write(&FocusRecord { format: FORMAT, now: self.core.now, counters }))
            }
            RecordKey::Conference(group) => self.conferences.of(group).map(write),
            RecordKey::Direct(room) => self.routes.directs.get(room).map(write),
            RecordKey::Bot(room) => self.routes.bots.get(room).map(write),
            RecordKey::Ended(number) => self.routes.calls.ended(*number).map(write),
            RecordKey::Early(number) => self.routes.early.get(*number).map(write),
            RecordKey::Name(number) => self.routes.names.get(*number).map(write),
            RecordKey::Deeds(member) => self.core.deeds(member).map(write),
            RecordKey::Leave(request) => self.core.departures.get(*request).map(write),
            RecordKey::Leg(id) => {
                let conference = self.conferences.get(self.core.conference_of(*id)?)?;
                let leg = conference.legs.get(id)?;
                Some(write(&StoredLeg { group: conference.group.clone(), leg }))
            }
        }
    }
}

/// A record as it was stored.
struct Record<'a> {
    key: &'a RecordKey,
    name: &'a str,
    bytes: &'a [u8],
    migration: &'a Migration,
}

impl Record<'_> {
    fn read<T: DeserializeOwned>(&self) -> Result<T, RestoreError> {
        let malformed = |source| RestoreError::Malformed { key: self.name.into(), source };
        if self.migration.from == FORMAT {
            return serde_json::from_slice(self.bytes).map_err(malformed);
        }
        let mut value = serde_json::from_slice(self.bytes).map_err(malformed)?;
        self.migration.apply(self.key, &mut value);
        serde_json::from_value(value).map_err(malformed)
    }
}

/// JSON, since an operator may want to read it. Our own records have string keys and no failing serialisers, the two things
/// that `serde_json` can fail with; should it all the same, the record is left empty and refused by name at the next start.
fn write<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
