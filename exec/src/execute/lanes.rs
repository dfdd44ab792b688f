//! Puts the chunks of several workers in order while they come.
//!
//! ```text
//!   worker 0:  0 1 2 3         ─┐  smallest of the last numbers: 5
//!   worker 1:  4 5             ─┼─>  handed out: 0 1 2 3 4 5     held: 8 9
//!   worker 2:  8 9             ─┘
//! ```
//!
//! The numbers of each worker only grow ([`Source::ascending`](crate::pipeline::Source::ascending)), so nothing below the
//! smallest of the last ones can come any more. A worker that has brought nothing yet holds everything back; one that
//! comes later takes up what nobody had taken before, so it brings larger numbers than what was handed out.

use std::collections::VecDeque;

use rsql_expr::Chunk;

/// What workers have brought and cannot be handed out yet.
#[derive(Default)]
pub(super) struct Lanes(Vec<Lane>);

#[derive(Default)]
struct Lane {
    held: VecDeque<Chunk>,
    /// Number of the last chunk.
    last: Option<u64>,
    done: bool,
}

impl Lanes {
    /// A place for a worker that has not begun.
    pub(super) fn open(&mut self) -> usize {
        self.0.push(Lane::default());
        self.0.len() - 1
    }

    /// Takes a chunk of a worker; `hand_out` gets what is in order now.
    pub(super) fn push(&mut self, lane: usize, chunk: Chunk, hand_out: impl FnMut(Chunk)) {
        let lane = &mut self.0[lane];
        debug_assert!(
            lane.last.is_none_or(|last| last <= chunk.sequence),
            "a worker's numbers only grow"
        );
        lane.last = Some(chunk.sequence);
        lane.held.push_back(chunk);
        self.release(hand_out);
    }

    /// The worker brings no more.
    pub(super) fn close(&mut self, lane: usize, hand_out: impl FnMut(Chunk)) {
        self.0[lane].done = true;
        self.release(hand_out);
    }

    fn release(&mut self, mut hand_out: impl FnMut(Chunk)) {
        let open = self.0.iter().filter(|l| !l.done);
        // None is below every number: that worker may bring anything.
        let limit = open.map(|l| l.last).min().unwrap_or(Some(u64::MAX));
        loop {
            let heads = self.0.iter_mut().filter(|l| !l.held.is_empty());
            let Some(lane) = heads.min_by_key(|l| l.held.front().map(|c| c.sequence)) else {
                return;
            };
            if lane.held.front().map(|c| c.sequence) > limit {
                return;
            }
            lane.held.pop_front().into_iter().for_each(&mut hand_out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(sequence: u64) -> Chunk {
        Chunk::new(Vec::new(), 1).with_sequence(sequence)
    }

    #[test]
    fn chunks_come_in_order_as_soon_as_nothing_smaller_can() {
        let mut lanes = Lanes::default();
        let mut out = Vec::new();
        let (a, b) = (lanes.open(), lanes.open());
        let mut step = |lanes: &mut Lanes, lane, sequence: Option<u64>, want: &[u64]| {
            out.clear();
            match sequence {
                Some(s) => lanes.push(lane, chunk(s), |c| out.push(c.sequence)),
                None => lanes.close(lane, |c| out.push(c.sequence)),
            }
            assert_eq!(out, want);
        };
        step(&mut lanes, a, Some(0), &[]);
        step(&mut lanes, a, Some(1), &[]);
        step(&mut lanes, b, Some(4), &[0, 1]);
        step(&mut lanes, b, Some(4), &[]);
        step(&mut lanes, a, Some(8), &[4, 4]);
        // One that comes later brings larger numbers, and until then holds back.
        let c = lanes.open();
        step(&mut lanes, b, Some(9), &[]);
        step(&mut lanes, b, None, &[]);
        step(&mut lanes, c, Some(12), &[8]);
        step(&mut lanes, a, None, &[9, 12]);
        step(&mut lanes, c, None, &[]);
    }

    #[test]
    fn a_worker_without_rows_holds_back_until_it_is_done() {
        let mut lanes = Lanes::default();
        let mut out = Vec::new();
        let (a, b) = (lanes.open(), lanes.open());
        lanes.push(a, chunk(3), |c| out.push(c.sequence));
        lanes.close(a, |c| out.push(c.sequence));
        assert!(out.is_empty());
        lanes.close(b, |c| out.push(c.sequence));
        assert_eq!(out, [3]);
    }
}
