//! What each condition says to the user. `<name>` stands for a parameter; a condition without a line here lists its
//! parameters.

use std::borrow::Cow;

/// Lines `CONDITION<TAB>text`.
const TEMPLATES: &str = include_str!("messages.tsv");

/// The message of `condition` with `params` filled in.
pub(super) fn compose(condition: &str, params: &[(Cow<'static, str>, String)]) -> String {
    let Some(template) = template_of(condition) else {
        let listed: Vec<String> = params.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        return if listed.is_empty() {
            "The statement failed.".into()
        } else {
            format!("{}.", listed.join(", "))
        };
    };
    let mut text = template.to_string();
    for (k, v) in params {
        text = text.replace(&format!("<{k}>"), v);
    }
    text
}

fn template_of(condition: &str) -> Option<&'static str> {
    TEMPLATES
        .lines()
        .filter_map(|l| l.split_once('\t'))
        .find(|(name, _)| *name == condition)
        .map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_parameters() {
        let text = compose(
            "DIVIDE_BY_ZERO",
            &[("config".into(), "\"spark.sql.ansi.enabled\"".into())],
        );
        assert!(
            text.contains("zero") && text.contains("spark.sql.ansi.enabled"),
            "{text}"
        );
    }

    #[test]
    fn unknown_conditions_list_their_parameters() {
        assert_eq!(compose("SOMETHING_ELSE", &[("a".into(), "1".into())]), "a: 1.");
    }
}
