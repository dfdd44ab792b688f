//! TABLESAMPLE: keeps a random part of the rows.
//!
//! A row's number is drawn from the seed, the chunk's place in the source and the row's place in the chunk, so the
//! same seed keeps the same rows however many workers there are.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::Chunk;
use rsql_planner::physical::Sample;

use crate::build::Builder;
use crate::pipeline::{Chain, Flow, LocalOperator, Operator, Output, TaskContext};

pub(crate) fn build(node: &Sample, b: &mut Builder) -> Result<Chain> {
    let chain = b.chain(&node.input)?;
    Ok(chain.then(Arc::new(SampleOperator {
        lower: node.lower,
        upper: node.upper,
        seed: node.seed,
    })))
}

#[derive(Clone)]
struct SampleOperator {
    lower: f64,
    upper: f64,
    seed: u64,
}

impl Operator for SampleOperator {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(self.clone()))
    }
}

impl LocalOperator for SampleOperator {
    fn push(&mut self, mut input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        let base = mix(self.seed ^ mix(input.sequence));
        let positions = (0..input.rows() as u32)
            .filter(|row| {
                let draw = (mix(base.wrapping_add(u64::from(*row))) >> 11) as f64 / (1u64 << 53) as f64;
                draw >= self.lower && draw < self.upper
            })
            .collect::<Vec<u32>>();
        input.select(positions);
        out.push(input)
    }
}

/// Finalizer of the SplitMix64 generator.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
