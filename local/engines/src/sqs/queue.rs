//! One queue's working state: which message waits, which is delayed, which is out with a consumer and until when.
//!
//! Pure and synchronous: the caller passes the time, keeps the lock and writes the journal. A message is in exactly
//! one place at a time, and every way from one place to another is a method here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::Notify;

use super::message::{Payload, Seq};
use super::rotation::{GroupId, Rotation};
use super::settings::Settings;

/// A queue: its settings, its messages, and the bell for those who wait for one.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) created_ms: u64,
    /// Rung when a message becomes visible or when waiting consumers must reckon their time anew.
    pub(crate) arrivals: Arc<Notify>,
    messages: HashMap<Seq, Message>,
    rotation: Rotation,
    /// Not visible before the time, by time.
    delayed: BTreeSet<(u64, Seq)>,
    /// Out with a consumer until the time, by time.
    leased: BTreeSet<(u64, Seq)>,
}

/// A message in a queue.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) group_id: Option<GroupId>,
    /// None: only on disk (see the book's memory budget).
    pub(crate) payload: Option<Arc<Payload>>,
    pub(crate) payload_bytes: usize,
    pub(crate) sent_ms: u64,
    pub(crate) first_received_ms: Option<u64>,
    pub(crate) receive_count: u64,
    /// The last lease this process gave for it; 0 = none yet.
    pub(crate) lease: u64,
    /// The queue it was moved away from as a dead letter.
    pub(crate) origin: Option<String>,
    place: Place,
}

/// Where in its queue a message is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Waiting,
    DelayedUntil(u64),
    LeasedUntil(u64),
}

/// The three numbers of `GetQueueAttributes`. Ours are exact.
#[derive(Debug, PartialEq)]
pub(crate) struct Counts {
    pub(crate) visible: usize,
    pub(crate) delayed: usize,
    pub(crate) in_flight: usize,
}

/// On what terms messages are handed out.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) count: usize,
    pub(crate) now_ms: u64,
    /// End of the leases.
    pub(crate) until_ms: u64,
    /// Messages sent before are dropped unread.
    pub(crate) sent_after_ms: u64,
    /// None: there are no dead letters.
    pub(crate) receives_max: Option<u64>,
}

/// What became of the messages whose turn it was.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    pub(crate) leased: Vec<Seq>,
    pub(crate) expired: Vec<(Seq, Message)>,
    pub(crate) dead: Vec<(Seq, Message)>,
}

enum Fate {
    HandOut,
    Expired,
    Dead,
}

impl Message {
    /// A message as it is sent.
    pub(crate) fn new(
        group_id: Option<GroupId>,
        payload: Option<Arc<Payload>>,
        payload_bytes: usize,
        sent_ms: u64,
    ) -> Self {
        Self {
            group_id,
            payload,
            payload_bytes,
            sent_ms,
            first_received_ms: None,
            receive_count: 0,
            lease: 0,
            origin: None,
            place: Place::Waiting,
        }
    }

    /// Whether a consumer has it now.
    pub(crate) fn is_leased(&self) -> bool {
        matches!(self.place, Place::LeasedUntil(_))
    }

    fn fate(&self, terms: &Terms) -> Fate {
        if self.sent_ms < terms.sent_after_ms {
            return Fate::Expired;
        }
        match terms.receives_max {
            Some(receives_max) if self.receive_count >= receives_max => Fate::Dead,
            _ => Fate::HandOut,
        }
    }
}

impl Queue {
    pub(crate) fn new(id: u32, name: String, settings: Settings, created_ms: u64) -> Self {
        Self {
            id,
            name,
            settings,
            created_ms,
            arrivals: Arc::new(Notify::new()),
            messages: HashMap::new(),
            rotation: Rotation::default(),
            delayed: BTreeSet::new(),
            leased: BTreeSet::new(),
        }
    }

    /// Takes a message in, visible from `visible_ms` on, and rings the bell.
    pub(crate) fn add(&mut self, seq: Seq, mut message: Message, visible_ms: u64, now_ms: u64) {
        message.place = Place::Waiting;
        if visible_ms <= now_ms {
            self.rotation.push(seq, message.group_id.as_ref());
            self.messages.insert(seq, message);
            self.arrivals.notify_one();
            return;
        }
        message.place = Place::DelayedUntil(visible_ms);
        self.messages.insert(seq, message);
        self.delayed.insert((visible_ms, seq));
        self.wake_if_first(&(visible_ms, seq));
    }

    /// Lets time pass: delays that are over and leases that ran out make their messages visible.
    pub(crate) fn settle(&mut self, now_ms: u64) {
        while let Some((_, seq)) = self.delayed.first().copied().filter(|(until, _)| *until <= now_ms) {
            self.show(seq);
        }
        while let Some((_, seq)) = self.leased.first().copied().filter(|(until, _)| *until <= now_ms) {
            self.show(seq);
        }
    }

