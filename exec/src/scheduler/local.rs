//! A worker's view of a pipeline.

use std::ops::Range;
use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::Chunk;

use super::Branch;
use crate::pipeline::{Flow, LocalOperator, LocalSink, LocalSource, Output, Source, SourceStatus, TaskContext};

/// Local source and branches of one worker.
pub(crate) struct LocalChain {
    source: Option<Box<dyn LocalSource>>,
    branches: Vec<LocalBranch>,
}

/// Local operators and sink.
struct LocalBranch {
    operators: Vec<Box<dyn LocalOperator>>,
    sink: Box<dyn LocalSink>,
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A morsel is done, more may come.
    MorselDone,
    /// The source has nothing at present.
    Blocked,
    /// Nothing more from this phase's source for this worker.
    Drained,
}

/// The part of a pipeline that runs between two barriers: a source and the operators it starts with.
#[derive(Clone)]
pub(crate) struct Phase {
    pub source: Arc<dyn Source>,
    /// What takes the rows, by the source's own count of branches.
    pub spans: Vec<Span>,
}

/// Operators of a branch in a phase.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub branch: usize,
    /// First operator that the source's rows pass.
    pub first: usize,
    /// Operators `first..flush_to` are flushed when the source is drained.
    pub flush_to: usize,
}

impl LocalChain {
    /// Opens operators and sink.
    pub fn open(branches: &[Branch], cx: &Arc<TaskContext>) -> Result<Self> {
        let open = |b: &Branch| {
            Ok(LocalBranch {
                operators: b.operators.iter().map(|o| o.open(cx)).collect::<Result<_>>()?,
                sink: b.sink.open(cx)?,
            })
        };
        Ok(Self {
            source: None,
            branches: branches.iter().map(open).collect::<Result<_>>()?,
        })
    }

    /// Runs one morsel of a phase; flushes, and combines after the last phase, when the source is drained. A source
    /// known to be `exhausted` is not opened any more.
    pub fn step(&mut self, phase: &Phase, last: bool, exhausted: bool, cx: &Arc<TaskContext>) -> Result<Step> {
        if self.source.is_none() && !exhausted {
            self.source = Some(phase.source.open(cx)?);
        }
        while let Some(source) = &mut self.source {
            cx.cancel.check()?;
            match source.next()? {
                SourceStatus::Chunk(chunk) => {
                    let at = source.branch();
                    let span = phase.spans[at];
                    let mut rest = self.branches[span.branch].from(span.first);
                    if rest.push(chunk)? == Flow::Stop && source.leave(at) == Flow::Stop {
                        break;
                    }
                }
                SourceStatus::MorselDone => return Ok(Step::MorselDone),
                SourceStatus::Blocked => return Ok(Step::Blocked),
                SourceStatus::Finished => break,
            }
        }
        self.source = None;
        for span in &phase.spans {
            self.branches[span.branch].flush(span.first..span.flush_to)?;
        }
        if last {
            for branch in &mut self.branches {
                branch.sink.combine()?;
            }
        }
        Ok(Step::Drained)
    }
}

impl LocalBranch {
    fn from(&mut self, first: usize) -> Rest<'_> {
        Rest {
            operators: &mut self.operators[first..],
            sink: self.sink.as_mut(),
        }
    }

    fn flush(&mut self, operators: Range<usize>) -> Result<()> {
        for i in operators {
            let (head, tail) = self.operators.split_at_mut(i + 1);
            let mut rest = Rest {
                operators: tail,
                sink: self.sink.as_mut(),
            };
            head[i].flush(&mut rest)?;
        }
        Ok(())
    }
}

/// What follows an operator: the next ones and the sink.
struct Rest<'a> {
    operators: &'a mut [Box<dyn LocalOperator>],
    sink: &'a mut dyn LocalSink,
}

impl Output for Rest<'_> {
    fn push(&mut self, chunk: Chunk) -> Result<Flow> {
        if chunk.rows() == 0 {
            return Ok(Flow::Continue);
        }
        match self.operators.split_first_mut() {
            Some((op, operators)) => op.push(
                chunk,
                &mut Rest {
                    operators,
                    sink: self.sink,
                },
            ),
            None => self.sink.sink(chunk),
        }
    }
}
