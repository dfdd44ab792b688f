//! Buckets: which rows of a table lie in which of its files.
//!
//! A table `CLUSTERED BY (k) INTO n BUCKETS` has each row in a file of the bucket that the hash of its `k` names, and the
//! file's name says the bucket: `part-…_00003.c000.snappy.parquet`. Who reads files by bucket has equal keys in one place.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::FileSource;

/// How a source's files were bucketed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// Positions of the bucket columns among the source's columns, in the order of CLUSTERED BY.
    pub columns: Arc<[usize]>,
    /// Buckets of the table.
    pub count: u32,
    /// The buckets that are read, where pruning left some only.
    pub kept: Option<Arc<[u32]>>,
}

impl Buckets {
    /// How many buckets are read.
    pub fn n_kept(&self) -> usize {
        self.kept.as_ref().map_or(self.count as usize, |kept| kept.len())
    }
}

impl FileSource {
    /// The buckets, if the name of every file says a bucket that the table has. Without that nobody knows what is in the
    /// files: they are read like those of any table.
    pub fn sound_buckets(&self) -> Option<&Buckets> {
        let buckets = self.buckets.as_ref()?;
        let sound = |path: &str| bucket_of(path).is_some_and(|b| b < buckets.count);
        self.files.iter().all(|f| sound(&f.path)).then_some(buckets)
    }
}

/// The end of a file's name that says its bucket, of the task's `file`-th file there.
pub fn bucket_suffix(bucket: u32, file: usize) -> String {
    format!("_{bucket:05}.c{file:03}")
}

/// The bucket that a file's name says: the last `_` with nothing but digits up to a dot or the end.
pub fn bucket_of(path: &str) -> Option<u32> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let number = |at: usize| {
        let rest = &name[at + 1..];
        let digits = rest.split_once('.').map_or(rest, |(digits, _)| digits);
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok())
    };
    name.rmatch_indices('_').find_map(|(at, _)| number(at))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_their_bucket() {
        for (path, bucket) in [
            ("/t/part-00000-59cb011e_00007.c000.snappy.parquet", Some(7)),
            ("part-1-2_a_00012.c000.csv", Some(12)),
            ("x_3", Some(3)),
            ("x_3_y.c", None),
            ("/t_00004/part-0.parquet", None),
            ("part-00000-59cb011e.c000.snappy.parquet", None),
            ("_.parquet", None),
            ("x_99999999999.parquet", None),
        ] {
            assert_eq!(bucket_of(path), bucket, "{path}");
        }
        assert_eq!(bucket_of(&format!("part{}.csv", bucket_suffix(42, 0))), Some(42));
    }
}
