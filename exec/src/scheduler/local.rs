//! A worker's view of a pipeline.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::Chunk;

use crate::pipeline::{
    Flow, LocalOperator, LocalSink, LocalSource, Operator, Output, Sink, Source, SourceStatus, TaskContext,
};

/// Local source, operators and sink of one worker.
pub(crate) struct LocalChain {
    source: Option<Box<dyn LocalSource>>,
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
    /// First operator that the source's rows pass.
    pub first: usize,
    /// Operators `first..flush_to` are flushed when the source is drained.
    pub flush_to: usize,
}

impl LocalChain {
    /// Opens operators and sink.
    pub fn open(operators: &[Arc<dyn Operator>], sink: &dyn Sink, cx: &Arc<TaskContext>) -> Result<Self> {
        Ok(Self {
            source: None,
            operators: operators.iter().map(|o| o.open(cx)).collect::<Result<_>>()?,
            sink: sink.open(cx)?,
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
                    let mut rest = Rest {
                        operators: &mut self.operators[phase.first..],
                        sink: self.sink.as_mut(),
                    };
                    if rest.push(chunk)? == Flow::Stop {
                        break;
                    }
                }
                SourceStatus::MorselDone => return Ok(Step::MorselDone),
                SourceStatus::Blocked => return Ok(Step::Blocked),
                SourceStatus::Finished => break,
            }
        }
        self.source = None;
        for i in phase.first..phase.flush_to {
            let (head, tail) = self.operators.split_at_mut(i + 1);
            let mut rest = Rest {
                operators: tail,
                sink: self.sink.as_mut(),
            };
            head[i].flush(&mut rest)?;
        }
        if last {
            self.sink.combine()?;
        }
        Ok(Step::Drained)
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
