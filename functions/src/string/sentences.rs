//! `sentences`: words by sentence, at Unicode's boundaries.

use std::sync::Arc;

use arrow::array::{ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field};
use rsql_expr::function::{ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{ScalarFn, SqlType};
use unicode_segmentation::UnicodeSegmentation;

use super::{Definitions, doc, texts_like_first};
use crate::kernel::{StrCol, custom};

pub(super) const ALL: Definitions = &[&SENTENCES];

/// `sentences(str[, language[, country]])`
static SENTENCES: ScalarFn = ScalarFn {
    nulls: NullRule::Custom,
    ..custom(
        "sentences",
        &[],
        doc(
            "sentences(str[, language[, country]])",
            "Words of each sentence.",
            "SELECT sentences('Hi there! Good morning.')",
        ),
        Signature::optional(
            &[TypeSpec::String, TypeSpec::String, TypeSpec::String],
            1,
            ReturnType::Of(|args, cx| Ok(SqlType::array_of(texts_like_first(args, cx)?, false))),
        ),
        |args| {
            let values = StrCol::of(args, 0)?;
            let word = Arc::new(Field::new("item", DataType::Utf8View, true));
            let sentence = Arc::new(Field::new("item", DataType::List(Arc::clone(&word)), true));
            let words = ListBuilder::new(StringViewBuilder::new()).with_field(word);
            let mut builder = ListBuilder::new(words).with_field(sentence);
            for row in 0..args.rows {
                let Some(text) = values.get(row) else {
                    builder.append(false);
                    continue;
                };
                for sentence in text.unicode_sentences() {
                    for word in sentence.unicode_words() {
                        builder.values().values().append_value(word);
                    }
                    builder.values().append(true);
                }
                builder.append(true);
            }
            Ok(Arc::new(builder.finish()))
        },
    )
};
