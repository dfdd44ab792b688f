//! Whether many queries leave anything behind: what is held after them, against what was held after the first of them.

use super::process::Held;
use super::soak::Sample;

/// Threads and descriptors that may come on top: the system and runtimes hand them out in small lots and take them back when
/// they see fit.
const LOT: u64 = 4;
/// Memory that may come on top of the first half's, in percent of it and in bytes: the allocator keeps pages for a while.
const MEMORY_PERCENT: u64 = 20;
const MEMORY_BYTES: u64 = 32 << 20;

/// What has grown, in words. The first sample was taken before any query, the second one when all was warm.
pub fn growth(samples: &[Sample]) -> Vec<String> {
    let [_, warm, rest @ ..] = samples else {
        return vec!["too few samples".into()];
    };
    let Some(last) = rest.last() else {
        return vec!["too few samples".into()];
    };
    let mut grown = Vec::new();
    let (first_half, second_half) = samples[1..].split_at(samples.len() / 2);
    type Of = fn(&Sample) -> &Held;
    let parts: [(&str, Of); 2] = [("master", |s| &s.master), ("executors", |s| &s.executors)];
    for (name, of) in parts {
        let (warm, last) = (of(warm), of(last));
        for (what, before, after, lot) in [
            ("threads", warm.threads, last.threads, LOT),
            ("descriptors", warm.descriptors, last.descriptors, LOT),
            ("files", warm.files, last.files, 0),
            ("folders", warm.folders, last.folders, 0),
        ] {
            if after > before + lot {
                grown.push(format!("{name}: {after} {what} instead of {before}"));
            }
        }
        let most = |half: &[Sample]| half.iter().map(|s| of(s).memory).max().unwrap_or(0);
        let (before, after) = (most(first_half), most(second_half));
        if after > before + before / 100 * MEMORY_PERCENT + MEMORY_BYTES {
            grown.push(format!("{name}: {} MiB instead of {} MiB", after >> 20, before >> 20));
        }
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn samples(held: &[Held]) -> Vec<Sample> {
        let sample = |(i, executors): (usize, &Held)| Sample {
            queries: i,
            elapsed: Duration::ZERO,
            master: Held::default(),
            executors: *executors,
        };
        held.iter().enumerate().map(sample).collect()
    }

    #[test]
    fn warming_up_is_no_growth() {
        let held = Held {
            memory: 200 << 20,
            threads: 40,
            descriptors: 50,
            files: 2,
            folders: 3,
            ..Held::default()
        };
        assert_eq!(
            growth(&samples(&[Held::default(), held, held, held])),
            Vec::<String>::new()
        );
        let more = Held {
            memory: 300 << 20,
            threads: 45,
            descriptors: 55,
            files: 3,
            folders: 4,
            ..held
        };
        let grown = growth(&samples(&[Held::default(), held, held, held, more]));
        assert_eq!(
            grown,
            [
                "executors: 45 threads instead of 40",
                "executors: 55 descriptors instead of 50",
                "executors: 3 files instead of 2",
                "executors: 4 folders instead of 3",
                "executors: 300 MiB instead of 200 MiB",
            ]
        );
        assert_eq!(growth(&samples(&[held])), ["too few samples"]);
    }
}
