//! Whose message comes next: the fair turn among message groups.
//!
//! SQS calls a standard queue with message group ids a fair queue: a tenant with a large backlog must not delay the
//! others. Here that is one rule: **of the groups with a waiting message, the one with the fewest messages in flight
//! goes first, and among equals the one that has waited longest for its turn.** After its turn a group goes to the end.
//!
//! * A group with 10,000 waiting messages delays another group's single message by at most one turn of every group.
//! * A group whose consumers are slow (many in flight) yields to the others, and is never starved for good: when its
//!   messages come back it has fewest in flight and the oldest turn.
//! * A message without a group id is a tenant of its own, with nothing in flight.
//!
//! Pure bookkeeping: no clock, no messages, only their numbers. A number that was deleted while it waited stays in its
//! line and is passed over when its turn comes, since looking for it would cost more than stepping over it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::message::Seq;

/// A `MessageGroupId`, shared by the messages that carry it.
pub(crate) type GroupId = Arc<str>;

/// The order of turns of one queue.
#[derive(Debug, Default)]
pub(crate) struct Rotation {
    /// Those with something waiting, by (messages in flight, number of the turn). Turn numbers are unique.
    ready: BTreeMap<(u32, u64), Turn>,
    /// Groups with something waiting or in flight; others are forgotten.
    groups: HashMap<GroupId, Group>,
    turns_given: u64,
}

#[derive(Debug)]
enum Turn {
    Group(GroupId),
    Single(Seq),
}

#[derive(Debug, Default)]
struct Group {
    waiting: VecDeque<Seq>,
    in_flight: u32,
    turn: u64,
}

impl Rotation {
    /// A message became visible: it goes to the end of its group's line.
    pub(crate) fn push(&mut self, seq: Seq, group_id: Option<&GroupId>) {
        let turn = self.new_turn();
        let Some(group_id) = group_id else {
            self.ready.insert((0, turn), Turn::Single(seq));
            return;
        };
        let group = self.groups.entry(Arc::clone(group_id)).or_default();
        if group.waiting.is_empty() {
            group.turn = turn;
            self.ready.insert((group.in_flight, turn), Turn::Group(Arc::clone(group_id)));
        }
        group.waiting.push_back(seq);
    }

    /// Takes the next message that `is_waiting` still knows and counts it as in flight for its group.
    pub(crate) fn pop(&mut self, is_waiting: impl Fn(Seq) -> bool) -> Option<Seq> {
        loop {
            let (_, turn) = self.ready.pop_first()?;
            let taken = match turn {
                Turn::Single(seq) => Some(seq).filter(|seq| is_waiting(*seq)),
                Turn::Group(group_id) => self.pop_of_group(group_id, &is_waiting),
            };
            if taken.is_some() {
                return taken;
            }
        }
    }

    /// A message of the group is no longer in flight: deleted, moved away, or about to wait again.
    pub(crate) fn release(&mut self, group_id: Option<&GroupId>) {
        let Some(group_id) = group_id else { return };
        let Some(group) = self.groups.get_mut(group_id) else { return };
        let key = (group.in_flight, group.turn);
        group.in_flight = group.in_flight.saturating_sub(1);
        if group.waiting.is_empty() {
            self.forget_if_idle(group_id);
        } else if let Some(turn) = self.ready.remove(&key) {
            self.ready.insert((group.in_flight, group.turn), turn);
        }
    }

    /// The shared form of a group id.
    pub(crate) fn intern(&self, group_id: &str) -> GroupId {
        self.groups.get_key_value(group_id).map_or_else(|| GroupId::from(group_id), |(known, _)| Arc::clone(known))
    }

    fn pop_of_group(&mut self, group_id: GroupId, is_waiting: &impl Fn(Seq) -> bool) -> Option<Seq> {
        let next_turn = self.new_turn();
        let group = self.groups.get_mut(&group_id)?;
        let taken = std::iter::from_fn(|| group.waiting.pop_front()).find(|seq| is_waiting(*seq));
        group.in_flight += u32::from(taken.is_some());
        if group.waiting.is_empty() {
            self.forget_if_idle(&group_id);
        } else {
            group.turn = next_turn;
            self.ready.insert((group.in_flight, next_turn), Turn::Group(group_id));
        }
        taken
    }

    fn forget_if_idle(&mut self, group_id: &GroupId) {
        if self.groups.get(group_id).is_some_and(|group| group.in_flight == 0 && group.waiting.is_empty()) {
            self.groups.remove(group_id);
        }
    }

    fn new_turn(&mut self) -> u64 {
        self.turns_given += 1;
        self.turns_given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> GroupId {
        GroupId::from(name)
    }

    #[track_caller]
    fn check(rotation: &mut Rotation, expected: &[Seq]) {
        let popped: Vec<_> = expected.iter().map_while(|_| rotation.pop(|_| true)).collect();
        assert_eq!(popped, expected);
    }

    #[test]
    fn groups_take_turns() {
        let mut rotation = Rotation::default();
        for seq in 1..=4 {
            rotation.push(seq, Some(&group("loud")));
        }
        rotation.push(5, Some(&group("quiet")));
        rotation.push(6, None);
        check(&mut rotation, &[1, 5, 6, 2, 3, 4]);
        assert_eq!(rotation.pop(|_| true), None);
    }

    #[test]
    fn fewer_in_flight_goes_first() {
        let mut rotation = Rotation::default();
        for seq in 1..=5 {
            rotation.push(seq, Some(&group("slow")));
        }
        check(&mut rotation, &[1, 2]);
        for seq in 6..=8 {
            rotation.push(seq, Some(&group("quick")));
        }
        check(&mut rotation, &[6]);
        rotation.release(Some(&group("quick")));
        check(&mut rotation, &[7]);
        rotation.release(Some(&group("slow")));
        rotation.release(Some(&group("slow")));
        check(&mut rotation, &[3, 8, 4]);
    }

    #[test]
    fn deleted_messages_are_passed_over_and_idle_groups_forgotten() {
        let mut rotation = Rotation::default();
        for seq in 1..=3 {
            rotation.push(seq, Some(&group("a")));
        }
        assert_eq!(rotation.pop(|seq| seq == 3), Some(3));
        assert_eq!(rotation.groups.len(), 1);
        rotation.release(Some(&group("a")));
        assert!(rotation.groups.is_empty());
    }
}