    /// Takes up to `terms.count` messages in turn for a consumer. What may not be handed out any more leaves the queue.
    pub(crate) fn pick(&mut self, terms: &Terms, last_lease: &mut u64) -> Picked {
        let mut picked = Picked::default();
        while picked.leased.len() < terms.count {
            let Some(seq) = self.pop() else { break };
            let Some(message) = self.messages.get(&seq) else { continue };
            match message.fate(terms) {
                Fate::HandOut => {
                    *last_lease += 1;
                    self.lease(seq, *last_lease, terms);
                    picked.leased.push(seq);
                }
                Fate::Expired => picked.expired.extend(self.drop_popped(seq)),
                Fate::Dead => picked.dead.extend(self.drop_popped(seq)),
            }
        }
        if self.counts().visible > 0 {
            // The bell rings once for each of many arrivals, but one consumer may have answered for several.
            self.arrivals.notify_one();
        }
        picked
    }

    /// Takes every visible message out, in turn, to be put elsewhere.
    pub(crate) fn drain_visible(&mut self) -> Vec<(Seq, Message)> {
        let mut drained = Vec::new();
        while let Some(seq) = self.pop() {
            drained.extend(self.drop_popped(seq));
        }
        drained
    }

    /// Takes a message out, wherever it is.
    pub(crate) fn remove(&mut self, seq: Seq) -> Option<Message> {
        let message = self.messages.remove(&seq)?;
        if self.leave_place(seq, message.place) {
            self.rotation.release(message.group_id.as_ref());
        }
        Some(message)
    }

    /// Moves the end of a lease; `until_ms` not after `now_ms` makes the message visible at once.
    pub(crate) fn extend_lease(&mut self, seq: Seq, until_ms: u64, now_ms: u64) {
        if until_ms <= now_ms {
            self.show(seq);
            return;
        }
        let Some(message) = self.messages.get_mut(&seq) else { return };
        let before = std::mem::replace(&mut message.place, Place::LeasedUntil(until_ms));
        self.leave_place(seq, before);
        self.leased.insert((until_ms, seq));
    }

    /// Forgets every message and gives back what was forgotten.
    pub(crate) fn clear(&mut self) -> Vec<Message> {
        self.rotation = Rotation::default();
        self.delayed.clear();
        self.leased.clear();
        std::mem::take(&mut self.messages).into_values().collect()
    }

    pub(crate) fn message(&self, seq: Seq) -> Option<&Message> {
        self.messages.get(&seq)
    }

    pub(crate) fn intern(&self, group_id: &str) -> GroupId {
        self.rotation.intern(group_id)
    }

    pub(crate) fn counts(&self) -> Counts {
        let (delayed, in_flight) = (self.delayed.len(), self.leased.len());
        Counts { visible: self.messages.len() - delayed - in_flight, delayed, in_flight }
    }

    /// When the next delay is over.
    pub(crate) fn next_delayed_ms(&self) -> Option<u64> {
        self.delayed.first().map(|(until, _)| *until)
    }

    /// The next message in turn; it counts as in flight until it is leased or dropped, one of which follows at once.
    fn pop(&mut self) -> Option<Seq> {
        self.rotation.pop(|seq| self.messages.contains_key(&seq))
    }

    /// Hands a popped message out: counts the receive and hides it.
    fn lease(&mut self, seq: Seq, lease: u64, terms: &Terms) {
        let Some(message) = self.messages.get_mut(&seq) else { return };
        message.receive_count += 1;
        message.first_received_ms.get_or_insert(terms.now_ms);
        message.lease = lease;
        message.place = Place::LeasedUntil(terms.until_ms);
        self.leased.insert((terms.until_ms, seq));
    }

    fn drop_popped(&mut self, seq: Seq) -> Option<(Seq, Message)> {
        let message = self.messages.remove(&seq)?;
        self.rotation.release(message.group_id.as_ref());
        Some((seq, message))
    }

    /// Puts a delayed or leased message at the end of its line.
    fn show(&mut self, seq: Seq) {
        let Some(message) = self.messages.get_mut(&seq) else { return };
        let before = std::mem::replace(&mut message.place, Place::Waiting);
        let group_id = message.group_id.clone();
        if self.leave_place(seq, before) {
            self.rotation.release(group_id.as_ref());
        }
        self.rotation.push(seq, group_id.as_ref());
        self.arrivals.notify_one();
    }

    /// Takes the message out of the timed sets; true if it was leased.
    fn leave_place(&mut self, seq: Seq, place: Place) -> bool {
        match place {
            Place::Waiting => false,
            Place::DelayedUntil(until) => {
                self.delayed.remove(&(until, seq));
                false
            }
            Place::LeasedUntil(until) => self.leased.remove(&(until, seq)),
        }
    }

    /// Waiting consumers sleep until the first delay they know of; an earlier one must reach them all, since any of
    /// them may give up before it is over. Leases ring no bell: a poll looks again every second while there are any.
    fn wake_if_first(&self, delayed: &(u64, Seq)) {
        if self.delayed.first() == Some(delayed) {
            self.arrivals.notify_waiters();
        }
    }
}
